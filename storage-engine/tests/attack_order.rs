//! What must outlive what: a gate's pass the head swap, and a block of reservations each of its outstanding
//! ids.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use common::*;
use strongroom_engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, Mutation, ScanOptions,
    ScanPage, Space,
};
use strongroom_engine::tree::{Gate, GateClosed, Pass, TreeError};

#[derive(Clone, Default)]
struct Door {
    inside: Arc<AtomicBool>,
    swaps: Arc<AtomicUsize>,
}

struct Inside(Arc<AtomicBool>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

impl Gate for Door {
    fn enter(&self) -> Result<Pass, GateClosed> {
        self.inside.store(true, SeqCst);
        Ok(Pass(Box::new(Inside(self.inside.clone()))))
    }
}

/// Counts the head swaps that happen while somebody is inside.
struct Watched(Shared, Door);

impl Engine for Watched {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(space, key)
    }
    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.0.scan(space, range, options)
    }
    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        let head = |mutation: &Mutation| {
            matches!(
                mutation,
                Mutation::Put {
                    space: Space::HEADS,
                    ..
                }
            )
        };
        let swap = batch.mutations.iter().any(head);
        self.0.apply(batch, durability)?;
        self.1
            .swaps
            .fetch_add(usize::from(swap && self.1.inside.load(SeqCst)), SeqCst);
        Ok(())
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
    fn close(&self) -> Result<(), EngineError> {
        self.0.close()
    }
}

#[test]
fn a_pass_is_held_until_the_head_is_swapped() {
    let door = Door::default();
    let (_store, tree) = open(Watched(memory(), door.clone()), settings(512)).unwrap();
    for (round, size) in (1..).zip([10, 3 << 20]) {
        let gate = Arc::new(door.clone());
        tree.transact(move |txn| {
            txn.through(gate.clone());
            txn.put(b"key", &vec![round; size])
        })
        .unwrap_or_else(|error: TreeError| panic!("{error}"));
        assert_eq!(door.swaps.load(SeqCst), usize::from(round));
        assert!(!door.inside.load(SeqCst));
    }
}

#[test]
fn a_block_outlives_the_ids_that_are_still_in_use() {
    let engine = memory();
    let (_store, tree) = open(engine.clone(), settings(512)).unwrap();
    let body = write_body(&tree, &[1; 90_000]);
    for _ in 0..1024 {
        let id = tree.reserve_body([2; 16]).unwrap();
        tree.abandon_body(id).unwrap();
    }
    put(&tree, b"a", b"commit").unwrap();
    put(&tree, b"another", b"commit").unwrap();
    let crashed = copy(&engine);
    open(crashed.clone(), settings(512)).unwrap();
    assert!(
        records(&crashed, Space::CHUNKS).is_empty(),
        "chunks that nobody can find"
    );
    drop(body);
}
