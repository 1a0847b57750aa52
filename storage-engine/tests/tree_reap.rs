//! Released space comes back: after everything is overwritten or deleted the engine holds what it held
//! before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::time::Duration;

use common::*;
use strongroom_engine::body::BodyReader;
use strongroom_engine::chunks::FileChunks;
use strongroom_engine::engine::{Batch, Durability, Engine, KeyRange, Order, Space};
use strongroom_engine::keys::{Purpose, ScopeId};
use strongroom_engine::tree::{ScrubItem, TreeError, TreeStore};

const EMPTY: [usize; 6] = [1, 0, 0, 0, 0, 0];

fn fill(tree: &strongroom_engine::tree::Tree, fill: u8) {
    for part in 0..20_u32 {
        tree.transact(move |txn| {
            (0..50_u32).try_for_each(|n| {
                txn.put(
                    &[b"k".as_slice(), &(part * 50 + n).to_be_bytes()].concat(),
                    &[fill; 40],
                )
            })
        })
        .unwrap();
    }
    put(tree, b"large", &vec![fill; 2 << 20]).unwrap();
}

fn clear(tree: &strongroom_engine::tree::Tree) {
    for (key, _) in all(tree) {
        delete(tree, &key).unwrap();
    }
}

#[test]
fn pages_come_back() {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    fill(&tree, 1);
    store.reap().unwrap();
    let filled = records(&engine, Space::PAGES).len();
    for round in 2..5 {
        fill(&tree, round);
        assert!(
            records(&engine, Space::PAGES).len() < 2 * filled,
            "commits reap by themselves"
        );
    }
    store.reap().unwrap();
    let full = records(&engine, Space::PAGES).len();
    assert!(full <= filled + filled / 5, "{full} records, {filled} before");
    clear(&tree);
    store.reap().unwrap();
    assert_eq!(counts(&engine), EMPTY);
}

#[test]
fn opening_carries_out_what_was_left() {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    let snapshot = tree.snapshot().unwrap();
    fill(&tree, 1);
    clear(&tree);
    store.reap().unwrap();
    assert!(counts(&engine)[3] > 1000, "held by the snapshot");
    drop((snapshot, tree, store));
    open(engine.clone(), settings(1024)).unwrap();
    assert_eq!(counts(&engine), EMPTY);
}

#[test]
fn a_snapshot_defers_and_then_expires() {
    let engine = memory();
    let clock = clock();
    let mut parts = parts(engine.clone());
    parts.clock = clock.clone();
    let store = TreeStore::open(parts, settings(1024)).unwrap();
    let tree = store.create_tree(TREE, tree_key(TREE)).unwrap();
    fill(&tree, 1);
    let before = all(&tree);
    let snapshot = tree.snapshot().unwrap();
    fill(&tree, 2);
    clear(&tree);
    store.reap().unwrap();
    assert_eq!(
        snapshot
            .range(&KeyRange::all(), Order::Ascending, usize::MAX)
            .unwrap(),
        before
    );
    clock.advance(Duration::from_secs(3600));
    assert_eq!(store.stats().snapshot_ages, [Duration::from_secs(3600)]);
    assert!(snapshot.get(b"large").is_ok());
    clock.advance(Duration::from_secs(1));
    assert!(matches!(snapshot.get(b"large"), Err(TreeError::SnapshotExpired)));
    store.reap().unwrap();
    assert_eq!(counts(&engine), EMPTY);
}

#[test]
fn bodies_are_counted_and_pins_defer_their_deletion() {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    for size in [100, 300_000] {
        let content = vec![5; size];
        let body = adopt(&tree, write_body(&tree, &content));
        let again = body.clone();
        tree.transact(move |txn| txn.add_reference(&again)).unwrap();
        release(&tree, &body);
        put(&tree, b"another", b"commit").unwrap();
        delete(&tree, b"another").unwrap();
        store.reap().unwrap();
        assert_eq!(read_body(&tree, &body), content);
        let snapshot = tree.snapshot().unwrap();
        let reader = BodyReader::open(&tree, &snapshot, &body, &key(Purpose::Content, TREE)).unwrap();
        drop(snapshot);
        release(&tree, &body);
        put(&tree, b"another", b"commit").unwrap();
        delete(&tree, b"another").unwrap();
        store.reap().unwrap();
        assert_eq!(read_all(&reader), content);
        drop(reader);
        store.reap().unwrap();
        let [_, pages, chunks, freed, ..] = counts(&engine);
        assert_eq!((pages, chunks, freed), (0, 0, 0), "{size} bytes");
        let gone = body.clone();
        let released = tree.transact(move |txn| txn.release_body(&gone));
        assert_eq!(matches!(released, Err(TreeError::UnknownBody(_))), size > 65_536);
    }
}

#[test]
fn a_freed_body_waits_for_one_more_commit() {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    let body = adopt(&tree, write_body(&tree, &vec![5; 300_000]));
    release(&tree, &body);
    store.reap().unwrap();
    assert!(counts(&engine)[2] > 0);
    put(&tree, b"another", b"commit").unwrap();
    store.reap().unwrap();
    assert_eq!(counts(&engine)[2], 0);
}

