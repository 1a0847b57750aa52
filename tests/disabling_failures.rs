//! Disabling customer keys while the engine fails: the platform's new one-time key is destroyed at once if
//! its envelope was certainly not committed, and kept while it may be the only way in.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::io;
use std::sync::Arc;

use common::World;
use parking_lot::Mutex;
use strongroom::engine::engine::sled::{SledEngine, SledOptions};
use strongroom::engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, ScanOptions, ScanPage, Space,
};
use strongroom::{DownloadOptions, KeySource, Metadata, UploadOptions};

/// What becomes of the next synced batch.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Somebody else was faster; nothing was applied.
    Conflict,
    /// Out of reach before anything was sent.
    NotApplied,
    /// Out of reach, and nobody knows.
    MaybeApplied,
    /// The disk fails before anything reaches it.
    Io,
    /// The disk fails after everything has reached it.
    IoApplied,
}

struct Failing(SledEngine, Arc<Mutex<Option<Fault>>>);

impl Engine for Failing {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(space, key)
    }
    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.0.scan(space, range, options)
    }
    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        let Some(fault) = self.1.lock().take_if(|_| durability == Durability::Synced) else {
            return self.0.apply(batch, durability);
        };
        let io = || EngineError::io("syncing", None, io::Error::other("planted"));
        match fault {
            Fault::Conflict => Err(EngineError::Conflict),
            Fault::NotApplied => Err(EngineError::Unavailable { maybe_applied: false }),
            Fault::MaybeApplied => Err(EngineError::Unavailable { maybe_applied: true }),
            Fault::Io => Err(io()),
            Fault::IoApplied => self.0.apply(batch, durability).and(Err(io())),
        }
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

fn one_time_keys(world: &World) -> usize {
    let entries = std::fs::read_dir(world.data().join("keys")).unwrap();
    let names = entries.map(|entry| entry.unwrap().path());
    names
        .filter(|path| path.extension().is_some_and(|extension| extension == "onetime"))
        .count()
}

/// Fails disabling by `fault`: how many one-time keys that leaves, and who holds the root key once reopened.
#[track_caller]
fn check(fault: Fault, left: usize, then: KeySource) {
    let mut world = World::customer();
    let blob = "b".parse().unwrap();
    let container = world.account().container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    container
        .upload(&blob, b"content".as_slice(), UploadOptions::default())
        .unwrap();
    world.store.close().unwrap();
    let engine = SledEngine::open(world.data().join("engine"), &SledOptions::default()).unwrap();
    let armed = Arc::new(Mutex::new(None));
    let engine = Failing(engine, armed.clone());
    world.store = world.options().engine(Box::new(engine)).open().unwrap();
    let account = world.account();
    *armed.lock() = Some(fault);
    assert!(account.use_platform_key().is_err(), "{fault:?}");
    assert!(armed.lock().is_none(), "{fault:?}: the fault has struck");
    assert_eq!(one_time_keys(&world), left, "{fault:?}");
    assert_eq!(
        account.encryption().unwrap().key_source,
        KeySource::KeyVault,
        "{fault:?}"
    );
    // Closing fails after a failed write; what counts is what the next open finds.
    let _ = world.store.close();
    drop(account);
    world.store = world.options().open().unwrap();
    let source = world.account().encryption().unwrap().key_source;
    assert_eq!(source, then, "{fault:?}");
    assert_eq!(
        one_time_keys(&world),
        usize::from(then == KeySource::Platform),
        "{fault:?}"
    );
    let mut out = Vec::new();
    let container = world.account().container(&"album".parse().unwrap());
    container
        .download(&blob, &DownloadOptions::default(), &mut out)
        .unwrap();
    assert_eq!(out, b"content", "{fault:?}");
}

#[test]
fn a_commit_that_certainly_failed_leaves_no_one_time_key() {
    check(Fault::Conflict, 0, KeySource::KeyVault);
    check(Fault::NotApplied, 0, KeySource::KeyVault);
}

#[test]
fn a_commit_that_may_have_happened_keeps_its_one_time_key() {
    check(Fault::MaybeApplied, 1, KeySource::KeyVault);
    check(Fault::Io, 1, KeySource::KeyVault);
    check(Fault::IoApplied, 1, KeySource::Platform);
}
