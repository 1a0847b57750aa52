//! Public access, stored access policies and metadata of containers, and what must hold for a change.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use serde_json::json;
use support::{Room, at};

const ACC: &str = "--account-name acc";
const LEASE: &str = "1f812371-a41d-49e6-b123-f4b542e851c5";
const OTHER: &str = "2f812371-a41d-49e6-b123-f4b542e851c5";

fn stocked() -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok(&format!(
        "storage container create {ACC} -n files --public-access blob"
    ));
    room
}

#[test]
fn permissions_and_policies_do_not_touch_each_other() {
    let room = stocked();
    let policy = |verb: &str| format!("storage container policy {verb} {ACC} -c files");
    let show = format!("storage container show-permission {ACC} -n files");
    assert_eq!(room.ok(&show), json!({"publicAccess": "blob"}));
    room.ok(&format!(
        "{} -n readers --permissions lr --expiry 2199-01-01",
        policy("create")
    ));
    let reader = json!({"expiry": "2199-01-01T00:00:00+00:00", "permission": "rl", "start": null});
    assert_eq!(room.ok(&policy("list")), json!({"readers": reader}));
    assert_eq!(room.ok(&show), json!({"publicAccess": "blob"}));
    let changed = room.ok(&format!(
        "storage container set-permission {ACC} -n files --public-access off"
    ));
    assert!(at(&changed, "/etag").is_string());
    assert_eq!(room.ok(&show), json!({"publicAccess": "off"}));
    assert_eq!(room.ok(&format!("{} -n readers", policy("show"))), reader);
    room.ok(&format!("{} -n readers --start 2026-01-01", policy("update")));
    let begun = room.ok(&format!("{} -n readers", policy("show")));
    assert_eq!(at(&begun, "/start"), "2026-01-01T00:00:00+00:00");
    assert_eq!(at(&begun, "/permission"), "rl");
    room.ok(&format!("{} -n readers", policy("delete")));
    assert_eq!(room.ok(&policy("list")), json!({}));
}

#[test]
fn wrong_policies_are_refused() {
    let room = stocked();
    let cases = [
        ("policy show -c files -n none", 3, "ResourceNotFound"),
        (
            "policy update -c files -n none --permissions r",
            3,
            "ResourceNotFound",
        ),
        ("policy delete -c files -n none", 3, "ResourceNotFound"),
        (
            "policy create -c files -n p --permissions z",
            1,
            "InvalidXmlNodeValue",
        ),
        (
            "policy create -c files -n p --expiry then",
            2,
            "InvalidArgumentValueError",
        ),
        (
            "policy create -c none -n p --permissions r",
            3,
            "ContainerNotFound",
        ),
        ("policy list -c none", 3, "ContainerNotFound"),
        (
            "set-permission -n files --public-access all",
            2,
            "InvalidArgumentValueError",
        ),
        ("show-permission -n none", 3, "ContainerNotFound"),
        (
            "create -n new --public-access all",
            2,
            "InvalidArgumentValueError",
        ),
        ("metadata show -n none", 3, "ContainerNotFound"),
    ];
    for (line, exit, code) in cases {
        room.fails(&format!("storage container {line} {ACC}"), exit, code);
    }
    for name in 0..5 {
        room.ok(&format!(
            "storage container policy create {ACC} -c files -n p{name}"
        ));
    }
    room.fails(
        &format!("storage container policy create {ACC} -c files -n p5"),
        1,
        "InvalidInput",
    );
}

#[test]
fn a_container_changes_only_under_its_conditions() {
    let room = stocked();
    let update = format!("storage container metadata update {ACC} -n files --metadata k=v");
    assert!(at(&room.ok(&update), "/lastModified").is_string());
    let show = format!("storage container metadata show {ACC} -n files");
    assert_eq!(room.ok(&show), json!({"k": "v"}));
    room.fails(
        &format!("{update} --if-modified-since 2199-01-01"),
        1,
        "ConditionNotMet",
    );
    room.ok(&format!(
        "storage container lease acquire {ACC} -c files --proposed-lease-id {LEASE}"
    ));
    let delete = format!("storage container delete {ACC} -n files");
    room.fails(&delete, 1, "LeaseIdMissing");
    room.fails(
        &format!("{delete} --lease-id {OTHER}"),
        1,
        "LeaseIdMismatchWithContainerOperation",
    );
    room.fails(&format!("{delete} --lease-id mine"), 1, "InvalidHeaderValue");
    room.ok(&format!("{delete} --lease-id {LEASE}"));
}

/// Every command on a blob takes the same conditions and refuses what they forbid.
#[test]
fn a_blob_is_read_and_changed_only_under_its_conditions() {
    let room = stocked();
    fs::write(room.path("a"), "one").unwrap();
    let blob = format!("{ACC} -c files -n a");
    room.ok(&format!("storage blob upload {blob} -f a --tags k=v"));
    let lease = format!("storage blob lease acquire {ACC} -c files -b a --proposed-lease-id {LEASE}");
    room.fails(&format!("{lease} --if-match \"0x0\""), 1, "ConditionNotMet");
    room.ok(&format!("{lease} --tags-condition \"k\"='v'"));
    let verbs = [
        "upload -f a --overwrite --tags k=v",
        "metadata update --metadata k=v",
        "update --content-type a/b",
        "tag set --tags k=v",
        "set-expiry --expiry-options NeverExpire",
        "snapshot",
        "show",
        "metadata show",
        "download -f out",
        "tag list",
        "delete --delete-snapshots include",
    ];
    for verb in verbs {
        let line = format!("storage blob {verb} {blob} --lease-id");
        room.fails(&format!("{line} {OTHER}"), 1, "LeaseIdMismatchWithBlobOperation");
        let all_but_tags = "--if-unmodified-since 2199-01-01 --if-match *";
        room.fails(
            &format!("{line} {LEASE} {all_but_tags} --tags-condition \"k\"='w'"),
            1,
            "ConditionNotMet",
        );
        room.ok(&format!(
            "{line} {LEASE} {all_but_tags} --tags-condition \"k\"='v'"
        ));
    }
    room.fails(&format!("storage blob show {blob}"), 3, "BlobNotFound");
}
