//! A revocation of the source's key that returns while a copy is on its way precedes the commit: the bytes
//! that were read are not committed any more. Between accounts, and between encryption scopes of one.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::sync::Arc;

use common::{KEY, NEEDED, VAULT, World, pinned};
use parking_lot::Mutex;
use strongroom::engine::engine::hooked::Hooked;
use strongroom::engine::engine::memory::MemoryEngine;
use strongroom::engine::engine::{Batch, Mutation, Space};
use strongroom::engine::entropy::EntropyError;
use strongroom::engine::{Entropy, SystemEntropy};
use strongroom::keyvault::KeyUpdate;
use strongroom::{
    Account, AppendBlockOptions, BlobName, BlobSource, BlockId, BlockListFilter, Conditions, Container,
    ContainerEncryption, CopyOptions, CreateBlobOptions, CreateContainerOptions, EncryptionChoice, Error,
    KeyFile, NewEncryptionScope, PutBlockOptions, PutPagesOptions, ReadOptions, Store, UploadOptions,
};

const CONTENT: usize = 128 << 10;

type Pull = Box<dyn FnOnce() + Send>;
type Trigger = Arc<Mutex<Option<(Moment, Pull)>>>;

/// When the key is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The first chunk is stored: everything has been read, and no transaction has begun.
    Chunk,
    /// As `Commit`, once a chunk has been stored.
    CommitAfterChunk,
    /// The transaction has run, and its pages are sealed before its head is swapped.
    Commit,
}

/// Randomness, which the first page that is sealed after the chunks asks for.
struct Sealing(Trigger);

impl Entropy for Sealing {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        pull(&self.0, Moment::Commit);
        SystemEntropy.fill(bytes)
    }
}

/// Pulls the trigger if it is armed for this moment. The first chunk brings a commit near.
fn pull(trigger: &Trigger, moment: Moment) {
    let armed = trigger.lock().take();
    match armed {
        Some((wanted, pull)) if wanted == moment => pull(),
        Some((Moment::CommitAfterChunk, pull)) if moment == Moment::Chunk => {
            *trigger.lock() = Some((Moment::Commit, pull));
        }
        armed => *trigger.lock() = armed,
    }
}

/// A store that pulls its trigger at that moment.
struct Races {
    world: World,
    store: Store,
    trigger: Trigger,
}

fn name(text: &str) -> BlobName {
    text.parse().unwrap()
}

impl Races {
    fn new() -> Self {
        let world = World::prepared();
        let trigger = Trigger::default();
        let chunk =
            |mutation: &Mutation| matches!(mutation, Mutation::Put { space, .. } if *space == Space::CHUNKS);
        let (pulled, sealing) = (Arc::clone(&trigger), Sealing(Arc::clone(&trigger)));
        let hook = move |batch: &Batch| {
            if batch.mutations.iter().any(chunk) {
                pull(&pulled, Moment::Chunk);
            }
        };
        let host_key = KeyFile::create(&world.directory.path().join("other.key"), &SystemEntropy).unwrap();
        let store = Store::builder(world.directory.path().join("other"), host_key)
            .clock(world.clock.clone())
            .entropy(Arc::new(sealing))
            .vaults(&world.vaults)
            .engine(Box::new(Hooked::new(Box::new(MemoryEngine::new()), hook)))
            .init()
            .unwrap();
        Self {
            world,
            store,
            trigger,
        }
    }

    /// An account under the customer's key.
    fn account(&self, text: &str) -> Account {
        let account = self.store.create_account(&self.world.new_account(text)).unwrap();
        let identity = account.assign_identity().unwrap();
        self.world.grant(VAULT, identity.principal_id, &NEEDED);
        let key = self.world.current(VAULT, KEY);
        account.use_customer_key(&pinned(&key)).unwrap();
        account
    }

