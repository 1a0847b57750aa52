//! User metadata: names and values that the user attaches to a container or blob.
//!
//! Names keep their case and are compared without it; all names and values together have at most 8 KiB.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};

/// Bytes of all names and values of one container or blob together.
pub const METADATA_BYTES_MAX: usize = 8 << 10;

/// Names and values attached by the user.
///
/// ```
/// use strongroom::Metadata;
/// let mut metadata = Metadata::new();
/// metadata.insert("Author", "Ada")?;
/// assert_eq!(metadata.get("author"), Some("Ada"));
/// assert_eq!(metadata.insert("no-dashes", "x").unwrap_err().code(), "InvalidMetadata");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<String, (String, String)>);

impl Metadata {
    /// No metadata.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value; the value of a name that is there already gets the new one appended after a comma.
    ///
    /// # Errors
    /// 400: `EmptyMetadataKey`; `InvalidMetadata` unless the name is a C# identifier in ASCII and the value
    /// has no control characters; `MetadataTooLarge` beyond 8 KiB in all. Nothing is added then.
    pub fn insert(&mut self, name: &str, value: &str) -> Result<()> {
        check_name(name)?;
        if value.chars().any(char::is_control) {
            let message = format!("the value of metadata {name:?} contains a control character");
            return Err(invalid("InvalidMetadata", message).hint("encode such values, for example in base64"));
        }
        let known = self.0.get(&name.to_ascii_lowercase());
        let added = known.map_or(name.len() + value.len(), |_| 1 + value.len());
        if self.bytes() + added > METADATA_BYTES_MAX {
            return Err(
                invalid("MetadataTooLarge", "metadata has at most 8192 bytes in all")
                    .hint("shorten it, or keep it in a blob of its own"),
            );
        }
        self.0
            .entry(name.to_ascii_lowercase())
            .and_modify(|(_, values)| {
                values.push(',');
                values.push_str(value);
            })
            .or_insert_with(|| (name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// The value of `name`, whose case does not matter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(&name.to_ascii_lowercase())
            .map(|(_, value)| value.as_str())
    }

    /// Names in the case they were given in, with their values, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .values()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// Names and values as records keep them.
    pub(crate) fn to_pairs(&self) -> Vec<(String, String)> {
        self.0.values().cloned().collect()
    }

    /// What [`to_pairs`](Self::to_pairs) gave, read back; `None` if it is no legal metadata.
    pub(crate) fn from_pairs(pairs: &[(String, String)]) -> Option<Self> {
        let mut metadata = Self::new();
        for (name, value) in pairs {
            metadata.insert(name, value).ok()?;
        }
        (metadata.len() == pairs.len()).then_some(metadata)
    }
}

fn check_name(name: &str) -> Result<()> {
    let Some(first) = name.chars().next() else {
        return Err(invalid("EmptyMetadataKey", "a metadata name is empty").hint("give it a name"));
    };
    let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if first.is_ascii_digit() || !name.chars().all(legal) {
        let error = invalid("InvalidMetadata", format!("{name:?} is not a metadata name"));
        return Err(error.hint("use letters, digits and underscores, and do not begin with a digit"));
    }
    Ok(())
}

fn invalid(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, code, 400, message)
}
