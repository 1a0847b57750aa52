//! Tables: the top-level values of a result, one row an item, headings with a capital, as `az -o table` has
//! them.

use comfy_table::{ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle};
use serde_json::Value;

use super::ordered_keys;

/// Columns that say nothing to a reader of a table, left out unless a query asks for them.
const LEFT_OUT: [&str; 3] = ["etag", "id", "type"];

const PLAIN: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none().junction(' '))
    .header_separator(LineStyle::none().fill('-').junction(' '))
    .content_lines(ContentLineStyle::none().junction(' '));

/// Renders a result; with a query its columns come in the order written and none is left out.
pub(super) fn render(value: &Value, columns: Option<&[String]>) -> String {
    let rows: Vec<Vec<(String, String)>> = match value {
        Value::Array(items) => items.iter().map(|item| row(item, columns)).collect(),
        other => vec![row(other, columns)],
    };
    let mut headings: Vec<String> = Vec::new();
    for (heading, _) in rows.iter().flatten() {
        if !headings.contains(heading) {
            headings.push(heading.clone());
        }
    }
    let cells = rows
        .iter()
        .map(|row| headings.iter().map(|heading| cell_of(row, heading)).collect());
    plain(&headings, cells.collect())
}

/// Draws a table without borders; empty when there is no column.
pub(crate) fn plain(headings: &[String], rows: Vec<Vec<String>>) -> String {
    if headings.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table
        .load_style(PLAIN)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column
            .set_padding((0, 1))
            .set_constraint(ColumnConstraint::ContentWidth);
    }
    table.trim_fmt() + "\n"
}

fn row(value: &Value, columns: Option<&[String]>) -> Vec<(String, String)> {
    match value {
        Value::Object(map) => ordered_keys(map, columns.unwrap_or_default())
            .into_iter()
            .filter(|key| columns.is_some() || !LEFT_OUT.contains(key))
            .filter_map(|key| Some((capital(key), scalar(map.get(key)?)?)))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter_map(|(position, item)| Some((format!("Column{}", position + 1), scalar(item)?)))
            .collect(),
        other => scalar(other)
            .map(|text| ("Result".to_owned(), text))
            .into_iter()
            .collect(),
    }
}

fn cell_of(row: &[(String, String)], heading: &str) -> String {
    row.iter()
        .find(|(name, _)| name == heading)
        .map(|(_, text)| text.clone())
        .unwrap_or_default()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(truth) => Some(if *truth { "True" } else { "False" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn capital(key: &str) -> String {
    let mut letters = key.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: &Value, columns: Option<&[&str]>, want: &[&str]) {
        let columns: Option<Vec<String>> =
            columns.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        let text = render(value, columns.as_deref());
        assert_eq!(text.lines().map(str::trim_end).collect::<Vec<_>>(), want);
    }

    #[test]
    fn top_level_values_become_columns() {
        let vaults = json!([{"name": "v1", "id": "x", "properties": {}, "location": "eastus"}, {"name": "v22", "on": true}]);
        check(
            &vaults,
            None,
            &[
                "Location  Name  On",
                "--------- ----- -----",
                "eastus    v1",
                "          v22   True",
            ],
        );
    }

    #[test]
    fn queries_keep_their_order_and_their_ids() {
        check(
            &json!([{"a": 1, "id": "x"}]),
            Some(&["id", "a"]),
            &["Id  A", "--- --", "x   1"],
        );
        check(
            &json!([["k", 2048]]),
            Some(&[]),
            &["Column1  Column2", "-------- --------", "k        2048"],
        );
        check(&json!("x"), None, &["Result", "-------", "x"]);
        check(&json!([]), None, &[]);
    }
}
