//! A crash between a side file and its record leaves old or new, never neither; what is lost is lost alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;

use common::{Bench, key, reference, vault};
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::VaultError;

fn files(bench: &Bench) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(bench.folder.path().join("keys")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn a_file_whose_record_was_never_committed_is_destroyed_at_open() {
    let mut bench = Bench::with_key();
    let wanted = files(&bench);
    let folder = bench.folder.path().join("keys");
    fs::copy(&wanted[0], folder.join("ff".repeat(16))).unwrap();
    fs::write(folder.join(format!("{}.new", "ee".repeat(16))), b"half a file").unwrap();
    fs::write(folder.join("foreign"), b"?").unwrap();
    bench.reopen();
    assert_eq!(files(&bench), wanted);
    bench
        .store
        .wrap_key(&bench.owner(), &reference("key"), RsaOaep256, b"x")
        .unwrap();
}

#[test]
fn a_purge_whose_file_survived_is_finished_at_open() {
    let mut bench = Bench::with_key();
    let before = files(&bench);
    let content = fs::read(&before[0]).unwrap();
    bench
        .store
        .delete_key(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    bench
        .store
        .purge_key(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    fs::write(&before[0], content).unwrap();
    bench.reopen();
    assert!(files(&bench).is_empty());
}

#[test]
fn a_version_whose_file_is_gone_says_so_and_the_others_go_on() {
    let mut bench = Bench::with_key();
    let lost = files(&bench);
    let wrapped = bench
        .store
        .wrap_key(&bench.owner(), &reference("key"), RsaOaep256, b"x")
        .unwrap();
    bench.key("bench", "key");
    fs::remove_file(&lost[0]).unwrap();
    bench.reopen();
    let owner = bench.owner();
    let refused = bench
        .store
        .unwrap_key(&owner, &wrapped.key.reference(), RsaOaep256, &wrapped.value);
    let error = refused.unwrap_err();
    assert!(matches!(error, VaultError::KeyDestroyed { .. }));
    assert!(error.to_string().contains(&wrapped.key.version.to_string()));
    let shown = bench
        .store
        .get_key(&owner, &vault("bench"), &key("key"), Some(wrapped.key.version));
    assert!(shown.is_ok());
    let again = bench
        .store
        .wrap_key(&owner, &reference("key"), RsaOaep256, b"y")
        .unwrap();
    let opened = bench
        .store
        .unwrap_key(&owner, &reference("key"), RsaOaep256, &again.value);
    assert_eq!(opened.unwrap().value.as_slice(), b"y");
    assert!(matches!(
        bench.store.backup_key(&owner, &vault("bench"), &key("key")),
        Err(VaultError::KeyDestroyed { .. })
    ));
}

#[test]
fn a_damaged_file_is_an_error_and_no_key() {
    let bench = Bench::with_key();
    let owner = bench.owner();
    let wrapped = bench
        .store
        .wrap_key(&owner, &reference("key"), RsaOaep256, b"x")
        .unwrap();
    let path = &files(&bench)[0];
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(path, content).unwrap();
    let refused = bench
        .store
        .unwrap_key(&owner, &reference("key"), RsaOaep256, &wrapped.value);
    assert!(matches!(refused, Err(VaultError::Storage(_))));
}

#[test]
fn a_refused_creation_leaves_no_file() {
    let bench = Bench::with_key();
    let stranger = bench.token(&bench.caller(&["get"]));
    let name = vault("bench");
    assert!(
        bench
            .store
            .create_key(&stranger, &name, &key("new"), Default::default())
            .is_err()
    );
    bench
        .store
        .delete_key(&bench.owner(), &name, &key("key"))
        .unwrap();
    assert!(
        bench
            .store
            .create_key(&bench.owner(), &name, &key("key"), Default::default())
            .is_err()
    );
    assert_eq!(bench.side_files(), 1);
}

#[test]
fn no_private_number_is_in_any_file_or_record() {
    let bench = Bench::with_key();
    // The private part of a PKCS#8 key holds its modulus and then the private exponent.
    bench.key("bench", "canary");
    let material = strongroom_keyvault::testing::key(1);
    let bytes = material.private.as_bytes();
    let canary = &bytes[bytes.len() / 2..bytes.len() / 2 + 16];
    let contains = |haystack: &[u8]| haystack.windows(canary.len()).any(|window| window == canary);
    assert!(contains(bytes));
    for path in files(&bench) {
        assert!(!contains(&fs::read(path).unwrap()));
    }
    for value in bench.disk.values() {
        assert!(!contains(&value));
    }
}
