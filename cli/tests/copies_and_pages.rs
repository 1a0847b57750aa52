//! Blobs are copied, files become page blobs, and what becomes due is done.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use serde_json::json;
use support::{Room, at};

const FROM: &str = "--account-name acc --container-name files";
const TO: &str = "--account-name acc -c files";

fn stocked() -> Room {
    let room = Room::with_store();
    for account in ["acc", "other"] {
        room.ok(&format!("storage account create -n {account} -g rg -l eastus"));
        room.ok(&format!(
            "storage container create --account-name {account} -n files"
        ));
    }
    fs::write(room.path("file"), vec![7; 200_000]).unwrap();
    room.ok(&format!("storage blob upload {FROM} -n a -f file --metadata k=v"));
    room
}

fn content(room: &Room, account: &str, name: &str) -> Vec<u8> {
    let line =
        format!("storage blob download --account-name {account} --container-name files -n {name} -f out");
    room.ok(&line);
    fs::read(room.path("out")).unwrap()
}

#[test]
fn a_blob_is_copied_within_and_between_accounts() {
    let room = stocked();
    let start = "storage blob copy start";
    let near = format!("{start} {TO} -b near --source-container files --source-blob a --tier Cool");
    let copied = room.ok(&near);
    assert_eq!(at(&copied, "/copy_status"), "success");
    let far = format!(
        "{start} --account-name other -c files -b far --source-account-name acc --source-container files \
         --source-blob a --metadata new=yes"
    );
    assert_eq!(at(&room.ok(&far), "/copy_status"), "success");
    let by_address = format!(
        "{start} --account-name other -c files -b address --requires-sync \
         -u https://acc.blob.core.windows.net/files/a?sv=1&sig=secret"
    );
    assert_eq!(at(&room.ok(&by_address), "/copy_status"), "success");
    for (account, name) in [("acc", "near"), ("other", "far"), ("other", "address")] {
        assert!(content(&room, account, name) == vec![7; 200_000], "{name}");
    }
    let show = |account: &str, name: &str| {
        room.ok(&format!(
            "storage blob show --account-name {account} --container-name files -n {name}"
        ))
    };
    assert_eq!(at(&show("acc", "near"), "/properties/blobTier"), "Cool");
    assert_eq!(
        at(&show("acc", "near"), "/properties/copy/source"),
        "/acc/files/a"
    );
    assert_eq!(at(&show("other", "far"), "/metadata/new"), "yes");
    assert_eq!(
        at(&show("other", "far"), "/properties/copy/progress"),
        "200000/200000"
    );
    let source = at(&show("other", "address"), "/properties/copy/source");
    assert_eq!(source, "https://acc.blob.core.windows.net/files/a");
    let cases = [
        (
            format!("{near} --destination-if-none-match *"),
            1,
            "BlobAlreadyExists",
        ),
        (
            format!("{near} --source-if-match 0x1"),
            1,
            "SourceConditionNotMet",
        ),
        (
            format!("{near} --destination-tags-condition \"a\"='b'"),
            1,
            "ConditionNotMet",
        ),
        (
            format!("{near} --source-lease-id 00000000-0000-0000-0000-000000000001"),
            1,
            "SourceConditionNotMet",
        ),
        (format!("{near} --source-lease-id one"), 1, "InvalidHeaderValue"),
        (format!("{start} {TO} -b b"), 2, "RequiredArgumentMissingError"),
        (
            format!("{start} {TO} -b b --source-container files --source-blob none"),
            3,
            "BlobNotFound",
        ),
        (
            format!("storage blob copy cancel {TO} -b near --copy-id 00000000-0000-0000-0000-000000000000"),
            1,
            "NoPendingCopyOperation",
        ),
        (
            format!("storage blob copy cancel {TO} -b near --copy-id one"),
            2,
            "InvalidArgumentValueError",
        ),
    ];
    for (line, exit, code) in cases {
        room.fails(&line, exit, code);
    }
}

