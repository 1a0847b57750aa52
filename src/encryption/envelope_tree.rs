//! The envelope's own sealed tree: one for each holder of a root key, today for each account.
//!
//! Invariants:
//! * The tree has one record, the holder's envelope, and never another one. The record always takes the same
//!   room. So every change of a key writes the same number of bytes, whatever else is stored, whatever the
//!   key is called, and however often it was changed before.
//! * What a change replaces is deleted right after it, not together with what later changes replace.
//! * The record of the holder names the tree, and is committed after the tree has its first envelope. A tree
//!   that no record names is what a crash left: opening the store removes it.

use std::sync::Arc;

use strongroom_engine::keys::{Purpose, ScopeId};
use strongroom_engine::tree::{Gate, Snapshot, Tree, TreeError};

use super::{Envelope, damaged};
use crate::account::open_tree;
use crate::commit::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::rooms;
use crate::store::StoreShared;

/// Where the envelope of one root key is kept.
pub(crate) struct EnvelopeTree {
    tree: Tree,
    /// Whose root key it is. Part of the record's key: a tree is never taken for another holder's.
    holder: ScopeId,
}

impl EnvelopeTree {
    /// Makes the tree `id` with the first envelope of `holder`, durably.
    pub(crate) fn create(
        store: &StoreShared,
        id: ScopeId,
        holder: ScopeId,
        first: &Envelope,
    ) -> Result<Self> {
        let key = store.with_root(|root| root.purpose(Purpose::Tree, id))?;
        let made = Self {
            tree: store.trees.create_tree(id, key)?,
            holder,
        };
        let (key, bytes) = (made.key(), first.padded()?);
        made.tree
            .transact::<_, Error, _>(move |txn| Ok(txn.put(&key, &bytes)?))?;
        Ok(made)
    }

    /// Opens the tree `id` of `holder`.
    pub(crate) fn open(store: &StoreShared, id: ScopeId, holder: ScopeId) -> Result<Self> {
        let tree = open_tree(store, id)?;
        Ok(Self { tree, holder })
    }

    /// The tree itself, for those who look after trees.
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The envelope as committed.
    pub(crate) fn read(&self) -> Result<Envelope> {
        let bytes = self.tree.get(&self.key())?.ok_or_else(damaged)?;
        Envelope::from_padded(&bytes)
    }

    /// The envelope of `holder` as it was in a state of the tree.
    pub(crate) fn read_pinned(state: &Snapshot, holder: ScopeId) -> Result<Envelope> {
        let bytes = state.get(&key(holder))?.ok_or_else(damaged)?;
        Envelope::from_padded(&bytes)
    }

    /// Commits an envelope in place of the one of the generation before, through `gate`; false, and nothing
    /// has happened, if that is closed.
    pub(crate) fn replace(&self, envelope: &Envelope, gate: Arc<dyn Gate>) -> Result<bool> {
        let before = envelope.generation.saturating_sub(1);
        self.put(envelope, Some(gate), move |present| present == before)
    }

    /// Commits a proven copy in place of any older envelope: what a crash has kept from being committed, or
    /// somebody has taken back.
    pub(crate) fn catch_up(&self, copy: &Envelope) -> Result<()> {
        let generation = copy.generation;
        self.put(copy, None, move |present| present < generation)
            .map(drop)
    }

    /// One transaction, one record, if the generation of the present envelope `fits`.
    fn put(
        &self,
        envelope: &Envelope,
        gate: Option<Arc<dyn Gate>>,
        fits: impl Fn(u64) -> bool + Send + 'static,
    ) -> Result<bool> {
        let (key, bytes) = (self.key(), envelope.padded()?);
        let put = self.tree.transact::<_, Failure, _>(move |txn| {
            let present = txn.get(&key)?.ok_or_else(damaged)?;
            if !fits(Envelope::from_padded(&present)?.generation) {
                return Err(changed_meanwhile().into());
            }
            gate.iter().for_each(|gate| txn.through(Arc::clone(gate)));
            Ok(txn.put(&key, &bytes)?)
        });
        match put {
            Err(Failure::Tree(TreeError::GateClosed(_))) => return Ok(false),
            Err(Failure::Tree(error)) => return Err(error.into()),
            Err(Failure::Refused(error)) => return Err(error),
            Ok(()) => {}
        }
        // In force already. What could not be deleted now goes when the store is opened next.
        if let Err(error) = self.tree.reap() {
            tracing::warn!(%error, "a replaced envelope could not be deleted; the next open repeats this");
        }
        Ok(true)
    }

    fn key(&self) -> Vec<u8> {
        key(self.holder)
    }
}

fn key(holder: ScopeId) -> Vec<u8> {
    rooms::key(rooms::ENVELOPE, &[&holder.0])
}

fn changed_meanwhile() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "StorageAccountOperationInProgress",
        409,
        "the account's encryption settings were changed meanwhile",
    )
    .hint("look at the settings, then decide again")
}
