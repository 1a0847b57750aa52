//! Whatever call to the engine fails, an operation that was acknowledged is there when the store is opened
//! again, whole, and one that was refused has happened wholly or not at all.
//!
//! The same story is told to a store once for every engine call in it; that call fails, alone or with all
//! that follow. Then the store is opened on the records that the engine really has.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod common;
#[path = "../storage-engine/tests/common/tally.rs"]
mod tally;

use std::sync::Arc;

use common::{ACCOUNT, KEY, NEEDED, VAULT, World, name, pinned};
use strongroom::engine::SystemEntropy;
use strongroom::engine::engine::faulty::{Fault, FaultHandle, Faulty, Lasting, Plan, Scope};
use strongroom::engine::engine::memory::MemoryEngine;
use strongroom::engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, ScanOptions, ScanPage, Space,
};
use strongroom::keyvault::KeyId;
use strongroom::{
    Account, BlobSource, BlobVersionRef, Conditions, Container, CopyOptions, CopyStatus, CreateBlobOptions,
    CreateContainerOptions, DeleteBlobOptions, DeleteSnapshots, DownloadOptions, Error, KeyFile, ListBlobs,
    ListedBlock, Metadata, NewEncryptionScope, PutBlockListOptions, PutBlockOptions, PutPagesOptions,
    SnapshotOptions, Store, StoreOptions, UploadOptions,
};

/// Bytes of the page blob.
const PAGES: u64 = 256 << 10;

/// Records that outlive the store that wrote them.
#[derive(Clone, Default)]
struct Disk(Arc<MemoryEngine>);

impl Engine for Disk {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(space, key)
    }

    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.0.scan(space, range, options)
    }

    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.0.apply(batch, durability)
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
        Ok(())
    }
}

/// One store in a directory of its own, under the customer's key, with a container and a few blobs.
struct Place<'w> {
    world: &'w World,
    directory: tempfile::TempDir,
    disk: Disk,
    keys: [KeyId; 2],
}

impl<'w> Place<'w> {
    fn options(&self) -> StoreOptions {
        let host_key = KeyFile::read(&self.directory.path().join("host.key")).unwrap();
        Store::builder(self.directory.path().join("data"), host_key)
            .clock(self.world.clock.clone())
            .vaults(&self.world.vaults)
    }

    fn faulty(&self) -> (StoreOptions, FaultHandle) {
        let (faulty, handle) = Faulty::new(Box::new(self.disk.clone()));
        (self.options().engine(Box::new(faulty)), handle)
    }

    fn new(world: &'w World, keys: [KeyId; 2]) -> (Self, Store, FaultHandle) {
        let place = Self {
            world,
            directory: tempfile::tempdir().unwrap(),
            disk: Disk::default(),
            keys,
        };
        KeyFile::create(&place.directory.path().join("host.key"), &SystemEntropy).unwrap();
        let (options, handle) = place.faulty();
        let store = options.init().unwrap();
        let account = store.create_account(&world.new_account(ACCOUNT)).unwrap();
        let principal = account.assign_identity().unwrap().principal_id;
        world.grant(VAULT, principal, &NEEDED);
        let container = album(&account);
        container.create(&Metadata::new()).unwrap();
        for blob in ["replaced", "deleted", "described", "kept"] {
            put(&container, blob, &old(blob)).unwrap();
        }
        let snapshot = SnapshotOptions::default();
        container
            .snapshot_blob(&"deleted".parse().unwrap(), &snapshot)
            .unwrap();
        let disk = "disk".parse().unwrap();
        let options = CreateBlobOptions::default();
        container.create_page_blob(&disk, (PAGES, 0), &options).unwrap();
        let pages = vec![7; PAGES as usize];
        container
            .put_pages(&disk, (0, PAGES), pages.as_slice(), &PutPagesOptions::default())
            .unwrap();
        container.snapshot_blob(&disk, &snapshot).unwrap();
        drop((container, account, store, handle));
        // Opened again, so that what is read is not in memory yet.
        let (options, handle) = place.faulty();
        let store = options.open().unwrap();
        (place, store, handle)
    }
}

fn album(account: &Account) -> Container {
    account.container(&"album".parse().unwrap())
}

/// A container whose blobs are under a scope.
fn secrets(account: &Account) -> Container {
    account.container(&"secrets".parse().unwrap())
}

