//! Random batches against a plain map, with opening again as an operation like any other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
#[cfg(feature = "fjall")]
use strongroom_engine::engine::fjall::{FjallEngine, FjallOptions};
use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::engine::sled::{SledEngine, SledOptions};
use strongroom_engine::engine::{
    Batch, Durability, Engine, EngineError, KeyRange, Mutation, Order, Precondition, ScanOptions, Space,
};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;
type Entries = Vec<(Vec<u8>, Vec<u8>)>;

const SPACE: Space = Space::PAGES;

#[derive(Clone, Debug)]
enum Op {
    Apply(Batch, Durability),
    Get(Vec<u8>),
    Scan(KeyRange, ScanOptions),
    Sync,
    Checkpoint,
    Reopen,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0u8, 1, 0x61, 0xff]), 1..4)
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![
        4 => 0..200usize,
        2 => prop::sample::select(vec![16_639usize, 16_640, 16_641, 33_280, 33_281]),
        1 => 0..120_000usize,
    ];
    (length, any::<u8>()).prop_map(|(length, seed)| (0..length).map(|at| (at as u8) ^ seed).collect())
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        3 => (key(), value()).prop_map(|(key, value)| Mutation::Put { space: SPACE, key, value }),
        1 => key().prop_map(|key| Mutation::Delete { space: SPACE, key }),
    ]
}

fn precondition() -> impl Strategy<Value = Precondition> {
    prop_oneof![
        2 => key().prop_map(|key| Precondition::Absent { space: SPACE, key }),
        2 => key().prop_map(|key| Precondition::Present { space: SPACE, key }),
        1 => (key(), value()).prop_map(|(key, value)| Precondition::ValueEquals { space: SPACE, key, value }),
    ]
}

fn batch() -> impl Strategy<Value = Batch> {
    let preconditions = prop_oneof![
        4 => Just(Vec::new()),
        1 => prop::collection::vec(precondition(), 1..3),
    ];
    (preconditions, prop::collection::vec(mutation(), 0..6)).prop_map(|(preconditions, mutations)| Batch {
        preconditions,
        mutations,
    })
}

fn options() -> impl Strategy<Value = ScanOptions> {
    let order = prop::sample::select(vec![Order::Ascending, Order::Descending]);
    let max_bytes = prop::sample::select(vec![0, 100, 20_000, usize::MAX]);
    (order, 1..12usize, max_bytes, any::<bool>()).prop_map(|(order, limit, max_bytes, keys_only)| {
        ScanOptions {
            order,
            limit,
            max_bytes,
            keys_only,
        }
    })
}

fn op() -> impl Strategy<Value = Op> {
    let range = (key(), prop::option::of(key())).prop_map(|(start, end)| KeyRange { start, end });
    let durability = prop::sample::select(vec![Durability::Buffered, Durability::Synced]);
    prop_oneof![
        10 => (batch(), durability).prop_map(|(batch, durability)| Op::Apply(batch, durability)),
        4 => key().prop_map(Op::Get),
        4 => (range, options()).prop_map(|(range, options)| Op::Scan(range, options)),
        1 => Just(Op::Sync),
        1 => Just(Op::Checkpoint),
        1 => Just(Op::Reopen),
    ]
}

/// Runs the same operations on an engine and on the model; `open` opens the engine again where it is
/// persistent.
fn run<E: Engine>(ops: &[Op], open: impl Fn() -> E) {
    let (mut engine, mut model) = (open(), Model::new());
    for op in ops {
        match op {
            Op::Apply(batch, durability) => {
                let applied = match engine.apply(batch.clone(), *durability) {
                    Ok(()) => true,
                    Err(EngineError::PreconditionFailed) => false,
                    Err(error) => unreachable!("{op:?}: {error}"),
                };
                assert_eq!(applied, apply(&mut model, batch), "{op:?}");
            }
            Op::Get(key) => assert_eq!(engine.get(SPACE, key).unwrap(), model.get(key).cloned()),
            Op::Scan(range, options) => {
                let page = engine.scan(SPACE, range, *options).unwrap();
                let (entries, more) = scan(&model, range, *options);
                assert!(page.entries == entries, "{op:?}");
                assert_eq!(page.resume_after.is_some(), more, "{op:?}");
            }
            Op::Sync => engine.sync().unwrap(),
            Op::Checkpoint => engine.checkpoint().unwrap(),
            Op::Reopen if engine.capabilities().persistent => {
                drop(engine);
                engine = open();
            }
            Op::Reopen => {}
        }
    }
    let all = ScanOptions {
        order: Order::Ascending,
        limit: usize::MAX,
        max_bytes: usize::MAX,
        keys_only: false,
    };
    let left = engine.scan(SPACE, &KeyRange::all(), all).unwrap().entries;
    assert!(left.into_iter().eq(model), "the contents in the end");
}

fn apply(model: &mut Model, batch: &Batch) -> bool {
    let holds = batch.preconditions.iter().all(|precondition| match precondition {
        Precondition::Absent { key, .. } => !model.contains_key(key),
        Precondition::Present { key, .. } => model.contains_key(key),
        Precondition::ValueEquals { key, value, .. } => model.get(key) == Some(value),
    });
    for mutation in batch.mutations.iter().filter(|_| holds) {
        match mutation {
            Mutation::Put { key, value, .. } => drop(model.insert(key.clone(), value.clone())),
            Mutation::Delete { key, .. } => drop(model.remove(key)),
        }
    }
    holds
}

fn scan(model: &Model, range: &KeyRange, options: ScanOptions) -> (Entries, bool) {
    let mut found: Vec<_> = model.iter().filter(|(key, _)| range.contains(key)).collect();
    if options.order == Order::Descending {
        found.reverse();
    }
    let (mut entries, mut bytes) = (Vec::new(), 0);
    for (key, value) in &found {
        if entries.len() == options.limit || (bytes >= options.max_bytes && !entries.is_empty()) {
            return (entries, true);
        }
        bytes += value.len();
        entries.push((
            (*key).clone(),
            if options.keys_only {
                Vec::new()
            } else {
                (*value).clone()
            },
        ));
    }
    (entries, false)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn sled_does_what_a_map_does(ops in prop::collection::vec(op(), 1..40)) {
        let root = tempfile::tempdir().unwrap();
        run(&ops, || SledEngine::open(root.path().join("engine"), &SledOptions::default()).unwrap());
    }

    #[cfg(feature = "fjall")]
    #[test]
    fn fjall_does_what_a_map_does(ops in prop::collection::vec(op(), 1..40)) {
        let root = tempfile::tempdir().unwrap();
        let options = FjallOptions { memtable_bytes: 1 << 16, ..FjallOptions::default() };
        run(&ops, || FjallEngine::open(root.path().join("engine"), &options).unwrap());
    }

    #[test]
    fn memory_does_what_a_map_does(ops in prop::collection::vec(op(), 1..60)) {
        run(&ops, MemoryEngine::new);
    }
}
