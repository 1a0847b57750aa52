//! The tree against a sorted map: random transactions, snapshots, removals and reopenings, on small pages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::collections::BTreeMap;

use common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::{Snapshot, Tree, TreeError};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Change {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
}

#[derive(Clone, Debug)]
enum Op {
    /// Changes, and whether the transaction fails in the end.
    Transact(Vec<Change>, bool),
    /// Ascending keys in one transaction.
    Fill(u16),
    /// Removes all keys that begin with this byte.
    Clear(u8),
    Range(Vec<u8>, Vec<u8>, usize),
    Snapshot,
    DropSnapshot,
    Reap,
    Reopen,
}

fn any_key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (1..5_u8, 0..40_u8).prop_map(|(a, b)| vec![a, b]),
        4 => (1..3_u8, 0..30_u16).prop_map(|(a, b)| format!("{a}/long/common/prefix/{b}").into_bytes()),
        1 => (1..4_u8, 0..600_usize).prop_map(|(a, n)| vec![a; n + 1]),
        1 => (8000..8193_usize).prop_map(|n| vec![2; n]),
    ]
}

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..20),
        2 => (0..300_usize, any::<u8>()).prop_map(|(n, b)| vec![b; n]),
        1 => (0..3000_usize, any::<u8>()).prop_map(|(n, b)| vec![b; n]),
    ]
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (any_key(), any_value()).prop_map(|(key, value)| Change::Put(key, value)),
        2 => any_key().prop_map(Change::Delete),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => (vec(any_change(), 1..20), prop::bool::weighted(0.2)).prop_map(|(c, f)| Op::Transact(c, f)),
        1 => (1..300_u16).prop_map(Op::Fill),
        1 => (0..5_u8).prop_map(Op::Clear),
        4 => (any_key(), any_key(), 0..30_usize).prop_map(|(a, b, n)| Op::Range(a, b, n)),
        1 => Just(Op::Snapshot),
        1 => Just(Op::DropSnapshot),
        1 => Just(Op::Reap),
        1 => Just(Op::Reopen),
    ]
}

fn apply(map: &mut Map, change: &Change) {
    match change {
        Change::Put(key, value) => map.insert(key.clone(), value.clone()),
        Change::Delete(key) => map.remove(key),
    };
}

fn in_map(map: &Map, range: &KeyRange, order: Order, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let inside = map.iter().filter(|(key, _)| range.contains(key));
    let entries = inside.map(|(key, value)| (key.clone(), value.clone()));
    match order {
        Order::Ascending => entries.take(limit).collect(),
        Order::Descending => entries.rev().take(limit).collect(),
    }
}

/// All entries of `range`, run by run.
fn by_runs(snapshot: &Snapshot, range: &KeyRange) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut range, mut entries) = (range.clone(), Vec::new());
    while let Some(mut run) = snapshot.run(&range).unwrap() {
        range = range.after(run.last_key().unwrap());
        while let Some(value) = run.value().unwrap() {
            entries.push((run.key().unwrap().to_vec(), value.to_vec()));
            run.advance();
        }
        assert!(run.key().is_none());
    }
    entries
}

/// What a run has left once it went on to `key`.
fn skipped(snapshot: &Snapshot, range: &KeyRange, key: &[u8]) -> Option<Vec<u8>> {
    let mut run = snapshot.run(range).unwrap()?;
    let last = run.last_key()?.to_vec();
    run.skip_to(key);
    let found = run.key().map(<[u8]>::to_vec);
    assert_eq!(found.is_none(), *last < *key);
    found
}

/// A range read in either direction, and run by run.
fn check_range(tree: &Tree, map: &Map, range: &KeyRange, limit: usize) -> Result<(), TestCaseError> {
    for order in [Order::Ascending, Order::Descending] {
        let found = tree.range(range, order, limit).unwrap();
        prop_assert_eq!(found, in_map(map, range, order, limit));
    }
    let (snapshot, inside) = (
        tree.snapshot().unwrap(),
        in_map(map, range, Order::Ascending, usize::MAX),
    );
    prop_assert_eq!(&by_runs(&snapshot, range), &inside);
    if let Some((key, _)) = inside.get(limit) {
        let found = skipped(&snapshot, range, key);
        prop_assert!(found.is_none_or(|found| found == *key));
    }
    Ok(())
}

