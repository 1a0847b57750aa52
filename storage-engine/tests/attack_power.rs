//! Power cuts on an engine that keeps only what was synced: any part of the rest may have reached the disk,
//! and the power may fail again while the store recovers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::*;
use strongroom_engine::body::BodyRef;
use strongroom_engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, Mutation, ScanOptions,
    ScanPage, Space,
};
use strongroom_engine::tree::{Tree, TreeError, TreeStore};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a power cut may leave, and how many commits had been acknowledged before it.
struct Image {
    engine: Shared,
    acknowledged: usize,
    what: String,
}

struct Platter {
    /// What was synced.
    durable: Shared,
    /// Batches since then.
    pending: Vec<Batch>,
    images: Vec<Image>,
    acknowledged: usize,
    batches: usize,
}

/// A disk: reads see everything, a power cut leaves what was synced and some of the rest.
#[derive(Clone)]
struct Disk {
    live: Shared,
    ordered: bool,
    platter: Arc<Mutex<Platter>>,
}

impl Disk {
    fn new(engine: &Shared, ordered: bool, acknowledged: usize) -> Self {
        let platter = Platter {
            durable: copy(engine),
            pending: Vec::new(),
            images: Vec::new(),
            acknowledged,
            batches: 0,
        };
        Self {
            live: copy(engine),
            ordered,
            platter: Arc::new(Mutex::new(platter)),
        }
    }

    fn acknowledge(&self) {
        self.platter.lock().unwrap().acknowledged += 1;
    }

    fn take_images(&self) -> Vec<Image> {
        std::mem::take(&mut self.platter.lock().unwrap().images)
    }
}

impl Platter {
    /// Images of a power cut now.
    fn cut(&mut self, ordered: bool) {
        let all = self.pending.len();
        if ordered {
            self.image("everything", |_| true);
            self.image("what was synced", |_| false);
            return;
        }
        self.image("only the last batch", |n| n + 1 == all);
        let first = all.saturating_sub(6);
        for lost in first..all {
            self.image(&format!("all but batch {lost} of {all}"), |n| n != lost);
        }
        self.image("every second batch", |n| n % 2 == all % 2);
    }

    fn image(&mut self, what: &str, kept: impl Fn(usize) -> bool) {
        let engine = copy(&self.durable);
        for (n, batch) in self.pending.iter().enumerate() {
            if kept(n) {
                write(&engine, batch);
            }
        }
        let what = format!("batch {}: {what}", self.batches);
        let acknowledged = self.acknowledged;
        self.images.push(Image {
            engine,
            acknowledged,
            what,
        });
    }

    fn sync(&mut self) {
        for batch in std::mem::take(&mut self.pending) {
            write(&self.durable, &batch);
        }
    }
}

fn write(engine: &Shared, batch: &Batch) {
    let mutations = batch.mutations.clone();
    engine
        .apply(
            Batch {
                mutations,
                ..Batch::default()
            },
            Durability::Synced,
        )
        .unwrap();
}

impl Engine for Disk {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.live.get(space, key)
    }
    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.live.scan(space, range, options)
    }
    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        let mut platter = self.platter.lock().unwrap();
        self.live.apply(batch.clone(), durability)?;
        platter.pending.push(batch);
        platter.batches += 1;
        platter.cut(self.ordered);
        if durability == Durability::Synced {
            platter.sync();
        }
        Ok(())
    }
    fn sync(&self) -> Result<(), EngineError> {
        self.platter.lock().unwrap().sync();
        Ok(())
    }
    fn checkpoint(&self) -> Result<(), EngineError> {
        self.sync()
    }
    fn stats(&self) -> Result<EngineStats, EngineError> {
        self.live.stats()
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ordered_batches: self.ordered,
            persistent: true,
        }
    }
    fn close(&self) -> Result<(), EngineError> {
        self.sync()
    }
}

/// States after each commit, and the bodies that records of the name `body/<n>` stand for.
#[derive(Clone, Default)]
struct History {
    states: Vec<Map>,
    bodies: Vec<(BodyRef, Vec<u8>)>,
}