#[test]
fn a_file_becomes_a_page_blob_that_another_one_follows() {
    let room = stocked();
    let mut file = vec![0; 5 << 20];
    file[(4 << 20) + 512..][..512].fill(9);
    fs::write(room.path("disk"), &file).unwrap();
    let upload = format!("storage blob upload {FROM} -n disk -f disk --type page");
    room.ok(&upload);
    assert!(content(&room, "acc", "disk") == file);
    let shown = room.ok(&format!("storage blob show {FROM} -n disk"));
    assert_eq!(at(&shown, "/properties/blobType"), "PageBlob");
    assert_eq!(at(&shown, "/properties/pageBlobSequenceNumber"), 0);
    let written = json!([[{"start": 4 << 20, "end": (5 << 20) - 1}], []]);
    assert_eq!(at(&shown, "/properties/pageRanges"), written);
    let shown = room.ok(&format!("storage blob show {FROM} -n a"));
    assert_eq!(at(&shown, "/properties/pageRanges"), json!(null));
    room.fails(&upload, 1, "BlobAlreadyExists");
    room.ok(&format!("{upload} --overwrite"));
    fs::write(room.path("odd"), [1; 513]).unwrap();
    let odd = format!("storage blob upload {FROM} -n odd -f odd --type page");
    room.fails(&odd, 2, "InvalidArgumentValueError");

    let taken = room.ok(&format!("storage blob snapshot {FROM} -n disk"));
    let time = at(&taken, "/snapshot");
    let follow = format!(
        "storage blob incremental-copy start {TO} -b backup --source-container files --source-blob disk"
    );
    let snapshot = format!("{follow} --source-snapshot {}", time.as_str().unwrap());
    assert_eq!(at(&room.ok(&snapshot), "/copy_status"), "success");
    assert!(content(&room, "acc", "backup") == file);
    let shown = room.ok(&format!("storage blob show {FROM} -n backup"));
    assert_eq!(at(&shown, "/properties/copy/incrementalCopy"), true);
    room.fails(&follow, 1, "IncrementalCopySourceMustBeSnapshot");
    let cancel = format!("storage blob incremental-copy cancel {TO} -b backup --copy-id");
    let done = format!("{cancel} 00000000-0000-0000-0000-000000000000");
    room.fails(&done, 1, "NoPendingCopyOperation");
    room.fails(&format!("{cancel} one"), 2, "InvalidArgumentValueError");
}

#[test]
fn what_is_due_is_done() {
    let room = stocked();
    let expire = format!("storage blob set-expiry {FROM} -n a --expiry-options RelativeToNow --expires-on 1");
    room.ok(&expire);
    let done = loop {
        let done = room.ok("maintain");
        if at(&done, "/expiries") == 1 {
            break done;
        }
    };
    assert_eq!(at(&done, "/keyVersionChecks").as_array().unwrap().len(), 0);
    room.fails(&format!("storage blob show {FROM} -n a"), 3, "BlobNotFound");
    assert_eq!(at(&room.ok("maintain"), "/expiries"), 0);
}

#[test]
fn the_blobs_of_a_container_are_copied() {
    let room = stocked();
    for name in ["b.txt", "c.txt", "d.log"] {
        room.ok(&format!("storage blob upload {FROM} -n {name} -f file"));
    }
    let batch = "storage blob copy start-batch --account-name other --destination-container files \
                 --source-account-name acc --source-container files";
    let some = format!("{batch} --pattern *.txt --destination-path /kept/");
    let planned = room.ok(&format!("{some} --dryrun"));
    let listed = || room.ok("storage blob list --account-name other --container-name files");
    assert_eq!(at(&listed(), "").as_array().unwrap().len(), 0, "nothing yet");
    assert_eq!(room.ok(&some), planned);
    let names = [at(&listed(), "/0/name"), at(&listed(), "/1/name")];
    assert_eq!(names, ["kept/b.txt", "kept/c.txt"]);
    assert!(content(&room, "other", "kept/b.txt") == vec![7; 200_000]);
    room.ok(batch);
    assert_eq!(at(&listed(), "").as_array().unwrap().len(), 6);
}
