//! The record of a block of reservations goes when it is durable which of its bodies there are, whoever put
//! or deleted them: a file that came back after a power cut would be nobody's for ever.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::*;
use parking_lot::Mutex;
use strongroom_engine::SystemEntropy;
use strongroom_engine::body::BodyWriter;
use strongroom_engine::chunks::{BodyKey, ChunkId, ChunkStore, FileChunks};
use strongroom_engine::engine::hooked::Hooked;
use strongroom_engine::engine::{EngineError, Mutation, Space};
use strongroom_engine::keys::Purpose;
use strongroom_engine::tree::{TreeError, TreeStore};

#[derive(Clone, Debug, PartialEq)]
enum Event {
    Cover(Vec<u8>),
    Sync,
    RecordGone(Vec<u8>),
}

type Log = Arc<Mutex<Vec<Event>>>;

struct WatchedChunks(FileChunks, Log);

impl ChunkStore for WatchedChunks {
    fn put(&self, chunks: Vec<(ChunkId, Vec<u8>)>) -> Result<(), EngineError> {
        self.0.put(chunks)
    }
    fn get(&self, id: ChunkId) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(id)
    }
    fn delete(&self, bodies: &[BodyKey]) -> Result<(), EngineError> {
        self.0.delete(bodies)
    }
    fn list(&self, prefix: &[u8], after: Option<BodyKey>, limit: usize) -> Result<Vec<BodyKey>, EngineError> {
        self.0.list(prefix, after, limit)
    }
    fn cover(&self, prefix: &[u8]) -> Result<(), EngineError> {
        self.1.lock().push(Event::Cover(prefix.to_vec()));
        self.0.cover(prefix)
    }
    fn sync(&self) -> Result<(), EngineError> {
        self.1.lock().push(Event::Sync);
        self.0.sync()
    }
}

/// A store whose files and engine outlive it, as when a process is killed.
fn open_store(root: &std::path::Path, engine: &Shared, log: &Log) -> Arc<TreeStore> {
    let seen = log.clone();
    let watch = move |batch: &strongroom_engine::engine::Batch| {
        for mutation in &batch.mutations {
            if let Mutation::Delete {
                space: Space::RESERVATIONS,
                key,
            } = mutation
            {
                seen.lock().push(Event::RecordGone(key.clone()));
            }
        }
    };
    let mut parts = parts(Hooked::new(Box::new(engine.clone()), watch));
    let files = FileChunks::open(root.join("bodies")).unwrap();
    parts.chunks = Some(Box::new(WatchedChunks(files, log.clone())));
    TreeStore::open(parts, settings(1024)).unwrap()
}

/// Begins a body, which the process gives up before it is killed or not.
#[track_caller]
fn check(given_up: bool) {
    let (directory, engine, log) = (tempfile::tempdir().unwrap(), memory(), Log::default());
    let store = open_store(directory.path(), &engine, &log);
    let tree = store.create_tree(TREE, tree_key(TREE)).unwrap();
    let key = key(Purpose::Content, TREE);
    let mut writer = BodyWriter::new(&tree, &key, 64 << 10, &SystemEntropy).unwrap();
    writer.write(&vec![1; 2 << 20]).unwrap();
    if given_up {
        drop(writer);
    } else {
        std::mem::forget(writer.finish().unwrap());
    }
    drop((tree, store));
    let record = records(&engine, Space::RESERVATIONS)[0].0.clone();
    log.lock().clear();
    let store = open_store(directory.path(), &engine, &log);
    let tree = store.open_tree(TREE, tree_key(TREE));
    assert!(!matches!(tree, Err(TreeError::NotFound(_))));
    let log = log.lock();
    let at = |event: Event| log.iter().position(|seen| *seen == event);
    let covered = at(Event::Cover(record.clone())).unwrap();
    let synced = log[covered..]
        .iter()
        .position(|seen| *seen == Event::Sync)
        .unwrap()
        + covered;
    assert!(synced < at(Event::RecordGone(record)).unwrap(), "{log:?}");
    let left = std::fs::read_dir(directory.path().join("bodies"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "no file and no directory");
}

#[test]
fn records_of_reservations_go_last() {
    for given_up in [true, false] {
        check(given_up);
    }
}
