//! Index tags of blobs: what they may be, their form in a header, and the language that asks for them.
//!
//! The rules are those of Azure's "Set Blob Tags" and "Find Blobs by Tags". Tags lie in the account's sealed
//! tree beside the blob's other properties, so they are set, read and searched without the customer's key.

mod form;
pub(crate) mod query;

pub use query::{TagCondition, TagQuery};

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Tags of a blob at most.
const TAGS_MAX: usize = 10;
/// Characters of a tag's name at most.
const NAME_CHARS_MAX: usize = 128;
/// Characters of a tag's value at most.
const VALUE_CHARS_MAX: usize = 256;

/// Up to 10 names with values, both case-sensitive. Names have 1 to 128 characters, values 0 to 256, all of
/// letters, digits, space and `+ - . / : = _`.
///
/// ```
/// use strongroom::Tags;
/// let mut tags = Tags::new();
/// tags.insert("Project", "Contoso")?;
/// assert_eq!(tags.get("Project"), Some("Contoso"));
/// assert_eq!(tags.insert("Project", "again").unwrap_err().code(), "DuplicateTagNames");
/// assert_eq!(tags.insert("a&b", "").unwrap_err().code(), "InvalidTag");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// No tags.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tag.
    ///
    /// # Errors
    /// 400: `EmptyTagName`; `TagsTooLarge` for an eleventh tag and for a name or value that is too long;
    /// `InvalidTag` for another character; `DuplicateTagNames`. Nothing is added then.
    pub fn insert(&mut self, name: &str, value: &str) -> Result<()> {
        if name.is_empty() {
            return Err(Error::invalid("EmptyTagName", "The name of a tag is empty."));
        }
        check_text("name", name, NAME_CHARS_MAX)?;
        check_text("value", value, VALUE_CHARS_MAX)?;
        if self.0.contains_key(name) {
            let message = format!("two tags have the name {name:?}");
            return Err(Error::invalid("DuplicateTagNames", message));
        }
        if self.0.len() == TAGS_MAX {
            return Err(Error::invalid("TagsTooLarge", "a blob has at most 10 tags"));
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// The value of the tag of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Names and values in order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values as records keep them.
    pub(crate) fn to_pairs(&self) -> Vec<(String, String)> {
        self.iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// What [`to_pairs`](Self::to_pairs) gave, read back.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub(crate) fn from_pairs(pairs: &[(String, String)]) -> Result<Self> {
        let mut tags = Self::new();
        pairs
            .iter()
            .try_for_each(|(name, value)| tags.insert(name, value))?;
        Ok(tags)
    }

    /// How many there are, as `x-ms-tag-count` tells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn check_text(what: &str, text: &str, chars_max: usize) -> Result<()> {
    if text.chars().count() > chars_max {
        let message = format!("the {what} of a tag has at most {chars_max} characters");
        return Err(Error::invalid("TagsTooLarge", message));
    }
    match text.chars().find(|letter| !is_tag_char(*letter)) {
        Some(letter) => {
            let message = format!("the {what} of a tag contains {letter:?}");
            Err(Error::invalid("InvalidTag", message)
                .hint("use letters, digits, space and + - . / : = _ only"))
        }
        None => Ok(()),
    }
}

fn is_tag_char(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || " +-./:=_".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<()>) -> String {
        result.map_or_else(
            |error| format!("{} {}", error.code(), error.status()),
            |()| String::new(),
        )
    }

    #[test]
    fn every_rule_has_its_code() {
        let long = |chars| "x".repeat(chars);
        for (name, value, want) in [
            ("", "v", "EmptyTagName 400"),
            (&long(128), &long(256), ""),
            (&long(129), "", "TagsTooLarge 400"),
            ("n", &long(257), "TagsTooLarge 400"),
            ("aZ09 +-./:=_", "aZ09 +-./:=_", ""),
            ("a'", "", "InvalidTag 400"),
            ("a", "ü", "InvalidTag 400"),
            ("a\n", "", "InvalidTag 400"),
        ] {
            assert_eq!(code(Tags::new().insert(name, value)), want, "{name:?}={value:?}");
        }
    }

    #[test]
    fn ten_tags_whose_names_differ_also_by_case() {
        let mut tags = Tags::new();
        for name in ["a", "A", "b", "B", "c", "C", "d", "D", "e", "E"] {
            tags.insert(name, "").unwrap();
        }
        assert_eq!(code(tags.insert("a", "")), "DuplicateTagNames 400");
        assert_eq!(code(tags.insert("f", "")), "TagsTooLarge 400");
        assert_eq!(tags.len(), 10);
    }
}
