//! Tags as `x-ms-tags` has them: `name=value&name2=value2`, each part percent-encoded (WHATWG URL, section
//! application/x-www-form-urlencoded).

use std::fmt;
use std::str::FromStr;

use super::Tags;
use crate::error::{Error, Result};

/// Bytes of the header at most: 10 tags whose every character takes three bytes, and what is between them.
const HEADER_BYTES_MAX: usize = 12 << 10;

impl FromStr for Tags {
    type Err = Error;

    /// Reads the header form; an empty text is no tags.
    fn from_str(text: &str) -> Result<Self> {
        if text.len() > HEADER_BYTES_MAX {
            return Err(Error::invalid("TagsTooLarge", "a blob has at most 10 tags"));
        }
        let mut tags = Self::new();
        for pair in text.split('&').filter(|_| !text.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| malformed(pair))?;
            let (name, value) = (decode(name), decode(value));
            let (Some(name), Some(value)) = (name, value) else {
                return Err(malformed(pair));
            };
            tags.insert(&name, &value)?;
        }
        Ok(tags)
    }
}

impl fmt::Display for Tags {
    /// The header form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.iter().enumerate() {
            let between = if index == 0 { "" } else { "&" };
            write!(f, "{between}{}={}", Encoded(name), Encoded(value))?;
        }
        Ok(())
    }
}

/// Text with every byte percent-encoded that RFC 3986 does not call unreserved.
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn malformed(pair: &str) -> Error {
    Error::invalid(
        "InvalidHeaderValue",
        format!("{pair:?} is not the name and value of a tag"),
    )
    .hint("give name=value pairs separated by &, percent-encoded")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_header_form_is_read_as_a_browser_reads_it() {
        let told = |text: &str| match text.parse::<Tags>() {
            Ok(tags) => tags
                .iter()
                .map(|(name, value)| format!("[{name}|{value}]"))
                .collect(),
            Err(error) => error.code().to_owned(),
        };
        for (text, want) in [
            ("", ""),
            ("a=1", "[a|1]"),
            ("b=&a=x+y%2Bz", "[a|x y+z][b|]"),
            ("a=b=c", "[a|b=c]"),
            ("a", "InvalidHeaderValue"),
            ("a=1&", "InvalidHeaderValue"),
            ("a=%4", "InvalidHeaderValue"),
            ("a=%zz", "InvalidHeaderValue"),
            ("a=%ff", "InvalidHeaderValue"),
            ("=1", "EmptyTagName"),
            ("a=1&%61=2", "DuplicateTagNames"),
            ("a=%26", "InvalidTag"),
        ] {
            assert_eq!(told(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            pairs in prop::collection::btree_map("[aZ09 +./:=_-]{1,12}", "[aZ09 +./:=_-]{0,12}", 0..10)
        ) {
            let mut tags = Tags::new();
            for (name, value) in &pairs {
                tags.insert(name, value).unwrap();
            }
            prop_assert_eq!(tags.to_string().parse::<Tags>().unwrap(), tags);
        }

        #[test]
        fn any_text_is_tags_or_an_error(text in "\\PC{0,40}") {
            let _ = text.parse::<Tags>();
        }
    }
}