    /// Has the customer's key disabled at the next such moment.
    fn arm(&self, moment: Moment) {
        let key = self.world.current(VAULT, KEY);
        let (vaults, token) = (self.world.vaults.clone(), self.world.token());
        let pull: Pull = Box::new(move || {
            let update = KeyUpdate {
                enabled: Some(false),
                ..KeyUpdate::default()
            };
            let (vault, version) = (key.vault.name(), Some(key.version));
            let updated = vaults
                .store()
                .update_key(&token, vault, (&key.name, version), update);
            updated.unwrap();
        });
        *self.trigger.lock() = Some((moment, pull));
    }

    fn restore(&self) {
        assert!(self.trigger.lock().is_none(), "the trigger was pulled");
        self.world.enable_key(&self.world.current(VAULT, KEY), true);
    }
}

/// A blob that is copied onto itself under other keys while somebody writes to it: the write stays.
#[test]
fn a_copy_onto_itself_loses_no_write() {
    type Run = fn(&Container, &BlobSource) -> Result<(), Error>;
    let runs: [Run; 3] = [
        |to, source| to.start_copy(&name("a"), source, &scoped()).map(drop),
        |to, source| to.copy_blob(&name("a"), source, &scoped()).map(drop),
        |to, source| {
            let options = UploadOptions {
                encryption: scoped().encryption,
                ..UploadOptions::default()
            };
            to.put_blob_from(&name("a"), source, options).map(drop)
        },
    ];
    let races = Races::new();
    let account = races.account("one");
    let new = NewEncryptionScope::default();
    account
        .create_encryption_scope(&"tenant-1".parse().unwrap(), &new)
        .unwrap();
    let container = account.container(&"box".parse().unwrap());
    container.create(&strongroom::Metadata::new()).unwrap();
    for (index, run) in runs.into_iter().enumerate() {
        container
            .upload(&name("a"), &[7; CONTENT][..], UploadOptions::default())
            .unwrap();
        let writer = container.clone();
        let write: Pull = Box::new(move || {
            let written = writer.upload(&name("a"), &b"newer"[..], UploadOptions::default());
            written.unwrap();
        });
        *races.trigger.lock() = Some((Moment::Chunk, write));
        let source = BlobSource::new(&container, name("a"));
        let error = run(&container, &source).unwrap_err();
        assert!(races.trigger.lock().is_none(), "run {index}");
        assert_eq!(
            (error.code(), error.status()),
            ("SourceConditionNotMet", 412),
            "run {index}"
        );
        assert_eq!(length(&container, "a"), 5, "run {index}");
        run(&container, &source).unwrap();
        let shown = container.blob_properties(&name("a"), &Conditions::default());
        assert_eq!(shown.unwrap().encryption.scope.as_deref(), Some("tenant-1"));
    }
}

fn scoped() -> CopyOptions {
    CopyOptions {
        encryption: EncryptionChoice::Scope("tenant-1".parse().unwrap()),
        ..CopyOptions::default()
    }
}

/// What is copied, to where, and how much of it is there afterwards.
struct Case {
    what: &'static str,
    run: fn(&Container, &BlobSource) -> Result<(), Error>,
    copied: fn(&Container) -> usize,
}

const CASES: &[Case] = &[
    Case {
        what: "Copy Blob From URL",
        run: |to, source| {
            to.copy_blob(&name("copy"), source, &CopyOptions::default())
                .map(drop)
        },
        copied: |to| length(to, "copy"),
    },
    Case {
        what: "Put Blob From URL",
        run: |to, source| {
            to.put_blob_from(&name("put"), source, UploadOptions::default())
                .map(drop)
        },
        copied: |to| length(to, "put"),
    },
    Case {
        what: "Put Block From URL",
        run: |to, source| {
            let id = BlockId::new(b"one").unwrap();
            to.put_block_from(&name("blocks"), &id, source, &PutBlockOptions::default())
                .map(drop)
        },
        copied: |to| {
            let list = to.block_list(&name("blocks"), BlockListFilter::All, ReadOptions::default());
            list.map_or(0, |list| list.uncommitted.len())
        },
    },
    Case {
        what: "Append Block From URL",
        run: |to, source| {
            to.append_block_from(&name("append"), source, &AppendBlockOptions::default())
                .map(drop)
        },
        copied: |to| length(to, "append"),
    },
    Case {
        what: "Put Page From URL",
        run: |to, source| {
            to.put_pages_from(&name("pages"), 0, source, &PutPagesOptions::default())
                .map(drop)
        },
        copied: |to| {
            let request = strongroom::ListPageRanges::default();
            to.page_ranges(&name("pages"), &request).unwrap().ranges.len()
        },
    },
];

