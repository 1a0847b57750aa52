//! The control plane of one account: what it is, and who holds its root key.

use strongroom_keyvault::PublicKey;

use super::{Account, AccountProperties, KeyType};
use crate::encryption::{
    CustomerKey, EncryptionStatus, RecoverTo, RecoveryKey, RecoveryPrivateKey, key_types_are_final,
};
use crate::error::{Error, ErrorKind, Result};

impl Account {
    /// What is known of the account now.
    ///
    /// # Errors
    /// `ResourceNotFound` once it was deleted.
    pub fn properties(&self) -> Result<AccountProperties> {
        self.core.custody.record()?.try_into()
    }

    /// The encryption settings, as `storage account show` prints them. Does not ask the vault.
    ///
    /// # Errors
    /// `ResourceNotFound` once it was deleted.
    pub fn encryption(&self) -> Result<EncryptionStatus> {
        self.core.custody.status()
    }

    /// Puts the account's root key under a key of the customer's: enables customer-managed keys, or changes
    /// version, key, vault or identity. No data is rewritten; in force when this returns.
    ///
    /// # Errors
    /// 400 with `ManagedServiceIdentityNotFound` (no identity, or it is gone),
    /// `ManagedServiceIdentityNotFoundOnTenant`,
    /// `KeyVaultPolicyError` (soft delete or purge protection is off), `KeyVaultAuthenticationFailure` (other
    /// tenant, missing permission, version expired, not yet valid or disabled),
    /// `InvalidValuesForRequestParameters` (other region, key size); 404 for a vault or key that is not
    /// there; 403 when the present customer key cannot be used. The old settings stay in force.
    pub fn use_customer_key(&self, key: &CustomerKey) -> Result<EncryptionStatus> {
        self.core.custody.use_customer_key(&self.core.guard, key)?;
        self.encryption()
    }

    /// Puts the root key back under a key of the platform. Needs the customer's key once more.
    ///
    /// # Errors
    /// 403 while access is revoked: restore it first. The settings stay as they are.
    pub fn use_platform_key(&self) -> Result<EncryptionStatus> {
        self.core.custody.use_platform_key(&self.core.guard)?;
        self.encryption()
    }

    /// Wraps the account's root key for a recovery key too, in place of any other: whoever has its private
    /// part takes the account back when the vault is lost, and a revocation does not stop them. No data is
    /// rewritten. Encryption scopes have recovery keys of their own.
    ///
    /// # Errors
    /// 403 while access is revoked.
    pub fn set_recovery_key(&self, public: &PublicKey) -> Result<RecoveryKey> {
        let custody = &self.core.custody;
        custody.set_recovery_key(&self.core.guard, public)?;
        custody
            .recovery_key()?
            .ok_or_else(|| not_found(custody.name.as_str()))
    }

    /// The account's recovery key, if there is one. Does not ask the vault.
    ///
    /// # Errors
    /// When the store fails.
    pub fn recovery_key(&self) -> Result<Option<RecoveryKey>> {
        self.core.custody.recovery_key()
    }

    /// Forgets the recovery key. Copies of the store from before still open to its private part, and so does
    /// what was stored since under the same root key.
    ///
    /// # Errors
    /// 403 while access is revoked.
    pub fn remove_recovery_key(&self) -> Result<()> {
        self.core.custody.remove_recovery_key(&self.core.guard)
    }

    /// Takes the account's root key back with the private part of its recovery key, and puts it under
    /// another key. The vault is asked only about that one.
    ///
    /// # Errors
    /// `RecoveryKeyNotFound` (404), `WrongRecoveryKey` (400); those of
    /// [`use_customer_key`](Self::use_customer_key). The old settings stay in force.
    pub fn recover(&self, private: &RecoveryPrivateKey, to: &RecoverTo) -> Result<EncryptionStatus> {
        self.core.custody.recover(&self.core.guard, private, to)?;
        self.encryption()
    }

    /// Moves to the latest version of the key now, if the account follows it; true if there was a newer one.
    ///
    /// # Errors
    /// As [`use_customer_key`](Self::use_customer_key).
    pub fn refresh_key_version(&self) -> Result<bool> {
        let checked = self.core.custody.refresh(&self.core.guard)?;
        Ok(checked.moved)
    }

    /// Refuses to change the key types of queues and tables: they are chosen when the account is created.
    ///
    /// # Errors
    /// `InvalidValuesForRequestParameters` unless both are what they are already.
    pub fn set_key_types(&self, queue: KeyType, table: KeyType) -> Result<()> {
        let record = self.core.custody.record()?;
        if (record.queue, record.table) == (queue, table) {
            Ok(())
        } else {
            Err(key_types_are_final())
        }
    }
}

pub(crate) fn not_found(name: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        "ResourceNotFound",
        404,
        format!("The Resource 'Microsoft.Storage/storageAccounts/{name}' was not found."),
    )
    .hint("list the accounts of the store, or create this one")
}
