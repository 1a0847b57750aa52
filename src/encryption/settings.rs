//! Encryption settings as callers give them and as the account shows them.

use strongroom_engine::Timestamp;
use strongroom_keyvault::{KeyId, KeyName, KeyReference, KeyVersion, VaultUri};

use super::envelope::{CustomerWrap, Envelope, Source, Tracking};
use super::scope::EncryptionScopeName;
use super::{KeyIdentity, RecoveryKey};
use crate::account::{AccountName, AccountRecord, KeyType};
use crate::error::Result;

/// Which key of which vault is to wrap an account's root key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerKey {
    /// The vault.
    pub vault: VaultUri,
    /// The key.
    pub name: KeyName,
    /// The version to stay with; `None` follows the latest one.
    pub version: Option<KeyVersion>,
    /// As whom the account asks the vault. Default: its system-assigned identity.
    pub identity: KeyIdentity,
}

impl CustomerKey {
    /// The key of that name in that vault, latest version, asked for as the account's system-assigned
    /// identity.
    #[must_use]
    pub fn new(vault: VaultUri, name: KeyName) -> Self {
        Self {
            vault,
            name,
            version: None,
            identity: KeyIdentity::System,
        }
    }
}

impl From<KeyReference> for CustomerKey {
    /// A key's address, with a version or without.
    fn from(key: KeyReference) -> Self {
        Self {
            version: key.version,
            ..Self::new(key.vault, key.name)
        }
    }
}

/// Who holds the account's root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The host: `Microsoft.Storage`.
    Platform,
    /// A key in the customer's vault: `Microsoft.Keyvault`.
    KeyVault,
}

impl KeySource {
    /// As Azure spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "Microsoft.Storage",
            Self::KeyVault => "Microsoft.Keyvault",
        }
    }
}

impl std::fmt::Display for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The `encryption` block of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionStatus {
    /// Who holds the root key.
    pub key_source: KeySource,
    /// The customer's key, while it holds the root key.
    pub key_vault: Option<KeyVaultProperties>,
    /// Key type of the blob service: always the account's.
    pub blob: KeyType,
    /// Key type of the file service: always the account's.
    pub file: KeyType,
    /// Key type of the queue service, as chosen at creation.
    pub queue: KeyType,
    /// Key type of the table service, as chosen at creation.
    pub table: KeyType,
    /// Whether everything is sealed twice, as chosen at creation.
    pub require_infrastructure_encryption: bool,
    /// The second key, kept offline, that the root key is wrapped for too; `None` unless one was set.
    pub recovery_key: Option<RecoveryKey>,
}

/// The `keyVaultProperties` block of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyVaultProperties {
    /// The key's name.
    pub key_name: KeyName,
    /// The version it was told to stay with; `None` follows the latest one.
    pub key_version: Option<KeyVersion>,
    /// The vault's address.
    pub key_vault_uri: VaultUri,
    /// The version that wraps the root key at present.
    pub current_versioned_key_identifier: KeyId,
    /// When a new version last wrapped it.
    pub last_key_rotation: Timestamp,
    /// When that version expires, as known then. Data stays readable after it.
    pub current_versioned_key_expiration: Option<Timestamp>,
    /// As whom the account asks the vault.
    pub identity: KeyIdentity,
}

/// What the daily check did for one account or encryption scope that follows the latest version.
#[derive(Debug)]
pub struct KeyVersionCheck {
    /// The account.
    pub account: AccountName,
    /// The encryption scope whose key it is; `None` for the account's own.
    pub scope: Option<EncryptionScopeName>,
    /// True when it moved to a newer version; on an error it stays with the one it has.
    pub outcome: Result<bool>,
}

impl EncryptionStatus {
    pub(crate) fn of(record: &AccountRecord, envelope: &Envelope) -> Result<Self> {
        let key_vault = match &envelope.source {
            Source::Platform { .. } => None,
            Source::Customer(wrap) => Some(KeyVaultProperties::of(wrap)?),
        };
        Ok(Self {
            key_source: match key_vault {
                None => KeySource::Platform,
                Some(_) => KeySource::KeyVault,
            },
            key_vault,
            blob: KeyType::Account,
            file: KeyType::Account,
            queue: record.queue,
            table: record.table,
            require_infrastructure_encryption: record.infrastructure,
            recovery_key: None,
        })
    }
}

impl KeyVaultProperties {
    fn of(wrap: &CustomerWrap) -> Result<Self> {
        let key = wrap.key()?;
        Ok(Self {
            key_name: key.name.clone(),
            key_version: (wrap.tracking == Tracking::Pinned).then_some(key.version),
            key_vault_uri: key.vault.clone(),
            current_versioned_key_identifier: key,
            last_key_rotation: wrap.last_rotation,
            current_versioned_key_expiration: wrap.expires,
            identity: wrap.identity,
        })
    }
}