fn run(ops: Vec<Op>, page_target: usize) -> Result<(), TestCaseError> {
    let engine = memory();
    let (mut store, mut tree) = open(engine.clone(), settings(page_target)).unwrap();
    let mut map = Map::new();
    let mut snapshots: Vec<(Snapshot, Map)> = Vec::new();
    for op in ops {
        match op {
            Op::Transact(changes, fails) => {
                let mut next = map.clone();
                let steps: Vec<_> = changes
                    .into_iter()
                    .map(|change| {
                        let before = match &change {
                            Change::Put(key, _) | Change::Delete(key) => next.get(key).cloned(),
                        };
                        apply(&mut next, &change);
                        (change, before)
                    })
                    .collect();
                let expected: Vec<_> = next.clone().into_iter().collect();
                let result = tree.transact(move |txn| {
                    for (change, before) in &steps {
                        match change {
                            Change::Put(key, value) => {
                                assert_eq!(&txn.get(key)?, before);
                                txn.put(key, value)?;
                                assert_eq!(txn.get(key)?.as_ref(), Some(value));
                            }
                            Change::Delete(key) => assert_eq!(txn.delete(key)?, before.is_some()),
                        }
                    }
                    assert_eq!(
                        txn.range(&KeyRange::all(), Order::Ascending, usize::MAX)?,
                        expected
                    );
                    if fails {
                        Err(TreeError::SnapshotExpired)
                    } else {
                        Ok(())
                    }
                });
                prop_assert_eq!(result.is_err(), fails);
                if !fails {
                    map = next;
                }
            }
            Op::Fill(count) => {
                let keys: Vec<_> = (0..count).map(|n| format!("fill/{n:05}").into_bytes()).collect();
                map.extend(keys.iter().map(|key| (key.clone(), key.clone())));
                tree.transact(move |txn| keys.iter().try_for_each(|key| txn.put(key, key)))
                    .unwrap();
            }
            Op::Clear(byte) => {
                let range = if byte == 0 {
                    KeyRange::all()
                } else {
                    KeyRange::prefix(&[byte])
                };
                map.retain(|key, _| !range.contains(key));
                tree.transact(move |txn| {
                    for (key, _) in txn.range(&range, Order::Descending, usize::MAX)? {
                        assert!(txn.delete(&key)?);
                    }
                    Ok::<_, TreeError>(())
                })
                .unwrap();
            }
            Op::Range(a, b, limit) => {
                let range = KeyRange::new(a.clone().min(b.clone()), a.max(b));
                check_range(&tree, &map, &range, limit)?;
            }
            Op::Snapshot => snapshots.push((tree.snapshot().unwrap(), map.clone())),
            Op::DropSnapshot => drop((!snapshots.is_empty()).then(|| snapshots.remove(0))),
            Op::Reap => store.reap().unwrap(),
            Op::Reopen => {
                snapshots.clear();
                store.close().unwrap();
                (store, tree) = open(engine.clone(), settings(page_target)).unwrap();
            }
        }
        prop_assert_eq!(tree.entries(), map.len() as u64);
        for (snapshot, then) in &snapshots {
            let found = snapshot
                .range(&KeyRange::all(), Order::Ascending, usize::MAX)
                .unwrap();
            prop_assert_eq!(
                found,
                in_map(then, &KeyRange::all(), Order::Ascending, usize::MAX)
            );
        }
    }
    for order in [Order::Ascending, Order::Descending] {
        let found = tree.range(&KeyRange::all(), order, usize::MAX).unwrap();
        prop_assert_eq!(found, in_map(&map, &KeyRange::all(), order, usize::MAX));
    }
    Ok(())
}

proptest! {
    #[test]
    fn behaves_like_a_sorted_map(
        ops in vec(any_op(), 1..40), page_target in prop_oneof![Just(256), Just(1024), Just(8192)],
    ) {
        run(ops, page_target)?;
    }
}

#[test]
fn keys_and_values_have_limits() {
    let (_store, tree) = open(memory(), settings(512)).unwrap();
    let limit = |key: &[u8], value: &[u8]| matches!(put(&tree, key, value), Err(TreeError::Limit { .. }));
    assert!(limit(b"", b"") && limit(b"\0a", b"") && limit(&[1; 8193], b""));
    assert!(limit(b"a", &vec![0; (16 << 20) + 1]));
    assert!(put(&tree, &[1; 8192], b"").is_ok());
    assert_eq!(tree.get(b"\0b").unwrap(), None);
    assert!(matches!(delete(&tree, b"\0b"), Err(TreeError::Limit { .. })));
}

#[test]
fn values_of_every_size_come_back() {
    let engine = memory();
    let part = (1 << 20) - (1 << 10);
    let sizes = [
        0,
        1,
        2047,
        2048,
        2049,
        65_535,
        65_536,
        part - 1,
        part,
        part + 1,
        2 * part,
        3 * part + 5,
        16 << 20,
    ];
    let content = |size: usize| (0..size).map(|at| (at % 251) as u8).collect::<Vec<_>>();
    let (store, tree) = open(engine.clone(), settings(8192)).unwrap();
    for size in sizes {
        put(&tree, format!("{size}").as_bytes(), &content(size)).unwrap();
    }
    drop((store, tree));
    let (store, tree) = open(engine.clone(), settings(8192)).unwrap();
    for size in sizes {
        assert!(
            tree.get(format!("{size}").as_bytes()).unwrap() == Some(content(size)),
            "{size} bytes"
        );
        delete(&tree, format!("{size}").as_bytes()).unwrap();
    }
    store.reap().unwrap();
    assert_eq!(counts(&engine), [1, 0, 0, 0, 0, 0]);
}
