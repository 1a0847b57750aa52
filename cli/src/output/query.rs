//! `--query`: JMESPath (jmespath.org) on a result, before it is printed.

use jmespath::ast::Ast;
use jmespath::{Expression, Variable};
use serde_json::Value;

use super::error::Failure;

/// A parsed query.
#[derive(Debug)]
pub(crate) struct Query {
    expression: Expression<'static>,
    columns: Vec<String>,
}

impl Query {
    /// Parses a query; one that does not parse is wrong usage.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let expression = jmespath::compile(text).map_err(|error| bad_query(text, &error))?;
        let columns = hash_keys(expression.as_ast());
        Ok(Self { expression, columns })
    }

    /// Runs the query on a result; a wrong type or number of arguments is wrong usage.
    pub(crate) fn apply(&self, value: Value) -> Result<Value, Failure> {
        let text = self.expression.as_str();
        let value = Variable::try_from(value).map_err(|error| bad_query(text, &error))?;
        let found = self
            .expression
            .search(value)
            .map_err(|error| bad_query(text, &error))?;
        serde_json::to_value(&*found)
            .map(integers)
            .map_err(|error| Failure::usage("InvalidQuery", error))
    }

    /// The keys of a final `{a: x, b: y}` as they were written, which is the order of columns.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }
}

/// JMESPath numbers may come back as floating point: `length(@)` is 3 and not 3.0.
fn integers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float)
                if !number.is_i64() && !number.is_u64() && float.fract() == 0.0 && float.abs() < 1e15 =>
            {
                Value::from(float as i64)
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(integers).collect(),
        Value::Object(map) => map.into_iter().map(|(key, item)| (key, integers(item))).collect(),
        other => other,
    }
}

fn hash_keys(ast: &Ast) -> Vec<String> {
    match ast {
        Ast::MultiHash { elements, .. } => elements.iter().map(|pair| pair.key.clone()).collect(),
        Ast::Projection { rhs, .. } | Ast::Subexpr { rhs, .. } => hash_keys(rhs),
        Ast::Condition { then, .. } => hash_keys(then),
        Ast::Flatten { node, .. } | Ast::ObjectValues { node, .. } => hash_keys(node),
        Ast::Function { args, .. } => args
            .iter()
            .map(hash_keys)
            .find(|keys| !keys.is_empty())
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn bad_query(text: &str, error: &dyn std::fmt::Display) -> Failure {
    let reason = error.to_string();
    let reason = reason.lines().next().unwrap_or_default();
    Failure::usage("InvalidQuery", format!("--query '{text}': {reason}"))
        .hint("Write a JMESPath query, such as --query '[-1].kid'; see https://jmespath.org.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(query: &str, want: &Value) {
        let versions = json!([{"kid": "a/1", "on": true, "n": 1}, {"kid": "a/2", "on": false, "n": 2}]);
        assert_eq!(
            &Query::parse(query).unwrap().apply(versions).unwrap(),
            want,
            "{query}"
        );
    }

    #[test]
    fn queries_pick() {
        check("[-1].kid", &json!("a/2"));
        check("[?on].n", &json!([1]));
        check("length(@)", &json!(2));
        check("[0].missing", &json!(null));
        check(
            "[].{name: kid, n: n}",
            &json!([{"name": "a/1", "n": 1}, {"name": "a/2", "n": 2}]),
        );
    }

    #[test]
    fn columns_keep_their_written_order() {
        assert_eq!(Query::parse("[].{z: kid, a: n}").unwrap().columns(), ["z", "a"]);
        assert!(Query::parse("[].kid").unwrap().columns().is_empty());
    }

    #[test]
    fn bad_queries_are_wrong_usage() {
        assert_eq!(Query::parse("[.").unwrap_err().exit_code(), 2);
        let unknown = Query::parse("nonsense(@)").unwrap();
        assert_eq!(unknown.apply(json!({})).unwrap_err().exit_code(), 2);
    }
}
