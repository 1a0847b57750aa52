//! A wrapper that calls a function before every batch: a moment for a test to do something in between.

use super::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, ScanOptions, ScanPage, Space,
};

/// An engine whose batches are seen before they are applied.
pub struct Hooked<E: ?Sized> {
    hook: Box<dyn Fn(&Batch) + Send + Sync>,
    inner: Box<E>,
}

impl<E: Engine + ?Sized> Hooked<E> {
    /// Calls `hook` before each batch of `inner`.
    #[must_use]
    pub fn new(inner: Box<E>, hook: impl Fn(&Batch) + Send + Sync + 'static) -> Self {
        Self {
            hook: Box::new(hook),
            inner,
        }
    }
}

impl<E: Engine + ?Sized> Engine for Hooked<E> {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.inner.get(space, key)
    }

    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.inner.scan(space, range, options)
    }

    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        (self.hook)(&batch);
        self.inner.apply(batch, durability)
    }

    fn sync(&self) -> Result<(), EngineError> {
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
