//! What needs a look inside: slots emptied by a revocation, and side files whose every operation fails once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use strongroom_engine::SystemEntropy;
use strongroom_engine::keys::RootKey;
use strongroom_engine::slot::{Revocable, Slot};
use strongroom_engine::tree::{Gate, Txn};
use strongroom_keyvault::testing::FixtureProvider;
use strongroom_keyvault::{
    AccessPolicy, KeyId, KeyPermissions, NewKeyOptions, NewVault, Providers, Retention,
};

use super::envelope::{ALGORITHM, CustomerWrap, Envelope, NewWrap, Source};
use super::side_files::{FileSystem, RealFiles};
use super::{Closed, CustomerKey, CustomerProvidedKey, EncryptionChoice, KeyIdentity, KeySource};
use crate::account::{Account, NewAccount};
use crate::blob::record::{BlobRecord, key};
use crate::blob::{DownloadOptions, EncryptionDetails, UploadOptions};
use crate::container::record::ContainerRecord;
use crate::error::ErrorKind;
use crate::metadata::Metadata;
use crate::names::BlobName;
use crate::store::{KeyFile, Store, StoreOptions, Vaults};

pub(super) struct World {
    pub(super) store: Store,
    vaults: Vaults,
    directory: tempfile::TempDir,
}

impl World {
    /// An account with an identity that may use the key; platform-managed.
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = |file: &str| KeyFile::create(&directory.path().join(file), &SystemEntropy).unwrap();
        let vaults = Vaults::builder(directory.path().join("vaults"), key("vault.key"))
            .providers(Providers::software(Arc::new(FixtureProvider::default())))
            .init()
            .unwrap();
        let store = Store::builder(directory.path().join("data"), key("host.key"))
            .vaults(&vaults)
            .init()
            .unwrap();
        let world = Self {
            store,
            vaults,
            directory,
        };
        let tenant = world.vaults.store().default_tenant();
        let region = "westus".parse().unwrap();
        let mut vault = NewVault::new("safe".parse().unwrap(), tenant, "westus".parse().unwrap());
        vault.retention = Retention::Protected { days: 90 };
        let token = world.vaults.store().owner_token().unwrap();
        world.vaults.store().create_vault(&token, vault).unwrap();
        let new = NewAccount::new("unit".parse().unwrap(), tenant, region);
        world
            .store
            .create_account(&new)
            .unwrap()
            .assign_identity()
            .unwrap();
        world.grant(true);
        world
    }

    fn options(&self) -> StoreOptions {
        let key = KeyFile::read(&self.directory.path().join("host.key")).unwrap();
        Store::builder(self.directory.path().join("data"), key).vaults(&self.vaults)
    }

    pub(super) fn reopen(&mut self, files: Box<dyn FileSystem>) {
        self.store.close().unwrap();
        self.store = self.options().files(files).open().unwrap();
    }

    pub(super) fn account(&self) -> Account {
        self.store.account(&"unit".parse().unwrap()).unwrap()
    }

    fn new_version(&self) -> KeyId {
        let token = self.vaults.store().owner_token().unwrap();
        let (vault, key) = ("safe".parse().unwrap(), "k".parse().unwrap());
        let made = self
            .vaults
            .store()
            .create_key(&token, &vault, &key, NewKeyOptions::default());
        made.unwrap().id
    }

    pub(super) fn customer_key(&self) -> CustomerKey {
        self.new_version().base().into()
    }

    fn grant(&self, granted: bool) {
        let identity = self.account().properties().unwrap().system_identity.unwrap();
        let names: &[&str] = if granted {
            &["get", "wrapKey", "unwrapKey"]
        } else {
            &[]
        };
        let policy = AccessPolicy {
            object_id: identity.principal_id,
            keys: KeyPermissions::parse(names).unwrap(),
        };
        let token = self.vaults.store().owner_token().unwrap();
        self.vaults
            .store()
            .set_policy(&token, &"safe".parse().unwrap(), policy)
            .unwrap();
    }

    pub(super) fn one_time_keys(&self) -> usize {
        let entries = std::fs::read_dir(self.directory.path().join("data/keys")).unwrap();
        let is_key = |path: PathBuf| path.extension().is_some_and(|extension| extension == "onetime");
        entries
            .filter(|entry| is_key(entry.as_ref().unwrap().path()))
            .count()
    }
}