#[test]
fn bodies_that_nothing_adopted_go_at_open() {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    let kept = adopt(&tree, write_body(&tree, &vec![1; 200_000]));
    let chunks = counts(&engine)[2];
    std::mem::forget(write_body(&tree, &vec![2; 200_000]));
    assert_eq!(counts(&engine)[4], 1);
    drop((store, tree));
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    assert_eq!((counts(&engine)[2], counts(&engine)[4]), (chunks, 0));
    assert_eq!(read_body(&tree, &kept), vec![1; 200_000]);
    adopt(&tree, write_body(&tree, &vec![3; 200_000]));
    assert_eq!(counts(&engine)[4], 1);
    store.close().unwrap();
    assert_eq!(counts(&engine)[4], 0, "a clean close ends reservations");
}

#[test]
fn full_blocks_of_reservations_end_with_a_commit() {
    let engine = memory();
    let (_store, tree) = open(engine.clone(), settings(1024)).unwrap();
    let ids: Vec<_> = (0..1025_u64)
        .map(|n| {
            tree.reserve_body(std::array::from_fn(|at| n.to_be_bytes()[at % 8]))
                .unwrap()
        })
        .collect();
    assert_eq!(counts(&engine)[4], 2);
    ids.iter().for_each(|id| tree.abandon_body(*id).unwrap());
    put(&tree, b"a", b"commit").unwrap();
    assert_eq!(counts(&engine)[4], 1);
}

#[test]
fn a_removed_tree_leaves_nothing() {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    fill(&tree, 1);
    adopt(&tree, write_body(&tree, &vec![1; 200_000]));
    let before = copy(&engine);
    store.remove_tree(TREE).unwrap();
    assert_eq!(counts(&engine), [0; 6]);
    assert!(matches!(tree.get(b"large"), Err(TreeError::NotFound(_))));
    assert!(matches!(put(&tree, b"key", b""), Err(TreeError::NotFound(_))));
    assert!(matches!(store.remove_tree(TREE), Err(TreeError::NotFound(_))));
    // A removal interrupted after its first step is finished at open.
    let batch = strongroom_engine::engine::Batch::new().delete(Space::HEADS, TREE.0);
    strongroom_engine::engine::Engine::apply(&before, batch, strongroom_engine::engine::Durability::Synced)
        .unwrap();
    let store = TreeStore::open(parts(before.clone()), settings(1024)).unwrap();
    assert_eq!(counts(&before), [0; 6]);
    assert_eq!(store.tree_ids().unwrap(), [] as [ScopeId; 0]);
}

fn set(engine: &Shared, space: Space, key: &[u8], value: Vec<u8>) {
    let batch = Batch::new().put(space, key, value);
    engine.apply(batch, Durability::Buffered).unwrap();
}

#[test]
fn a_damaged_list_keeps_its_space_and_nothing_else() {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    let snapshot = tree.snapshot().unwrap();
    fill(&tree, 1);
    put(&tree, b"key", b"value").unwrap();
    let before = all(&tree);
    drop((snapshot, tree, store));
    let lists = records(&engine, Space::FREED);
    assert!(lists.len() > 10);
    for (key, value) in &lists {
        let mut damaged = value.clone();
        *damaged.last_mut().unwrap() ^= 1;
        set(&engine, Space::FREED, key, damaged);
    }
    for _ in 0..2 {
        let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
        assert_eq!(all(&tree), before);
        assert_eq!(store.stats().freed_lists, lists.len());
        let mut found = Vec::new();
        let counts = tree.scrub(&mut |finding| found.push(finding.item)).unwrap();
        assert_eq!(counts.damaged as usize, lists.len());
        assert!(
            found.iter().all(|item| matches!(item, ScrubItem::FreedList(_))),
            "{found:?}"
        );
    }
    // Made whole again, they are carried out; everything in between could be written.
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    (0..30_u8).for_each(|round| put(&tree, b"key", &[round]).unwrap());
    clear(&tree);
    drop((store, tree));
    for (key, value) in &lists {
        set(&engine, Space::FREED, key, value.clone());
    }
    open(engine.clone(), settings(1024)).unwrap();
    assert_eq!(counts(&engine), EMPTY);
}

/// Each commit adopts `per_commit` bodies and releases those of the one before it: commits must keep up.
#[track_caller]
fn check_bounded(in_files: bool, per_commit: usize) {
    let directory = tempfile::tempdir().unwrap();
    let mut parts = parts(memory());
    if in_files {
        let chunks = FileChunks::open(directory.path().join("bodies")).unwrap();
        parts.chunks = Some(Box::new(chunks));
    }
    let store = TreeStore::open(parts, settings(1024)).unwrap();
    let tree = store.create_tree(TREE, tree_key(TREE)).unwrap();
    let (mut before, mut most) = (Vec::new(), 0);
    for _ in 0..60 {
        let new: Vec<_> = (0..per_commit)
            .map(|_| write_body(&tree, &vec![5; 70_000]))
            .collect();
        let old = std::mem::take(&mut before);
        let adopted = tree.transact::<_, TreeError, _>(move |txn| {
            old.iter().try_for_each(|body| txn.release_body(body))?;
            new.iter().map(|body| txn.adopt_body(body)).collect()
        });
        before = adopted.unwrap();
        most = most.max(tree.chunks().list(&[], None, usize::MAX).unwrap().len());
    }
    // What a dozen commits release, what the last one did, and what is in use.
    assert!(
        most <= per_commit * 16,
        "in files {in_files}: {most} bodies there, {per_commit} in use"
    );
}

#[test]
fn commits_keep_up_with_the_bodies_they_release() {
    for in_files in [false, true] {
        for per_commit in [1, 6] {
            check_bounded(in_files, per_commit);
        }
    }
}
