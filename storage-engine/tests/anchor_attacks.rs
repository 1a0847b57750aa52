//! What somebody writes into the store's head counts for nothing, and an anchor that fails, hangs or panics
//! locks nobody out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use common::*;
use parking_lot::Mutex;
use strongroom_engine::anchor::{AnchorError, AnchorMode, AnchoredHead, Anchoring, HeadAnchor};
use strongroom_engine::codec::{self, FrameKind};
use strongroom_engine::engine::{Batch, Durability, Engine, Space};
use strongroom_engine::keys::{Purpose, ScopeId};
use strongroom_engine::tree::{TreeError, TreeStore};

const STORE_HEAD: &[u8] = b"store";
/// Of the number in the record's payload: behind its version and the store's id.
const NUMBER_AT: std::ops::Range<usize> = 17..25;

/// What an anchor does at its next write.
enum Next {
    /// Says that it was asked, waits to be told to go on, and fails.
    Hang(Sender<()>, Receiver<()>),
    Panic,
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(Option<AnchoredHead>, Option<Next>)>>);

impl HeadAnchor for Kept {
    fn read(&self) -> Result<Option<AnchoredHead>, AnchorError> {
        Ok(self.0.lock().0)
    }

    fn write(&self, head: &AnchoredHead) -> Result<(), AnchorError> {
        let next = self.0.lock().1.take();
        match next {
            None => self.0.lock().0 = Some(*head),
            Some(Next::Panic) => panic!("planned"),
            Some(Next::Hang(asked, go_on)) => {
                asked.send(()).unwrap();
                go_on.recv().unwrap();
                return Err(AnchorError::Io {
                    doing: "written",
                    source: std::io::Error::other("planned"),
                });
            }
        }
        Ok(())
    }
}

impl Kept {
    fn number(&self) -> u64 {
        self.0.lock().0.map_or(0, |head| head.number())
    }

    fn next(&self, next: Next) {
        self.0.lock().1 = Some(next);
    }
}

fn open_store(engine: &Shared, anchor: &Kept, mode: AnchorMode) -> Result<Arc<TreeStore>, TreeError> {
    let anchoring = Anchoring {
        anchor: Some(Arc::new(anchor.clone())),
        key: key(Purpose::Anchor, ScopeId([1; 16])),
        mode,
        expected: None,
    };
    TreeStore::open_anchored(parts(engine.clone()), settings(512), anchoring)
}

/// A store with one tree and a few commits, anchored.
fn begun() -> (Shared, Kept, Arc<TreeStore>) {
    let (engine, anchor) = (memory(), Kept::default());
    let store = open_store(&engine, &anchor, AnchorMode::Begin).unwrap();
    let tree = store.create_tree(TREE, tree_key(TREE)).unwrap();
    for round in 0..3 {
        put(&tree, b"key", &[round]).unwrap();
    }
    (engine, anchor, store)
}

/// Changes the record of the store's head.
fn change_head(engine: &Shared, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let record = engine.get(Space::HEADS, STORE_HEAD).unwrap().unwrap();
    let batch = Batch::new().put(Space::HEADS, STORE_HEAD, change(record));
    engine.apply(batch, Durability::Synced).unwrap();
}

fn check_accepted(what: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let (engine, anchor, store) = begun();
    store.close().unwrap();
    let anchored = anchor.number();
    change_head(&engine, change);
    let refused = open_store(&engine, &anchor, AnchorMode::Check).err().unwrap();
    assert!(
        matches!(&refused, TreeError::Anchor(error) if matches!(**error, AnchorError::TreesPutBack { .. })),
        "{what}: {refused:?}"
    );
    let ended = open_store(&copy(&engine), &anchor, AnchorMode::End).err();
    assert!(
        matches!(ended, None | Some(TreeError::Anchor(_))),
        "{what}: {ended:?}"
    );
    let store = open_store(&engine, &anchor, AnchorMode::AcceptRollback).unwrap();
    let tree = store.open_tree(TREE, tree_key(TREE)).unwrap();
    put(&tree, b"key", b"after").unwrap();
    assert_eq!(
        anchor.number(),
        anchored + 1,
        "{what}: the forged number counts for nothing"
    );
    store.close().unwrap();
    open_store(&engine, &anchor, AnchorMode::Check).unwrap();
}

