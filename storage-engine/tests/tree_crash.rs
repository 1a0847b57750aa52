//! A crash at every batch: what is opened again is the old state or the new one, and space is not lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;

use common::*;
use strongroom_engine::body::BodyRef;
use strongroom_engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, Order, ScanOptions,
    ScanPage, Space,
};
use strongroom_engine::tree::Tree;

/// Keeps a copy of everything before each batch, and how many commits had been acknowledged by then.
#[derive(Clone)]
struct Recorder {
    inner: Shared,
    copies: Arc<Mutex<Vec<(Shared, usize)>>>,
    acknowledged: Arc<Mutex<usize>>,
}

impl Recorder {
    fn record(&self) {
        let now = *self.acknowledged.lock().unwrap();
        self.copies.lock().unwrap().push((copy(&self.inner), now));
    }
}

impl Engine for Recorder {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.inner.get(space, key)
    }
    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.inner.scan(space, range, options)
    }
    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.inner.apply(batch, durability)?;
        self.record();
        Ok(())
    }
    fn sync(&self) -> Result<(), EngineError> {
        self.inner.sync()
    }
    fn checkpoint(&self) -> Result<(), EngineError> {
        self.inner.checkpoint()
    }
    fn stats(&self) -> Result<EngineStats, EngineError> {
        self.inner.stats()
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ordered_batches: false,
            ..self.inner.capabilities()
        }
    }
    fn close(&self) -> Result<(), EngineError> {
        self.inner.close()
    }
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Changes one kind of thing after another; the state after each commit.
fn workload(tree: &Tree, acknowledged: &Mutex<usize>) -> Vec<Map> {
    let mut states = vec![Map::new(), Map::new()];
    let mut bodies: Vec<BodyRef> = Vec::new();
    for round in 0..24_u8 {
        let mut map = states.last().unwrap().clone();
        let large = vec![round; if round % 3 == 0 { 2 << 20 } else { 900 }];
        for n in 0..20_u8 {
            map.insert(vec![1 + n % 5, round, n], vec![round; 30]);
            map.remove([1 + n % 5, round.wrapping_sub(4), n].as_slice());
        }
        map.insert(b"large".to_vec(), large);
        let target: Vec<_> = map.clone().into_iter().collect();
        let body = (round % 4 == 1).then(|| write_body(tree, &vec![round; 150_000]));
        let small = (round % 4 == 2).then(|| write_body(tree, &[round; 500]));
        let old = if round % 4 == 3 {
            std::mem::take(&mut bodies)
        } else {
            Vec::new()
        };
        let adopted = tree.transact(move |txn| {
            for (key, _) in txn.range(&KeyRange::all(), Order::Ascending, usize::MAX)? {
                txn.delete(&key)?;
            }
            target.iter().try_for_each(|(key, value)| txn.put(key, value))?;
            old.iter().try_for_each(|body| txn.release_body(body))?;
            let all = body.iter().chain(&small);
            all.map(|body| txn.adopt_body(body))
                .collect::<Result<Vec<_>, _>>()
        });
        bodies.extend(adopted.unwrap());
        states.push(map);
        *acknowledged.lock().unwrap() += 1;
    }
    states
}

#[test]
fn every_crash_leaves_the_old_state_or_the_new_one() {
    let recorder = Recorder {
        inner: memory(),
        copies: Arc::default(),
        acknowledged: Arc::default(),
    };
    let (store, tree) = open(recorder.clone(), settings(512)).unwrap();
    let states = workload(&tree, &recorder.acknowledged);
    drop((store, tree));
    let copies = std::mem::take(&mut *recorder.copies.lock().unwrap());
    assert!(copies.len() > 50, "{} batches", copies.len());
    for (crash, (engine, acknowledged)) in copies.into_iter().enumerate() {
        let (store, tree) = open(engine.clone(), settings(512)).unwrap();
        let found: Map = all(&tree).into_iter().collect();
        let old_or_new = [acknowledged + 1, acknowledged + 2];
        assert!(
            old_or_new.iter().any(|&state| states.get(state) == Some(&found)),
            "crash after batch {crash}"
        );
        let scrub = tree.scrub(&mut |finding| panic!("{finding:?}")).unwrap();
        assert_eq!(scrub.leftovers, 0, "crash after batch {crash}");
        assert_eq!(
            counts(&engine)[2] as u64,
            scrub.chunks,
            "crash after batch {crash}"
        );
        for (key, _) in all(&tree) {
            delete(&tree, &key).unwrap();
        }
        store.reap().unwrap();
        let [heads, _, _, freed, reservations, _] = counts(&engine);
        assert_eq!(
            (heads, freed, reservations),
            (1, 0, 0),
            "crash after batch {crash}"
        );
    }
}
