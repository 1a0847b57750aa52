//! Which keys seal a blob: those of its account or of an encryption scope, and for content a key that the
//! caller provides.
//!
//! Whatever seals the content, the guard of the account or scope is asked, and user metadata is under its
//! keys: a revocation stops the blob as a whole.

use std::sync::{Arc, Weak};

use strongroom_engine::keys::PurposeKey;
use strongroom_engine::slot::Revocable;
use strongroom_engine::tree::Txn;

use super::provided::{CustomerProvidedKey, EncryptionChoice};
use super::{DataKeys, KeyGuard};
use crate::account::AccountCore;
use crate::blob::EncryptionDetails;
use crate::blob::source::of_source;
use crate::container::record::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::names::ContainerName;
use crate::operations::{Operation, UserMetadata};

/// The keys of one blob, found but not yet asked for.
#[derive(Clone)]
pub(crate) struct BlobKeys {
    pub(crate) guard: Arc<KeyGuard>,
    /// What a record keeps of them.
    pub(crate) details: EncryptionDetails,
    provided: Option<CustomerProvidedKey>,
    /// Of the blob that the content comes from, if it is under other keys: what is under way is given up when
    /// either of both is revoked.
    source: Option<Arc<KeyGuard>>,
}

impl BlobKeys {
    /// The same for content that is read under `source`.
    pub(crate) fn fed_by(mut self, source: &Arc<KeyGuard>) -> Self {
        self.source = (!Arc::ptr_eq(source, &self.guard)).then(|| Arc::clone(source));
        self
    }

    /// Fails while the guard, or that of the source, refuses.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(source) = &self.source {
            source.check().map_err(|error| of_source(&error))?;
        }
        self.guard.check()
    }

    /// The refusal as an error, for a stream that found its slot empty.
    pub(crate) fn refusal(&self) -> Error {
        match self.check() {
            Err(error) => error,
            Ok(()) => self.guard.refusal(),
        }
    }

    /// What an error of a commit means: that of a source that was revoked meanwhile is the source's.
    pub(crate) fn explain(&self, error: Error) -> Error {
        match self.source.as_ref().map(|source| source.check()) {
            Some(Err(refusal)) if error.kind() == ErrorKind::KeyUnavailable => of_source(&refusal),
            _ => error,
        }
    }

    /// Has the slot emptied when either is revoked.
    pub(crate) fn register(&self, slot: &Weak<dyn Revocable>) -> Result<()> {
        if let Some(source) = &self.source {
            let registered = source.register(Weak::clone(slot));
            registered.map_err(|error| of_source(&error))?;
        }
        self.guard.register(Weak::clone(slot))
    }

    /// Lets an operation that needs the keys commit only through the gates of both.
    pub(crate) fn admit_commit(
        &self,
        (operation, metadata): (Operation, UserMetadata),
        txn: &mut Txn<'_>,
    ) -> Result<()> {
        operation.admit_commit(metadata, &self.guard, txn)?;
        self.through_source(txn)
    }

    /// Lets the transaction commit only through the gate of the source.
    pub(crate) fn through_source(&self, txn: &mut Txn<'_>) -> Result<()> {
        if let Some(source) = &self.source {
            source.check().map_err(|error| of_source(&error))?;
            txn.through(source.clone());
        }
        Ok(())
    }

    /// Runs `with` on the key that content is sealed under. Fails unless it is the one that the record names:
    /// content under another could never be opened again.
    pub(crate) fn with_content<R>(&self, with: impl FnOnce(&PurposeKey) -> R) -> Result<R> {
        let given = EncryptionDetails {
            customer_key_sha256: self.provided.as_ref().map(CustomerProvidedKey::sha256),
            ..self.details.clone()
        };
        self.details.check_same(&given)?;
        self.guard.with_keys(|keys| match &self.provided {
            None => with(&keys.content),
            Some(provided) => with(&self.guard.provided_content(provided)),
        })
    }

    /// Runs `with` on the keys of the account or scope.
    pub(crate) fn with_keys<R>(&self, with: impl FnOnce(&DataKeys) -> R) -> Result<R> {
        self.guard.with_keys(with)
    }
}

impl std::fmt::Debug for BlobKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("BlobKeys").field(&self.details).finish()
    }
}

impl AccountCore {
    /// The keys of what is sealed as `details` say and the caller chose. Not inside a transaction, where
    /// [`guard_at_hand`](Self::guard_at_hand) tells what a commit needs.
    pub(crate) fn keys_of(&self, details: &EncryptionDetails, choice: &EncryptionChoice) -> Result<BlobKeys> {
        let guard = match &details.scope {
            None => Arc::clone(&self.guard),
            Some(name) => Arc::clone(&self.scope(&name.parse()?)?.guard),
        };
        Ok(BlobKeys {
            guard,
            details: details.clone(),
            provided: choice.customer_key().cloned(),
            source: None,
        })
    }

    /// The keys of a new blob of the container.
    pub(crate) fn keys_for_new(
        &self,
        container: &ContainerName,
        choice: &EncryptionChoice,
    ) -> Result<BlobKeys> {
        let container = ContainerRecord::read(&self.tree, container)?;
        self.keys_of(&container.encryption.details(choice)?, choice)
    }

    /// The guard of what is sealed as `details` say, inside a transaction.
    pub(crate) fn guard_at_hand(&self, details: &EncryptionDetails) -> Result<Arc<KeyGuard>> {
        match &details.scope {
            None => Ok(Arc::clone(&self.guard)),
            Some(name) => match self.scopes.find(&name.parse()?) {
                Some(scope) => Ok(Arc::clone(&scope.guard)),
                None => Err(changed_meanwhile()),
            },
        }
    }
}

/// The blob came under another scope between two looks at it.
pub(crate) fn changed_meanwhile() -> Error {
    let message = "the blob came under another encryption scope meanwhile";
    Error::new(ErrorKind::Store, "ServerBusy", 503, message).hint("try again")
}
