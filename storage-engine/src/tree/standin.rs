//! A stand-in with the tree's interface: unsealed records straight in the engine. Replaced by the real tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Entry, Gate, TreeError, TreeSettings, TreeStoreParts};
use crate::Entropy;
use crate::body::{BodyId, BodyRef, FinishedBody, Location};
use crate::chunks::{BodyKey, ChunkStore, EngineChunks};
use crate::engine::counting::{Counting, WriteCounts};
use crate::engine::{Batch, Durability, Engine, KeyRange, Order, ScanOptions, Space};
use crate::entropy::random;
use crate::keys::{PurposeKey, ScopeId};

/// Trees over one engine.
pub struct TreeStore {
    engine: Arc<Counting<dyn Engine>>,
    chunks: Arc<dyn ChunkStore>,
    entropy: Arc<dyn Entropy>,
    commit: Mutex<()>,
}

impl TreeStore {
    /// Opens the store; finishes what a crash interrupted.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn open(parts: TreeStoreParts, _settings: TreeSettings) -> Result<Arc<Self>, TreeError> {
        let engine: Arc<Counting<dyn Engine>> = Arc::new(Counting::new(parts.engine));
        let chunks: Arc<dyn ChunkStore> = match parts.chunks {
            Some(chunks) => Arc::from(chunks),
            None => Arc::new(EngineChunks::new(engine.clone())),
        };
        Ok(Arc::new(Self {
            engine,
            chunks,
            entropy: parts.entropy,
            commit: Mutex::new(()),
        }))
    }

    /// Makes an empty tree, durably.
    ///
    /// # Errors
    /// [`TreeError::Exists`].
    pub fn create_tree(self: &Arc<Self>, id: ScopeId, _key: PurposeKey) -> Result<Tree, TreeError> {
        if self.engine.get(Space::HEADS, &id.0)?.is_some() {
            return Err(TreeError::Exists(format!("{id:?}")));
        }
        self.engine.apply(
            Batch::new().put(Space::HEADS, id.0, b"head".as_slice()),
            Durability::Synced,
        )?;
        Ok(Tree {
            store: self.clone(),
            id,
        })
    }

    /// Opens an existing tree.
    ///
    /// # Errors
    /// [`TreeError::NotFound`].
    pub fn open_tree(self: &Arc<Self>, id: ScopeId, _key: PurposeKey) -> Result<Tree, TreeError> {
        match self.engine.get(Space::HEADS, &id.0)? {
            Some(_) => Ok(Tree {
                store: self.clone(),
                id,
            }),
            None => Err(TreeError::NotFound(format!("{id:?}"))),
        }
    }

    /// Removes a tree with everything in it; handles that are still open fail.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn remove_tree(&self, id: ScopeId) -> Result<(), TreeError> {
        Ok(self
            .engine
            .apply(Batch::new().delete(Space::HEADS, id.0), Durability::Synced)?)
    }

    /// Ids of all trees.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn tree_ids(&self) -> Result<Vec<ScopeId>, TreeError> {
        let options = ScanOptions {
            order: Order::Ascending,
            limit: 1 << 20,
            max_bytes: usize::MAX,
            keys_only: true,
        };
        let page = self.engine.scan(Space::HEADS, &KeyRange::all(), options)?;
        Ok(page
            .entries
            .into_iter()
            .filter_map(|(key, _)| key.try_into().ok())
            .map(ScopeId)
            .collect())
    }

    /// What was written since the store was opened.
    pub fn write_counts(&self) -> WriteCounts {
        self.engine.counts()
    }

    /// Syncs and closes.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn close(&self) -> Result<(), TreeError> {
        Ok(self.engine.close()?)
    }
}

/// One tree. Clones are handles to the same tree.
#[derive(Clone)]
pub struct Tree {
    store: Arc<TreeStore>,
    id: ScopeId,
}

impl Tree {
    /// The tree's id.
    #[must_use]
    pub fn id(&self) -> ScopeId {
        self.id
    }

    /// Where chunks of large bodies live.
    #[must_use]
    pub fn chunks(&self) -> &Arc<dyn ChunkStore> {
        &self.store.chunks
    }

