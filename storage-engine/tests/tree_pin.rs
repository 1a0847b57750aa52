//! Pins: trees of one moment, whole for as long as they are pinned, whatever becomes of the trees.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::collections::BTreeMap;

use common::*;
use strongroom_engine::engine::{Batch, Durability, Engine, Space};
use strongroom_engine::keys::ScopeId;
use strongroom_engine::tree::{Pin, Tree, TreeError, TreeStore};

const OTHER: ScopeId = ScopeId([8; 16]);

type Records = BTreeMap<(Space, Vec<u8>), Vec<u8>>;

fn copied(pin: &Pin) -> Result<Records, TreeError> {
    let mut records = Records::new();
    pin.copy(&mut |space, key, value| {
        let before = records.insert((space, key.to_vec()), value.to_vec());
        assert_eq!(before, None, "a record comes once");
        Ok::<_, TreeError>(())
    })?;
    Ok(records)
}

/// A store of what was copied, with the tree in it.
fn opened(records: &Records, id: ScopeId) -> Tree {
    let engine = memory();
    for ((space, key), value) in records {
        let batch = Batch::new().put(*space, key.clone(), value.clone());
        engine.apply(batch, Durability::Synced).unwrap();
    }
    let store = TreeStore::open(parts(engine), settings(1024)).unwrap();
    store.open_tree(id, tree_key(id)).unwrap()
}

fn set(tree: &Tree, key: &[u8], value: &[u8]) {
    let (key, value) = (key.to_vec(), value.to_vec());
    tree.transact::<_, TreeError, _>(move |txn| txn.put(&key, &value))
        .unwrap();
}

#[test]
fn what_was_pinned_stays_as_it_was() {
    let engine = memory();
    let store = TreeStore::open(parts(engine.clone()), settings(1024)).unwrap();
    let tree = store.create_tree(TREE, tree_key(TREE)).unwrap();
    for n in 0..100_u8 {
        set(&tree, &[1, n], &[n; 50]);
    }
    set(&tree, b"overflow", &[9; 2 << 20]);
    let [small, large] = [1_000, 300_000].map(|length| adopt(&tree, write_body(&tree, &vec![5; length])));
    let gone = adopt(&tree, write_body(&tree, &[6; 2_000]));
    tree.transact::<_, TreeError, _>(move |txn| txn.release_body(&gone))
        .unwrap();
    let pins = store.pin(std::slice::from_ref(&tree)).unwrap();
    let before = copied(&pins[0]).unwrap();
    for body in [small.clone(), large.clone()] {
        tree.transact::<_, TreeError, _>(move |txn| txn.release_body(&body))
            .unwrap();
    }
    for n in 0..100_u8 {
        set(&tree, &[1, n], b"new");
    }
    store.reap().unwrap();
    assert_eq!(copied(&pins[0]).unwrap(), before);
    store.remove_tree(TREE).unwrap();
    assert!(matches!(
        store.open_tree(TREE, tree_key(TREE)),
        Err(TreeError::NotFound(_))
    ));
    assert!(matches!(store.pin(&[tree]), Err(TreeError::NotFound(_))));
    assert_eq!(copied(&pins[0]).unwrap(), before);
    drop(pins);
    for space in Space::ALL {
        assert_eq!(records(&engine, space), [], "{space:?}");
    }
    let copy = opened(&before, TREE);
    assert_eq!(copy.get(&[1, 42]).unwrap(), Some(vec![42; 50]));
    assert_eq!(copy.get(b"overflow").unwrap(), Some(vec![9; 2 << 20]));
    assert_eq!(read_body(&copy, &small), vec![5; 1_000]);
    assert_eq!(read_body(&copy, &large), vec![5; 300_000]);
    let counts = copy.scrub(&mut |finding| panic!("{finding:?}")).unwrap();
    // Three bodies were there, and one of them was released before.
    assert_eq!((counts.small_bodies, counts.bodies, counts.leftovers), (1, 1, 0));
}

/// Two trees that are written in turn: no pin sees the second ahead of the first.
#[test]
fn no_commit_lies_between_two_pinned_trees() {
    let store = TreeStore::open(parts(memory()), settings(1024)).unwrap();
    let trees = [TREE, OTHER].map(|id| store.create_tree(id, tree_key(id)).unwrap());
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..u64::MAX {
                trees.iter().for_each(|tree| set(tree, b"n", &n.to_be_bytes()));
                if stop.load(std::sync::atomic::Ordering::SeqCst) {
                    return;
                }
            }
        });
        // Many in between, so that a commit would find the time.
        let mut all = vec![trees[0].clone(); 2_000];
        all.push(trees[1].clone());
        for _ in 0..50 {
            let pins = store.pin(&all).unwrap();
            let [first, second] = [&pins[0], &pins[2_000]].map(|pin| {
                let value = pin.snapshot().get(b"n").unwrap();
                value.map_or(0, |value| u64::from_be_bytes(value.try_into().unwrap()))
            });
            seen.push((first, second));
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    let is_one_moment = |(first, second): &(u64, u64)| first == second || *first == second + 1;
    assert!(seen.iter().all(is_one_moment), "{seen:?}");
    assert_eq!(store.stats().snapshot_ages, []);
}

/// Whatever is missing of it: a tree is copied whole or not at all.
#[test]
fn a_tree_that_lacks_a_record_is_not_copied() {
    let engine = memory();
    let store = TreeStore::open(parts(engine.clone()), settings(1024)).unwrap();
    let tree = store.create_tree(TREE, tree_key(TREE)).unwrap();
    (0..60_u8).for_each(|n| set(&tree, &[1, n], &[n; 50]));
    set(&tree, b"overflow", &[9; 2 << 20]);
    adopt(&tree, write_body(&tree, &[5; 300_000]));
    let pins = store.pin(&[tree]).unwrap();
    let whole = copied(&pins[0]).unwrap();
    assert!(whole.len() > 10);
    for ((space, key), value) in whole.iter().filter(|((space, _), _)| *space != Space::HEADS) {
        let apply = |batch| engine.apply(batch, Durability::Synced).unwrap();
        let mut damaged = value.clone();
        *damaged.last_mut().unwrap() ^= 1;
        for batch in [
            Batch::new().delete(*space, key.clone()),
            Batch::new().put(*space, key.clone(), damaged),
        ] {
            apply(batch);
            let failed = copied(&pins[0]).unwrap_err();
            assert!(matches!(failed, TreeError::Corrupt { .. }), "{failed}");
        }
        apply(Batch::new().put(*space, key.clone(), value.clone()));
    }
    assert_eq!(copied(&pins[0]).unwrap(), whole);
}
