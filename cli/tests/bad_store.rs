//! Stores that cannot be opened: a clear refusal, and nothing touched.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use strongroom::{KeyFile, Store};
use support::Room;

const ASK: &str = "storage account list";

#[test]
fn a_store_that_is_not_there_is_named() {
    let room = Room::new();
    for line in [ASK, "keyvault list", "stats", "scrub", "keyvault show --name v"] {
        room.fails(line, 3, "NotInitialised");
    }
    assert_eq!(fs::read_dir(room.path("")).unwrap().count(), 0);
}

#[test]
fn init_twice_changes_nothing() {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok("init");
    assert_eq!(
        room.ok(&format!("{ASK} --query [].name")),
        serde_json::json!(["acc"])
    );
}

#[test]
fn wrong_and_missing_keys_are_refused() {
    let room = Room::with_store();
    let other = Room::with_store();
    let theirs = other.ok("init");
    let key = theirs["hostKey"].as_str().unwrap();
    room.run(&format!("{ASK} --host-key {key}")).exits(1);
    room.run(&format!("{ASK} --host-key missing.key")).exits(3);
    fs::write(room.path("short.key"), "short").unwrap();
    room.run(&format!("{ASK} --host-key short.key")).exits(1);
    assert!(!room.path("missing.key").exists(), "only init and tour make keys");
    room.ok(ASK);
}

#[test]
fn one_key_may_not_open_both() {
    let room = Room::new();
    room.run("init --host-key same.key --vault-key same.key").exits(1);
}

#[test]
fn a_directory_of_something_else_is_no_store() {
    let room = Room::new();
    fs::create_dir(room.path("strongroom-data")).unwrap();
    fs::write(room.path("strongroom-data/letter.txt"), "dear").unwrap();
    room.fails(ASK, 3, "NotInitialised");
    assert_eq!(fs::read_dir(room.path("strongroom-data")).unwrap().count(), 1);
}

#[test]
fn a_directory_of_something_else_is_not_taken() {
    let room = Room::new();
    fs::create_dir_all(room.path("photos/keys")).unwrap();
    fs::write(room.path("photos/keys/front-door"), "precious").unwrap();
    for line in ["init", "tour photos"] {
        room.fails(
            &format!("{line} --data d --vaults photos"),
            1,
            "DirectoryNotEmpty",
        );
    }
    assert_eq!(
        fs::read_to_string(room.path("photos/keys/front-door")).unwrap(),
        "precious"
    );
    assert_eq!(fs::read_dir(room.path("photos")).unwrap().count(), 1);
}

#[test]
fn a_store_of_a_newer_release_is_refused_untouched() {
    let room = Room::with_store();
    for place in ["strongroom-data/engine", "strongroom-data/vaults/engine"] {
        let marker = room.path(place).join("ENGINE");
        let good = fs::read_to_string(&marker).unwrap();
        let newer = good.replace(" 1 ", " 2 ");
        assert_ne!(good, newer);
        fs::write(&marker, &newer).unwrap();
        for line in [ASK, "stats", "init", "scrub"] {
            room.fails(line, 1, "NewerFormat");
        }
        assert_eq!(fs::read_to_string(&marker).unwrap(), newer);
        fs::write(&marker, good).unwrap();
        room.ok(ASK);
    }
}

#[test]
fn a_file_is_no_store() {
    let room = Room::new();
    fs::write(room.path("letter.txt"), "dear").unwrap();
    for line in ["stats", "init", "tour letter.txt"] {
        room.fails(&format!("{line} --data letter.txt"), 1, "NotADirectory");
    }
    assert_eq!(fs::read_dir(room.path("")).unwrap().count(), 1);
}

#[test]
fn passphrases_open_instead_of_keys() {
    let room = Room::new();
    fs::write(room.path("p1"), "correct horse battery staple\n").unwrap();
    fs::write(room.path("p2"), "another passphrase entirely\n").unwrap();
    room.ok("init --passphrase-file p1 --vault-passphrase-file p2");
    room.ok(&format!("{ASK} --passphrase-file p1 --vault-passphrase-file p2"));
    room.run(&format!("{ASK} --passphrase-file p2 --vault-passphrase-file p1"))
        .exits(1);
}

#[test]
fn a_store_that_is_open_elsewhere_is_refused() {
    let room = Room::with_store();
    let key = KeyFile::read(&room.path("strongroom-data.key")).unwrap();
    let store = Store::builder(room.path("strongroom-data"), key).open().unwrap();
    room.fails(ASK, 1, "StoreInUse");
    room.fails("init", 1, "StoreInUse");
    store.close().unwrap();
    room.ok(ASK);
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    let room = Room::with_store();
    let key = room.path("strongroom-data.key");
    let mode = |mode| fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    mode(0o644);
    room.fails(ASK, 1, "KeyFileOpenToOthers");
    mode(0o600);
    room.ok(ASK);
}
