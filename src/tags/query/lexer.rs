//! Text to tokens.

use super::Comparison;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters, digits, `_`; a leading `@`. Also AND and OR.
    Word(String),
    /// Between double quotes.
    Name(String),
    /// Between single quotes.
    Value(String),
    Compare(Comparison),
    Open,
    Close,
}

/// The tokens of `text`, or what is wrong with it.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut rest = text.trim_start();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, after) = next(first, rest)?;
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn next(first: char, text: &str) -> Result<(Token, &str), String> {
    match first {
        '(' => Ok((Token::Open, text.get(1..).unwrap_or_default())),
        ')' => Ok((Token::Close, text.get(1..).unwrap_or_default())),
        '"' => quoted(text, '"').map(|(name, rest)| (Token::Name(name), rest)),
        '\'' => quoted(text, '\'').map(|(value, rest)| (Token::Value(value), rest)),
        '=' | '<' | '>' => Ok(comparison(text)),
        _ => word(first, text),
    }
}

fn comparison(text: &str) -> (Token, &str) {
    // The longer ones first: `>` begins `>=`, too.
    let all = [
        (">=", Comparison::GreaterOrEqual),
        ("<=", Comparison::LessOrEqual),
        ("<>", Comparison::NotEqual),
        (">", Comparison::Greater),
        ("<", Comparison::Less),
    ];
    let found = all
        .into_iter()
        .find_map(|(sign, comparison)| Some((comparison, text.strip_prefix(sign)?)));
    let (comparison, rest) = found.unwrap_or((Comparison::Equal, text.get(1..).unwrap_or_default()));
    (Token::Compare(comparison), rest)
}

fn word(first: char, text: &str) -> Result<(Token, &str), String> {
    let is_inner = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if !is_inner(first) && first != '@' {
        return Err(format!("{first:?} does not belong here"));
    }
    let past = text.char_indices().skip(1).find(|(_, letter)| !is_inner(*letter));
    let (word, rest) = text.split_at(past.map_or(text.len(), |(index, _)| index));
    Ok((Token::Word(word.to_owned()), rest))
}

/// What stands between two quotes, a doubled one being one of the text.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut inner = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((index, letter)) = letters.next() {
        if letter != quote {
            inner.push(letter);
        } else if letters.next_if(|(_, next)| *next == quote).is_some() {
            inner.push(quote);
        } else {
            return Ok((inner, text.get(index + 1..).unwrap_or_default()));
        }
    }
    Err(format!("a {quote} is missing"))
}
