//! Gates: a closed one drops its transaction only, and closing one waits for the head swap under way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use common::*;
use strongroom_engine::engine::Space;
use strongroom_engine::tree::{Gate, GateClosed, Pass, TreeError};

#[derive(Default)]
struct Door {
    closed: AtomicBool,
    entered: AtomicUsize,
    inside: Arc<AtomicUsize>,
}

struct Inside(Arc<AtomicUsize>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Gate for Door {
    fn enter(&self) -> Result<Pass, GateClosed> {
        if self.closed.load(SeqCst) {
            return Err(GateClosed);
        }
        self.entered.fetch_add(1, SeqCst);
        self.inside.fetch_add(1, SeqCst);
        Ok(Pass(Box::new(Inside(self.inside.clone()))))
    }
}

fn put_through(
    tree: &strongroom_engine::tree::Tree,
    key: &[u8],
    value: Vec<u8>,
    door: &Arc<Door>,
) -> Result<(), TreeError> {
    let (key, door) = (key.to_vec(), door.clone());
    tree.transact(move |txn| {
        txn.through(door.clone());
        txn.through(door.clone());
        txn.put(&key, &value)
    })
}

#[test]
fn an_open_gate_is_entered_once_and_left() {
    let (_store, tree) = open(memory(), settings(1024)).unwrap();
    let door = Arc::new(Door::default());
    put_through(&tree, b"key", vec![1], &door).unwrap();
    assert_eq!(door.entered.load(SeqCst), 1);
    assert_eq!(door.inside.load(SeqCst), 0);
}

#[test]
fn a_closed_gate_leaves_no_trace() {
    for size in [10, 3 << 20] {
        let engine = memory();
        let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
        put(&tree, b"before", b"value").unwrap();
        let before = counts(&engine);
        let door = Arc::new(Door::default());
        door.closed.store(true, SeqCst);
        for _ in 0..3 {
            let refused = put_through(&tree, b"key", vec![1; size], &door);
            assert!(matches!(refused, Err(TreeError::GateClosed(_))));
        }
        assert_eq!(counts(&engine), before, "{size} bytes");
        assert_eq!(tree.get(b"key").unwrap(), None);
        door.closed.store(false, SeqCst);
        put_through(&tree, b"key", vec![1; size], &door).unwrap();
        delete(&tree, b"key").unwrap();
        store.reap().unwrap();
        assert_eq!(counts(&engine), before, "{size} bytes");
    }
}

#[test]
fn others_commit_without_the_transaction_that_was_refused() {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    let door = Arc::new(Door::default());
    door.closed.store(true, SeqCst);
    thread::scope(|scope| {
        for writer in 0..8_u8 {
            let (tree, door) = (&tree, &door);
            scope.spawn(move || {
                for round in 0..20_u8 {
                    let result = if writer % 2 == 0 {
                        put(tree, &[1, writer, round], &[0; 700])
                    } else {
                        put_through(tree, &[2, writer, round], vec![0; 300_000], door)
                    };
                    assert_eq!(result.is_ok(), writer % 2 == 0);
                }
            });
        }
    });
    assert_eq!(all(&tree).len(), 4 * 20);
    for (key, _) in all(&tree) {
        delete(&tree, &key).unwrap();
    }
    store.reap().unwrap();
    assert_eq!(records(&engine, Space::PAGES).len(), 0);
    assert_eq!(records(&engine, Space::FREED).len(), 0);
}
