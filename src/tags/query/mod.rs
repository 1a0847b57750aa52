//! The language of `where` (find blobs by tags) and `x-ms-if-tags` (conditions): comparisons of tags with
//! values, joined by AND; in conditions also by OR, and with `<>`.
//!
//! ```text
//! query      = all *( "OR" all )                     OR in conditions only
//! all        = term *( "AND" term )                  binds tighter than OR
//! term       = "(" query ")" / comparison
//! comparison = name ( "=" / ">" / ">=" / "<" / "<=" / "<>" ) value
//! name       = letters, digits, "_"  /  any text between double quotes  /  "@container" in searches
//! value      = any text between single quotes; a quote inside is written twice
//! ```
//! AND and OR are written in any case. Values compare byte by byte. A comparison with a tag that the blob
//! does not have is false, also `<>`.

mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use parser::Syntax;

/// Bytes of a query at most.
const QUERY_BYTES_MAX: usize = 8 << 10;

/// What a comparison is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Tag(String),
    Container,
}

/// How a comparison compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    NotEqual,
}

/// A query as a tree. Lists have at least two members, none of the list's own kind.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expression {
    Compare(Subject, Comparison, String),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// A search for blobs by their tags: comparisons joined by AND.
///
/// ```
/// use strongroom::TagQuery;
/// let query: TagQuery = "Status = 'done' AND @container = 'reports'".parse()?;
/// assert_eq!(query.to_string(), "\"Status\" = 'done' AND @container = 'reports'");
/// assert_eq!("a <> 'b'".parse::<TagQuery>().unwrap_err().code(), "InvalidQueryParameterValue");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagQuery(Expression);

/// A condition on the tags of a blob, as in `x-ms-if-tags`: comparisons joined by AND and OR.
///
/// ```
/// use strongroom::TagCondition;
/// let condition: TagCondition = "Status <> 'done' OR (Owner = 'Ada' AND Status = 'late')".parse()?;
/// assert_eq!("@container = 'c'".parse::<TagCondition>().unwrap_err().code(), "InvalidHeaderValue");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCondition(Expression);

/// Tags as records keep them: names and values.
type Pairs = [(String, String)];

impl TagQuery {
    /// True if a blob of that container has the tags that are asked for.
    pub(crate) fn holds(&self, container: &str, tags: &Pairs) -> bool {
        self.0.holds(container, tags)
    }

    /// The container that a blob must be in, if the query names one.
    pub(crate) fn container(&self) -> Option<&str> {
        let parts = match &self.0 {
            Expression::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        parts.iter().find_map(|part| match part {
            Expression::Compare(Subject::Container, Comparison::Equal, name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The tags that the query names and the blob has: what a search shows of it.
    pub(crate) fn named<'t>(&self, tags: &'t Pairs) -> impl Iterator<Item = &'t (String, String)> {
        let mut names = Vec::new();
        self.0.collect_names(&mut names);
        tags.iter().filter(move |(name, _)| names.contains(name))
    }
}

impl TagCondition {
    /// True if a blob with these tags meets the condition.
    pub(crate) fn holds(&self, tags: &Pairs) -> bool {
        self.0.holds("", tags)
    }
}

impl Expression {
    fn holds(&self, container: &str, tags: &Pairs) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(container, tags)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(container, tags)),
            Self::Compare(Subject::Container, comparison, value) => comparison.holds(container, value),
            Self::Compare(Subject::Tag(wanted), comparison, value) => tags
                .iter()
                .find(|(name, _)| name == wanted)
                .is_some_and(|(_, found)| comparison.holds(found, value)),
        }
    }

    fn collect_names(&self, names: &mut Vec<String>) {
        match self {
            Self::Compare(Subject::Tag(name), ..) => names.push(name.clone()),
            Self::Compare(Subject::Container, ..) => {}
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.collect_names(names));
            }
        }
    }

    /// Prints a member of a list; `inside` is true within one of the other kind.
    fn print(&self, f: &mut fmt::Formatter<'_>, inside: bool) -> fmt::Result {
        let (parts, word) = match self {
            Self::Compare(subject, comparison, value) => {
                return write!(f, "{subject} {comparison} '{}'", value.replace('\'', "''"));
            }
            Self::All(parts) => (parts, " AND "),
            Self::Any(parts) => (parts, " OR "),
        };
        let (open, close) = if inside { ("(", ")") } else { ("", "") };
        f.write_str(open)?;
        for (index, part) in parts.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { word })?;
            part.print(f, true)?;
        }
        f.write_str(close)
    }
}

impl Comparison {
    fn holds(self, found: &str, value: &str) -> bool {
        let order = found.as_bytes().cmp(value.as_bytes());
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::NotEqual => order != Ordering::Equal,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::NotEqual => "<>",
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(name) => write!(f, "\"{}\"", name.replace('"', "\"\"")),
            Self::Container => f.write_str("@container"),
        }
    }
}

macro_rules! text_like {
    ($name:ident, $syntax:expr, $code:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.print(f, false)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let parsed = parser::parse(text, $syntax).map(Self);
                parsed.map_err(|reason| Error::invalid($code, format!("{text:?} is no query: {reason}")))
            }
        }
    };
}

text_like!(TagQuery, Syntax::Search, "InvalidQueryParameterValue");
text_like!(TagCondition, Syntax::Condition, "InvalidHeaderValue");
