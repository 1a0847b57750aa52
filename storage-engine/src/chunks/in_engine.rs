//! Chunks as records of the engine: one directory holds everything.

use std::sync::Arc;

use super::{BodyKey, ChunkId, ChunkStore};
use crate::engine::{
    BATCH_OPERATIONS_MAX, Batch, Durability, Engine, EngineError, KeyRange, Mutation, Order, ScanOptions,
    Space,
};

/// The default placement: [`Space::CHUNKS`] of the store's engine.
pub struct EngineChunks {
    engine: Arc<dyn Engine>,
}

impl EngineChunks {
    /// Chunks in `engine`.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    fn delete_one(&self, body: &BodyKey) -> Result<(), EngineError> {
        let mut range = KeyRange::prefix(&body.0);
        loop {
            let options = ScanOptions {
                order: Order::Ascending,
                limit: BATCH_OPERATIONS_MAX,
                max_bytes: usize::MAX,
                keys_only: true,
            };
            let page = self.engine.scan(Space::CHUNKS, &range, options)?;
            let mutations: Vec<_> = page
                .entries
                .into_iter()
                .map(|(key, _)| Mutation::Delete {
                    space: Space::CHUNKS,
                    key,
                })
                .collect();
            if !mutations.is_empty() {
                self.engine.apply(
                    Batch {
                        mutations,
                        ..Batch::default()
                    },
                    Durability::Buffered,
                )?;
            }
            match page.resume_after {
                Some(key) => range = range.after(&key),
                None => return Ok(()),
            }
        }
    }
}

fn record_key(id: ChunkId) -> Vec<u8> {
    let mut key = id.body.0.to_vec();
    key.extend_from_slice(&id.index.to_be_bytes());
    key
}

impl ChunkStore for EngineChunks {
    fn put(&self, chunks: Vec<(ChunkId, Vec<u8>)>) -> Result<(), EngineError> {
        let mut batch = Batch::new();
        for (id, bytes) in chunks {
            let key = record_key(id);
            if !batch.fits(key.len() + bytes.len()) {
                self.engine
                    .apply(std::mem::take(&mut batch), Durability::Buffered)?;
            }
            batch = batch.put(Space::CHUNKS, key, bytes);
        }
        self.engine.apply(batch, Durability::Buffered)
    }

    fn get(&self, id: ChunkId) -> Result<Option<Vec<u8>>, EngineError> {
        self.engine.get(Space::CHUNKS, &record_key(id))
    }

    fn delete(&self, bodies: &[BodyKey]) -> Result<(), EngineError> {
        bodies.iter().try_for_each(|body| self.delete_one(body))
    }

    fn list(&self, prefix: &[u8], after: Option<BodyKey>, limit: usize) -> Result<Vec<BodyKey>, EngineError> {
        let mut bodies = Vec::new();
        let mut range = KeyRange::prefix(prefix);
        if let Some(after) = after {
            range.start = range.start.max(past(&after));
        }
        while bodies.len() < limit {
            let options = ScanOptions {
                order: Order::Ascending,
                limit: 1,
                max_bytes: usize::MAX,
                keys_only: true,
            };
            let page = self.engine.scan(Space::CHUNKS, &range, options)?;
            let Some((key, _)) = page.entries.first() else {
                break;
            };
            let body = key
                .get(..BodyKey::BYTES)
                .and_then(|bytes| bytes.try_into().ok())
                .map(BodyKey)
                .ok_or_else(|| EngineError::corrupt("a chunk key is too short"))?;
            bodies.push(body);
            range.start = past(&body);
        }
        Ok(bodies)
    }

    fn sync(&self) -> Result<(), EngineError> {
        Ok(()) // The engine's own sync, which every commit ends with, covers its records.
    }
}

/// The first key after every chunk of `body`.
fn past(body: &BodyKey) -> Vec<u8> {
    let mut key = body.0.to_vec();
    key.extend_from_slice(&[u8::MAX; 5]);
    key
}
