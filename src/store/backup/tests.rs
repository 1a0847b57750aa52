//! Every step of a backup and of a restore fails in turn, as on a bad disk and as in a crash.

use std::cell::Cell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use strongroom_engine::engine::faulty::{Fault, Faulty, Lasting, Plan, Scope};
use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_keyvault::TenantId;

use super::steps::Steps;
use super::*;
use crate::store::Passphrase;
use crate::{AccountName, KeyFile, Metadata, NewAccount, UploadOptions};

/// Fails the step of a number and every later one.
struct FailAt {
    step: u64,
    taken: Cell<u64>,
}

impl FailAt {
    fn new(step: u64) -> Self {
        Self {
            step,
            taken: Cell::new(0),
        }
    }

    fn has_failed(&self) -> bool {
        self.taken.get() > self.step
    }
}

impl Steps for FailAt {
    fn step(&self, _path: &Path) -> io::Result<()> {
        let step = self.taken.replace(self.taken.get() + 1);
        if step < self.step {
            return Ok(());
        }
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }
}

struct World {
    directory: tempfile::TempDir,
    store: Store,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("host.key");
        KeyFile::create(&path, &strongroom_engine::SystemEntropy).unwrap();
        let key = KeyFile::read(&path).unwrap();
        let store = Store::builder(directory.path().join("data"), key).init().unwrap();
        let name: AccountName = "one".parse().unwrap();
        let new = NewAccount::new(name, TenantId([7; 16]), "westus".parse().unwrap());
        let account = store.create_account(&new).unwrap();
        let container = account.container(&"box".parse().unwrap());
        container.create(&Metadata::new()).unwrap();
        for (name, length) in [("small", 100), ("large", 200_000)] {
            let options = UploadOptions::default();
            container
                .upload(&name.parse().unwrap(), vec![7; length].as_slice(), options)
                .unwrap();
        }
        Self { directory, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn options(&self, directory: &str) -> StoreOptions {
        Store::builder(
            self.path(directory),
            KeyFile::read(&self.path("host.key")).unwrap(),
        )
    }

    fn backup(&self, steps: &dyn Steps) -> Result<BackupReport> {
        let options = BackupOptions { file_bytes: 100_000 };
        self.store
            .backup_by(steps, &self.path("backup"), &options, &mut |_| ())
    }

    fn restore(&self, steps: &dyn Steps, options: StoreOptions) -> Result<BackupReport> {
        let choice = RestoreOptions::default();
        restore_by(steps, &self.path("backup"), options, &choice, &mut |_| ())
    }

    #[track_caller]
    fn check_restored(&self, directory: &str) {
        self.restore(&RealSteps, self.options(directory)).unwrap();
        let store = self.options(directory).open().unwrap();
        let scrubbed = store.scrub(None, |_| ()).unwrap();
        assert_eq!((scrubbed.damage.len(), scrubbed.leftovers), (0, 0));
        assert_eq!((scrubbed.blobs_opened, scrubbed.bytes), (2, 200_100));
    }
}

/// Files and directories below a directory.
fn count(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| 1 + count(&entry.path())).sum()
}

#[test]
fn a_step_of_a_backup_that_fails_leaves_nothing() {
    for step in 0.. {
        let world = World::new();
        let steps = FailAt::new(step);
        let made = world.backup(&steps);
        if !steps.has_failed() {
            made.unwrap();
            assert!(step > 12, "{step} steps");
            return;
        }
        let failed = made.unwrap_err();
        assert!(
            failed
                .message()
                .contains(&world.path("backup").display().to_string())
        );
        assert!(failed.what_to_do().unwrap().contains("space"), "{step}: {failed}");
        assert!(!world.path("backup").exists(), "step {step}");
        world.backup(&RealSteps).unwrap();
        world.check_restored("again");
    }
}

