//! A tree in memory whose chunks lie open on the table, for tests of bodies.
#![expect(clippy::unwrap_used, reason = "the world of a test may fail loudly")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use parking_lot::Mutex;
use strongroom_engine::body::{BodyError, BodyReader, BodyRef, BodyWriter};
use strongroom_engine::chunks::{BodyKey, ChunkId, ChunkStore};
use strongroom_engine::engine::EngineError;
use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::keys::{Purpose, PurposeKey, RootKey, ScopeId};
use strongroom_engine::tree::{Tree, TreeError, TreeSettings, TreeStore, TreeStoreParts};
use strongroom_engine::{ManualClock, SystemEntropy, Timestamp};

/// A chunk store that a test can look into and tamper with.
#[derive(Clone, Default)]
pub(crate) struct Table {
    pub(crate) chunks: Arc<Mutex<BTreeMap<ChunkId, Vec<u8>>>>,
    /// Takes chunks and keeps none.
    pub(crate) forgetful: Arc<AtomicBool>,
    /// Fails every `put`.
    pub(crate) broken: Arc<AtomicBool>,
    /// The indexes of the chunks that were asked for.
    pub(crate) fetched: Arc<Mutex<Vec<usize>>>,
}

impl ChunkStore for Table {
    fn put(&self, chunks: Vec<(ChunkId, Vec<u8>)>) -> Result<(), EngineError> {
        if self.broken.load(SeqCst) {
            return Err(EngineError::Closed);
        }
        if !self.forgetful.load(SeqCst) {
            self.chunks.lock().extend(chunks);
        }
        Ok(())
    }

    fn get(&self, id: ChunkId) -> Result<Option<Vec<u8>>, EngineError> {
        self.fetched.lock().push(id.index as usize);
        Ok(self.chunks.lock().get(&id).cloned())
    }

    fn delete(&self, bodies: &[BodyKey]) -> Result<(), EngineError> {
        self.chunks.lock().retain(|id, _| !bodies.contains(&id.body));
        Ok(())
    }

    fn list(&self, prefix: &[u8], after: Option<BodyKey>, limit: usize) -> Result<Vec<BodyKey>, EngineError> {
        let chunks = self.chunks.lock();
        let mut bodies: Vec<_> = chunks.keys().map(|id| id.body).collect();
        bodies.dedup();
        bodies.retain(|body| body.0.starts_with(prefix) && after.is_none_or(|after| *body > after));
        bodies.truncate(limit);
        Ok(bodies)
    }

    fn sync(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

pub(crate) struct BodyWorld {
    pub(crate) table: Table,
    pub(crate) tree: Tree,
    pub(crate) key: PurposeKey,
}

pub(crate) fn key(byte: u8) -> PurposeKey {
    RootKey::from_bytes(vec![byte; 32].into())
        .unwrap()
        .purpose(Purpose::Content, ScopeId([1; 16]))
}

impl BodyWorld {
    pub(crate) fn new() -> Self {
        let table = Table::default();
        let parts = TreeStoreParts {
            last_commit: None,
            engine: Box::new(MemoryEngine::new()),
            chunks: Some(Box::new(table.clone())),
            entropy: Arc::new(SystemEntropy),
            clock: Arc::new(ManualClock::new(Timestamp::default())),
        };
        let store = TreeStore::open(parts, TreeSettings::default()).unwrap();
        let tree = store.create_tree(ScopeId([1; 16]), key(9)).unwrap();
        Self {
            table,
            tree,
            key: key(1),
        }
    }

    pub(crate) fn writer(&self, chunk_bytes: u32) -> BodyWriter {
        BodyWriter::new(&self.tree, &self.key, chunk_bytes, &SystemEntropy).unwrap()
    }

    /// Stores `content` and names it in a record.
    pub(crate) fn store(&self, content: &[u8], chunk_bytes: u32) -> BodyRef {
        let mut writer = self.writer(chunk_bytes);
        writer.write(content).unwrap();
        let body = writer.finish().unwrap();
        self.tree
            .transact(move |txn| {
                txn.put(b"\x01body", b"x")?;
                txn.adopt_body(&body)
            })
            .map_err(|error: TreeError| error)
            .unwrap()
    }

    pub(crate) fn reader(&self, body: &BodyRef) -> Result<BodyReader, BodyError> {
        let snapshot = self.tree.snapshot().unwrap();
        BodyReader::open(&self.tree, &snapshot, body, &self.key)
    }

    /// All of a body, or the first error.
    pub(crate) fn read(&self, body: &BodyRef) -> Result<Vec<u8>, BodyError> {
        let reader = self.reader(body)?;
        read_range(&reader, 0, usize::MAX)
    }
}

/// Up to `length` bytes from `offset` on, in pieces of at most 700 bytes.
pub(crate) fn read_range(reader: &BodyReader, offset: u64, length: usize) -> Result<Vec<u8>, BodyError> {
    let mut content = Vec::new();
    let mut piece = [0; 700];
    while content.len() < length {
        let room = piece.len().min(length - content.len());
        let count = reader.read_at(offset + content.len() as u64, piece.get_mut(..room).unwrap())?;
        if count == 0 {
            break;
        }
        content.extend_from_slice(piece.get(..count).unwrap());
    }
    Ok(content)
}

pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 % 251) as u8).collect()
}