/// The page blob's one snapshot.
fn snapshot(container: &Container) -> Result<BlobSource, Error> {
    let mut request = ListBlobs::default();
    request.include.snapshots = true;
    let page = container.list_blobs(&request)?;
    let taken = page
        .blobs()
        .find_map(|blob| blob.snapshot.filter(|_| blob.name.as_str() == "disk"));
    Ok(BlobSource {
        which: taken.map(BlobVersionRef::Snapshot).unwrap_or_default(),
        ..BlobSource::new(container, "disk".parse()?)
    })
}

/// Enough for bodies beside the commit.
fn old(blob: &str) -> Vec<u8> {
    format!("old content of {blob} ").repeat(5_000).into_bytes()
}

fn new(blob: &str) -> Vec<u8> {
    format!("new content of {blob} ").repeat(6_000).into_bytes()
}

fn put(container: &Container, blob: &str, content: &[u8]) -> Result<(), Error> {
    container
        .upload(&blob.parse().unwrap(), content, UploadOptions::default())
        .map(drop)
}

fn content(container: &Container, blob: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match container.download(&blob.parse().unwrap(), &DownloadOptions::default(), &mut out) {
        Ok(_) => Some(out),
        Err(error) => {
            assert_eq!(error.code(), "BlobNotFound", "{blob}: {error}");
            None
        }
    }
}