#[test]
fn what_was_written_into_the_head_counts_for_nothing() {
    check_accepted("the greatest number", |record| {
        let mut payload = codec::unframe(FrameKind::StoreHead, &record).unwrap().to_vec();
        payload[NUMBER_AT].fill(0xff);
        codec::frame(FrameKind::StoreHead, &payload).unwrap()
    });
    check_accepted("a flipped bit", |mut record| {
        *record.last_mut().unwrap() ^= 1;
        record
    });
    check_accepted("nothing", |_| Vec::new());
}

#[test]
fn a_tree_that_waits_for_an_anchor_that_fails_is_not_made() {
    let (engine, anchor, store) = begun();
    let tree = store.open_tree(TREE, tree_key(TREE)).unwrap();
    let (asked, is_asked) = channel();
    let (go_on, may_go_on) = channel();
    anchor.next(Next::Hang(asked, may_go_on));
    let other = ScopeId([8; 16]);
    let made = std::thread::scope(|threads| {
        let committing = threads.spawn(|| put(&tree, b"key", b"new"));
        is_asked.recv().unwrap();
        let making = threads.spawn(|| store.create_tree(other, tree_key(other)).map(drop));
        // Long enough for it to wait, as a rule; were it not, the test would only show less.
        std::thread::sleep(Duration::from_millis(100));
        go_on.send(()).unwrap();
        assert!(committing.join().unwrap().is_err());
        making.join().unwrap()
    });
    assert!(
        made.is_err(),
        "a head was moved on from a state that is not stored"
    );
    drop((tree, store));
    let store = open_store(&engine, &anchor, AnchorMode::Check).unwrap();
    let tree = store.open_tree(TREE, tree_key(TREE)).unwrap();
    assert_eq!(
        tree.get(b"key").unwrap().unwrap(),
        b"new",
        "durable, if not acknowledged"
    );
}

#[test]
fn an_anchor_that_panics_stops_all_writes() {
    let (engine, anchor, store) = begun();
    anchor.next(Next::Panic);
    let other = ScopeId([8; 16]);
    assert!(store.create_tree(other, tree_key(other)).is_err());
    let tree = store.open_tree(TREE, tree_key(TREE)).unwrap();
    assert!(put(&tree, b"key", b"later").is_err());
    drop((tree, store));
    open_store(&engine, &anchor, AnchorMode::Check).unwrap();
}

/// The store's head takes room in the batch that swaps the heads, which has a limit.
#[test]
fn commits_of_every_size_are_anchored() {
    let (_engine, anchor, store) = begun();
    let tree = store.open_tree(TREE, tree_key(TREE)).unwrap();
    let name = u32::to_be_bytes;
    tree.transact(move |txn| {
        (0..800).try_for_each(|number| txn.put(&[&[9_u8], name(number).as_slice()].concat(), &[0; 60]))
    })
    .unwrap();
    for (leaves, apart) in (20..70_u32).flat_map(|leaves| (1..12_u32).map(move |apart| (leaves, apart))) {
        let before = anchor.number();
        let changed = tree.transact(move |txn| {
            let mut keys = (0..leaves).map(|leaf| [&[9_u8], name(leaf * apart).as_slice()].concat());
            keys.try_for_each(|key| txn.put(&key, &[leaves as u8 ^ (apart as u8) << 4; 60]))
        });
        changed.unwrap_or_else(|error: TreeError| panic!("{leaves} keys, {apart} apart: {error}"));
        assert_eq!(anchor.number(), before + 1, "{leaves} keys, {apart} apart");
    }
}
