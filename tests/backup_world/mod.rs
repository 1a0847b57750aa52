//! A store to back up, with content that says of itself what it is, and what restoring it gives.
#![allow(dead_code, reason = "every test file uses its own part of the world")]

use std::path::PathBuf;

use strongroom::engine::SystemEntropy;
use strongroom::{
    Account, BackupOptions, BackupReport, BlobName, Container, DownloadOptions, EngineKind, Error, KeyFile,
    Metadata, Placement, RestoreOptions, Settings, Store, StoreOptions, UploadOptions,
};

use crate::common::{NEEDED, VAULT, World, name};

/// How a store is kept.
pub(crate) type Kept = (EngineKind, Placement);

/// Every way to keep a store.
pub(crate) const KEPT: &[Kept] = &[
    (EngineKind::Sled, Placement::Engine),
    (EngineKind::Sled, Placement::Files),
    #[cfg(feature = "fjall")]
    (EngineKind::Fjall, Placement::Engine),
    #[cfg(feature = "fjall")]
    (EngineKind::Fjall, Placement::Files),
];

/// A world with a second store, kept as the test wants it.
pub(crate) struct Source {
    pub(crate) world: World,
    pub(crate) store: Store,
}

impl Source {
    pub(crate) fn new(kept: Kept) -> Self {
        Self::with(kept, |settings| settings)
    }

    pub(crate) fn with((engine, placement): Kept, change: impl FnOnce(Settings) -> Settings) -> Self {
        let world = World::empty();
        world.make_vault(VAULT, |_| {});
        world.make_key(VAULT, "k");
        KeyFile::create(&world.directory.path().join("source.key"), &SystemEntropy).unwrap();
        let mut settings = Settings::default();
        (settings.engine, settings.placement) = (engine, placement);
        let mut source = Self {
            store: world.store.clone(),
            world,
        };
        source.store = source
            .options("source")
            .settings(change(settings))
            .init()
            .unwrap();
        source
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.world.directory.path().join(name)
    }

    /// Options for a store in a directory of that name, with the key and the vaults of this one.
    pub(crate) fn options(&self, directory: &str) -> StoreOptions {
        let key = KeyFile::read(&self.path("source.key")).unwrap();
        Store::builder(self.path(directory), key)
            .clock(self.world.clock.clone())
            .vaults(&self.world.vaults)
    }

    /// A new account with an identity that may use the key of the vault.
    pub(crate) fn account(&self, account: &str) -> Account {
        let account = self
            .store
            .create_account(&self.world.new_account(account))
            .unwrap();
        let identity = account.assign_identity().unwrap();
        self.world.grant(VAULT, identity.principal_id, &NEEDED);
        let container = account.container(&"box".parse().unwrap());
        container.create(&Metadata::new()).unwrap();
        account
    }

    /// Small backups in several files.
    pub(crate) fn backup(&self, directory: &str) -> Result<BackupReport, Error> {
        self.store.backup(&self.path(directory), &options(), |_| ())
    }

    pub(crate) fn restore(&self, backup: &str, directory: &str) -> Result<BackupReport, Error> {
        let choice = RestoreOptions::default();
        Store::restore(&self.path(backup), self.options(directory), &choice, |_| ())
    }

    /// Restores, opens and scrubs; what the scrub found must be nothing.
    pub(crate) fn restored(&self, backup: &str, directory: &str) -> Store {
        self.restore(backup, directory).unwrap();
        let store = self.options(directory).open().unwrap();
        let scrubbed = store.scrub(None, |_| ()).unwrap();
        assert_eq!(
            (scrubbed.damage.as_slice(), scrubbed.leftovers),
            ([].as_slice(), 0)
        );
        store
    }
}

pub(crate) fn options() -> BackupOptions {
    let mut options = BackupOptions::default();
    options.file_bytes = 100_000;
    options
}

pub(crate) fn container(store: &Store, account: &str) -> Container {
    store
        .account(&name(account))
        .unwrap()
        .container(&"box".parse().unwrap())
}

pub(crate) fn blob(name: &str) -> BlobName {
    name.parse().unwrap()
}

/// Content that begins with its number and follows from it: small, of several chunks, or empty but for it.
pub(crate) fn content(number: u64) -> Vec<u8> {
    let length = [8, 5_000, 200_000, 90_000][(number % 4) as usize];
    let rest = (8..length).map(|at| (number.wrapping_mul(31) + at * 7 + at / 4096) as u8);
    number.to_be_bytes().into_iter().chain(rest).collect()
}

pub(crate) fn put(container: &Container, name: &str, number: u64) {
    let mut options = UploadOptions::default();
    options.metadata.insert("number", &number.to_string()).unwrap();
    container
        .upload(&blob(name), content(number).as_slice(), options)
        .unwrap();
}

/// The number of a blob's content, which is whole; 0 if there is no blob.
pub(crate) fn number(container: &Container, name: &str) -> u64 {
    let mut found = Vec::new();
    match container.download(&blob(name), &DownloadOptions::default(), &mut found) {
        Err(error) if error.code() == "BlobNotFound" => return 0,
        result => drop(result.unwrap()),
    }
    let number = u64::from_be_bytes(found[..8].try_into().unwrap());
    assert!(found == content(number), "{name} is torn");
    number
}
