//! Immutability policies, legal holds, expiry and content headers are set and shown.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Room, at};

const BLOB: &str = "--account-name acc --container-name files -n a.txt";

fn stocked() -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok("storage container create --account-name acc -n files");
    fs::write(room.path("a.txt"), "one").unwrap();
    room.ok(&format!(
        "storage blob upload {BLOB} -f a.txt --content-type text/plain --content-language de"
    ));
    room
}

#[test]
fn a_policy_and_a_hold_forbid_deleting() {
    let room = stocked();
    let (delete, show) = (
        format!("storage blob delete {BLOB}"),
        format!("storage blob show {BLOB}"),
    );
    let policy = format!("storage blob immutability-policy set {BLOB} --expiry-time");
    let set = room.ok(&format!("{policy} 2199-01-01"));
    let until = json!({"expiryTime": "2199-01-01T00:00:00+00:00", "policyMode": "unlocked"});
    assert_eq!(set, until);
    assert_eq!(at(&room.ok(&show), "/immutabilityPolicy"), until);
    room.fails(&delete, 1, "BlobImmutableDueToPolicy");
    let remove = format!("storage blob immutability-policy delete {BLOB}");
    assert_eq!(room.ok(&remove), Value::Null);
    let hold = format!("storage blob set-legal-hold {BLOB} --legal-hold");
    assert_eq!(room.ok(&hold), json!({"legalHold": true}));
    assert_eq!(at(&room.ok(&show), "/hasLegalHold"), true);
    room.fails(&delete, 1, "BlobImmutableDueToLegalHold");
    room.ok(&format!("{hold} false"));
    room.ok(&format!("{policy} 2199-01-01 --policy-mode locked"));
    room.fails(&remove, 1, "BlobImmutableDueToPolicy");
    room.fails(
        &format!("{policy} 2198-01-01 --policy-mode locked"),
        1,
        "BlobImmutableDueToPolicy",
    );
    room.fails(&format!("{policy} 2001-01-01"), 1, "InvalidHeaderValue");
    room.fails(&format!("{policy} later"), 2, "InvalidArgumentValueError");
    room.fails(
        &format!("storage blob set-legal-hold {BLOB}"),
        2,
        "RequiredArgumentMissingError",
    );
}

#[test]
fn a_blob_goes_away_by_itself() {
    let room = stocked();
    let set = format!("storage blob set-expiry {BLOB} --expiry-options");
    let shown = room.ok(&format!("{set} absolute --expires-on 2199-01-01"));
    assert_eq!(shown, json!({"expiryTime": "2199-01-01T00:00:00+00:00"}));
    let show = format!("storage blob show {BLOB} --query expiryTime");
    assert_eq!(room.ok(&show), "2199-01-01T00:00:00+00:00");
    assert_eq!(
        room.ok(&format!("{set} NeverExpire")),
        json!({"expiryTime": null})
    );
    room.ok(&format!("{set} RelativeToNow --expires-on 86400000"));
    assert!(room.ok(&show).is_string());
    let cases = [
        ("Absolute --expires-on 2001-01-01", 1, "InvalidHeaderValue"),
        ("RelativeToCreation --expires-on 0", 1, "InvalidHeaderValue"),
        ("Absolute", 2, "RequiredArgumentMissingError"),
        ("Absolute --expires-on soon", 2, "InvalidArgumentValueError"),
        (
            "RelativeToNow --expires-on 2199-01-01",
            2,
            "InvalidArgumentValueError",
        ),
        ("NeverExpire --expires-on 1", 2, "InvalidArgumentValueError"),
        ("Sometimes", 2, "InvalidArgumentValueError"),
    ];
    for (options, exit, code) in cases {
        room.fails(&format!("{set} {options}"), exit, code);
    }
}

#[test]
fn headers_are_changed_one_by_one_or_all() {
    let room = stocked();
    let (update, show) = (
        format!("storage blob update {BLOB}"),
        format!(
            "storage blob show {BLOB} --query \
             properties.contentSettings.[contentType,contentLanguage,cacheControl,contentEncoding]"
        ),
    );
    room.ok(&format!(
        "{update} --content-cache no-cache --content-encoding gzip"
    ));
    assert_eq!(room.ok(&show), json!(["text/plain", "de", "no-cache", "gzip"]));
    room.ok(&format!(
        "{update} --content-type text/html --clear-content-settings"
    ));
    assert_eq!(room.ok(&show), json!(["text/html", null, null, null]));
    room.fails(
        &format!("{update} --content-type a --if-match \"0x0\""),
        1,
        "ConditionNotMet",
    );
    room.fails(&format!("{update}x --content-type a"), 3, "BlobNotFound");
}

#[test]
fn an_upload_brings_its_headers_and_its_md5() {
    let room = stocked();
    let upload = format!("storage blob upload {BLOB} -f a.txt --overwrite --content-md5");
    room.fails(&format!("{upload} AAAAAAAAAAAAAAAAAAAAAA=="), 1, "Md5Mismatch");
    room.fails(&format!("{upload} abc"), 1, "InvalidMd5");
    room.ok(&format!(
        "{upload} +XxdKZQb+xsv2rCHSQargg== --content-disposition inline"
    ));
    let settings = room.ok(&format!(
        "storage blob show {BLOB} --query properties.contentSettings"
    ));
    assert_eq!(at(&settings, "/contentMd5"), "+XxdKZQb+xsv2rCHSQargg==");
    assert_eq!(at(&settings, "/contentDisposition"), "inline");
    assert_eq!(at(&settings, "/contentType"), "application/octet-stream");
}
