//! Tokens to a tree, with the rules of each use of the language. Nested at most [`DEPTH_MAX`] deep, so that
//! no text exhausts the stack.

use std::collections::BTreeMap;

use super::lexer::{Token, tokens};
use super::{Comparison, Expression, QUERY_BYTES_MAX, Subject};

/// Parentheses inside each other at most.
const DEPTH_MAX: usize = 16;
/// Different tags in a query at most.
const SUBJECTS_MAX: usize = 10;

/// Which of the two uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// `where`.
    Search,
    /// `x-ms-if-tags`.
    Condition,
}

/// The query that `text` says, or why it says none.
pub(super) fn parse(text: &str, syntax: Syntax) -> Result<Expression, String> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(format!("it is longer than {QUERY_BYTES_MAX} bytes"));
    }
    let mut parser = Parser {
        tokens: tokens(text)?.into_iter().peekable(),
        syntax,
        seen: BTreeMap::new(),
    };
    let parsed = parser.any(0)?;
    match parser.tokens.next() {
        None => Ok(parsed),
        Some(token) => Err(format!("{token:?} is left over")),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    syntax: Syntax,
    /// What each subject was compared with so far.
    seen: BTreeMap<Subject, Vec<Comparison>>,
}

impl Parser {
    fn any(&mut self, depth: usize) -> Result<Expression, String> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("OR") {
            if self.syntax == Syntax::Search {
                return Err("OR is for conditions".to_owned());
            }
            parts.push(self.all(depth)?);
        }
        Ok(list(parts, Expression::Any, |part| match part {
            Expression::Any(inner) => Ok(inner),
            other => Err(other),
        }))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, String> {
        let mut parts = vec![self.term(depth)?];
        while self.takes("AND") {
            parts.push(self.term(depth)?);
        }
        Ok(list(parts, Expression::All, |part| match part {
            Expression::All(inner) => Ok(inner),
            other => Err(other),
        }))
    }

    fn term(&mut self, depth: usize) -> Result<Expression, String> {
        if self.tokens.next_if_eq(&Token::Open).is_none() {
            return self.comparison();
        }
        if depth == DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} parentheses are open"));
        }
        let inner = self.any(depth + 1)?;
        match self.tokens.next_if_eq(&Token::Close) {
            Some(_) => Ok(inner),
            None => Err("a ) is missing".to_owned()),
        }
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let subject = match self.tokens.next() {
            Some(Token::Word(word)) => self.word(word)?,
            Some(Token::Name(name)) => Subject::Tag(name),
            _ => return Err("the name of a tag is missing".to_owned()),
        };
        let Some(Token::Compare(comparison)) = self.tokens.next() else {
            return Err(format!("a comparison with {subject} is missing"));
        };
        let Some(Token::Value(value)) = self.tokens.next() else {
            return Err(format!("a value for {subject} in single quotes is missing"));
        };
        self.check(&subject, comparison)?;
        Ok(Expression::Compare(subject, comparison, value))
    }

    fn word(&self, word: String) -> Result<Subject, String> {
        match word.strip_prefix('@') {
            None => Ok(Subject::Tag(word)),
            Some("container") if self.syntax == Syntax::Search => Ok(Subject::Container),
            Some(_) => Err(format!("{word} is not known here")),
        }
    }

    /// A search compares a tag once, or with both ends of a range.
    fn check(&mut self, subject: &Subject, comparison: Comparison) -> Result<(), String> {
        let before = self.seen.entry(subject.clone()).or_default();
        let again = !before.is_empty();
        let equality = comparison == Comparison::Equal || before.contains(&Comparison::Equal);
        before.push(comparison);
        if self.seen.len() > SUBJECTS_MAX {
            return Err(format!("it names more than {SUBJECTS_MAX} tags"));
        }
        if self.syntax == Syntax::Condition {
            return Ok(());
        }
        match (subject, comparison) {
            (_, Comparison::NotEqual) => Err("<> is for conditions".to_owned()),
            (Subject::Container, _) if comparison != Comparison::Equal => {
                Err("@container is compared with = only".to_owned())
            }
            _ if again && equality => Err(format!("{subject} is compared with = and once more")),
            _ => Ok(()),
        }
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_it = |token: &Token| matches!(token, Token::Word(found) if found.eq_ignore_ascii_case(word));
        self.tokens.next_if(is_it).is_some()
    }
}

/// One part as it is, several as a list without lists of the same kind inside.
fn list(
    parts: Vec<Expression>,
    join: fn(Vec<Expression>) -> Expression,
    open: fn(Expression) -> Result<Vec<Expression>, Expression>,
) -> Expression {
    let mut flat: Vec<_> = parts
        .into_iter()
        .flat_map(|part| open(part).unwrap_or_else(|other| vec![other]))
        .collect();
    match flat.pop() {
        Some(only) if flat.is_empty() => only,
        last => {
            flat.extend(last);
            join(flat)
        }
    }
}
