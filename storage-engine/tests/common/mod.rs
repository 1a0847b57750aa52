//! A small store for tests: a memory engine that outlives it, seeded randomness, a clock that stands still.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "each test file uses its own part of this; helpers of tests fail by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use strongroom_engine::body::{BodyReader, BodyRef, BodyWriter, FinishedBody};
use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, Order, ScanOptions,
    ScanPage, Space,
};
use strongroom_engine::keys::{Purpose, PurposeKey, RootKey, ScopeId};
use strongroom_engine::tree::{Tree, TreeError, TreeSettings, TreeStore, TreeStoreParts};
use strongroom_engine::{ManualClock, SystemEntropy, Timestamp};
use zeroize::Zeroizing;

pub const TREE: ScopeId = ScopeId([7; 16]);

/// An engine shared between the store and the test.
#[derive(Clone)]
pub struct Shared(pub Arc<dyn Engine>);

impl Engine for Shared {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(space, key)
    }
    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.0.scan(space, range, options)
    }
    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.0.apply(batch, durability)
    }
    fn sync(&self) -> Result<(), EngineError> {
        self.0.sync()
    }
    fn checkpoint(&self) -> Result<(), EngineError> {
        self.0.checkpoint()
    }
    fn stats(&self) -> Result<EngineStats, EngineError> {
        self.0.stats()
    }
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    /// The test goes on using the engine: it is opened again.
    fn close(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

pub fn key(purpose: Purpose, tree: ScopeId) -> PurposeKey {
    RootKey::from_bytes(Zeroizing::new(vec![9; 32]))
        .unwrap()
        .purpose(purpose, tree)
}

pub fn tree_key(tree: ScopeId) -> PurposeKey {
    key(Purpose::Tree, tree)
}

pub fn settings(page_target_bytes: usize) -> TreeSettings {
    TreeSettings {
        page_target_bytes,
        page_cache_bytes: 1 << 20,
        snapshot_age_max: Duration::from_secs(3600),
    }
}

pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_000_000)))
}

pub fn parts(engine: impl Engine) -> TreeStoreParts {
    TreeStoreParts {
        last_commit: None,
        engine: Box::new(engine),
        chunks: None,
        entropy: Arc::new(SystemEntropy),
        clock: clock(),
    }
}

pub fn memory() -> Shared {
    Shared(Arc::new(MemoryEngine::new()))
}

/// The store and its one tree, made if it is not there.
pub fn open(engine: impl Engine, settings: TreeSettings) -> Result<(Arc<TreeStore>, Tree), TreeError> {
    let store = TreeStore::open(parts(engine), settings)?;
    let tree = match store.open_tree(TREE, tree_key(TREE)) {
        Err(TreeError::NotFound(_)) => store.create_tree(TREE, tree_key(TREE))?,
        result => result?,
    };
    Ok((store, tree))
}

pub fn put(tree: &Tree, key: &[u8], value: &[u8]) -> Result<(), TreeError> {
    let (key, value) = (key.to_vec(), value.to_vec());
    tree.transact(move |txn| txn.put(&key, &value))
}

pub fn delete(tree: &Tree, key: &[u8]) -> Result<bool, TreeError> {
    let key = key.to_vec();
    tree.transact(move |txn| txn.delete(&key))
}

pub fn all(tree: &Tree) -> Vec<(Vec<u8>, Vec<u8>)> {
    tree.range(&KeyRange::all(), Order::Ascending, usize::MAX)
        .unwrap()
}

/// Every record of a space.
pub fn records(engine: &dyn Engine, space: Space) -> Vec<(Vec<u8>, Vec<u8>)> {
    let options = ScanOptions {
        order: Order::Ascending,
        limit: usize::MAX,
        max_bytes: usize::MAX,
        keys_only: false,
    };
    engine.scan(space, &KeyRange::all(), options).unwrap().entries
}

/// Records in each space, in the order of [`Space::ALL`].
pub fn counts(engine: &dyn Engine) -> [usize; 6] {
    Space::ALL.map(|space| records(engine, space).len())
}

/// An engine with the same records.
pub fn copy(engine: &dyn Engine) -> Shared {
    let copy = memory();
    for space in Space::ALL {
        for (key, value) in records(engine, space) {
            copy.apply(Batch::new().put(space, key, value), Durability::Synced)
                .unwrap();
        }
    }
    copy
}

pub fn write_body(tree: &Tree, content: &[u8]) -> FinishedBody {
    let key = key(Purpose::Content, TREE);
    let mut writer = BodyWriter::new(tree, &key, 64 << 10, &SystemEntropy).unwrap();
    writer.write(content).unwrap();
    writer.finish().unwrap()
}

pub fn read_body(tree: &Tree, body: &BodyRef) -> Vec<u8> {
    let snapshot = tree.snapshot().unwrap();
    let reader = BodyReader::open(tree, &snapshot, body, &key(Purpose::Content, TREE)).unwrap();
    read_all(&reader)
}

pub fn read_all(reader: &BodyReader) -> Vec<u8> {
    let mut content = vec![0; reader.length() as usize];
    let mut at = 0;
    while at < content.len() {
        at += reader.read_at(at as u64, &mut content[at..]).unwrap();
    }
    content
}

/// Adopts a body and returns what a record would keep.
pub fn adopt(tree: &Tree, body: FinishedBody) -> BodyRef {
    tree.transact(move |txn| txn.adopt_body(&body)).unwrap()
}

pub fn release(tree: &Tree, body: &BodyRef) {
    let body = body.clone();
    tree.transact(move |txn| txn.release_body(&body)).unwrap();
}
