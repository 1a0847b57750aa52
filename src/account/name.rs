//! Names of accounts.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// An account's name: 3 to 24 lower-case letters and digits (Azure's rule).
///
/// ```
/// use strongroom::AccountName;
/// assert!("backup2026".parse::<AccountName>().is_ok());
/// assert_eq!("Backup".parse::<AccountName>().unwrap_err().code(), "StorageAccountNameNotValid");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName(String);

impl AccountName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let legal = (3..=24).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if legal {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.chars().take(64).collect();
        Err(Error::invalid(
            "StorageAccountNameNotValid",
            format!(
                "{shown:?} is not a valid storage account name. Storage account name must be between 3 \
                 and 24 characters in length and use numbers and lower-case letters only."
            ),
        )
        .hint("choose another name"))
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_legal_names_become_names() {
        for (text, legal) in [
            ("abc", true),
            ("0a9", true),
            ("abcdefghijklmnopqrstuvwx", true),
            ("ab", false),
            ("abcdefghijklmnopqrstuvwxy", false),
            ("", false),
            ("Abc", false),
            ("a-b", false),
            ("äbc", false),
            ("ab\0", false),
        ] {
            assert_eq!(text.parse::<AccountName>().is_ok(), legal, "{text:?}");
        }
    }
}