/// As after a crash: what was written stays, and is neither a backup nor in the way of the next one.
#[test]
fn what_an_interrupted_backup_leaves_is_no_backup() {
    let world = World::new();
    let (shared, backup) = (&world.store.inner.shared, world.path("backup"));
    for step in 1.. {
        let steps = FailAt::new(step);
        let mut destination = Destination::prepare(&backup, &[], &steps).unwrap();
        let moment = moment::pin(shared).unwrap();
        let header = world.store.inner.header.lock().clone();
        let key = shared
            .with_root(|root| root.purpose(Purpose::BackupMac, header.id()))
            .unwrap();
        let manifest = Manifest::new(Role::Store, header.id(), moment.taken);
        let subject = Subject {
            header,
            key: &key,
            pins: moment.pins,
            side_files: moment.side_files,
        };
        let options = BackupOptions { file_bytes: 100_000 };
        let made = destination.write(subject, manifest, (&options, &mut |_| ()));
        if !steps.has_failed() {
            made.unwrap();
            assert!(step > 12, "{step} steps");
            return;
        }
        destination.crash();
        assert!(count(&backup) > 0, "step {step}");
        let refused = world.restore(&RealSteps, world.options("again")).unwrap_err();
        assert_eq!(refused.code(), "NotABackup", "step {step}");
        world.backup(&RealSteps).unwrap();
        fs::remove_dir_all(&backup).unwrap();
    }
}

#[test]
fn a_step_of_a_restore_that_fails_leaves_no_store() {
    let world = World::new();
    world.backup(&RealSteps).unwrap();
    for step in 0.. {
        let steps = FailAt::new(step);
        let restored = world.restore(&steps, world.options("again"));
        if !steps.has_failed() {
            restored.unwrap();
            assert!(step > 4, "{step} steps");
            return;
        }
        restored.unwrap_err();
        assert!(!world.path("again").exists(), "step {step}");
    }
}

/// An engine that fails at any write: no header, so no store; and the marker lets the next attempt begin.
#[test]
fn an_engine_that_fails_makes_no_store() {
    let world = World::new();
    world.backup(&RealSteps).unwrap();
    for call in 0.. {
        let (engine, handle) = Faulty::new(Box::new(MemoryEngine::new()));
        let plan = Plan {
            call,
            lasting: Lasting::FromThenOn,
            fault: Fault::Io,
        };
        handle.set(Scope::All, Some(plan));
        let options = world.options("again").engine(Box::new(engine));
        let restored = world.restore(&RealSteps, options);
        if handle.failed() == 0 {
            restored.unwrap();
            assert!(call > 5, "{call} calls");
            return;
        }
        restored.unwrap_err();
        assert_eq!(
            world.options("again").open().err().unwrap().code(),
            "NotInitialised"
        );
        assert!(!world.path("again").exists(), "call {call}");
    }
}

/// As after a crash: everything but the header is there.
#[test]
fn an_interrupted_restore_is_begun_again() {
    let world = World::new();
    world.backup(&RealSteps).unwrap();
    let key = KeyFile::read(&world.path("host.key")).unwrap();
    let backup = world.path("backup");
    let (checked, _) = restore::check(&backup, Role::Store, (&key, &mut |_| ())).unwrap();
    let again = world.path("again");
    let restore = Restore::prepare(&again, (&checked, &backup), &RealSteps).unwrap();
    let engine = restore.engine(None, 1 << 20).unwrap();
    restore.load(engine, Placement::Files, &mut |_| ()).unwrap();
    restore.crash();
    assert_eq!(
        world.options("again").open().err().unwrap().code(),
        "NotInitialised"
    );
    assert!(count(&again) > 5);
    world.check_restored("again");
    assert!(!again.join("bodies").exists());
}

#[test]
fn an_engine_that_is_in_use_is_not_written_over() {
    let world = World::new();
    world.backup(&RealSteps).unwrap();
    let engine = || EngineKind::Sled.open(world.path("engine"), 1 << 20).unwrap();
    let options = Store::builder(
        world.path("mine"),
        Passphrase::new("a long passphrase".into()).unwrap(),
    );
    options.engine(engine()).init().unwrap().close().unwrap();
    let refused = world
        .restore(&RealSteps, world.options("again").engine(engine()))
        .unwrap_err();
    assert_eq!(refused.code(), "AlreadyInitialised");
}
