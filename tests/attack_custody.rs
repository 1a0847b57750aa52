//! Attacks on custody by the holder of the platform key: every byte that was ever written, and the host's
//! key.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test may fail loudly"
)]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use common::{KEY, VAULT, World, pinned};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use strongroom::engine::codec::{self, FrameKind, Record};
use strongroom::engine::engine::sled::{SledEngine, SledOptions};
use strongroom::engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, Mutation, ScanOptions,
    ScanPage, Space,
};
use strongroom::engine::keys::{Purpose, RootKey, ScopeId};
use strongroom::engine::seal::SealKind;
use strongroom::{Metadata, PlatformKey, Store, UploadOptions};
use zeroize::Zeroizing;

/// Everything that ever went to the disk: records of the engine in order, and side files by name and content.
struct Archive {
    store: ScopeId,
    keys: PathBuf,
    records: Mutex<Vec<Stored>>,
    files: Mutex<BTreeSet<(String, Vec<u8>)>>,
}

/// A record with its space and key.
type Stored = (Space, Vec<u8>, Vec<u8>);

impl Archive {
    fn keep(&self, batch: &Batch) {
        let mut records = self.records.lock();
        for mutation in &batch.mutations {
            if let Mutation::Put { space, key, value } = mutation {
                records.push((*space, key.clone(), value.clone()));
            }
        }
        drop(records);
        self.files.lock().extend(self.present_files());
    }

    fn trees(&self) -> BTreeSet<ScopeId> {
        let records = self.records.lock();
        let heads = records.iter().filter(|(space, ..)| *space == Space::HEADS);
        let made = heads.map(|(_, tree, _)| ScopeId(tree.as_slice().try_into().unwrap()));
        made.chain([self.store]).collect()
    }

    fn present_files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(&self.keys).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read(path).unwrap())
            })
            .collect()
    }

    fn all_files(&self) -> Vec<(String, Vec<u8>)> {
        self.files.lock().iter().cloned().collect()
    }
}

struct Archived(SledEngine, Arc<Archive>);

impl Engine for Archived {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(space, key)
    }
    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.0.scan(space, range, options)
    }
    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.1.keep(&batch);
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
        self.0.close()
    }
}

#[derive(Serialize, Deserialize)]
enum Role {
    Store,
    Vaults,
}

/// The header of docs/FORMAT.md, written down a second time.
#[derive(Serialize, Deserialize)]
struct Header {
    role: Role,
    id: ScopeId,
    provider: String,
    parameters: Vec<u8>,
    key_commitment: [u8; 32],
    wrapped: Vec<u8>,
    root_commitment: [u8; 32],
    placement: u8,
}

impl Record for Header {
    const NAME: &'static str = "header";
    const VERSION: u8 = 2;
}

impl Header {
    fn read(path: PathBuf) -> Self {
        let bytes = std::fs::read(path).unwrap();
        codec::decode(codec::unframe(FrameKind::File, &bytes).unwrap()).unwrap()
    }

    fn root(&self, platform: &RootKey) -> Option<RootKey> {
        let role = match self.role {
            Role::Store => [1],
            Role::Vaults => [2],
        };
        let wrap = platform.purpose(Purpose::Wrap, self.id);
        let root = wrap.open(SealKind::WrappedKey, &role, &self.wrapped).ok()?;
        RootKey::from_bytes(root)
    }
}

/// What the attacker has: the platform key, every record ever applied, and some side files.
struct Attacker {
    platform: RootKey,
    root: RootKey,
    account: ScopeId,
    haystacks: Vec<Zeroizing<Vec<u8>>>,
}

/// Salt, commitment, key and tag of a root key that another symmetric key wraps.
const WRAPPED_BYTES: usize = 32 + 32 + 32 + 16;

impl Attacker {
    fn new(world: &World, archive: &Archive) -> Self {
        let header = Header::read(world.data().join("strongroom.header"));
        let platform = world.host_key().derive(&[]).unwrap();
        let root = header.root(&platform).unwrap();
        let account = ScopeId(world.account().properties().unwrap().id);
        let mut haystacks = Vec::new();
        // The store's tree, and of the account both: data and envelope.
        let trees = archive.trees();
        assert_eq!(trees.len(), 3);
        for (space, key, value) in archive.records.lock().iter() {
            haystacks.push(Zeroizing::new(value.clone()));
            let kinds = match *space {
                Space::HEADS => [(FrameKind::Head, SealKind::Head); 2],
                Space::FREED => [(FrameKind::Freed, SealKind::Freed); 2],
                _ => [
                    (FrameKind::Page, SealKind::Page),
                    (FrameKind::Overflow, SealKind::Overflow),
                ],
            };
            for (frame, seal) in kinds {
                for tree in trees.iter().copied() {
                    let sealed = codec::unframe(frame, value).unwrap_or_default();
                    haystacks.extend(root.purpose(Purpose::Tree, tree).open(seal, key, sealed).ok());
                }
            }
        }
        Self {
            platform,
            root,
            account,
            haystacks,
        }
    }

