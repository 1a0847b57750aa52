//! Names and identifiers: vaults, keys, versions, principals, tenants, regions.
//!
//! A value of one of these types is legal; names compare without regard to case and print as they were given.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::VaultError;

/// Suffix of every vault's host name.
pub const VAULT_SUFFIX: &str = ".vault.azure.net";
const SCHEME: &str = "https://";

macro_rules! folded_name {
    ($name:ident) => {
        impl $name {
            /// The name as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The form that comparisons use: lower case.
            #[must_use]
            pub fn folded(&self) -> String {
                self.0.to_ascii_lowercase()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }

        impl Eq for $name {}

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.folded().hash(state);
            }
        }
    };
}

/// A vault's name: 3 to 24 letters, digits and single inner dashes; begins with a letter.
#[derive(Clone, Debug)]
pub struct VaultName(String);

folded_name!(VaultName);

impl FromStr for VaultName {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let bytes = text.as_bytes();
        let legal = (3..=24).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && bytes.first().is_some_and(u8::is_ascii_alphabetic)
            && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
            && !text.contains("--");
        if legal {
            Ok(Self(text.to_owned()))
        } else {
            Err(VaultError::VaultNameNotValid { name: cut(text) })
        }
    }
}

impl VaultName {
    /// The vault's address.
    #[must_use]
    pub fn uri(&self) -> VaultUri {
        VaultUri(self.clone())
    }
}

/// A vault's address, `https://NAME.vault.azure.net`; a trailing slash is accepted, case does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VaultUri(VaultName);

impl VaultUri {
    /// The vault's name.
    #[must_use]
    pub fn name(&self) -> &VaultName {
        &self.0
    }
}

impl FromStr for VaultUri {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let host = strip_scheme(text).map(|host| host.strip_suffix('/').unwrap_or(host));
        let name = host.and_then(strip_host_suffix);
        match name {
            Some(name) => Ok(Self(name.parse()?)),
            None => Err(VaultError::bad_parameter(format!(
                "{:?} is not the address of a vault; it looks like {SCHEME}NAME{VAULT_SUFFIX}",
                cut(text)
            ))),
        }
    }
}

impl fmt::Display for VaultUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}{VAULT_SUFFIX}", self.0.folded())
    }
}

/// A key's name: 1 to 127 letters, digits and dashes.
#[derive(Clone, Debug)]
pub struct KeyName(String);

folded_name!(KeyName);

impl FromStr for KeyName {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let legal = (1..=127).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if legal {
            Ok(Self(text.to_owned()))
        } else {
            Err(VaultError::bad_parameter(format!(
                "{:?} is not the name of a key; use 1 to 127 letters, digits and dashes",
                cut(text)
            )))
        }
    }
}

/// A key's version: 16 random bytes, printed as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyVersion(pub [u8; 16]);

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for KeyVersion {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| {
            VaultError::bad_parameter(format!(
                "{:?} is not the version of a key; a version has 32 hexadecimal digits",
                cut(text)
            ))
        })?;
        Ok(Self(bytes))
    }
}

/// One version of one key, `https://VAULT.vault.azure.net/keys/NAME/VERSION`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId {
    /// The vault that holds the key.
    pub vault: VaultUri,
    /// The key.
    pub name: KeyName,
    /// The version.
    pub version: KeyVersion,
}

impl KeyId {
    /// This version, as a reference.
    #[must_use]
    pub fn reference(&self) -> KeyReference {
        KeyReference {
            version: Some(self.version),
            ..self.base()
        }
    }

    /// The address of the key without a version: its newest one.
    #[must_use]
    pub fn base(&self) -> KeyReference {
        KeyReference {
            vault: self.vault.clone(),
            name: self.name.clone(),
            version: None,
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/keys/{}/{}", self.vault, self.name, self.version)
    }
}

impl FromStr for KeyId {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let KeyReference { vault, name, version } = text.parse()?;
        match version {
            Some(version) => Ok(Self { vault, name, version }),
            None => Err(VaultError::bad_parameter(format!(
                "{:?} names no version of the key; add /VERSION",
                cut(text)
            ))),
        }
    }
}

/// A key and perhaps one of its versions; without a version the newest one is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyReference {
    /// The vault that holds the key.
    pub vault: VaultUri,
    /// The key.
    pub name: KeyName,
    /// The version; `None` is the newest.
    pub version: Option<KeyVersion>,
}

impl fmt::Display for KeyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/keys/{}", self.vault, self.name)?;
        match self.version {
            Some(version) => write!(f, "/{version}"),
            None => Ok(()),
        }
    }
}

