//! Many writers: conditional ones never both win, and they share syncs; a panic or an error harms its caller
//! only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use common::*;
use strongroom_engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, ScanOptions, ScanPage, Space,
};
use strongroom_engine::keys::ScopeId;
use strongroom_engine::tree::TreeError;

/// Takes its time over durable batches, as disks do.
struct Slow(Shared);

impl Engine for Slow {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(space, key)
    }
    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.0.scan(space, range, options)
    }
    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        thread::sleep(Duration::from_millis(2));
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
    fn close(&self) -> Result<(), EngineError> {
        self.0.close()
    }
}

const WRITERS: usize = 8;
const ROUNDS: usize = 25;

#[test]
fn of_racing_conditional_writers_exactly_one_wins() {
    let (_store, tree) = open(memory(), settings(1024)).unwrap();
    for round in 0..ROUNDS {
        let (wins, start) = (AtomicUsize::new(0), Barrier::new(WRITERS));
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (tree, wins, start) = (&tree, &wins, &start);
                scope.spawn(move || {
                    start.wait();
                    let key = format!("round {round}").into_bytes();
                    let won = tree.transact(move |txn| {
                        let free = txn.get(&key)?.is_none();
                        if free {
                            txn.put(&key, &[writer as u8])?;
                        }
                        Ok::<_, TreeError>(free)
                    });
                    wins.fetch_add(usize::from(won.unwrap()), SeqCst);
                });
            }
        });
        assert_eq!(wins.load(SeqCst), 1, "round {round}");
    }
}

#[test]
fn writers_of_several_trees_share_syncs_and_lose_nothing() {
    let engine = memory();
    let (store, first) = open(Slow(engine.clone()), settings(1024)).unwrap();
    let second = ScopeId([8; 16]);
    let second = store.create_tree(second, tree_key(second)).unwrap();
    let before = store.write_counts();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let tree = if writer % 2 == 0 { &first } else { &second };
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    put(tree, format!("{writer}/{round}").as_bytes(), b"value").unwrap();
                    assert!(
                        tree.get(format!("{writer}/{round}").as_bytes())
                            .unwrap()
                            .is_some()
                    );
                }
            });
        }
    });
    let syncs = store.write_counts().since(&before).syncs as usize;
    assert!(syncs < WRITERS * ROUNDS, "{syncs} syncs");
    assert_eq!(all(&first).len() + all(&second).len(), WRITERS * ROUNDS);
    let (_, reopened) = open(copy(&engine), settings(1024)).unwrap();
    assert_eq!(all(&reopened), all(&first));
}

#[test]
fn more_trees_than_one_batch_can_swap_commit_together() {
    let (store, _) = open(Slow(memory()), settings(1024)).unwrap();
    let trees: Vec<_> = (100..140)
        .map(|id| {
            store
                .create_tree(ScopeId([id; 16]), tree_key(ScopeId([id; 16])))
                .unwrap()
        })
        .collect();
    thread::scope(|scope| {
        for tree in &trees {
            scope.spawn(move || (0..5).for_each(|n| put(tree, &[n + 1], b"value").unwrap()));
        }
    });
    assert!(trees.iter().all(|tree| all(tree).len() == 5));
}

#[test]
fn a_panic_or_an_error_harms_its_caller_only() {
    let (_store, tree) = open(Slow(memory()), settings(1024)).unwrap();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let tree = &tree;
            scope.spawn(move || {
                for round in 0..10_u8 {
                    let key = [writer as u8 + 1, round];
                    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        tree.transact(move |txn| {
                            txn.put(&key, b"value")?;
                            match writer {
                                0 => std::panic::resume_unwind(Box::new("on purpose")),
                                1 => Err(TreeError::SnapshotExpired),
                                _ => Ok(()),
                            }
                        })
                    }));
                    assert_eq!(panicked.is_err(), writer == 0);
                    assert_eq!(matches!(panicked, Ok(Err(_))), writer == 1);
                }
            });
        }
    });
    assert_eq!(all(&tree).len(), (WRITERS - 2) * 10);
    assert!(all(&tree).iter().all(|(key, _)| key[0] > 2));
}

#[test]
fn what_changes_nothing_writes_nothing() {
    let (store, tree) = open(memory(), settings(1024)).unwrap();
    put(&tree, b"key", b"value").unwrap();
    let (before, number) = (store.write_counts(), tree.commit_number());
    put(&tree, b"key", b"value").unwrap();
    assert!(!delete(&tree, b"absent").unwrap());
    let both = tree.transact(|txn| {
        txn.put(b"other", b"value")?;
        txn.delete(b"other")
    });
    assert!(both.unwrap());
    put(&tree, b"third", b"value").unwrap();
    assert_eq!(store.write_counts().since(&before).batches, 2);
    assert_eq!(tree.commit_number(), number + 2);
}

#[test]
fn another_writer_of_the_head_is_noticed() {
    let engine = memory();
    let (_store, tree) = open(engine.clone(), settings(1024)).unwrap();
    let (_other, stranger) = open(engine, settings(1024)).unwrap();
    put(&stranger, b"key", b"stranger").unwrap();
    assert!(matches!(
        put(&tree, b"key", b"value"),
        Err(TreeError::Fenced { .. })
    ));
    assert!(matches!(put(&tree, b"key", b"value"), Err(TreeError::Engine(_))));
    assert_eq!(tree.get(b"key").unwrap(), None);
    assert_eq!(stranger.get(b"key").unwrap().unwrap(), b"stranger");
}