/// An operation and what shows that it has happened.
struct Step {
    what: &'static str,
    act: fn(&Place<'_>, &Account) -> Result<(), Error>,
    /// True: happened; false: did not. Fails on anything between.
    happened: fn(&Place<'_>, &Account) -> bool,
}

/// Content before and after a step.
type States = (Option<Vec<u8>>, Option<Vec<u8>>);

fn whole(container: &Container, blob: &str, (before, after): States) -> bool {
    let found = content(container, blob);
    assert!(found == before || found == after, "{blob} is a mix");
    found == after
}

fn wrapped_by(account: &Account) -> Option<KeyId> {
    let status = account.encryption().unwrap();
    status.key_vault.map(|key| key.current_versioned_key_identifier)
}

const STORY: [Step; 11] = [
    Step {
        what: "upload",
        act: |_, account| put(&album(account), "fresh", &new("fresh")),
        happened: |_, account| whole(&album(account), "fresh", (None, Some(new("fresh")))),
    },
    Step {
        what: "replace",
        act: |_, account| put(&album(account), "replaced", &new("replaced")),
        happened: |_, account| {
            let (before, after) = (old("replaced"), new("replaced"));
            whole(&album(account), "replaced", (Some(before), Some(after)))
        },
    },
    Step {
        what: "commit blocks",
        act: |_, account| {
            let (container, blob) = (album(account), "blocks".parse()?);
            let ids = ["MDE=", "MDI="].map(|id| id.parse().unwrap());
            for id in &ids {
                let options = PutBlockOptions::default();
                container.put_block(&blob, id, new("block").as_slice(), &options)?;
            }
            let list = ids.map(ListedBlock::Latest);
            let options = PutBlockListOptions::default();
            container.put_block_list(&blob, &list, &options).map(drop)
        },
        happened: |_, account| {
            let both = [new("block"), new("block")].concat();
            whole(&album(account), "blocks", (None, Some(both)))
        },
    },
    Step {
        what: "customer key",
        act: |place, account| account.use_customer_key(&pinned(&place.keys[0])).map(drop),
        happened: |_, account| wrapped_by(account).is_some(),
    },
    Step {
        what: "rotate",
        act: |place, account| account.use_customer_key(&pinned(&place.keys[1])).map(drop),
        happened: |place, account| {
            let found = wrapped_by(account);
            assert!(found.is_none() || place.keys.iter().any(|key| found.as_ref() == Some(key)));
            found.as_ref() == Some(&place.keys[1])
        },
    },
    Step {
        what: "set metadata",
        act: |_, account| {
            let mut metadata = Metadata::new();
            metadata.insert("who", "carol")?;
            let blob = "described".parse()?;
            album(account)
                .set_blob_metadata(&blob, &metadata, &Conditions::default())
                .map(drop)
        },
        happened: |_, account| {
            let metadata =
                album(account).blob_metadata(&"described".parse().unwrap(), &Conditions::default());
            !metadata.unwrap().is_empty()
        },
    },
    Step {
        what: "delete",
        act: |_, account| {
            let options = DeleteBlobOptions {
                snapshots: DeleteSnapshots::Include,
                ..DeleteBlobOptions::default()
            };
            album(account).delete_blob(&"deleted".parse()?, options)
        },
        happened: |_, account| whole(&album(account), "deleted", (Some(old("deleted")), None)),
    },
    Step {
        what: "encryption scope",
        act: |_, account| {
            let scope = "tenant-1".parse()?;
            account.create_encryption_scope(&scope, &NewEncryptionScope::default())?;
            let mut options = CreateContainerOptions::default();
            options.encryption.default_scope = Some(scope);
            secrets(account).create_with(&options)?;
            put(&secrets(account), "secret", &new("secret"))
        },
        happened: |_, account| {
            // Whatever was cut short: a scope that is there opens.
            account.encryption_scopes().unwrap();
            secrets(account).exists().unwrap()
                && whole(&secrets(account), "secret", (None, Some(new("secret"))))
        },
    },
    Step {
        what: "copy into the scope",
        act: |_, account| {
            let source = BlobSource::new(&album(account), "kept".parse()?);
            let begun = secrets(account).start_copy(&"copy".parse()?, &source, &CopyOptions::default())?;
            while !account.maintain()?.done {}
            assert_eq!(begun.status, CopyStatus::Pending);
            Ok(())
        },
        happened: |_, account| {
            let there = secrets(account).exists().unwrap();
            let found = there.then(|| content(&secrets(account), "copy")).flatten();
            // Nothing shows before everything does.
            let empty = found.as_ref().is_none_or(Vec::is_empty);
            assert!(empty || found == Some(old("kept")), "the copy is a mix");
            !empty
        },
    },
    Step {
        what: "incremental copy",
        act: |_, account| {
            let container = album(account);
            let source = snapshot(&container)?;
            container
                .incremental_copy(&"backup".parse()?, &source, &Conditions::default())
                .map(drop)
        },
        happened: |_, account| {
            let pages = vec![7; PAGES as usize];
            whole(&album(account), "backup", (None, Some(pages)))
        },
    },
    Step {
        what: "second container",
        act: |_, account| {
            account
                .container(&"second".parse()?)
                .create(&Metadata::new())
                .map(drop)
        },
        happened: |_, account| account.container(&"second".parse().unwrap()).exists().unwrap(),
    },
];

/// Tells the story with `plan`; true if a call failed.
fn check(world: &World, keys: &[KeyId; 2], plan: Plan) -> bool {
    let (place, store, handle) = Place::new(world, keys.clone());
    let account = store.account(&name(ACCOUNT)).unwrap();
    handle.set(Scope::All, Some(plan));
    let told = STORY.map(|step| (step.act)(&place, &account));
    let touched = handle.failed() > 0;
    handle.set(Scope::All, None);
    drop(account);
    drop(store);

    let store = place
        .options()
        .engine(Box::new(place.disk.clone()))
        .open()
        .unwrap();
    let account = store.account(&name(ACCOUNT)).unwrap();
    for (step, told) in STORY.iter().zip(told) {
        let happened = (step.happened)(&place, &account);
        match told {
            Ok(()) => assert!(happened, "{plan:?}: {} was acknowledged and is lost", step.what),
            Err(error) => assert!(touched, "{plan:?}: {} failed by itself: {error}", step.what),
        }
    }
    assert_eq!(content(&album(&account), "kept"), Some(old("kept")), "{plan:?}");
    let report = store.scrub(None, |_| ()).unwrap();
    assert!(report.damage.is_empty(), "{plan:?}: {:?}", report.damage);
    touched
}

fn every_call(lasting: Lasting, fault: Fault) {
    let world = World::prepared();
    let keys = [world.current(VAULT, KEY), world.make_key(VAULT, KEY)];
    for call in 0.. {
        let plan = Plan { call, lasting, fault };
        if !check(&world, &keys, plan) {
            assert!(call > 2 * STORY.len() as u64, "{call} calls");
            tally::tally("R6", "a store", &[("failing calls", call)], 0);
            return;
        }
    }
}

#[test]
fn every_call_fails_once() {
    every_call(Lasting::Once, Fault::Io);
}

#[test]
fn every_call_fails_from_then_on() {
    every_call(Lasting::FromThenOn, Fault::Io);
}

#[test]
fn every_answer_is_lost_after_its_batch() {
    every_call(Lasting::Once, Fault::UnavailableApplied);
}
