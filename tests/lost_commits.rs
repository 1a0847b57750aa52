//! A store or vaults whose engine has lost acknowledged commits are refused, untouched, and say what to do.
//!
//! Opening such a store would take bodies of the lost commits for leftovers and delete them; opening such
//! vaults would undo a revocation.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod bad_world;
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bad_world::files;
use common::{ACCOUNT, VAULT, World, copy_dir, name};
use strongroom::{
    Container, DownloadOptions, ErrorKind, Metadata, Placement, Settings, Store, UploadOptions,
};

static CONTENT: [u8; 300_000] = [7; 300_000];

fn container(store: &Store) -> Container {
    let account = store.account(&name(ACCOUNT)).unwrap();
    account.container(&"album".parse().unwrap())
}

fn read(store: &Store, blob: &str) -> Result<Vec<u8>, strongroom::Error> {
    let mut content = Vec::new();
    container(store).download(&blob.parse().unwrap(), &DownloadOptions::default(), &mut content)?;
    Ok(content)
}

fn write(store: &Store, blob: &str) {
    let blob = blob.parse().unwrap();
    container(store)
        .upload(&blob, CONTENT.as_slice(), UploadOptions::default())
        .unwrap();
}

/// The directory `engine` of `place`, put where it was.
fn replace(engine: &Path, with: &Path) {
    fs::remove_dir_all(engine).unwrap();
    copy_dir(with, engine);
}

/// All files but those of the engine, which works on its own when it is opened.
fn beside(place: &Path) -> BTreeMap<String, Vec<u8>> {
    let engine = place.join("engine").display().to_string();
    let mut found = files(place);
    found.retain(|path, _| !path.starts_with(&engine));
    found
}

#[test]
fn a_store_that_lost_commits_keeps_its_bodies() {
    let kept = tempfile::tempdir().unwrap();
    let world = World::prepared();
    let mut settings = Settings::default();
    settings.placement = Placement::Files;
    let data = world.directory.path().join("other");
    let options = || Store::builder(&data, world.host_key()).settings(settings);
    let store = options().init().unwrap();
    store.create_account(&world.new_account(ACCOUNT)).unwrap();
    container(&store).create(&Metadata::new()).unwrap();
    write(&store, "before");
    store.close().unwrap();
    let (engine, older, newer) = (
        data.join("engine"),
        kept.path().join("older"),
        kept.path().join("newer"),
    );
    copy_dir(&engine, &older);
    let store = options().open().unwrap();
    write(&store, "after");
    store.close().unwrap();
    copy_dir(&engine, &newer);

    replace(&engine, &older);
    let there = beside(&data);
    let error = options().open().err().unwrap();
    assert_eq!(
        (error.kind(), error.code(), error.status()),
        (ErrorKind::Corrupt, "CommitsLost", 500)
    );
    let note = data.join("last-commit");
    let help = error.what_to_do().unwrap().to_owned();
    assert!(help.contains(&note.display().to_string()), "{help}");
    assert!(beside(&data) == there, "something was written");

    replace(&engine, &newer);
    let store = options().open().unwrap();
    for blob in ["before", "after"] {
        assert!(read(&store, blob).unwrap() == CONTENT, "{blob}");
    }
    store.close().unwrap();

    replace(&engine, &older);
    fs::remove_file(&note).unwrap();
    let store = options().open().unwrap();
    assert!(read(&store, "before").unwrap() == CONTENT);
    assert_eq!(read(&store, "after").unwrap_err().code(), "BlobNotFound");
}

#[test]
fn vaults_that_lost_a_revocation_do_not_open() {
    let kept = tempfile::tempdir().unwrap();
    let world = World::customer();
    let principal = world.principal();
    world.store.close().unwrap();
    world.vaults.close().unwrap();
    let engine = world.directory.path().join("vaults/engine");
    copy_dir(&engine, &kept.path().join("older"));
    let vaults = world.vault_options().open().unwrap();
    let token = vaults.store().owner_token().unwrap();
    vaults
        .store()
        .delete_policy(&token, &common::vault(VAULT), principal)
        .unwrap();
    vaults.close().unwrap();
    replace(&engine, &kept.path().join("older"));
    let there = beside(&world.directory.path().join("vaults"));
    let error = world.vault_options().open().err().unwrap();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Corrupt, "CommitsLost"));
    let now = beside(&world.directory.path().join("vaults"));
    assert!(now == there, "something was written");
}
