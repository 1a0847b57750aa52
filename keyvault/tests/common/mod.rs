//! What the vault's tests share: a store in memory, a clock that stands still, ready-made keys.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "each test file uses its part, and a helper that fails is a test that fails"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, ScanOptions, ScanPage, Space,
};
use strongroom_engine::keys::RootKey;
use strongroom_engine::{ManualClock, SystemEntropy, Timestamp};
use strongroom_keyvault::testing::{self, FixtureProvider};
use strongroom_keyvault::{
    AccessPolicy, AccessToken, Directory, Identity, KeyBundle, KeyName, KeyPermissions, KeyReference,
    NewKeyOptions, NewVault, Providers, Retention, VaultName, VaultStore, VaultStoreParts,
};
use zeroize::Zeroizing;

pub const DAY: Duration = Duration::from_secs(86_400);

/// An engine that survives the store that closed it, so that a test can open it again.
#[derive(Clone, Default)]
pub struct Disk(Arc<MemoryEngine>);

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

/// A vault store that tests can close, open again and move in time.
pub struct Bench {
    pub disk: Disk,
    pub folder: tempfile::TempDir,
    pub clock: Arc<ManualClock>,
    pub store: Arc<VaultStore>,
    imported: std::sync::atomic::AtomicUsize,
}

pub fn open(disk: &Disk, folder: &std::path::Path, clock: &Arc<ManualClock>) -> Arc<VaultStore> {
    VaultStore::open(VaultStoreParts {
        last_commit: None,
        engine: Box::new(disk.clone()),
        dir: folder.to_path_buf(),
        root: RootKey::from_bytes(Zeroizing::new(vec![7; 32])).unwrap(),
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
        providers: Providers::software(Arc::new(FixtureProvider::default())),
    })
    .unwrap()
}

impl Bench {
    pub fn new() -> Self {
        let disk = Disk::default();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_600_000_000)));
        let store = open(&disk, folder.path(), &clock);
        Self {
            disk,
            folder,
            clock,
            store,
            imported: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    /// A store with the vault `bench` (7 days, purgeable) and the key `key` in it.
    pub fn with_key() -> Self {
        let bench = Self::new();
        bench.vault("bench", Retention::Purgeable { days: 7 });
        bench.key("bench", "key");
        bench
    }

    pub fn reopen(&mut self) {
        self.store.close().unwrap();
        self.store = open(&self.disk, self.folder.path(), &self.clock);
    }

    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub fn owner(&self) -> AccessToken {
        self.store.owner_token().unwrap()
    }

    pub fn vault(&self, name: &str, retention: Retention) -> VaultName {
        let mut new = NewVault::new(
            vault(name),
            self.store.default_tenant(),
            "westus".parse().unwrap(),
        );
        new.retention = retention;
        self.store.create_vault(&self.owner(), new).unwrap();
        vault(name)
    }

    /// Imports a ready-made key: making one takes longer than most tests.
    pub fn key(&self, vault_name: &str, name: &str) -> KeyBundle {
        self.key_with(vault_name, name, NewKeyOptions::default())
    }

    pub fn key_with(&self, vault_name: &str, name: &str, options: NewKeyOptions) -> KeyBundle {
        let index = self.imported.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let names = (&vault(vault_name), &key(name));
        self.store
            .import_key(&self.owner(), names, testing::key(index), options)
            .unwrap()
    }

    /// An identity with these permissions in the vault `bench`.
    pub fn caller(&self, permissions: &[&str]) -> Identity {
        let identity = self
            .store
            .create_system_identity(self.store.default_tenant(), "a test")
            .unwrap();
        self.grant(&identity, permissions);
        identity
    }

    pub fn grant(&self, identity: &Identity, permissions: &[&str]) {
        let policy = AccessPolicy {
            object_id: identity.principal_id,
            keys: KeyPermissions::parse(permissions).unwrap(),
        };
        self.store
            .set_policy(&self.owner(), &vault("bench"), policy)
            .unwrap();
    }

    pub fn token(&self, identity: &Identity) -> AccessToken {
        self.store.issue_token(identity.principal_id).unwrap()
    }

    /// Side files there are.
    pub fn side_files(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("keys"))
            .unwrap()
            .count()
    }
}

pub fn vault(name: &str) -> VaultName {
    name.parse().unwrap()
}

pub fn key(name: &str) -> KeyName {
    name.parse().unwrap()
}

pub fn reference(text: &str) -> KeyReference {
    format!("https://bench.vault.azure.net/keys/{text}")
        .parse()
        .unwrap()
}

pub fn no_tags() -> BTreeMap<String, String> {
    BTreeMap::new()
}

impl Disk {
    /// Every record as it lies in the engine.
    pub fn values(&self) -> Vec<Vec<u8>> {
        let options = ScanOptions {
            order: strongroom_engine::engine::Order::Ascending,
            limit: usize::MAX,
            max_bytes: usize::MAX,
            keys_only: false,
        };
        let scan = |space| self.scan(space, &KeyRange::all(), options).unwrap().entries;
        let spaces = Space::ALL.into_iter().flat_map(scan);
        spaces.flat_map(|(key, value)| [key, value]).collect()
    }
}