impl History {
    /// `rounds` commits, each a different mixture of small records, large values and bodies.
    fn run(&mut self, disk: &Disk, tree: &Tree, rounds: u8) {
        for _ in 0..rounds {
            let round = self.states.len() as u8;
            let mut map = self.states.last().cloned().unwrap_or_default();
            for n in 0..8_u8 {
                map.insert(vec![1 + n % 5, round, n], vec![round; 90]);
                map.remove([1 + n % 5, round.wrapping_sub(3), n].as_slice());
            }
            let large = if round.is_multiple_of(3) { 5 << 19 } else { 700 };
            map.insert(b"large".to_vec(), vec![round; large]);
            let content = vec![round; if round.is_multiple_of(2) { 90_000 } else { 300 }];
            let body = write_body(tree, &content);
            if round % 4 == 3 {
                drop(write_body(tree, &[9; 70_000])); // Nobody adopts this one.
            }
            let name = format!("body/{}", self.bodies.len()).into_bytes();
            let any = map.keys().find(|key| key.starts_with(b"body/")).cloned();
            let released = any.filter(|_| round % 3 == 2).map(|name| {
                map.remove(&name);
                self.bodies[number(&name)].0.clone()
            });
            map.insert(name, Vec::new());
            let target: Vec<_> = map.clone().into_iter().collect();
            let before = self.states.last().cloned().unwrap_or_default();
            let adopted = tree.transact(move |txn| {
                for key in before.keys() {
                    txn.delete(key)?;
                }
                target.iter().try_for_each(|(key, value)| txn.put(key, value))?;
                released.iter().try_for_each(|body| txn.release_body(body))?;
                txn.adopt_body(&body)
            });
            self.bodies.push((adopted.unwrap(), content));
            self.states.push(map);
            disk.acknowledge();
        }
    }

    /// The state of `tree`, which must be the last acknowledged one or the next, whole.
    #[track_caller]
    fn check(&self, tree: &Tree, acknowledged: usize, what: &str) -> usize {
        let found: Map = all(tree).into_iter().collect();
        let empty = Map::new();
        let state = |commits: usize| match commits.checked_sub(1) {
            None => Some(&empty),
            Some(index) => self.states.get(index),
        };
        let commits = (acknowledged..=acknowledged + 1).find(|&commits| state(commits) == Some(&found));
        let commits = commits.unwrap_or_else(|| panic!("{what}: neither the old state nor the new one"));
        for key in found.keys().filter(|key| key.starts_with(b"body/")) {
            let (body, content) = &self.bodies[number(key)];
            let snapshot = tree.snapshot().unwrap();
            let key = common::key(strongroom_engine::keys::Purpose::Content, TREE);
            // The reference of a small body is known once its commit was acknowledged.
            let reader = strongroom_engine::body::BodyReader::open(tree, &snapshot, body, &key);
            let reader = reader.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(read_all(&reader) == *content, "{what}");
        }
        commits
    }

    /// Deletes everything; the engine must hold nothing then.
    #[track_caller]
    fn clear(&self, store: &TreeStore, tree: &Tree, engine: &dyn Engine, what: &str) {
        for (key, _) in all(tree) {
            let body = key
                .starts_with(b"body/")
                .then(|| self.bodies[number(&key)].0.clone());
            tree.transact(move |txn| {
                body.iter().try_for_each(|body| txn.release_body(body))?;
                txn.delete(&key)
            })
            .unwrap();
        }
        put(tree, b"one more", b"commit").unwrap();
        delete(tree, b"one more").unwrap();
        store.reap().unwrap();
        assert_eq!(counts(engine), [1, 0, 0, 0, 0, 0], "{what}");
    }
}

fn number(key: &[u8]) -> usize {
    std::str::from_utf8(&key[5..]).unwrap().parse().unwrap()
}

fn open_existing(disk: impl Engine) -> Result<(Arc<TreeStore>, Tree), TreeError> {
    let store = TreeStore::open(parts(disk), settings(512))?;
    let tree = store.open_tree(TREE, tree_key(TREE))?;
    Ok((store, tree))
}