fn slot() -> (Arc<Slot<u8>>, std::sync::Weak<dyn Revocable>) {
    let slot = Arc::new(Slot::new(7));
    let weak: std::sync::Weak<Slot<u8>> = Arc::downgrade(&slot);
    (slot, weak)
}

fn filled(slot: &Slot<u8>) -> bool {
    slot.with(|_| ()).is_some()
}

#[test]
fn a_revocation_empties_slots_and_shuts_the_gate_before_it_returns() {
    let world = World::new();
    let account = world.account();
    account.use_customer_key(&world.customer_key()).unwrap();
    let guard = account.core.guard.clone();
    let (early, weak) = slot();
    guard.register(weak).unwrap();
    world.new_version();
    assert!(filled(&early), "a change that takes nothing away disturbs nobody");
    assert!(guard.enter().is_ok());

    world.grant(false);
    assert!(!filled(&early));
    assert!(guard.enter().is_err());
    let (late, weak) = slot();
    assert!(guard.register(weak).is_err());
    assert!(guard.with_keys(|_| ()).is_err());
    assert!(filled(&late), "never registered");

    world.grant(true);
    assert!(guard.enter().is_ok());
    assert!(!filled(&early), "what was taken away stays away");
    let (again, weak) = slot();
    guard.register(weak).unwrap();
    account.use_platform_key().unwrap();
    world.grant(false);
    assert!(filled(&again), "the vault has no say any more");
    world.store.close().unwrap();
    assert!(!filled(&again), "a closed store keeps no keys");
}

#[test]
fn a_closed_guard_stays_closed() {
    let world = World::new();
    let guard = world.account().core.guard.clone();
    let moment = guard.now();
    let root = RootKey::generate(&SystemEntropy).unwrap();
    guard.close(Closed::Store);
    let changes: [&dyn Fn(); 2] = [&|| guard.now_platform(&root), &|| {
        guard.now_customer(&root, moment);
    }];
    for (index, change) in changes.into_iter().enumerate() {
        change();
        assert!(guard.with_keys(|_| ()).is_err(), "change {index}");
        assert!(guard.enter().is_err(), "change {index}");
    }
}

#[test]
fn a_revocation_waits_for_the_head_swap_that_was_let_through() {
    let world = World::new();
    let account = world.account();
    account.use_customer_key(&world.customer_key()).unwrap();
    let guard = account.core.guard.clone();
    let revoked = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let pass = guard.enter().unwrap();
        let epoch = || world.vaults.store().as_ref() as &dyn strongroom_keyvault::KeyService;
        let before = epoch().epoch();
        let revoking = scope.spawn(|| {
            world.grant(false);
            revoked.fetch_add(1, SeqCst);
        });
        while epoch().epoch() == before {
            std::thread::yield_now();
        }
        // The change is committed; the call cannot return while the pass is out, nor does anybody get another
        // one.
        assert!(guard.enter().is_err());
        assert!(guard.check().is_err());
        assert_eq!(revoked.load(SeqCst), 0);
        drop(pass);
        revoking.join().unwrap();
    });
    assert_eq!(revoked.load(SeqCst), 1);
}

/// Fails one operation once it is armed, like a disk that has had enough for a moment.
#[derive(Clone)]
pub(super) struct FailingFiles {
    /// How many operations still pass; `DISARMED` lets all pass.
    pub(super) passes: Arc<AtomicUsize>,
}

pub(super) const DISARMED: usize = usize::MAX;

impl FailingFiles {
    fn pass<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.passes.load(SeqCst) {
            DISARMED => call(),
            0 => {
                self.passes.store(DISARMED, SeqCst);
                Err(io::Error::other("planted"))
            }
            left => {
                self.passes.store(left - 1, SeqCst);
                call()
            }
        }
    }
}

