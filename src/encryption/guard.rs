//! The key guard: the only way from an operation to an account's data keys.
//!
//! Draft with the final interface; always open.

use std::sync::{Arc, Weak};

use parking_lot::RwLock;
use strongroom_engine::keys::{Purpose, PurposeKey, RootKey, ScopeId};
use strongroom_engine::slot::Revocable;
use strongroom_engine::tree::{Gate, GateClosed, Pass};

use crate::error::{Error, Result};

/// The keys of one account's data, derived from its root key.
pub(crate) struct DataKeys {
    /// Seals content of blobs.
    pub(crate) content: PurposeKey,
    /// Seals user metadata of blobs.
    pub(crate) metadata: PurposeKey,
}

/// Holds an account's data keys and gives them up when access is revoked.
pub(crate) struct KeyGuard {
    keys: RwLock<DataKeys>,
}

impl KeyGuard {
    /// A guard that has the root key already.
    pub(crate) fn unlocked(root: &RootKey, account: ScopeId) -> Arc<Self> {
        let keys = DataKeys {
            content: root.purpose(Purpose::Content, account),
            metadata: root.purpose(Purpose::Metadata, account),
        };
        Arc::new(Self {
            keys: RwLock::new(keys),
        })
    }

    /// Fails with the 403 of the spec's section 5.1 unless the customer's key can be used now.
    ///
    /// A few atomic loads while nothing has changed in the vault.
    pub(crate) fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Runs `with` on the keys. A revocation waits until `with` has ended; keys never leave the closure.
    pub(crate) fn with_keys<R>(&self, with: impl FnOnce(&DataKeys) -> R) -> Result<R> {
        self.check()?;
        Ok(with(&self.keys.read()))
    }

    /// Has the slot emptied when access is revoked. Registered only while access is open: fails like [`check`](Self::check).
    pub(crate) fn register(&self, _slot: Weak<dyn Revocable>) -> Result<()> {
        self.check()
    }

    /// The refusal as an error, for a stream that found its slot empty or a transaction whose gate was closed.
    pub(crate) fn refusal(&self) -> Error {
        match self.check() {
            Err(error) => error,
            Ok(()) => Error::new(
                crate::ErrorKind::KeyUnavailable,
                "KeyVaultEncryptionKeyNotFound",
                403,
                "The key vault key is not found to unwrap the encryption key.",
            ),
        }
    }
}

impl Gate for KeyGuard {
    fn enter(&self) -> Result<Pass, GateClosed> {
        self.check().map_err(|_| GateClosed)?;
        Ok(Pass(Box::new(())))
    }
}
