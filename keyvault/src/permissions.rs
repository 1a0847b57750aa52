//! Access policies: which principal may do what with the keys of a vault.
//!
//! A set of permissions is one number on disk; a bit, once given, keeps its meaning.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::VaultError;
use crate::ids::cut;

macro_rules! permissions {
    ($($variant:ident = $bit:literal $text:literal $doc:literal,)*) => {
        /// One permission on keys, spelled as access policies spell it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum KeyPermission { $(#[doc = $doc] $variant,)* }

        impl KeyPermission {
            /// Every permission, in the order in which they are printed.
            pub const ALL: [Self; [$($bit),*].len()] = [$(Self::$variant),*];

            /// The canonical spelling.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            fn bit(self) -> u32 {
                match self { $(Self::$variant => 1 << $bit,)* }
            }
        }
    };
}

permissions! {
    Get = 0 "get" "Read the public part and the attributes.",
    List = 1 "list" "List keys and versions.",
    Update = 2 "update" "Change attributes, operations and tags.",
    Create = 3 "create" "Make a key or a new version.",
    Import = 4 "import" "Bring a key made elsewhere.",
    Delete = 5 "delete" "Delete a key.",
    Recover = 6 "recover" "Bring a deleted key back.",
    Backup = 7 "backup" "Take a sealed copy out.",
    Restore = 8 "restore" "Bring a sealed copy back.",
    Decrypt = 9 "decrypt" "Decrypt with the private part.",
    Encrypt = 10 "encrypt" "Encrypt with the public part.",
    UnwrapKey = 11 "unwrapKey" "Unwrap another key with the private part.",
    WrapKey = 12 "wrapKey" "Wrap another key with the public part.",
    Verify = 13 "verify" "Verify a signature.",
    Sign = 14 "sign" "Sign a digest.",
    Purge = 15 "purge" "End a deleted key for good.",
    Release = 16 "release" "Release a key to a trusted environment; known by name only.",
    Rotate = 17 "rotate" "Make a new version now.",
    GetRotationPolicy = 18 "getrotationpolicy" "Read the rotation policy.",
    SetRotationPolicy = 19 "setrotationpolicy" "Replace the rotation policy.",
}

impl FromStr for KeyPermission {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                let known: Vec<_> = Self::ALL.into_iter().map(Self::as_str).collect();
                VaultError::bad_parameter(format!(
                    "{:?} is not a key permission; use all or some of {}",
                    cut(text),
                    known.join(", ")
                ))
            })
    }
}

impl fmt::Display for KeyPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPermissions(u32);

impl KeyPermissions {
    /// Every permission: what the creator of a vault gets.
    #[must_use]
    pub fn all() -> Self {
        KeyPermission::ALL.into_iter().collect()
    }

    /// True when `permission` is in the set.
    #[must_use]
    pub fn contains(self, permission: KeyPermission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// The permissions of the set, in the order of [`KeyPermission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = KeyPermission> {
        KeyPermission::ALL
            .into_iter()
            .filter(move |permission| self.contains(*permission))
    }

    /// Reads the names of permissions in any case; `all` is every one.
    ///
    /// # Errors
    /// [`VaultError::BadParameter`] for a name that is none, with the known ones.
    pub fn parse<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, VaultError> {
        let mut set = Self::default();
        for name in names {
            match name.as_ref() {
                all if all.eq_ignore_ascii_case("all") => set = Self::all(),
                name => set.0 |= name.parse::<KeyPermission>()?.bit(),
            }
        }
        Ok(set)
    }
}

impl FromIterator<KeyPermission> for KeyPermissions {
    fn from_iter<I: IntoIterator<Item = KeyPermission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |set, permission| set | permission.bit()),
        )
    }
}

/// What one key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyOperation {
    /// Encrypt with the public part.
    Encrypt,
    /// Decrypt with the private part.
    Decrypt,
    /// Sign a digest with the private part.
    Sign,
    /// Verify a signature with the public part.
    Verify,
    /// Wrap another key with the public part.
    WrapKey,
    /// Unwrap another key with the private part.
    UnwrapKey,
}

impl KeyOperation {
    /// Every operation, in the order in which `key_ops` prints them; also what a new key may do.
    pub const ALL: [Self; 6] = [
        Self::Encrypt,
        Self::Decrypt,
        Self::Sign,
        Self::Verify,
        Self::WrapKey,
        Self::UnwrapKey,
    ];

    /// The spelling of `key_ops` (RFC 7517 section 4.3).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.permission().as_str()
    }

    /// The permission that allows it.
    #[must_use]
    pub fn permission(self) -> KeyPermission {
        match self {
            Self::Encrypt => KeyPermission::Encrypt,
            Self::Decrypt => KeyPermission::Decrypt,
            Self::Sign => KeyPermission::Sign,
            Self::Verify => KeyPermission::Verify,
            Self::WrapKey => KeyPermission::WrapKey,
            Self::UnwrapKey => KeyPermission::UnwrapKey,
        }
    }

    /// True for what stays possible before `nbf` and after `exp`: getting at what is protected already.
    #[must_use]
    pub fn survives_expiry(self) -> bool {
        matches!(self, Self::Decrypt | Self::UnwrapKey | Self::Verify)
    }
}

impl FromStr for KeyOperation {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                VaultError::bad_parameter(format!(
                    "{:?} is not a key operation; use encrypt, decrypt, sign, verify, wrapKey or unwrapKey",
                    cut(text)
                ))
            })
    }
}

/// The operations one key version is for: `key_ops`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyOperations(u8);

impl KeyOperations {
    /// All six.
    #[must_use]
    pub fn all() -> Self {
        KeyOperation::ALL.into_iter().collect()
    }

    /// True when `operation` is in the set.
    #[must_use]
    pub fn contains(self, operation: KeyOperation) -> bool {
        self.0 & (1 << operation as u8) != 0
    }

    /// The operations of the set.
    pub fn iter(self) -> impl Iterator<Item = KeyOperation> {
        KeyOperation::ALL
            .into_iter()
            .filter(move |operation| self.contains(*operation))
    }
}

impl Default for KeyOperations {
    fn default() -> Self {
        Self::all()
    }
}

impl FromIterator<KeyOperation> for KeyOperations {
    fn from_iter<I: IntoIterator<Item = KeyOperation>>(operations: I) -> Self {
        Self(
            operations
                .into_iter()
                .fold(0, |set, operation| set | (1 << operation as u8)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_printed_in_one() {
        let set = KeyPermissions::parse(["WRAPKEY", "get", "UnwrapKey"]).unwrap();
        let names: Vec<_> = set.iter().map(KeyPermission::as_str).collect();
        assert_eq!(names, ["get", "unwrapKey", "wrapKey"]);
        assert_eq!(KeyPermissions::parse(["All"]).unwrap(), KeyPermissions::all());
        assert_eq!(KeyPermissions::all().iter().count(), 20);
        assert!(KeyPermissions::parse(["write"]).is_err());
    }

    #[test]
    fn every_bit_is_one_permission() {
        for permission in KeyPermission::ALL {
            let set: KeyPermissions = [permission].into_iter().collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), [permission]);
        }
        for operation in KeyOperation::ALL {
            let set: KeyOperations = [operation].into_iter().collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), [operation]);
        }
    }
}
