//! What an account sees of a vault: [`KeyService`]. The embedded vault implements it; a remote one can.

use std::sync::Weak;

use zeroize::Zeroizing;

use crate::access::{AccessToken, active_vault};
use crate::algorithms::EncryptionAlgorithm;
use crate::directory::Identity;
use crate::epoch::{AccessWatcher, Epoch};
use crate::error::VaultError;
use crate::ids::{KeyId, KeyName, KeyVersion, VaultUri};
use crate::keys::KeyBundle;
use crate::store::VaultStore;
use crate::vaults::{VaultProperties, properties};

/// The vault, as a storage account uses it.
///
/// Every call that takes a token may fail with [`VaultError::Unauthorized`], [`VaultError::VaultNotFound`]
/// and [`VaultError::AccessDenied`]. The methods may be called from [`AccessWatcher::access_changed`].
pub trait KeyService: Send + Sync {
    /// The access epoch: two loads. Read it *before* unwrapping and keep it with what was unwrapped.
    fn epoch(&self) -> Epoch;

    /// Calls `watcher` after every change, before the changing call returns.
    fn watch(&self, watcher: Weak<dyn AccessWatcher>);

    /// The vault at `uri`, with its tenant, region and protections.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`], also while it is deleted.
    fn vault(&self, uri: &VaultUri) -> Result<VaultProperties, VaultError>;

    /// A token for `identity`, as its resource would get one.
    ///
    /// # Errors
    /// [`VaultError::IdentityNotFound`] when it is gone or belongs to another tenant.
    fn token_for(&self, identity: &Identity) -> Result<AccessToken, VaultError>;

    /// Public part and attributes of a version, or of the current one. Needs `get`.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`].
    fn get_key(
        &self,
        token: &AccessToken,
        vault: &VaultUri,
        name: &KeyName,
        version: Option<KeyVersion>,
    ) -> Result<KeyBundle, VaultError>;

    /// The address of the current version. Needs `get`.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`].
    fn latest_version(
        &self,
        token: &AccessToken,
        vault: &VaultUri,
        name: &KeyName,
    ) -> Result<KeyId, VaultError> {
        Ok(self.get_key(token, vault, name, None)?.id)
    }

    /// Wraps a key under exactly this version. Needs `wrapKey`.
    ///
    /// # Errors
    /// See [`VaultStore::wrap_key`].
    fn wrap(
        &self,
        token: &AccessToken,
        key: &KeyId,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, VaultError>;

    /// Unwraps what exactly this version wrapped. Needs `unwrapKey`.
    ///
    /// # Errors
    /// See [`VaultStore::unwrap_key`].
    fn unwrap(
        &self,
        token: &AccessToken,
        key: &KeyId,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError>;
}

impl KeyService for VaultStore {
    fn epoch(&self) -> Epoch {
        self.epoch.now()
    }

    fn watch(&self, watcher: Weak<dyn AccessWatcher>) {
        self.epoch.watch(watcher);
    }

    fn vault(&self, uri: &VaultUri) -> Result<VaultProperties, VaultError> {
        let snapshot = self.tree.snapshot()?;
        let record = active_vault(&snapshot, uri.name())?;
        properties(&snapshot, &record)
    }

    fn token_for(&self, identity: &Identity) -> Result<AccessToken, VaultError> {
        use crate::directory::Directory;
        match self.identity(identity.principal_id)? {
            Some(known) if known.tenant_id == identity.tenant_id => self.issue_token(identity.principal_id),
            _ => Err(VaultError::IdentityNotFound {
                object_id: identity.principal_id.to_string(),
            }),
        }
    }

    fn get_key(
        &self,
        token: &AccessToken,
        vault: &VaultUri,
        name: &KeyName,
        version: Option<KeyVersion>,
    ) -> Result<KeyBundle, VaultError> {
        Self::get_key(self, token, vault.name(), name, version)
    }

    fn wrap(
        &self,
        token: &AccessToken,
        key: &KeyId,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        Ok(self
            .wrap_key(token, &key.reference(), algorithm, plaintext)?
            .value)
    }

    fn unwrap(
        &self,
        token: &AccessToken,
        key: &KeyId,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        Ok(self
            .unwrap_key(token, &key.reference(), algorithm, ciphertext)?
            .value)
    }
}
