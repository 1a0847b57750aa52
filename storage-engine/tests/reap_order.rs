//! The record of a freed list goes when the deletion of every body it names is durable, in however many steps
//! it was carried out: without its record nobody would delete them again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};

use common::*;
use strongroom_engine::chunks::{BodyKey, ChunkId, ChunkStore, FileChunks};
use strongroom_engine::engine::hooked::Hooked;
use strongroom_engine::engine::{Batch, EngineError, Mutation, Space};
use strongroom_engine::tree::{Tree, TreeError, TreeStore};

/// Deletions of bodies that no sync covers, and what became of the list of one commit.
#[derive(Default)]
struct Watch {
    is_unsynced: AtomicBool,
    commit: AtomicU64,
    gone: AtomicUsize,
    too_early: AtomicUsize,
}

impl Watch {
    fn see(&self, batch: &Batch) {
        let gone = batch
            .mutations
            .iter()
            .filter(|mutation| self.is_of_list(mutation))
            .count();
        self.gone.fetch_add(gone, SeqCst);
        if self.is_unsynced.load(SeqCst) {
            self.too_early.fetch_add(gone, SeqCst);
        }
    }

    fn is_of_list(&self, mutation: &Mutation) -> bool {
        let list = [TREE.0.as_slice(), &self.commit.load(SeqCst).to_be_bytes()].concat();
        matches!(mutation, Mutation::Delete { space: Space::FREED, key } if key.starts_with(&list))
    }
}

struct WatchedChunks(FileChunks, Arc<Watch>);

impl ChunkStore for WatchedChunks {
    fn put(&self, chunks: Vec<(ChunkId, Vec<u8>)>) -> Result<(), EngineError> {
        self.0.put(chunks)
    }
    fn get(&self, id: ChunkId) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(id)
    }
    fn delete(&self, bodies: &[BodyKey]) -> Result<(), EngineError> {
        self.1.is_unsynced.store(true, SeqCst);
        self.0.delete(bodies)
    }
    fn list(&self, prefix: &[u8], after: Option<BodyKey>, limit: usize) -> Result<Vec<BodyKey>, EngineError> {
        self.0.list(prefix, after, limit)
    }
    fn sync(&self) -> Result<(), EngineError> {
        self.0.sync()?;
        self.1.is_unsynced.store(false, SeqCst);
        Ok(())
    }
}

/// One commit with `keys` new keys and `bodies` bodies, and one that takes them all away.
fn come_and_go(tree: &Tree, keys: u32, bodies: usize) {
    let key = |n: u32| [b"k".as_slice(), &n.to_be_bytes()].concat();
    let new: Vec<_> = (0..bodies).map(|_| write_body(tree, &vec![5; 70_000])).collect();
    let adopted = tree.transact::<_, TreeError, _>(move |txn| {
        (0..keys).try_for_each(|n| txn.put(&key(n), &[7; 40]))?;
        new.iter()
            .map(|body| txn.adopt_body(body))
            .collect::<Result<Vec<_>, _>>()
    });
    let adopted = adopted.unwrap();
    let gone = tree.transact::<_, TreeError, _>(move |txn| {
        (0..keys).try_for_each(|n| txn.delete(&key(n)).map(drop))?;
        adopted.iter().try_for_each(|body| txn.release_body(body))
    });
    gone.unwrap();
}

#[track_caller]
fn check(keys: u32, bodies: usize) {
    let (directory, watch) = (tempfile::tempdir().unwrap(), Arc::new(Watch::default()));
    let seen = watch.clone();
    let mut parts = parts(Hooked::new(Box::new(memory()), move |batch| seen.see(batch)));
    let files = FileChunks::open(directory.path().join("bodies")).unwrap();
    parts.chunks = Some(Box::new(WatchedChunks(files, watch.clone())));
    let store = TreeStore::open(parts, settings(512)).unwrap();
    let tree = store.create_tree(TREE, tree_key(TREE)).unwrap();
    come_and_go(&tree, keys, bodies);
    watch.commit.store(tree.commit_number(), SeqCst);
    for n in 0..60_u8 {
        put(&tree, b"another", &[n]).unwrap();
    }
    assert!(
        tree.chunks().list(&[], None, 1).unwrap().is_empty(),
        "{keys} keys, {bodies} bodies"
    );
    let outcome = (watch.gone.load(SeqCst), watch.too_early.load(SeqCst));
    assert_eq!(outcome, (outcome.0.max(1), 0), "{keys} keys, {bodies} bodies");
}

#[test]
fn records_of_freed_lists_go_last() {
    // In one step; the pages in several; the bodies in several; both.
    for (keys, bodies) in [(10, 1), (20_000, 1), (10, 30), (20_000, 30)] {
        check(keys, bodies);
    }
}
