//! Encryption scopes: root keys beside the account's, each with a source of its own, for the data of
//! containers and blobs that are told to use them.
//!
//! A scope is there from the moment its record is committed to the store's tree; its envelope tree and its
//! one-time key come before, and are orphans until then, which the next open removes. It is never deleted but
//! with its account: what is under it would be lost. Azure: "Encryption scopes for Blob storage".

mod control;
mod name;
mod open;
mod record;
#[cfg(test)]
mod tests;

pub use control::{EncryptionScope, NewEncryptionScope};
pub use name::EncryptionScopeName;
pub(crate) use open::Scopes;
pub(crate) use record::ScopeRecord;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;

use super::{KeySource, KeyVaultProperties, RecoveryKey};
use crate::error::{Error, ErrorKind};

/// Whether data under an encryption scope can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EncryptionScopeState {
    /// Yes, as far as its key can be had.
    Enabled,
    /// No: operations that read or write content or metadata under it fail with 403.
    Disabled,
}

impl EncryptionScopeState {
    /// `Enabled` or `Disabled`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
        }
    }
}

impl std::fmt::Display for EncryptionScopeState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of an encryption scope.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncryptionScopeProperties {
    /// Its name.
    pub name: EncryptionScopeName,
    /// Whether data under it can be had.
    pub state: EncryptionScopeState,
    /// Who holds its root key.
    pub key_source: KeySource,
    /// The customer's key, while it holds the root key.
    pub key_vault: Option<KeyVaultProperties>,
    /// The second key, kept offline, that its root key is wrapped for too.
    pub recovery_key: Option<RecoveryKey>,
    /// Whether everything under it is sealed twice.
    pub require_infrastructure_encryption: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When its state or its key source changed last.
    pub last_modified: Timestamp,
}

fn damaged() -> Error {
    let message = "the record of an encryption scope is damaged";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
}
