//! What a command leaves on standard output, and how a failure is told on standard error.
//!
//! Results go to standard output only, in the format asked for; everything else goes to standard error.

pub(crate) mod error;
mod json;
mod query;
pub(crate) mod table;
mod tsv;

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::args::GlobalArgs;
use crate::args::global::OutputFormat;
use error::Failure;
use query::Query;

/// Formats results: the format and the query, checked before the command runs.
#[derive(Debug)]
pub(crate) struct Printer {
    format: OutputFormat,
    query: Option<Query>,
}

impl Printer {
    /// Reads the output options; a query that does not parse is wrong usage.
    pub(crate) fn new(global: &GlobalArgs) -> Result<Self, Failure> {
        let query = global.query.as_deref().map(Query::parse).transpose()?;
        Ok(Self {
            format: global.output.unwrap_or(OutputFormat::Json),
            query,
        })
    }

    /// Prints a result; like `az`, prints nothing for null. `view` is the table of a result that has its own.
    pub(crate) fn print(&self, value: Value, view: Option<View>) -> Result<(), Failure> {
        let (value, columns) = match (&self.query, view) {
            (Some(query), _) => (query.apply(value)?, Some(query.columns().to_vec())),
            (None, Some(view)) if self.format == OutputFormat::Table => (
                viewed(&value, view),
                Some(view.iter().map(|(heading, _)| (*heading).to_owned()).collect()),
            ),
            (None, _) => (value, None),
        };
        if value.is_null() {
            return Ok(());
        }
        write_out(&self.render(&value, columns.as_deref()))
    }

    fn render(&self, value: &Value, columns: Option<&[String]>) -> String {
        match self.format {
            OutputFormat::Json => json::render(value),
            OutputFormat::Jsonc if io::stdout().is_terminal() => json::render_coloured(value),
            OutputFormat::Jsonc => json::render(value),
            OutputFormat::Table => table::render(value, columns),
            OutputFormat::Tsv => tsv::render(value, columns.unwrap_or_default()),
            OutputFormat::None => String::new(),
        }
    }
}

/// The columns of a table: headings, and JSON pointers (RFC 6901) into a result or each of its items.
pub(crate) type View = &'static [(&'static str, &'static str)];

/// A result with only the columns of a view.
fn viewed(value: &Value, view: View) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| viewed(item, view)).collect(),
        Value::Object(_) => {
            let cell = |pointer| value.pointer(pointer).cloned().unwrap_or_default();
            view.iter()
                .map(|(heading, pointer)| ((*heading).to_owned(), cell(pointer)))
                .collect()
        }
        other => other.clone(),
    }
}

/// Writes text to standard output.
pub(crate) fn write_out(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// The outcome of writing to standard output; a reader that went away is no failure.
pub(crate) fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::io("writing the result", &error)),
    }
}

/// The keys of an object, in the order of `columns` first and then by name.
fn ordered_keys<'v>(object: &'v serde_json::Map<String, Value>, columns: &[String]) -> Vec<&'v str> {
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_by_key(|key| {
        (
            columns
                .iter()
                .position(|column| column == key)
                .unwrap_or(usize::MAX),
            *key,
        )
    });
    keys
}
