//! JSON as `az` prints it: two spaces of indent, keys in alphabetical order, a newline at the end.

use serde_json::Value;

const KEY: &str = "\x1b[94m";
const TEXT: &str = "\x1b[33m";
const NUMBER: &str = "\x1b[32m";
const WORD: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// Renders without colour.
pub(super) fn render(value: &Value) -> String {
    let mut text = format!("{value:#}");
    text.push('\n');
    text
}

/// Renders with the colours of a terminal.
pub(super) fn render_coloured(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let lines = items.iter().map(|item| (None, item));
            write_block(('[', ']'), lines, depth, out);
        }
        Value::Object(map) if !map.is_empty() => {
            let lines = map.iter().map(|(key, item)| (Some(key), item));
            write_block(('{', '}'), lines, depth, out);
        }
        Value::String(_) => paint(TEXT, value, out),
        Value::Number(_) => paint(NUMBER, value, out),
        Value::Bool(_) | Value::Null => paint(WORD, value, out),
        Value::Array(_) | Value::Object(_) => out.push_str(&value.to_string()),
    }
}

fn write_block<'v>(
    brackets: (char, char),
    lines: impl Iterator<Item = (Option<&'v String>, &'v Value)>,
    depth: usize,
    out: &mut String,
) {
    out.push(brackets.0);
    for (position, (key, item)) in lines.enumerate() {
        out.push_str(if position == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        if let Some(key) = key {
            paint(KEY, &Value::String(key.clone()), out);
            out.push_str(": ");
        }
        write(item, depth + 1, out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(brackets.1);
}

fn paint(colour: &str, value: &Value, out: &mut String) {
    out.push_str(&format!("{colour}{value}{PLAIN}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_indented_by_two() {
        assert_eq!(
            render(&json!({"b": [1, true], "a": {}})),
            "{\n  \"a\": {},\n  \"b\": [\n    1,\n    true\n  ]\n}\n"
        );
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let value = json!({"a": [1, "x", null, {"c": false}], "b": {}, "d": []});
        let plain: String = [KEY, TEXT, NUMBER, WORD, PLAIN]
            .iter()
            .fold(render_coloured(&value), |text, code| text.replace(code, ""));
        assert_eq!(plain, render(&value));
    }
}
