//! Vaults on the engine that applications use: keys are made, rotated and purged, the store is closed and
//! opened again, and everything is there or gone as it was left.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{DAY, key, vault};
use strongroom_engine::engine::sled::{SledEngine, SledOptions};
use strongroom_engine::keys::RootKey;
use strongroom_engine::{ManualClock, SystemEntropy, Timestamp};
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::testing::FixtureProvider;
use strongroom_keyvault::{
    KeyReference, NewKeyOptions, NewVault, Providers, Retention, VaultError, VaultStore, VaultStoreParts,
};
use zeroize::Zeroizing;

fn open(folder: &Path, clock: &Arc<ManualClock>) -> Arc<VaultStore> {
    let engine = SledEngine::open(folder.join("engine"), &SledOptions::default()).unwrap();
    let parts = VaultStoreParts {
        last_commit: None,
        engine: Box::new(engine),
        dir: folder.to_path_buf(),
        root: RootKey::from_bytes(Zeroizing::new(vec![7; 32])).unwrap(),
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
        providers: Providers::software(Arc::new(FixtureProvider::default())),
    };
    VaultStore::open(parts).unwrap()
}

fn reopen(store: &Arc<VaultStore>, folder: &Path, clock: &Arc<ManualClock>) -> Arc<VaultStore> {
    store.close().unwrap();
    open(folder, clock)
}

#[test]
fn keys_are_made_rotated_and_purged_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_600_000_000)));
    let mut store = open(folder.path(), &clock);
    let bench = vault("bench");
    let mut new = NewVault::new(bench.clone(), store.default_tenant(), "westus".parse().unwrap());
    new.retention = Retention::Purgeable { days: 7 };
    store.create_vault(&store.owner_token().unwrap(), new).unwrap();
    let make = |store: &VaultStore, name: &str| {
        let token = store.owner_token().unwrap();
        store
            .create_key(&token, &bench, &key(name), NewKeyOptions::default())
            .unwrap()
            .id
    };
    let first = make(&store, "kept");
    make(&store, "doomed");
    let reference: KeyReference = first.to_string().parse().unwrap();
    let sealed = store
        .encrypt(&store.owner_token().unwrap(), &reference, RsaOaep256, b"root key")
        .unwrap();
    store = reopen(&store, folder.path(), &clock);
    let second = make(&store, "kept");
    assert_ne!(first, second);

    store = reopen(&store, folder.path(), &clock);
    let token = store.owner_token().unwrap();
    assert_eq!(
        store.list_versions(&token, &bench, &key("kept")).unwrap().len(),
        2
    );
    assert_eq!(
        store.get_key(&token, &bench, &key("kept"), None).unwrap().id,
        second
    );
    let opened = store
        .decrypt(&token, &reference, RsaOaep256, &sealed.value)
        .unwrap();
    assert_eq!(opened.value.as_slice(), b"root key");
    store.delete_key(&token, &bench, &key("doomed")).unwrap();

    store = reopen(&store, folder.path(), &clock);
    let token = store.owner_token().unwrap();
    assert_eq!(store.list_deleted_keys(&token, &bench).unwrap().len(), 1);
    store.purge_key(&token, &bench, &key("doomed")).unwrap();
    let side_files = || std::fs::read_dir(folder.path().join("keys")).unwrap().count();
    let left = side_files();

    clock.advance(DAY);
    store = reopen(&store, folder.path(), &clock);
    let token = store.owner_token().unwrap();
    assert_eq!(store.list_deleted_keys(&token, &bench).unwrap().len(), 0);
    let gone = store.get_key(&token, &bench, &key("doomed"), None);
    assert!(matches!(gone, Err(VaultError::KeyNotFound { .. })));
    assert_eq!(side_files(), left, "what was purged did not come back");
    let opened = store
        .decrypt(&token, &reference, RsaOaep256, &sealed.value)
        .unwrap();
    assert_eq!(opened.value.as_slice(), b"root key");
    assert_eq!(store.verify_audit(&token, &bench).unwrap().broken, None);
    store.close().unwrap();
}
