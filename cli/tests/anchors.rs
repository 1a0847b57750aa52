//! Anchors on the command line: begun, shown, compared; an old copy put back is refused until it is accepted.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Room, at};

const BOTH: &str = "--anchor store.head --vault-anchor vaults.head";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Puts the kept copy of everything back.
fn put_back(room: &Room) {
    fs::remove_dir_all(room.path("strongroom-data")).unwrap();
    copy(&room.path("kept"), &room.path("strongroom-data"));
}

#[test]
fn an_old_copy_is_refused_and_accepted_on_each_side_by_itself() {
    let room = Room::with_store();
    let plain = room.ok("anchor show");
    assert_eq!(
        (at(&plain, "/store"), at(&plain, "/keyVaults")),
        (Value::Null, Value::Null)
    );
    room.fails(&format!("stats {BOTH}"), 1, "AnchorMissing");
    let begun = room.ok(&format!("anchor begin {BOTH}"));
    room.fails("stats", 1, "AnchorNotGiven");
    copy(&room.path("strongroom-data"), &room.path("kept"));
    room.ok(&format!("keyvault create --name safe -g rg {BOTH}"));
    room.ok(&format!("storage account create --name photos -g rg {BOTH}"));
    let shown = room.ok(&format!("anchor show {BOTH}"));
    let number = |shown: &Value, side: &str| at(shown, &format!("/{side}/number")).as_u64().unwrap();
    for side in ["store", "keyVaults"] {
        assert!(number(&shown, side) > number(&begun, side), "{side}");
    }
    let [head, vault_head] = ["store", "keyVaults"].map(|side| {
        let head = at(&shown, &format!("/{side}/head"));
        head.as_str().unwrap().to_owned()
    });
    room.ok(&format!(
        "anchor check --head {head} --vault-head {vault_head} {BOTH}"
    ));

    put_back(&room);
    room.fails(&format!("stats {BOTH}"), 1, "StoreRolledBack");
    room.fails(&format!("anchor begin {BOTH}"), 1, "StoreRolledBack");
    room.fails(&format!("anchor accept --store {BOTH}"), 1, "StoreRolledBack");
    room.fails(
        &format!("anchor accept {BOTH}"),
        2,
        "RequiredArgumentMissingError",
    );
    let accepted = room.ok(&format!("anchor accept --store --key-vaults {BOTH}"));
    let rollback = at(&accepted, "/acceptedRollbacks/0");
    assert_eq!(at(&rollback, "/anchored").as_u64(), Some(number(&shown, "store")));
    assert_eq!(at(&rollback, "/found").as_u64(), Some(number(&begun, "store")));
    assert!(number(&accepted, "keyVaults") > number(&shown, "keyVaults"));
    room.ok(&format!("stats {BOTH}"));
    // Paper has its own mind: the store has come further, by another way, and says so in its records.
    room.ok(&format!("anchor check --head {head} {BOTH}"));

    room.ok(&format!("anchor end --store --key-vaults {BOTH}"));
    room.ok("stats");
}

#[test]
fn an_anchor_begins_with_the_store_it_is_made_for() {
    let room = Room::new();
    room.ok(&format!("init {BOTH}"));
    let text = fs::read_to_string(room.path("store.head")).unwrap();
    assert!(text.starts_with("strongroom-head-1."), "{text}");
    room.ok(&format!("stats {BOTH}"));
    room.fails("anchor check --head nonsense", 2, "InvalidArgumentValueError");
}
