//! A file can be added to an append blob, and the tier of a blob set.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Room, at};

const LOG: &str = "--account-name acc --container-name files -n log";
const BLOB: &str = "--account-name acc --container-name files -n b";
const APPEND: &str = "--type append -f part";

fn stocked() -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok("storage container create --account-name acc -n files");
    room
}

#[track_caller]
fn append(room: &Room, text: &str, options: &str) -> Value {
    fs::write(room.path("part"), text).unwrap();
    room.ok(&format!("storage blob upload {LOG} {APPEND} {options}"))
}

#[track_caller]
fn check_log(room: &Room, want: &str) {
    room.ok(&format!("storage blob download {LOG} -f out"));
    assert_eq!(fs::read_to_string(room.path("out")).unwrap(), want);
}

#[test]
fn a_file_goes_to_the_end_of_an_append_blob() {
    let room = stocked();
    let upload = format!("storage blob upload {LOG} {APPEND}");
    let first = append(&room, "one", "--metadata k=v");
    assert_eq!(at(&first, "/blob_append_offset"), "0");
    let second = append(&room, "two", "--maxsize-condition 6");
    assert_eq!(at(&second, "/blob_append_offset"), "3");
    assert_eq!(at(&second, "/blob_committed_block_count"), 2);
    check_log(&room, "onetwo");
    let shown = room.ok(&format!("storage blob show {LOG}"));
    assert_eq!(at(&shown, "/properties/blobType"), "AppendBlob");
    assert_eq!(at(&shown, "/properties/appendBlobCommittedBlockCount"), 2);
    assert_eq!(at(&shown, "/metadata"), json!({"k": "v"}));
    let nothing = append(&room, "", "");
    assert_eq!(at(&nothing, "/etag"), at(&second, "/etag"));
    fs::write(room.path("part"), "x").unwrap();
    let full = format!("{upload} --maxsize-condition 6");
    room.fails(&full, 1, "MaxBlobSizeConditionNotMet");
    room.fails(&format!("{upload} --if-none-match *"), 1, "BlobAlreadyExists");
    room.fails(
        &format!("{upload} --if-unmodified-since 2001-01-01"),
        1,
        "ConditionNotMet",
    );
    check_log(&room, "onetwo");
    append(&room, "new", "--overwrite");
    check_log(&room, "new");
    append(&room, "", "--overwrite");
    check_log(&room, "");
    room.ok(&format!("storage blob upload {BLOB} -f part"));
    room.fails(
        &format!("storage blob upload {BLOB} -f part --type block"),
        1,
        "BlobAlreadyExists",
    );
    fs::write(room.path("part"), "x").unwrap();
    room.fails(
        &format!("storage blob upload {BLOB} {APPEND}"),
        1,
        "InvalidBlobType",
    );
}

#[test]
fn a_lease_and_conditions_hold_for_every_step() {
    let room = stocked();
    let lease = "00000000-0000-0000-0000-000000000001";
    let upload = format!("storage blob upload {LOG} {APPEND}");
    let exists = format!("storage blob exists {LOG} --query exists");
    fs::write(room.path("part"), "x").unwrap();
    room.fails(&format!("{upload} --if-match \"0x1\""), 3, "BlobNotFound");
    room.fails(
        &format!("{upload} --lease-id {lease}"),
        1,
        "LeaseNotPresentWithBlobOperation",
    );
    assert_eq!(room.ok(&exists), false);
    append(&room, "one", "--if-none-match *");
    room.ok(&format!(
        "storage blob lease acquire --account-name acc --container-name files --blob-name log \
         --proposed-lease-id {lease}"
    ));
    room.fails(&upload, 1, "LeaseIdMissing");
    append(&room, "two", &format!("--lease-id {lease}"));
    check_log(&room, "onetwo");
    append(&room, "again", &format!("--lease-id {lease} --overwrite"));
    check_log(&room, "again");
}

#[test]
fn the_files_of_a_directory_become_blobs_of_one_type() {
    let room = stocked();
    fs::create_dir(room.path("in")).unwrap();
    for (name, byte) in [("a", 1), ("b", 2)] {
        fs::write(room.path("in").join(name), [byte; 512]).unwrap();
    }
    let upload = "storage blob upload-batch --account-name acc -d files -s in --destination-path";
    for kind in ["append", "page", "block"] {
        let done = room.ok(&format!("{upload} {kind} --type {kind}"));
        let shown = room.ok(&format!(
            "storage blob show --account-name acc -c files -n {kind}/b"
        ));
        let found = at(&shown, "/properties/blobType")
            .as_str()
            .unwrap()
            .to_lowercase();
        assert_eq!(found, format!("{kind}blob"));
        assert_eq!(at(&shown, "/properties/contentLength"), 512, "{kind}");
        assert_eq!(at(&done, "/1/eTag"), at(&shown, "/properties/etag"), "{kind}");
    }
    let again = format!("{upload} append --type append --maxsize-condition");
    room.fails(&format!("{again} 1023"), 1, "MaxBlobSizeConditionNotMet");
    room.ok(&format!("{again} 1024"));
    for options in [
        "x --maxsize-condition 1",
        "x --type page --maxsize-condition 1",
        "x --type append --tier hot",
    ] {
        room.fails(&format!("{upload} {options}"), 2, "InvalidArgumentValueError");
    }
    let dry = room.ok(&format!("{upload} /never/ --type page --dryrun"));
    let address = "https://acc.blob.core.windows.net/files/never/a";
    let planned = json!({
        "Blob": address, "Last Modified": null, "Type": "application/octet-stream", "eTag": null,
    });
    assert_eq!(at(&dry, "/0"), planned);
    let exists = "storage blob exists --account-name acc -c files -n never/a --query exists";
    assert_eq!(room.ok(exists), false);
}

#[test]
fn a_tier_is_set_and_shown() {
    let room = stocked();
    fs::write(room.path("b"), "content").unwrap();
    room.ok(&format!("storage blob upload {BLOB} -f b --tier cool"));
    let show = format!(
        "storage blob show {BLOB} --query [properties.blobTier,properties.rehydrationStatus,rehydratePriority]"
    );
    assert_eq!(room.ok(&show), json!(["Cool", null, null]));
    let set = format!("storage blob set-tier {BLOB} --tier");
    assert_eq!(room.ok(&format!("{set} Archive")), Value::Null);
    room.fails(&format!("storage blob download {BLOB} -f out"), 1, "BlobArchived");
    room.ok(&format!("{set} hot --rehydrate-priority high"));
    assert_eq!(
        room.ok(&show),
        json!(["Archive", "rehydrate-pending-to-hot", "High"])
    );
    room.fails(&format!("{set} cold"), 1, "BlobBeingRehydrated");
    room.fails(&format!("{set} P10"), 1, "AccessTierNotSupportedForBlobType");
    let page = format!("{set} P10 --type page");
    room.fails(&page, 1, "AccessTierNotSupportedForBlobType");
    room.fails(
        &format!("{set} hot --tags-condition \"a\"='b'"),
        1,
        "ConditionNotMet",
    );
    let usage = [
        format!("{set} warm"),
        format!("{set} hot -r soon"),
        format!("{set} hot --type page"),
        format!("{set} P10 -t block"),
        format!("{set} hot --type append"),
        format!("storage blob upload {LOG} -f b --type append --tier hot"),
        format!("storage blob upload {LOG} -f b --type append --content-md5 x"),
        format!("storage blob upload {BLOB} -f b --maxsize-condition 1"),
        format!("storage blob upload {BLOB} -f b --type page"),
    ];
    for line in usage {
        room.fails(&line, 2, "InvalidArgumentValueError");
    }
}