impl FileSystem for FailingFiles {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.pass(|| RealFiles.read(path))
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.pass(|| RealFiles.write_new(path, bytes))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass(|| RealFiles.rename(from, to))
    }

    fn sync_name(&self, path: &Path) -> io::Result<()> {
        self.pass(|| RealFiles.sync_name(path))
    }

    fn destroy(&self, path: &Path) -> io::Result<()> {
        self.pass(|| RealFiles.destroy(path))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.pass(|| RealFiles.list(directory))
    }
}

/// Runs `change` with every file operation failing once, until it passes untouched.
#[track_caller]
fn check(prepare: impl Fn(&World), change: impl Fn(&World) -> crate::Result<()>) {
    let mut world = World::new();
    prepare(&world);
    let before = world.account().encryption().unwrap().key_source;
    for fails in 0.. {
        let files = FailingFiles {
            passes: Arc::new(AtomicUsize::new(DISARMED)),
        };
        world.reopen(Box::new(files.clone()));
        world.account();
        files.passes.store(fails, SeqCst);
        let outcome = change(&world);
        files.passes.store(DISARMED, SeqCst);
        let now = world.account().encryption().unwrap().key_source;
        world.account().core.guard.check().unwrap();
        world.reopen(Box::new(RealFiles));
        world.account().core.guard.check().unwrap();
        assert_eq!(
            world.account().encryption().unwrap().key_source,
            now,
            "failure {fails}"
        );
        assert_eq!(
            world.one_time_keys(),
            usize::from(now == KeySource::Platform),
            "failure {fails}"
        );
        if outcome.is_ok() {
            assert_ne!(now, before);
            break;
        }
        if now != before {
            // In force already; what failed was destroying the old key, and opening has done that. Go back.
            match before {
                KeySource::Platform => drop(world.account().use_platform_key().unwrap()),
                KeySource::KeyVault => prepare(&world),
            }
        }
        assert!(fails < 100, "never passes");
    }
}

#[test]
fn enabling_survives_every_failing_file_operation() {
    let enable = |world: &World| world.account().use_customer_key(&world.customer_key()).map(drop);
    check(|_| {}, enable);
}

#[test]
fn disabling_survives_every_failing_file_operation() {
    let enable = |world: &World| drop(world.account().use_customer_key(&world.customer_key()).unwrap());
    check(enable, |world| world.account().use_platform_key().map(drop));
}

/// Keeps one-time keys badly once it is armed: what was written is not what is read.
struct RottingFiles(Arc<AtomicUsize>);

impl FileSystem for RottingFiles {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        RealFiles.read(path)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut bytes = bytes.to_vec();
        if self.0.load(SeqCst) > 0 {
            *bytes.last_mut().unwrap() ^= 1;
        }
        RealFiles.write_new(path, &bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFiles.rename(from, to)
    }

    fn sync_name(&self, path: &Path) -> io::Result<()> {
        RealFiles.sync_name(path)
    }

