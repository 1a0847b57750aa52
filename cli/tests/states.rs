//! Snapshots, versions and deleted blobs can be named, shown, read, deleted and restored.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Room, at};

const FILES: &str = "--account-name acc --container-name files";
const BLOB: &str = "--account-name acc --container-name files -n a.txt";

/// A room whose service has the options given, with a blob `a.txt` of two writes: `one`, then `two`.
fn stocked(service: &str) -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok(&format!(
        "storage account blob-service-properties update -n acc {service}"
    ));
    room.ok("storage container create --account-name acc -n files");
    write(&room, "one");
    room
}

fn write(room: &Room, text: &str) -> Value {
    fs::write(room.path("a.txt"), text).unwrap();
    room.ok(&format!(
        "storage blob upload {FILES} -f a.txt --overwrite --metadata text={text}"
    ))
}

fn text(value: &Value, pointer: &str) -> String {
    at(value, pointer).as_str().unwrap().to_owned()
}

#[track_caller]
fn check_read(room: &Room, which: &str, want: &str) {
    let shown = room.ok(&format!("storage blob download {BLOB} {which} -f out"));
    assert_eq!(fs::read_to_string(room.path("out")).unwrap(), want, "{which}");
    assert_eq!(at(&shown, "/metadata/text"), want, "{which}");
    assert_eq!(
        room.ok(&format!("storage blob metadata show {BLOB} {which}")),
        json!({"text": want})
    );
}

#[test]
fn a_snapshot_keeps_what_was() {
    let room = stocked("--enable-delete-retention false");
    let taken = room.ok(&format!("storage blob snapshot {BLOB}"));
    let time = text(&taken, "/snapshot");
    write(&room, "two");
    check_read(&room, &format!("--snapshot {time}"), "one");
    check_read(&room, "", "two");
    let shown = room.ok(&format!("storage blob show {BLOB} --snapshot {time}"));
    assert_eq!(at(&shown, "/snapshot"), time.as_str());
    let listed = room.ok(&format!(
        "storage blob list {FILES} --include s --query [].[snapshot]"
    ));
    assert_eq!(listed, json!([[time], [null]]));
    assert_eq!(
        room.ok(&format!("storage blob url {BLOB} --snapshot {time}")),
        format!("https://acc.blob.core.windows.net/files/a.txt?snapshot={time}").as_str()
    );
    room.fails(&format!("storage blob delete {BLOB}"), 1, "SnapshotsPresent");
    room.ok(&format!("storage blob delete {BLOB} --delete-snapshots only"));
    let exists = format!("storage blob exists {BLOB}");
    assert_eq!(
        room.ok(&format!("{exists} --snapshot {time}")),
        json!({"exists": false})
    );
    assert_eq!(room.ok(&exists), json!({"exists": true}));
    let own = room.ok(&format!("storage blob snapshot {BLOB} --metadata of=its own=1"));
    let own = text(&own, "/snapshot");
    let metadata = room.ok(&format!("storage blob metadata show {BLOB} --snapshot {own}"));
    assert_eq!(metadata, json!({"of": "its", "own": "1"}));
    room.ok(&format!("storage blob delete {BLOB} --snapshot {own}"));
    room.ok(&format!("storage blob delete {BLOB}"));
}

#[test]
fn versions_are_named_by_their_ids() {
    let room = stocked("--enable-versioning");
    let second = text(&write(&room, "two"), "/version_id");
    let list = format!("storage blob list {FILES} --include v --query [].[versionId,isCurrentVersion]");
    let listed = room.ok(&list);
    let first = text(&listed, "/0/0");
    assert_eq!(listed, json!([[first, false], [second, true]]));
    check_read(&room, &format!("--version-id {first}"), "one");
    for (id, current) in [(&first, false), (&second, true)] {
        let shown = room.ok(&format!("storage blob show {BLOB} --version-id {id}"));
        assert_eq!(at(&shown, "/isCurrentVersion"), current);
    }
    room.ok(&format!("storage blob delete {BLOB}"));
    room.fails(&format!("storage blob show {BLOB}"), 3, "BlobNotFound");
    let gone = room.ok(&format!(
        "storage blob list {FILES} --include deletedwithversions"
    ));
    assert_eq!(at(&gone, "/0/hasVersionsOnly"), true);
    room.ok(&format!("storage blob delete {BLOB} --version-id {first}"));
    room.fails(
        &format!("storage blob show {BLOB} --version-id {first}"),
        3,
        "BlobNotFound",
    );
}

