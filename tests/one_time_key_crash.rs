//! Changing who holds the root key, cut short at every write and every call of the vault: reopened, the account has
//! its old key or its new one, reads everything, and under a customer's key no one-time key of the platform is left.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Weak};

use common::{ACCOUNT, KEY, VAULT, World, name, pinned};
use parking_lot::Mutex;
use strongroom::engine::engine::sled::{SledEngine, SledOptions};
use strongroom::engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, ScanOptions, ScanPage, Space,
};
use strongroom::keyvault::{
    AccessToken, AccessWatcher, EncryptionAlgorithm, Epoch, Identity, KeyBundle, KeyId, KeyName, KeyService,
    KeyVersion, VaultError, VaultProperties, VaultStore, VaultUri,
};
use strongroom::{Account, DownloadOptions, KeySource, Metadata, Store, UploadOptions};
use zeroize::Zeroizing;

/// Copies the store's directory whenever something passes by.
struct Camera {
    data: PathBuf,
    images: PathBuf,
    taken: AtomicUsize,
    rolling: Mutex<bool>,
}

impl Camera {
    fn shoot(&self) {
        if !*self.rolling.lock() {
            return;
        }
        let number = self.taken.fetch_add(1, SeqCst);
        copy(&self.data, &self.images.join(number.to_string()));
    }

    fn images(&self) -> Vec<PathBuf> {
        (0..self.taken.load(SeqCst))
            .map(|number| self.images.join(number.to_string()))
            .collect()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Shoots before and after every batch.
struct FilmedEngine(SledEngine, Arc<Camera>);

impl Engine for FilmedEngine {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(space, key)
    }

    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.0.scan(space, range, options)
    }

    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.1.shoot();
        let applied = self.0.apply(batch, durability);
        self.1.shoot();
        applied
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

/// Shoots before and after every call that uses a key.
struct FilmedVault(Arc<VaultStore>, Arc<Camera>);

impl KeyService for FilmedVault {
    fn epoch(&self) -> Epoch {
        self.0.epoch()
    }

    fn watch(&self, watcher: Weak<dyn AccessWatcher>) {
        self.0.watch(watcher);
    }

    fn vault(&self, uri: &VaultUri) -> Result<VaultProperties, VaultError> {
        KeyService::vault(self.0.as_ref(), uri)
    }

    fn token_for(&self, identity: &Identity) -> Result<AccessToken, VaultError> {
        self.0.token_for(identity)
    }

    fn get_key(
        &self,
        token: &AccessToken,
        vault: &VaultUri,
        name: &KeyName,
        version: Option<KeyVersion>,
    ) -> Result<KeyBundle, VaultError> {
        KeyService::get_key(self.0.as_ref(), token, vault, name, version)
    }

    fn wrap(
        &self,
        token: &AccessToken,
        key: &KeyId,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.1.shoot();
        let wrapped = self.0.wrap(token, key, algorithm, plaintext);
        self.1.shoot();
        wrapped
    }

    fn unwrap(
        &self,
        token: &AccessToken,
        key: &KeyId,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.1.shoot();
        let unwrapped = self.0.unwrap(token, key, algorithm, ciphertext);
        self.1.shoot();
        unwrapped
    }
}

const CONTENT: &[u8] = b"what must never be lost";

fn filmed(world: &mut World) -> Arc<Camera> {
    let container = world.account().container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    container
        .upload(&"b".parse().unwrap(), CONTENT, UploadOptions::default())
        .unwrap();
    world.store.close().unwrap();
    let images = world.directory.path().join("images");
    std::fs::create_dir(&images).unwrap();
    let camera = Arc::new(Camera {
        data: world.data(),
        images,
        taken: AtomicUsize::new(0),
        rolling: Mutex::new(false),
    });
    let engine = SledEngine::open(world.data().join("engine"), &SledOptions::default()).unwrap();
    let vault = world.vaults.store().clone();
    world.store = Store::builder(world.data(), world.host_key())
        .clock(world.clock.clone())
        .engine(Box::new(FilmedEngine(engine, camera.clone())))
        .key_service(Arc::new(FilmedVault(vault.clone(), camera.clone())), vault)
        .open()
        .unwrap();
    camera
}

fn one_time_keys(data: &Path) -> usize {
    let entries = std::fs::read_dir(data.join("keys")).unwrap();
    entries
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .path()
                .extension()
                .is_some_and(|extension| extension == "onetime")
        })
        .count()
}

