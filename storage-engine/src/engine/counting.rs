//! A wrapper that counts what passes through: the write counter behind every "nothing was rewritten" claim.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, ScanOptions, ScanPage, Space,
};

/// What an engine was asked to write since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteCounts {
    /// Batches applied.
    pub batches: u64,
    /// Bytes of keys and values in all spaces but [`Space::CHUNKS`].
    pub record_bytes: u64,
    /// Bytes of keys and values in [`Space::CHUNKS`].
    pub chunk_bytes: u64,
    /// Syncs: explicit ones and batches applied with [`Durability::Synced`].
    pub syncs: u64,
}

impl WriteCounts {
    /// What was added since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            batches: self.batches - earlier.batches,
            record_bytes: self.record_bytes - earlier.record_bytes,
            chunk_bytes: self.chunk_bytes - earlier.chunk_bytes,
            syncs: self.syncs - earlier.syncs,
        }
    }
}

/// Counts the writes of the engine inside it.
pub struct Counting<E: ?Sized> {
    batches: AtomicU64,
    record_bytes: AtomicU64,
    chunk_bytes: AtomicU64,
    syncs: AtomicU64,
    inner: Box<E>,
}

impl<E: Engine + ?Sized> Counting<E> {
    /// Starts counting at zero.
    #[must_use]
    pub fn new(inner: Box<E>) -> Self {
        Self {
            batches: AtomicU64::new(0),
            record_bytes: AtomicU64::new(0),
            chunk_bytes: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            inner,
        }
    }

    /// The counts so far.
    pub fn counts(&self) -> WriteCounts {
        WriteCounts {
            batches: self.batches.load(Relaxed),
            record_bytes: self.record_bytes.load(Relaxed),
            chunk_bytes: self.chunk_bytes.load(Relaxed),
            syncs: self.syncs.load(Relaxed),
        }
    }

    fn count(&self, batch: &Batch, durability: Durability) {
        self.batches.fetch_add(1, Relaxed);
        if durability == Durability::Synced {
            self.syncs.fetch_add(1, Relaxed);
        }
        for mutation in &batch.mutations {
            let (super::Mutation::Put { space, .. } | super::Mutation::Delete { space, .. }) = mutation;
            let counter = if *space == Space::CHUNKS {
                &self.chunk_bytes
            } else {
                &self.record_bytes
            };
            counter.fetch_add(mutation.size() as u64, Relaxed);
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<E: Engine + ?Sized> Engine for Counting<E> {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.inner.get(space, key)
    }

    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.inner.scan(space, range, options)
    }

    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.count(&batch, durability);
        self.inner.apply(batch, durability)
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.syncs.fetch_add(1, Relaxed);
        self.inner.sync()
    }

    fn checkpoint(&self) -> Result<(), EngineError> {
        self.inner.checkpoint()
    }

    fn stats(&self) -> Result<EngineStats, EngineError> {
        self.inner.stats()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn close(&self) -> Result<(), EngineError> {
        self.inner.close()
    }
}