    fn destroy(&self, path: &Path) -> io::Result<()> {
        RealFiles.destroy(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        RealFiles.list(directory)
    }
}

#[test]
fn a_one_time_key_that_cannot_be_read_back_replaces_nothing() {
    let mut world = World::new();
    let armed = Arc::new(AtomicUsize::new(0));
    world.reopen(Box::new(RottingFiles(armed.clone())));
    let account = world.account();
    account.use_customer_key(&world.customer_key()).unwrap();
    armed.store(1, SeqCst);
    assert!(account.use_platform_key().is_err());
    assert_eq!(account.encryption().unwrap().key_source, KeySource::KeyVault);
    assert_eq!(
        world.one_time_keys(),
        0,
        "nothing is left for the host to dig out"
    );
    world.reopen(Box::new(RealFiles));
    world.account().core.guard.check().unwrap();
}

/// Commits an envelope as somebody could who writes the account's tree but never had its root key.
#[track_caller]
fn refused_when_planted(world: &mut World, source: Source) {
    let custody = world.account().core.custody.clone();
    let generation = custody.envelope().unwrap().generation + 1;
    let planted = Envelope { generation, source };
    let guard = world.account().core.guard.clone();
    let gate = guard.unchanged_since(guard.now());
    assert!(custody.commit(&planted, gate).unwrap());
    world.reopen(Box::new(RealFiles));
    let guard = world.account().core.guard.clone();
    assert!(guard.check().is_err());
    assert!(guard.with_keys(|_| ()).is_err(), "nothing is sealed under it");
    assert!(guard.enter().is_err());
}

fn customer_wrap(world: &World) -> CustomerWrap {
    match world.account().core.custody.envelope().unwrap().source {
        Source::Customer(wrap) => wrap,
        Source::Platform { .. } => panic!("not under a customer's key"),
    }
}

#[test]
fn an_envelope_whose_mac_is_of_another_record_is_refused() {
    let mut world = World::new();
    let key = world.customer_key();
    world.account().use_customer_key(&key).unwrap();
    let wrap = customer_wrap(&world);
    refused_when_planted(&mut world, Source::Customer(wrap));
}

#[test]
fn a_planted_root_key_is_refused_although_its_envelope_is_whole() {
    let mut world = World::new();
    let key = world.customer_key();
    world.account().use_customer_key(&key).unwrap();
    let honest = customer_wrap(&world);
    let planted = RootKey::generate(&SystemEntropy).unwrap();
    let custody = world.account().core.custody.clone();
    let record = custody.record().unwrap();
    let identity = custody
        .identity(&record, KeyIdentity::System)
        .ok()
        .flatten()
        .unwrap();
    let key = honest.key().unwrap();
    let service = custody.key_services().unwrap().service.clone();
    let wrapped = custody
        .with_token(&identity, |token| {
            service.wrap(token, &key, ALGORITHM, planted.expose_for_wrapping())
        })
        .unwrap();
    let wrap = CustomerWrap::new(NewWrap {
        key,
        tracking: honest.tracking,
        wrapped,
        last_rotation: honest.last_rotation,
        expires: honest.expires,
        identity: honest.identity,
        principal: honest.principal,
    });
    let generation = custody.envelope().unwrap().generation + 1;
    let whole = Envelope::sealed(generation, wrap, record.id, &planted).unwrap();
    refused_when_planted(&mut world, whole.source);
}

/// Whoever can write records cannot have content under a provided key opened by another: neither the
/// account's key nor another provided one, whatever the record says.
#[test]
fn content_under_a_provided_key_opens_with_nothing_else() {
    let world = World::new();
    let account = world.account();
    let container = account.container(&"logs".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let name: BlobName = "a".parse().unwrap();
    let provided = |byte| EncryptionChoice::from(CustomerProvidedKey::new(&[byte; 32]));
    let options = UploadOptions {
        encryption: provided(1),
        ..UploadOptions::default()
    };
    container.upload(&name, &b"content"[..], options).unwrap();
    let cases = [
        (EncryptionChoice::Default, Some(ErrorKind::Corrupt)),
        (provided(2), Some(ErrorKind::Corrupt)),
        (provided(1), None),
    ];
    for (encryption, refused) in cases {
        let name = name.clone();
        let said = EncryptionDetails {
            scope: None,
            customer_key_sha256: encryption.customer_key_sha256(),
        };
        let changed = name.clone();
        let forge = move |txn: &mut Txn<'_>| {
            let container = ContainerRecord::read(txn, &"logs".parse()?)?.id;
            let mut record = BlobRecord::read(txn, container, &changed)?;
            record.encryption = said.clone();
            record.write(txn, &key(container, &changed))
        };
        account.core.transact(forge).unwrap();
        let options = DownloadOptions {
            encryption,
            ..DownloadOptions::default()
        };
        let read = container.download(&name, &options, Vec::new());
        assert_eq!(read.err().map(|error| error.kind()), refused);
    }
}