impl FromStr for KeyReference {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let refused = || {
            VaultError::bad_parameter(format!(
                "{:?} is no address of a key; it looks like {SCHEME}VAULT{VAULT_SUFFIX}/keys/NAME/VERSION",
                cut(text)
            ))
        };
        let mut parts = strip_scheme(text).ok_or_else(refused)?.split('/');
        let host = parts.next().ok_or_else(refused)?;
        if !parts.next().is_some_and(|part| part.eq_ignore_ascii_case("keys")) {
            return Err(refused());
        }
        let name = parts.next().ok_or_else(refused)?;
        let version = parts.next().filter(|version| !version.is_empty());
        if parts.next().is_some() {
            return Err(refused());
        }
        Ok(Self {
            vault: VaultUri(strip_host_suffix(host).ok_or_else(refused)?.parse()?),
            name: name.parse()?,
            version: version.map(str::parse).transpose()?,
        })
    }
}

macro_rules! guid {
    ($name:ident, $what:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = VaultError;

            fn from_str(text: &str) -> Result<Self, VaultError> {
                uuid::Uuid::try_parse(text)
                    .map(|id| Self(id.into_bytes()))
                    .map_err(|_| {
                        VaultError::bad_parameter(format!(
                            "{:?} is not {}; it is a GUID such as 72f988bf-86f1-41af-91ab-2d7cd011db47",
                            cut(text),
                            $what
                        ))
                    })
            }
        }

        impl $name {
            /// A new random one (RFC 9562 version 4) from 16 random bytes.
            #[must_use]
            pub fn from_random(bytes: [u8; 16]) -> Self {
                Self(
                    uuid::Builder::from_random_bytes(bytes)
                        .into_uuid()
                        .into_bytes(),
                )
            }
        }
    };
}

/// A principal of the directory: a person, an application or a managed identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId(pub [u8; 16]);

guid!(ObjectId, "an object id");

/// A directory's tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TenantId(pub [u8; 16]);

guid!(TenantId, "a tenant id");

/// A region, `westus`: kept in lower case without spaces, so that `West US` is the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region(String);

impl Region {
    /// The region's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let folded: String = text
            .chars()
            .filter(|c| *c != ' ')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let legal = (1..=64).contains(&folded.len())
            && folded.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if legal {
            Ok(Self(folded))
        } else {
            Err(VaultError::bad_parameter(format!(
                "{:?} is not a region; use 1 to 64 letters and digits, such as westus",
                cut(text)
            )))
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn strip_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(rest)
}

fn strip_host_suffix(host: &str) -> Option<&str> {
    let cut = host.len().checked_sub(VAULT_SUFFIX.len())?;
    let (name, suffix) = host.split_at_checked(cut)?;
    suffix.eq_ignore_ascii_case(VAULT_SUFFIX).then_some(name)
}

/// Names come from outside, so an error quotes only their beginning.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vault_names_follow_the_rule() {
        let legal = ["abc", "My-Vault-1", "a23456789012345678901234"];
        let illegal = [
            "",
            "ab",
            "1abc",
            "abc-",
            "a--b",
            "a_b",
            "a2345678901234567890123456",
            "äbc",
        ];
        for name in legal {
            assert!(name.parse::<VaultName>().is_ok(), "{name}");
        }
        for name in illegal {
            assert!(name.parse::<VaultName>().is_err(), "{name}");
        }
    }

    #[test]
    fn addresses_are_read_without_regard_to_case_and_printed_in_one_way() {
        let vault: VaultUri = "HTTPS://My-Vault.Vault.Azure.Net/".parse().unwrap();
        assert_eq!(vault.to_string(), "https://my-vault.vault.azure.net");
        let id: KeyId = "https://my-vault.vault.azure.net/keys/Key/0123456789ABCDEF0123456789abcdef"
            .parse()
            .unwrap();
        assert_eq!(
            id.to_string(),
            "https://my-vault.vault.azure.net/keys/Key/0123456789abcdef0123456789abcdef"
        );
        assert_eq!(id.vault, vault);
        assert_eq!(id.base().to_string(), "https://my-vault.vault.azure.net/keys/Key");
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in [
            "https://v1x.vault.azure.net/keys",
            "https://v1x.vault.azure.net/keys/",
            "https://v1x.vault.azure.net/secrets/a",
            "https://v1x.vault.azure.net/keys/a/b",
            "https://v1x.vault.azure.net/keys/a/0123456789abcdef0123456789abcdef/c",
            "https://v1x.example.net/keys/a",
            "http://v1x.vault.azure.net/keys/a",
            "",
        ] {
            assert!(text.parse::<KeyReference>().is_err(), "{text}");
        }
    }

    #[test]
    fn regions_are_compared_without_spaces_and_case() {
        assert_eq!("West US".parse::<Region>().unwrap(), "westus".parse().unwrap());
        assert!("".parse::<Region>().is_err());
    }
}