fn cut_everywhere(ordered: bool) {
    let disk = Disk::new(&memory(), ordered, 0);
    let (store, tree) = open(disk.clone(), settings(512)).unwrap();
    disk.take_images();
    let mut history = History::default();
    history.run(&disk, &tree, 14);
    drop((store, tree));
    let images = disk.take_images();
    assert!(images.len() > 80, "{} images", images.len());
    for (index, image) in images.iter().enumerate() {
        let what = &image.what;
        let engine = copy(&image.engine);
        let (store, tree) = open_existing(engine.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
        history.check(&tree, image.acknowledged, what);
        history.clear(&store, &tree, &engine, what);
        if index % 7 == 0 {
            cut_again(&history, image, ordered);
        }
    }
}

/// The power fails again, at every batch of recovery and of the commits that follow it.
fn cut_again(history: &History, image: &Image, ordered: bool) {
    let disk = Disk::new(&image.engine, ordered, image.acknowledged);
    let (store, tree) = open_existing(disk.clone()).unwrap();
    let mut history = history.clone();
    let commits = history.check(&tree, image.acknowledged, &image.what);
    history.states.truncate(commits);
    let seen = disk.take_images();
    disk.platter.lock().unwrap().acknowledged = commits;
    history.run(&disk, &tree, 2);
    drop((store, tree));
    let later = disk.take_images();
    // Once opened, the state that was seen stays, also through images of the commits after it.
    for again in seen.iter().chain(later.iter().step_by(3)) {
        let what = format!("{}, then {}", image.what, again.what);
        let engine = copy(&again.engine);
        let (store, tree) = open_existing(engine.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
        history.check(&tree, again.acknowledged, &what);
        history.clear(&store, &tree, &engine, &what);
    }
}

#[test]
fn power_cuts_on_an_engine_that_keeps_the_order() {
    cut_everywhere(true);
}

#[test]
fn power_cuts_on_an_engine_that_keeps_no_order() {
    cut_everywhere(false);
}

/// A killed process leaves batches that nobody synced. What is shown after opening must not go when the power
/// fails.
#[test]
fn what_opening_shows_is_durable() {
    let disk = Disk::new(&memory(), true, 0);
    let (store, tree) = open(disk.clone(), settings(512)).unwrap();
    let body = adopt(&tree, write_body(&tree, &[4; 90_000]));
    put(&tree, b"key", b"old").unwrap();
    // The last commit as a kill leaves it: applied, not synced.
    let durable = copy(&disk.platter.lock().unwrap().durable);
    let gone = body.clone();
    tree.transact(move |txn| {
        txn.release_body(&gone)?;
        txn.put(b"key", b"new")
    })
    .unwrap();
    drop((store, tree));
    let killed = Disk::new(&disk.live, true, 0);
    killed.platter.lock().unwrap().durable = durable.clone();
    killed.platter.lock().unwrap().pending = vec![difference(&durable, &disk.live)];
    let (_store, tree) = open_existing(killed.clone()).unwrap();
    assert_eq!(tree.get(b"key").unwrap().unwrap(), b"new");
    let after_cut = copy(&killed.platter.lock().unwrap().durable);
    let (_store, tree) = open_existing(after_cut).unwrap();
    assert_eq!(
        tree.get(b"key").unwrap().unwrap(),
        b"new",
        "a state that was shown is gone"
    );
}

/// What makes `new` of `old`.
fn difference(old: &Shared, new: &Shared) -> Batch {
    let mut batch = Batch::new();
    for space in Space::ALL {
        let (before, after): (Map, Map) = (
            records(old, space).into_iter().collect(),
            records(new, space).into_iter().collect(),
        );
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            batch.mutations.push(Mutation::Delete {
                space,
                key: key.clone(),
            });
        }
        for (key, value) in after
            .into_iter()
            .filter(|(key, value)| before.get(key) != Some(value))
        {
            batch.mutations.push(Mutation::Put { space, key, value });
        }
    }
    batch
}