#[test]
fn a_deleted_blob_comes_back_with_its_snapshots() {
    let room = stocked("--enable-delete-retention --delete-retention-days 7");
    room.ok(&format!("storage blob snapshot {BLOB}"));
    room.ok("storage blob delete-batch --account-name acc -s files --delete-snapshots include");
    assert_eq!(room.ok(&format!("storage blob list {FILES}")), json!([]));
    let deleted = room.ok(&format!("storage blob list {FILES} --include ds"));
    assert_eq!(deleted.as_array().unwrap().len(), 2);
    assert_eq!(at(&deleted, "/1/deleted"), true);
    assert!(at(&deleted, "/1/properties/deletedTime").is_string());
    assert_eq!(at(&deleted, "/1/properties/remainingRetentionDays"), 6);
    let undeleted = room.ok(&format!("storage blob undelete {BLOB}"));
    assert_eq!(undeleted, json!({"undeleted": true}));
    check_read(&room, "", "one");
    let names = room.ok(&format!("storage blob list {FILES} --include s --query [].name"));
    assert_eq!(names, json!(["a.txt", "a.txt"]));
    room.fails(&format!("storage blob undelete {FILES} -n b"), 3, "BlobNotFound");
}

#[test]
fn a_deleted_snapshot_is_removed_for_good_where_that_is_allowed() {
    let room = stocked("--enable-delete-retention --delete-retention-days 7");
    let taken = room.ok(&format!("storage blob snapshot {BLOB}"));
    let delete = format!(
        "storage blob delete {BLOB} --snapshot {}",
        text(&taken, "/snapshot")
    );
    let kept = || {
        let listed = room.ok(&format!("storage blob list {FILES} --include ds"));
        listed.as_array().unwrap().len()
    };
    room.fails(&format!("{delete} --permanent"), 1, "InvalidOperation");
    room.ok(&delete);
    room.fails(&format!("{delete} --permanent"), 1, "PermanentDeleteNotAllowed");
    room.ok("storage account blob-service-properties update -n acc --allow-permanent-delete");
    assert_eq!(kept(), 2);
    room.ok(&format!("{delete} --permanent true"));
    assert_eq!(kept(), 1);
}

#[test]
fn tags_are_listed_where_they_are_asked_for() {
    let room = stocked("--enable-delete-retention false");
    room.ok(&format!("storage blob tag set {BLOB} --tags k=v"));
    let list = format!("storage blob list {FILES} --query [0].[tagCount,tags]");
    assert_eq!(room.ok(&list), json!([1, null]));
    assert_eq!(
        room.ok(&format!("{list} --include tags,copy")),
        json!([1, {"k": "v"}])
    );
    fs::write(room.path("b"), "").unwrap();
    room.ok(&format!("storage blob upload {FILES} -f b --tags x=1 y=2"));
    let tags = room.ok(&format!("storage blob tag list {FILES} -n b"));
    assert_eq!(tags, json!({"x": "1", "y": "2"}));
}

#[test]
fn states_that_cannot_be_are_wrong_usage() {
    let room = Room::new();
    let time = "2026-01-01T00:00:00.1234567Z";
    let cases = [
        (
            format!("storage blob show {BLOB} --snapshot now"),
            "InvalidArgumentValueError",
        ),
        (
            format!("storage blob show {BLOB} --snapshot {time} --version-id {time}"),
            "MutuallyExclusiveArgumentError",
        ),
        (
            format!("storage blob delete {BLOB} -d all"),
            "InvalidArgumentValueError",
        ),
        (
            format!("storage blob list {FILES} --include sq"),
            "InvalidArgumentValueError",
        ),
    ];
    for (line, code) in cases {
        room.fails(&line, 2, code);
    }
}