/// Opens what a crash left and looks at it; twice, because the first opening changes it.
#[track_caller]
fn opened(world: &World, image: &Path) -> KeySource {
    let mut source = KeySource::Platform;
    for _ in 0..2 {
        let store = Store::builder(image, world.host_key())
            .clock(world.clock.clone())
            .vaults(&world.vaults)
            .open()
            .unwrap();
        let account = store.account(&name(ACCOUNT)).unwrap();
        let mut out = Vec::new();
        let container = account.container(&"album".parse().unwrap());
        container
            .download(&"b".parse().unwrap(), &DownloadOptions::default(), &mut out)
            .unwrap();
        assert_eq!(out, CONTENT, "{}", image.display());
        source = account.encryption().unwrap().key_source;
        let expected = usize::from(source == KeySource::Platform);
        assert_eq!(one_time_keys(image), expected, "{}", image.display());
        store.close().unwrap();
    }
    source
}

/// Films `change` and opens every image; who held the root key in each, in order, without repeats.
#[track_caller]
fn check(world: &mut World, change: impl Fn(&World, &Account)) -> Vec<KeySource> {
    let camera = filmed(world);
    let account = world.account();
    *camera.rolling.lock() = true;
    change(world, &account);
    camera.shoot();
    *camera.rolling.lock() = false;
    let images = camera.images();
    assert!(images.len() >= 5, "only {} images", images.len());
    let mut sources: Vec<_> = images.iter().map(|image| opened(world, image)).collect();
    sources.dedup();
    sources
}

#[test]
fn enabling() {
    let seen = check(&mut World::prepared(), |world, account| {
        account
            .use_customer_key(&pinned(&world.current(VAULT, KEY)))
            .unwrap();
        assert_eq!(one_time_keys(&world.data()), 0);
    });
    assert_eq!(seen, [KeySource::Platform, KeySource::KeyVault]);
}

#[test]
fn rotating() {
    let mut world = World::customer();
    let second = world.make_key(VAULT, KEY);
    let seen = check(&mut world, |_, account| {
        account.use_customer_key(&pinned(&second)).unwrap();
    });
    assert_eq!(seen, [KeySource::KeyVault]);
}

#[test]
fn disabling() {
    let seen = check(&mut World::customer(), |_, account| {
        account.use_platform_key().unwrap();
    });
    assert_eq!(seen, [KeySource::KeyVault, KeySource::Platform]);
}

#[test]
fn a_tree_that_lost_the_commit_is_healed_by_the_copy() {
    let mut world = World::prepared();
    let camera = filmed(&mut world);
    *camera.rolling.lock() = true;
    camera.shoot();
    *camera.rolling.lock() = false;
    world
        .account()
        .use_customer_key(&pinned(&world.current(VAULT, KEY)))
        .unwrap();
    world.store.close().unwrap();
    // The engine of before, the side files of after: the one-time key is gone, the copy is there.
    let image = &camera.images()[0];
    std::fs::remove_dir_all(image.join("keys")).unwrap();
    copy(&world.data().join("keys"), &image.join("keys"));
    assert_eq!(opened(&world, image), KeySource::KeyVault);
}

#[test]
fn an_unproven_copy_is_never_believed() {
    let mut world = World::prepared();
    let camera = filmed(&mut world);
    world
        .account()
        .use_customer_key(&pinned(&world.current(VAULT, KEY)))
        .unwrap();
    drop(camera);
    world.account().use_platform_key().unwrap();
    let keys = world.data().join("keys");
    let before: Vec<_> = std::fs::read_dir(&keys)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(before.len(), 1, "{before:?}");
    let account = before[0]
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .split_once('.')
        .unwrap()
        .0
        .to_owned();
    let unproven = keys.join(format!("{account}.envelope.new"));
    world.store.close().unwrap();
    std::fs::write(&unproven, b"anything").unwrap();
    world.store = world.options().open().unwrap();
    assert!(!unproven.exists());
    assert_eq!(
        world.account().encryption().unwrap().key_source,
        KeySource::Platform
    );
}
