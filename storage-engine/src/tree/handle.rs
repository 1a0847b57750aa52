//! Handles: a tree, a snapshot of it, a pinned body.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use parking_lot::Mutex;

use super::read::{self, Query};
use super::reap::{Effort, reap};
use super::reservations::body_key;
use super::state::{TreeState, Version};
use super::store::TreeStore;
use super::txn::is_user_key;
use super::{Entry, TreeError, Txn};
use crate::Entropy;
use crate::body::BodyId;
use crate::chunks::{BodyKey, ChunkStore};
use crate::engine::{Engine, EngineError, KeyRange, Order, Space};
use crate::entropy::EntropyError;
use crate::keys::ScopeId;

/// One tree. Clones are handles to the same tree.
#[derive(Clone)]
pub struct Tree {
    pub(super) store: Arc<TreeStore>,
    pub(super) state: Arc<TreeState>,
}

impl Tree {
    /// The tree's id.
    #[must_use]
    pub fn id(&self) -> ScopeId {
        self.state.pages.tree
    }

    /// Where chunks of large bodies live.
    #[must_use]
    pub fn chunks(&self) -> &Arc<dyn ChunkStore> {
        &self.state.pages.core.chunks
    }

    /// The committed value of `key`.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        get(&self.state, &self.state.current(), key)
    }

    /// At most `limit` committed entries of `range`, from one consistent state.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn range(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Entry>, TreeError> {
        let query = Query { range, order, limit };
        let version = self.state.current();
        self.state
            .read(&version, |pages, root| read::range(pages, root, &query))
    }

    /// How many entries the tree has.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.state.current().0.entries
    }

    /// The number of the newest commit; every change raises it.
    #[must_use]
    pub fn commit_number(&self) -> u64 {
        self.state.current().0.commit
    }

    /// A view that stays as it is while others commit. It keeps replaced pages on disk until it is dropped or
    /// expires.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn snapshot(&self) -> Result<Snapshot, TreeError> {
        self.state.check_open()?;
        Ok(Snapshot {
            id: self.state.add_snapshot(),
            state: self.state.clone(),
        })
    }

    /// Runs `change` over the newest state and commits what it did: durable when this returns.
    ///
    /// `change` may run more than once and on another caller's thread; it must not commit itself, which would
    /// wait for ever. A panic in it comes out of this call and harms nobody else.
    ///
    /// # Errors
    /// What `change` returned (then nothing happened), or [`TreeError`].
    pub fn transact<T, E, F>(&self, mut change: F) -> Result<T, E>
    where
        F: FnMut(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<TreeError> + Send + 'static,
    {
        let result = Arc::new(Mutex::new(None));
        let slot = result.clone();
        let change = Box::new(move |txn: &mut Txn<'_>| {
            let outcome = catch_unwind(AssertUnwindSafe(|| change(txn)));
            let keep = matches!(outcome, Ok(Ok(_)));
            *slot.lock() = Some(outcome);
            keep
        });
        self.store
            .committer
            .submit(&self.state.pages.core, self.state.clone(), change)?;
        let outcome = result.lock().take();
        match outcome {
            Some(Ok(result)) => result,
            Some(Err(panic)) => resume_unwind(panic),
            None => Err(TreeError::from(EngineError::Poisoned).into()),
        }
    }

    /// The part of a new body's id that tells it from all others, whether or not it becomes a large one.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn body_name(&self, entropy: &dyn Entropy) -> Result<[u8; 16], EntropyError> {
        self.state.body_name(entropy)
    }

    /// Deletes what this tree's commits released and nobody reads any more, now and not together with later
    /// ones: for a tree whose every commit is to cost the same.
    ///
    /// # Errors
    /// [`TreeError`]. Nothing is lost then: the next open does it.
    pub fn reap(&self) -> Result<(), TreeError> {
        let _reaping = self.store.committer.reaping.lock();
        self.state.check_open()?;
        self.state.pages.core.check_writable()?;
        reap(&self.state, Effort::All).map(drop)
    }

    /// An id for a new large body; its chunks are reaped at the next open unless a transaction adopts it.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn reserve_body(&self, unique: [u8; 16]) -> Result<BodyId, TreeError> {
        self.state.reserve(unique)
    }

    /// Gives a reserved body up and deletes its chunks. Does nothing to a body that was adopted.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn abandon_body(&self, id: BodyId) -> Result<(), TreeError> {
        self.state.abandon(id)
    }

    /// Fails once the tree was removed or the store closed.
    pub(crate) fn check_open(&self) -> Result<(), TreeError> {
        self.state.check_open()
    }

    /// What a failure means: that the tree was removed, if it was.
    pub(crate) fn explain(&self, error: TreeError) -> TreeError {
        self.state.check_open().err().unwrap_or(error)
    }

    /// The chunk store's name of a body of this tree.
    #[must_use]
    pub fn body_key(&self, id: BodyId) -> BodyKey {
        body_key(self.id(), id)
    }

    /// The sealed bytes of a small body, from the page cache if they are there.
    pub(crate) fn cached_small_body(&self, location: &[u8; 24]) -> Result<Option<Arc<Vec<u8>>>, TreeError> {
        self.state.check_open()?;
        self.state.pages.small_body(&super::PageId(*location))
    }

    /// The sealed bytes of a small body as the engine has them, or `None` once it is gone.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn small_body(&self, location: &[u8; 24]) -> Result<Option<Vec<u8>>, TreeError> {
        self.state.check_open()?;
        let key = super::PageId(*location).record(self.id());
        Ok(self.state.pages.core.engine.get(Space::PAGES, &key)?)
    }
}

/// A view of one committed state.
pub struct Snapshot {
    pub(super) state: Arc<TreeState>,
    id: u64,
}

impl Snapshot {
    /// The value of `key` in this state.
    ///
    /// # Errors
    /// [`TreeError::SnapshotExpired`]; [`TreeError`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        get(&self.state, &*self.version()?, key)
    }

    /// At most `limit` entries of `range` in this state.
    ///
    /// # Errors
    /// [`TreeError::SnapshotExpired`]; [`TreeError`].
    pub fn range(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Entry>, TreeError> {
        let query = Query { range, order, limit };
        let version = self.version()?;
        self.state
            .read(&version, |pages, root| read::range(pages, root, &query))
    }

    /// Keeps the body's chunks from being deleted for as long as the pin lives, beyond the snapshot.
    #[must_use]
    pub fn pin_body(&self, id: BodyId) -> BodyPin {
        self.state.pin_body(id);
        BodyPin {
            state: self.state.clone(),
            id,
        }
    }

    /// The version, pinned for one read.
    pub(super) fn version(&self) -> Result<Arc<Version>, TreeError> {
        self.state.snapshot(self.id)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.state.drop_snapshot(self.id);
    }
}

/// Keeps a body's chunks until it is dropped.
pub struct BodyPin {
    state: Arc<TreeState>,
    id: BodyId,
}

impl Drop for BodyPin {
    fn drop(&mut self) {
        self.state.unpin_body(self.id);
    }
}

fn get(state: &TreeState, version: &Version, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
    if !is_user_key(key) {
        return Ok(None);
    }
    state.read(version, |pages, root| read::get(pages, root, key))
}
