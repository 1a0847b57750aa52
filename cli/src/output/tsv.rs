//! Tab-separated values as `az` prints them, because scripts depend on every detail.
//!
//! A list is one line an item, anything else one line. A bare boolean is `true` or `false`, one inside a row
//! `True` or `False`; null inside a row is `None`; a nested list is its length and a nested object is empty.

use serde_json::Value;

use super::ordered_keys;

/// Renders a result; `columns` orders the values of objects.
pub(super) fn render(value: &Value, columns: &[String]) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| line(item, columns)).collect(),
        other => line(other, columns),
    }
}

fn line(value: &Value, columns: &[String]) -> String {
    let cells: Vec<String> = match value {
        Value::Array(items) => items.iter().map(cell).collect(),
        Value::Object(map) => ordered_keys(map, columns)
            .into_iter()
            .filter_map(|key| map.get(key))
            .map(cell)
            .collect(),
        Value::Bool(truth) => vec![truth.to_string()],
        other => vec![cell(other)],
    };
    cells.join("\t") + "\n"
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.len().to_string(),
        Value::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: &Value, columns: &[&str], want: &str) {
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        assert_eq!(render(value, &columns), want);
    }

    #[test]
    fn values_print_as_in_az() {
        check(&json!("https://v/keys/k/1"), &[], "https://v/keys/k/1\n");
        check(&json!(true), &[], "true\n");
        check(&json!(12), &[], "12\n");
        check(&json!(["a", "b"]), &[], "a\nb\n");
        check(&json!([]), &[], "");
        check(
            &json!([["a", null, true], [1, [1, 2], {"x": 1}]]),
            &[],
            "a\tNone\tTrue\n1\t2\t\n",
        );
        check(&json!({"b": 2, "a": 1}), &[], "1\t2\n");
        check(&json!({"b": 2, "a": 1}), &["b", "a"], "2\t1\n");
    }
}
