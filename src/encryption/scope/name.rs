//! What an encryption scope may be called.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The name of an encryption scope: 3 to 63 lower-case letters, digits and dashes; every dash stands between
/// two letters or digits.
///
/// ```
/// use strongroom::EncryptionScopeName;
/// let name: EncryptionScopeName = "customer-1".parse()?;
/// assert_eq!(name.as_str(), "customer-1");
/// assert!("Customer_1".parse::<EncryptionScopeName>().is_err());
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EncryptionScopeName(String);

impl EncryptionScopeName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for EncryptionScopeName {
    type Err = Error;

    /// # Errors
    /// `InvalidResourceName` (400).
    fn from_str(name: &str) -> Result<Self> {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let legal = (3..=63).contains(&name.len())
            && name
                .split('-')
                .all(|part| !part.is_empty() && part.bytes().all(letter));
        if legal {
            return Ok(Self(name.to_owned()));
        }
        let message = format!("{name:?} is not the name of an encryption scope");
        let error = Error::new(ErrorKind::Invalid, "InvalidResourceName", 400, message);
        Err(error.hint("use 3 to 63 lower-case letters, digits and single dashes between them"))
    }
}

impl std::fmt::Display for EncryptionScopeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "a".repeat(63);
        for legal in ["abc", "a-b", "0-1-2", "customer-1", long.as_str()] {
            assert_eq!(legal.parse::<EncryptionScopeName>().unwrap().to_string(), legal);
        }
        let longer = "a".repeat(64);
        for illegal in [
            "",
            "ab",
            "-ab",
            "ab-",
            "a--b",
            "aBc",
            "a_b",
            "a b",
            "äbc",
            longer.as_str(),
        ] {
            let error = illegal.parse::<EncryptionScopeName>().unwrap_err();
            assert_eq!(
                (error.code(), error.status()),
                ("InvalidResourceName", 400),
                "{illegal:?}"
            );
        }
    }
}
