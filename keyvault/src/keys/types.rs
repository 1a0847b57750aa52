//! What a key looks like from outside, and what one can ask of it.

use strongroom_engine::Timestamp;

use crate::error::VaultError;
use crate::ids::{KeyId, KeyReference};
use crate::jwk::PublicKey;
use crate::permissions::KeyOperations;
use crate::provider::{KeySize, KeyType};
use crate::records::{StoredKeyType, Tags, VersionRecord};

/// Settings of a new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKeyOptions {
    /// Software or security module.
    pub kty: KeyType,
    /// Length of the modulus; of no meaning for an import.
    pub size: KeySize,
    /// What it may be used for. Default: everything.
    pub operations: KeyOperations,
    /// Whether it may be used. Default: yes.
    pub enabled: bool,
    /// Not for protecting anything before this.
    pub not_before: Option<Timestamp>,
    /// Not for protecting anything from this on. Default: what the rotation policy says, else never.
    pub expires: Option<Timestamp>,
    /// Up to 15 names with values, of up to 256 characters each.
    pub tags: Tags,
}

impl Default for NewKeyOptions {
    fn default() -> Self {
        Self {
            kty: KeyType::Rsa,
            size: KeySize::default(),
            operations: KeyOperations::all(),
            enabled: true,
            not_before: None,
            expires: None,
            tags: Tags::new(),
        }
    }
}

/// A change of one version. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyUpdate {
    /// Whether it may be used.
    pub enabled: Option<bool>,
    /// Not before; `Some(None)` takes the limit away.
    pub not_before: Option<Option<Timestamp>>,
    /// Expiry; `Some(None)` takes the limit away.
    pub expires: Option<Option<Timestamp>>,
    /// What it may be used for.
    pub operations: Option<KeyOperations>,
    /// All tags.
    pub tags: Option<Tags>,
}

/// One version of a key, its public part only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBundle {
    /// Its full address.
    pub id: KeyId,
    /// Software or security module.
    pub kty: KeyType,
    /// What it may be used for.
    pub operations: KeyOperations,
    /// The public part.
    pub public: PublicKey,
    /// State and times.
    pub attributes: KeyAttributes,
    /// Tags.
    pub tags: Tags,
}

/// State and times of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAttributes {
    /// Whether it may be used.
    pub enabled: bool,
    /// Before this it protects nothing new.
    pub not_before: Option<Timestamp>,
    /// From this on it protects nothing new.
    pub expires: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
    /// When an attribute last changed.
    pub updated: Timestamp,
    /// What deleting leads to; see [`crate::Retention::recovery_level`].
    pub recovery_level: &'static str,
    /// How long it can be recovered once deleted, in days; 0 without soft delete.
    pub recoverable_days: u8,
}

/// An entry of a list of keys or versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyItem {
    /// The address: of the key in a list of keys, with the version in a list of versions.
    pub kid: KeyReference,
    /// State and times; of the current version in a list of keys.
    pub attributes: KeyAttributes,
    /// Tags.
    pub tags: Tags,
}

impl KeyUpdate {
    pub(super) fn apply(&self, version: &mut VersionRecord, now: Timestamp) {
        version.enabled = self.enabled.unwrap_or(version.enabled);
        version.not_before = self.not_before.unwrap_or(version.not_before);
        version.expires = self.expires.unwrap_or(version.expires);
        version.operations = self.operations.unwrap_or(version.operations);
        if let Some(tags) = &self.tags {
            version.tags.clone_from(tags);
        }
        version.updated = now;
    }
}

impl From<KeyType> for StoredKeyType {
    fn from(kty: KeyType) -> Self {
        match kty {
            KeyType::Rsa => Self::Rsa,
            KeyType::RsaHsm => Self::RsaHsm,
        }
    }
}

impl From<StoredKeyType> for KeyType {
    fn from(kty: StoredKeyType) -> Self {
        match kty {
            StoredKeyType::Rsa => Self::Rsa,
            StoredKeyType::RsaHsm => Self::RsaHsm,
        }
    }
}

pub(super) fn check_tags(tags: &Tags) -> Result<(), VaultError> {
    let long = |text: &String| text.chars().count() > TAG_CHARS_MAX;
    if tags.len() > TAGS_MAX || tags.iter().any(|(name, value)| long(name) || long(value)) {
        return Err(VaultError::bad_parameter(format!(
            "a key has at most {TAGS_MAX} tags, with names and values of at most {TAG_CHARS_MAX} characters"
        )));
    }
    Ok(())
}

pub(super) fn check_times(
    not_before: Option<Timestamp>,
    expires: Option<Timestamp>,
) -> Result<(), VaultError> {
    match (not_before, expires) {
        (Some(not_before), Some(expires)) if expires <= not_before => Err(VaultError::bad_parameter(
            "a key that expires before it is valid is of no use; choose a later expiry",
        )),
        _ => Ok(()),
    }
}

/// Most tags of one version.
pub const TAGS_MAX: usize = 15;
/// Longest name or value of a tag, in characters.
pub const TAG_CHARS_MAX: usize = 256;
