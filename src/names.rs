//! Names of containers and blobs: a value of these types is a legal name.
//!
//! The rules are those of Azure's "Naming and referencing containers, blobs, and metadata"; each is written
//! once, here.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

const CONTAINER_CHARS: std::ops::RangeInclusive<usize> = 3..=63;
const CONTAINERS_RESERVED: [&str; 3] = ["$logs", "$root", "$web"];
const BLOB_CHARS_MAX: usize = 1024;
const BLOB_SEGMENTS_MAX: usize = 254;

/// The name of a container: 3 to 63 of `a-z`, `0-9` and single inner dashes; or `$root`, `$logs`, `$web`.
///
/// The three with a `$` are containers like others: whoever wants them creates them. Enabling the static
/// website creates `$web`. Nothing is written to `$logs` by itself, and listings leave it out unless they are
/// asked for it.
///
/// ```
/// use strongroom::ContainerName;
/// let name: ContainerName = "quarterly-reports".parse()?;
/// assert_eq!(name.as_str(), "quarterly-reports");
/// assert_eq!("Reports".parse::<ContainerName>().unwrap_err().code(), "InvalidResourceName");
/// assert_eq!("ab".parse::<ContainerName>().unwrap_err().code(), "OutOfRangeInput");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerName(String);

impl ContainerName {
    /// The container of that name.
    ///
    /// # Errors
    /// `OutOfRangeInput` for a wrong length, `InvalidResourceName` for a wrong character or dash (both 400).
    pub fn parse(text: &str) -> Result<Self> {
        if CONTAINERS_RESERVED.contains(&text) {
            return Ok(Self(text.to_owned()));
        }
        if !CONTAINER_CHARS.contains(&text.chars().count()) {
            return Err(out_of_range("a container name has 3 to 63 characters"));
        }
        let legal = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let dashes = text.starts_with('-') || text.ends_with('-') || text.contains("--");
        if !legal || dashes {
            return Err(invalid_name(format!("{text:?} is not a container name"))
                .hint("use lower-case letters, digits and single dashes inside the name"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a blob: 1 to 1024 characters of any kind, at most 254 segments between slashes.
/// Case-sensitive.
///
/// ```
/// use strongroom::BlobName;
/// let name: BlobName = "2026/november/report.pdf".parse()?;
/// assert_eq!(name.to_string(), "2026/november/report.pdf");
/// assert_eq!("".parse::<BlobName>().unwrap_err().code(), "OutOfRangeInput");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName(String);

impl BlobName {
    /// The blob of that name.
    ///
    /// # Errors
    /// `OutOfRangeInput` for a wrong length, `InvalidResourceName` for too many segments (both 400).
    pub fn parse(text: &str) -> Result<Self> {
        Self::of(text.to_owned())
    }

    /// As [`parse`](Self::parse). Nothing is counted where there are too few bytes to be over a limit.
    pub(crate) fn of(text: String) -> Result<Self> {
        let is_long = text.len() > BLOB_CHARS_MAX && text.chars().count() > BLOB_CHARS_MAX;
        if text.is_empty() || is_long {
            return Err(out_of_range("a blob name has 1 to 1024 characters"));
        }
        if text.len() >= BLOB_SEGMENTS_MAX && text.split('/').count() > BLOB_SEGMENTS_MAX {
            return Err(invalid_name("a blob name has at most 254 segments").hint("use fewer slashes"));
        }
        Ok(Self(text))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_like {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::parse(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_like!(ContainerName);
text_like!(BlobName);

fn out_of_range(message: &str) -> Error {
    Error::new(ErrorKind::Invalid, "OutOfRangeInput", 400, message).hint("choose a name of such a length")
}

fn invalid_name(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, "InvalidResourceName", 400, message)
}