    /// The committed value of `key`.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        Ok(self.store.engine.get(Space::PAGES, &self.record(key))?)
    }

    /// At most `limit` committed entries of `range`, from one consistent state.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn range(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Entry>, TreeError> {
        let range = KeyRange {
            start: self.record(&range.start),
            end: range
                .end
                .as_ref()
                .map_or_else(|| KeyRange::prefix(&self.id.0).end, |end| Some(self.record(end))),
        };
        let options = ScanOptions {
            order,
            limit,
            max_bytes: usize::MAX,
            keys_only: false,
        };
        let page = self.store.engine.scan(Space::PAGES, &range, options)?;
        Ok(page
            .entries
            .into_iter()
            .map(|(key, value)| (key.get(16..).unwrap_or_default().to_vec(), value))
            .collect())
    }

    /// A view that stays as it is while others commit.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn snapshot(&self) -> Result<Snapshot, TreeError> {
        Ok(Snapshot(self.clone()))
    }

    /// Runs `change` over the newest state and commits what it did: durable when this returns.
    ///
    /// `change` may run more than once and on another caller's thread; it must not commit itself.
    ///
    /// # Errors
    /// What `change` returned (then nothing happened), or [`TreeError`].
    pub fn transact<T, E, F>(&self, mut change: F) -> Result<T, E>
    where
        F: FnMut(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<TreeError> + Send + 'static,
    {
        let _turn = self.store.commit.lock();
        let mut txn = Txn {
            tree: self,
            changes: BTreeMap::new(),
            gates: Vec::new(),
        };
        let done = change(&mut txn)?;
        let Txn { changes, gates, .. } = txn;
        let _passes = gates
            .iter()
            .map(|gate| gate.enter())
            .collect::<Result<Vec<_>, _>>()
            .map_err(TreeError::from)?;
        let mut batch = Batch::new();
        for (key, value) in changes {
            batch = match value {
                Some(value) => batch.put(Space::PAGES, self.record(&key), value),
                None => batch.delete(Space::PAGES, self.record(&key)),
            };
        }
        self.store
            .engine
            .apply(batch, Durability::Synced)
            .map_err(TreeError::from)?;
        Ok(done)
    }

    /// An id for a new large body; its chunks are reaped at the next open unless a transaction adopts it.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn reserve_body(&self, unique: [u8; 16]) -> Result<BodyId, TreeError> {
        Ok(BodyId::in_block(random(self.store.entropy.as_ref())?, unique))
    }

    /// Gives a reserved body up and deletes its chunks.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn abandon_body(&self, id: BodyId) -> Result<(), TreeError> {
        Ok(self.store.chunks.delete(&[self.body_key(id)])?)
    }

    /// The chunk store's name of a body of this tree.
    #[must_use]
    pub fn body_key(&self, id: BodyId) -> BodyKey {
        let mut key = [0; BodyKey::BYTES];
        for (to, from) in key.iter_mut().zip(self.id.0.iter().chain(&id.0)) {
            *to = *from;
        }
        BodyKey(key)
    }

    /// The sealed bytes of a small body, or `None` once it is gone.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn small_body(&self, location: &[u8; 24]) -> Result<Option<Vec<u8>>, TreeError> {
        self.get(&[&[0, 9], location.as_slice()].concat())
    }

    fn record(&self, key: &[u8]) -> Vec<u8> {
        [&self.id.0, key].concat()
    }
}

/// A view of one committed state.
pub struct Snapshot(Tree);

impl Snapshot {
    /// The value of `key` in this state.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        self.0.get(key)
    }

    /// At most `limit` entries of `range` in this state.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn range(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Entry>, TreeError> {
        self.0.range(range, order, limit)
    }

    /// Keeps the body's chunks from being deleted for as long as the pin lives, beyond the snapshot.
    #[must_use]
    pub fn pin_body(&self, _id: BodyId) -> BodyPin {
        BodyPin
    }
}

/// Keeps a body's chunks.
pub struct BodyPin;

/// A transaction: reads see its own writes.
pub struct Txn<'a> {
    tree: &'a Tree,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    gates: Vec<Arc<dyn Gate>>,
}

impl Txn<'_> {
    /// The value of `key`.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        match self.changes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.tree.get(key),
        }
    }

    /// At most `limit` entries of `range`.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn range(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Entry>, TreeError> {
        let mut entries: BTreeMap<_, _> = self.tree.range(range, order, usize::MAX)?.into_iter().collect();
        for (key, value) in self.changes.iter().filter(|(key, _)| range.contains(key)) {
            match value {
                Some(value) => entries.insert(key.clone(), value.clone()),
                None => entries.remove(key),
            };
        }
        Ok(match order {
            Order::Ascending => entries.into_iter().take(limit).collect(),
            Order::Descending => entries.into_iter().rev().take(limit).collect(),
        })
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// [`TreeError::Limit`].
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), TreeError> {
        self.changes.insert(key.to_vec(), Some(value.to_vec()));
        Ok(())
    }

    /// Removes `key`; true if it was there.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, TreeError> {
        let present = self.get(key)?.is_some();
        self.changes.insert(key.to_vec(), None);
        Ok(present)
    }

    /// Makes a finished body part of this commit with one reference, and returns what a record keeps to read it.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn adopt_body(&mut self, body: &FinishedBody) -> Result<BodyRef, TreeError> {
        let mut reference = body.reference().clone();
        if let Some(sealed) = body.small() {
            let location = random(self.tree.store.entropy.as_ref())?;
            self.put(&[&[0, 9], location.as_slice()].concat(), sealed)?;
            reference.location = Location::Small(location);
        }
        Ok(reference)
    }

    /// Drops one reference to a body; the last one releases its space.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn release_body(&mut self, _body: &BodyRef) -> Result<(), TreeError> {
        Ok(())
    }

    /// Lets this transaction commit only through `gate`.
    pub fn through(&mut self, gate: Arc<dyn Gate>) {
        self.gates.push(gate);
    }
}