fn length(container: &Container, text: &str) -> usize {
    let found = container.blob_properties(&name(text), &Conditions::default());
    found.map_or(0, |found| usize::try_from(found.length).unwrap())
}

fn prepare(to: &Container) {
    let options = CreateBlobOptions::default();
    to.create_append_blob(&name("append"), &options).unwrap();
    to.create_page_blob(&name("pages"), (CONTENT as u64, 0), &options)
        .unwrap();
}

fn check(races: &Races, from: &Container, to: &Container) {
    from.upload(&name("a"), &[7; CONTENT][..], UploadOptions::default())
        .unwrap();
    prepare(to);
    let source = BlobSource::new(from, name("a"));
    for (case, moment) in CASES
        .iter()
        .flat_map(|case| [(case, Moment::Chunk), (case, Moment::CommitAfterChunk)])
    {
        let before = (case.copied)(to);
        races.arm(moment);
        let error = (case.run)(to, &source).err().unwrap();
        let seen = (error.code(), error.status());
        assert_eq!(
            seen,
            ("CannotVerifyCopySource", 403),
            "{}, {moment:?}: {error}",
            case.what
        );
        assert_eq!((case.copied)(to), before, "{}, {moment:?}: committed", case.what);
        races.restore();
        (case.run)(to, &source).unwrap();
        assert!((case.copied)(to) > 0, "{}", case.what);
    }
    to.start_copy(&name("later"), &source, &CopyOptions::default())
        .unwrap();
    races.arm(Moment::CommitAfterChunk);
    let account = to_account(races, to);
    while !account.maintain().unwrap().done {}
    let state = to
        .blob_properties(&name("later"), &Conditions::default())
        .unwrap()
        .copy
        .unwrap();
    assert_eq!((state.status, state.copied), (strongroom::CopyStatus::Failed, 0));
    assert!(
        state
            .description
            .unwrap()
            .starts_with("403 CannotVerifyCopySource")
    );
    races.restore();
}

/// The account that the destination is in.
fn to_account(races: &Races, to: &Container) -> Account {
    let text = if to.name().as_str() == "scoped" {
        "from"
    } else {
        "target"
    };
    races.store.account(&text.parse().unwrap()).unwrap()
}

#[test]
fn between_accounts() {
    let races = Races::new();
    let from = races.account("from").container(&"box".parse().unwrap());
    from.create_with(&CreateContainerOptions::default()).unwrap();
    let to = races
        .store
        .create_account(&races.world.new_account("target"))
        .unwrap();
    let to = to.container(&"box".parse().unwrap());
    to.create_with(&CreateContainerOptions::default()).unwrap();
    check(&races, &from, &to);
}

#[test]
fn between_encryption_scopes() {
    let races = Races::new();
    let account = races.account("from");
    let from = account.container(&"box".parse().unwrap());
    from.create_with(&CreateContainerOptions::default()).unwrap();
    let scope = account
        .create_encryption_scope(&"tenant-1".parse().unwrap(), &NewEncryptionScope::default())
        .unwrap();
    let to = account.container(&"scoped".parse().unwrap());
    to.create_with(&CreateContainerOptions {
        encryption: ContainerEncryption {
            default_scope: Some(scope.name().clone()),
            deny_override: true,
        },
        ..CreateContainerOptions::default()
    })
    .unwrap();
    check(&races, &from, &to);
}