    /// The account's root key, if these side files and all of the rest lead to it.
    fn carve(&self, files: &[(String, Vec<u8>)]) -> Option<RootKey> {
        let wrap = self.root.purpose(Purpose::Wrap, self.account);
        let mut keys = Vec::new();
        let mut opened = Vec::new();
        for (name, bytes) in files {
            let sealed = codec::unframe(FrameKind::File, bytes).unwrap_or_default();
            let parts: Vec<_> = name.split('.').collect();
            let item = match parts.as_slice() {
                [_, file, "onetime"] => hex::decode(file).unwrap(),
                _ => b"envelope-copy".to_vec(),
            };
            if let Ok(secret) = wrap.open(SealKind::WrappedKey, &item, sealed) {
                keys.extend(RootKey::from_bytes(secret.clone()));
                opened.push(secret);
            }
        }
        let keys: Vec<_> = keys.iter().chain([&self.platform, &self.root]).collect();
        for key in keys {
            let wrap = key.purpose(Purpose::Wrap, self.account);
            let windows = self.haystacks.iter().chain(&opened);
            let mut windows = windows.flat_map(|haystack| haystack.windows(WRAPPED_BYTES));
            let found =
                windows.find_map(|window| wrap.open(SealKind::WrappedKey, b"account-root", window).ok());
            if let Some(found) = found {
                return RootKey::from_bytes(found);
            }
        }
        None
    }

    /// True when the key itself lies somewhere.
    fn lies_open(&self, wanted: &RootKey) -> bool {
        let windows = self.haystacks.iter().flat_map(|haystack| haystack.windows(32));
        windows
            .into_iter()
            .any(|window| window == wanted.expose_for_wrapping())
    }
}

fn archived(world: &mut World) -> Arc<Archive> {
    world.store.close().unwrap();
    let archive = Arc::new(Archive {
        store: Header::read(world.data().join("strongroom.header")).id,
        keys: world.data().join("keys"),
        records: Mutex::default(),
        files: Mutex::default(),
    });
    let engine = SledEngine::open(world.data().join("engine"), &SledOptions::default()).unwrap();
    world.store = Store::builder(world.data(), world.host_key())
        .clock(world.clock.clone())
        .engine(Box::new(Archived(engine, archive.clone())))
        .vaults(&world.vaults)
        .open()
        .unwrap();
    archive
}

/// Enables, does `more`, revokes, and lets the attacker try.
#[track_caller]
fn check(more: impl Fn(&World)) {
    let mut world = World::empty();
    let archive = archived(&mut world);
    world.make_vault(VAULT, |_| {});
    let key = world.make_key(VAULT, KEY);
    let account = world
        .store
        .create_account(&world.new_account(common::ACCOUNT))
        .unwrap();
    let identity = account.assign_identity().unwrap();
    world.grant(VAULT, identity.principal_id, &common::NEEDED);
    let container = account.container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let put = |name: &str| {
        let name = name.parse().unwrap();
        container
            .upload(&name, b"content".as_slice(), UploadOptions::default())
            .unwrap();
    };
    put("before");
    account.use_customer_key(&pinned(&key)).unwrap();
    put("after");
    more(&world);
    world.revoke(VAULT, identity.principal_id);

    let attacker = Attacker::new(&world, &archive);
    let platform = world.host_key().derive(&[]).unwrap();
    let vaults = Header::read(world.directory.path().join("vaults").join("vaults.header"));
    assert!(vaults.root(&platform).is_none(), "the host key opens the vaults");
    // The carver is worth something: with the one-time key of before it gets the root key.
    let root = attacker
        .carve(&archive.all_files())
        .expect("the carver finds what is there");
    assert!(!attacker.lies_open(&root), "the root key lies open");
    assert!(
        attacker.carve(&archive.present_files()).is_none(),
        "the platform key and the disk open the account's root key"
    );
}

#[test]
fn after_enabling_and_revoking_every_record_ever_written_opens_nothing() {
    check(|_| {});
}

#[test]
fn after_rotating_and_revoking_every_record_ever_written_opens_nothing() {
    check(|world| {
        let second = world.make_key(VAULT, KEY);
        world.account().use_customer_key(&pinned(&second)).unwrap();
    });
}

#[test]
fn after_disabling_and_enabling_again_every_record_ever_written_opens_nothing() {
    check(|world| {
        world.account().use_platform_key().unwrap();
        let key = world.current(VAULT, KEY);
        world.account().use_customer_key(&pinned(&key)).unwrap();
    });
}

#[test]
fn the_vaults_do_not_take_over_the_host_key_of_an_open_store() {
    let world = World::empty();
    let refused = world
        .vaults
        .change_platform_key(&world.vault_key(), &world.host_key())
        .unwrap_err();
    assert_eq!(refused.code(), "SamePlatformKey");
}

#[test]
fn an_older_envelope_put_back_beside_the_engine_is_not_believed() {
    let mut world = World::customer();
    let keys = world.data().join("keys");
    let files: Vec<_> = std::fs::read_dir(&keys)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (std::fs::read(&path).unwrap(), path))
        .collect();
    assert_eq!(files.len(), 1, "the copy of the envelope");
    world.account().use_platform_key().unwrap();
    world.store.close().unwrap();
    for (bytes, path) in &files {
        std::fs::write(path, bytes).unwrap();
    }
    world.store = world.options().open().unwrap();
    let source = world.account().encryption().unwrap().key_source;
    assert_eq!(source, strongroom::KeySource::Platform);
    world.revoke(VAULT, world.principal());
    let container = world.account().container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let blob = "b".parse().unwrap();
    container
        .upload(&blob, b"x".as_slice(), UploadOptions::default())
        .unwrap();
}
