//! An attack on private keys by way of the engine: taking the records away must not make the vault destroy
//! the keys.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::sync::Arc;

use common::{Bench, Disk, reference};
use strongroom_engine::SystemEntropy;
use strongroom_engine::keys::RootKey;
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::testing::FixtureProvider;
use strongroom_keyvault::{Providers, VaultError, VaultStore, VaultStoreParts};
use zeroize::Zeroizing;

fn open(bench: &Bench, disk: &Disk) -> Result<Arc<VaultStore>, VaultError> {
    VaultStore::open(VaultStoreParts {
        last_commit: None,
        engine: Box::new(disk.clone()),
        dir: bench.folder.path().to_path_buf(),
        root: RootKey::from_bytes(Zeroizing::new(vec![7; 32])).unwrap(),
        clock: bench.clock.clone(),
        entropy: Arc::new(SystemEntropy),
        providers: Providers::software(Arc::new(FixtureProvider::default())),
    })
}

#[test]
fn an_engine_that_lost_everything_does_not_take_the_private_keys_with_it() {
    let mut bench = Bench::with_key();
    let files = bench.side_files();
    assert_eq!(files, 1);
    bench.store.close().unwrap();
    let empty = Disk::default();
    assert!(open(&bench, &empty).is_err());
    assert_eq!(bench.side_files(), files);
    assert!(empty.values().is_empty(), "something was made in its place");
    // With its engine back the vault is what it was.
    bench.store = open(&bench, &bench.disk).unwrap();
    bench
        .store
        .wrap_key(&bench.owner(), &reference("key"), RsaOaep256, b"x")
        .unwrap();
}
