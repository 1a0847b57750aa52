//! Containers and blobs through the command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Room, at};

const FILES: &str = "--account-name acc --container-name files";

/// A room with account `acc` and container `files`.
fn stocked() -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    assert_eq!(
        room.ok("storage container create --account-name acc -n files"),
        json!({"created": true})
    );
    fs::write(room.path("a.txt"), "hello, blob").unwrap();
    room
}

#[test]
fn a_blob_comes_back_with_its_metadata() {
    let room = stocked();
    let uploaded = room.ok(&format!(
        "storage blob upload {FILES} -n d/a -f a.txt --metadata k=v K2=v=2 --content-type text/plain"
    ));
    let shown = room.ok(&format!("storage blob show {FILES} -n d/a"));
    assert_eq!(at(&shown, "/properties/etag"), at(&uploaded, "/etag"));
    assert_eq!(at(&shown, "/properties/contentLength"), 11);
    assert_eq!(
        at(&shown, "/properties/contentSettings/contentType"),
        "text/plain"
    );
    assert_eq!(at(&shown, "/metadata/k"), "v");
    room.ok(&format!("storage blob download {FILES} -n d/a --file out"));
    assert_eq!(fs::read(room.path("out")).unwrap(), b"hello, blob");
    room.ok(&format!(
        "storage blob download {FILES} -n d/a --file part --start-range 7 --end-range 10"
    ));
    assert_eq!(fs::read(room.path("part")).unwrap(), b"blob");
    room.ok(&format!(
        "storage blob metadata update {FILES} -n d/a --metadata only=this"
    ));
    assert_eq!(
        room.ok(&format!("storage blob metadata show {FILES} -n d/a")),
        json!({"only": "this"})
    );
    assert_eq!(
        room.ok("storage blob url --account-name acc -c files -n d/a"),
        "https://acc.blob.core.windows.net/files/d/a"
    );
    let url = "storage blob url --account-name acc -c files -n d/a --protocol";
    for protocol in ["http", "https"] {
        let want = format!("{protocol}://acc.blob.core.windows.net/files/d/a");
        assert_eq!(room.ok(&format!("{url} {protocol}")), want);
    }
    room.fails(&format!("{url} ftp"), 2, "InvalidArgumentValueError");
}

#[test]
fn a_download_goes_to_standard_output() {
    let room = stocked();
    let content: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
    fs::write(room.path("bytes"), &content).unwrap();
    room.ok(&format!("storage blob upload {FILES} -n a -f bytes"));
    let download = format!("storage blob download {FILES} -n a");
    for options in ["", "--file -", "-f - -o table", "--no-progress --query name"] {
        let ran = room.run(&format!("{download} {options}"));
        ran.exits(0);
        assert!(ran.bytes() == content, "{options}");
    }
    let part = room.run(&format!("{download} --start-range 1 --end-range 3"));
    assert_eq!(part.bytes(), [1, 2, 3]);
    room.fails(&format!("{download}b"), 3, "BlobNotFound");
    room.ok(&format!("{download} --file ./-"));
    assert!(fs::read(room.path("-")).unwrap() == content);
}

#[test]
fn options_without_effect_are_taken() {
    let room = stocked();
    let transfer = "--max-connections 4 --validate-content --timeout 30";
    room.ok(&format!("storage blob upload {FILES} -n a -f a.txt {transfer}"));
    room.ok(&format!("storage blob download {FILES} -n a -f out {transfer}"));
    fs::create_dir(room.path("in")).unwrap();
    room.ok(&format!(
        "storage blob upload-batch --account-name acc -d files -s in {transfer}"
    ));
    room.ok(&format!(
        "storage blob download-batch --account-name acc -s files -d in {transfer}"
    ));
    for line in [
        "blob show -n a",
        "blob exists -n a",
        "blob list",
        "blob delete -n a",
    ] {
        room.ok(&format!("storage {line} {FILES} --timeout 30"));
    }
    room.fails(
        &format!("storage blob show {FILES} -n a --timeout soon"),
        2,
        "InvalidArgumentValueError",
    );
}

#[test]
fn overwriting_and_conditions_are_asked_for() {
    let room = stocked();
    let upload = format!("storage blob upload {FILES} -n a -f a.txt");
    let etag = at(&room.ok(&upload), "/etag");
    room.fails(&upload, 1, "BlobAlreadyExists");
    room.fails(
        &format!("{upload} --overwrite true --if-match \"0x0\""),
        1,
        "ConditionNotMet",
    );
    room.ok(&format!(
        "{upload} --overwrite --if-match {}",
        etag.as_str().unwrap()
    ));
    room.run(&format!("{upload} --overwrite --if-none-match *"))
        .exits(1);
    assert_eq!(
        room.ok(&format!("storage blob exists {FILES} -n a")),
        json!({"exists": true})
    );
    assert_eq!(room.ok(&format!("storage blob delete {FILES} -n a")), Value::Null);
    assert_eq!(
        room.ok(&format!("storage blob exists {FILES} -n a")),
        json!({"exists": false})
    );
}

#[test]
fn lists_are_paged_and_collapsed() {
    let room = stocked();
    for name in ["a", "d/1", "d/2", "e"] {
        room.ok(&format!(
            "storage blob upload {FILES} -n {name} -f a.txt --metadata k=v"
        ));
    }
    let list = format!("storage blob list {FILES}");
    assert_eq!(
        room.ok(&format!("{list} --query [].name")),
        json!(["a", "d/1", "d/2", "e"])
    );
    assert_eq!(
        room.ok(&format!("{list} --prefix d/ --query [].name")),
        json!(["d/1", "d/2"])
    );
    assert_eq!(
        room.ok(&format!("{list} --delimiter / --query [].name")),
        json!(["a", "d/", "e"])
    );
    assert_eq!(
        room.ok(&format!("{list} --include m --query [0].metadata")),
        json!({"k": "v"})
    );
    assert_eq!(room.ok(&format!("{list} --query [0].metadata")), Value::Null);
    let page = room.ok(&format!("{list} --num-results 3 --show-next-marker"));
    assert_eq!(page.as_array().unwrap().len(), 4);
    let marker = at(&page, "/3/nextMarker");
    let rest = room.ok(&format!(
        "{list} --marker {} --query [].name",
        marker.as_str().unwrap()
    ));
    assert_eq!(rest, json!(["e"]));
    assert_eq!(
        room.run(&format!("{list} --query [].name -o tsv")).stdout(),
        "a\nd/1\nd/2\ne\n"
    );
}

#[test]
fn a_table_shows_what_is_nested() {
    let room = stocked();
    room.ok(&format!("storage blob upload {FILES} -n a -f a.txt"));
    let table = room.run(&format!("storage blob list {FILES} -o table")).stdout();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "Name",
            "BlobType",
            "BlobTier",
            "Length",
            "ContentType",
            "LastModified",
            "Snapshot"
        ]
    );
    assert_eq!(
        rows[2][..5],
        ["a", "BlockBlob", "Hot", "11", "application/octet-stream"]
    );
}

#[test]
fn batches_go_up_and_come_down() {
    let room = stocked();
    for (name, text) in [("in/a.txt", "1"), ("in/sub/b.txt", "22"), ("in/sub/c.log", "333")] {
        fs::create_dir_all(room.path(name).parent().unwrap()).unwrap();
        fs::write(room.path(name), text).unwrap();
    }
    room.ok("storage blob upload-batch --account-name acc -d files -s in --pattern *.txt");
    let names = format!("storage blob list {FILES} --query [].name");
    assert_eq!(room.ok(&names), json!(["a.txt", "sub/b.txt"]));
    room.fails(
        "storage blob upload-batch --account-name acc -d files -s in",
        1,
        "BlobAlreadyExists",
    );
    room.ok("storage blob upload-batch --account-name acc -d files -s in --overwrite");
    fs::create_dir(room.path("out")).unwrap();
    room.ok("storage blob download-batch --account-name acc -s files -d out --pattern sub/*");
    assert_eq!(fs::read(room.path("out/sub/c.log")).unwrap(), b"333");
    assert!(!room.path("out/a.txt").exists());
    room.ok("storage blob delete-batch --account-name acc -s files --pattern *.txt");
    assert_eq!(room.ok(&names), json!(["sub/c.log"]));
}

#[test]
fn containers_come_and_go() {
    let room = stocked();
    let account = "--account-name acc";
    let again = room.ok(&format!("storage container create {account} -n files"));
    assert_eq!(again, json!({"created": false}));
    room.fails(
        &format!("storage container create {account} -n files --fail-on-exist"),
        1,
        "ContainerAlreadyExists",
    );
    room.ok(&format!(
        "storage container create {account} -n two --metadata k=v"
    ));
    assert_eq!(
        room.ok(&format!("storage container list {account} --query [].name")),
        json!(["files", "two"])
    );
    assert_eq!(
        room.ok(&format!(
            "storage container show {account} -n two --query metadata"
        )),
        json!({"k": "v"})
    );
    assert_eq!(
        room.ok(&format!("storage container delete {account} -n two")),
        json!({"deleted": true})
    );
    assert_eq!(
        room.ok(&format!("storage container exists {account} -n two")),
        json!({"exists": false})
    );
}

#[test]
fn bad_names_and_missing_things_are_told_apart() {
    let room = stocked();
    let cases = [
        (
            "storage container create --account-name acc -n Reports".to_owned(),
            1,
            "InvalidResourceName",
        ),
        (
            "storage container show --account-name acc -n none".into(),
            3,
            "ContainerNotFound",
        ),
        (
            "storage container list --account-name nobody".into(),
            3,
            "ResourceNotFound",
        ),
        (format!("storage blob show {FILES} -n none"), 3, "BlobNotFound"),
        (
            format!("storage blob download {FILES} -n none -f out"),
            3,
            "BlobNotFound",
        ),
        (
            format!("storage blob upload {FILES} -n a -f missing"),
            3,
            "FileNotFound",
        ),
        (
            format!("storage blob upload {FILES} -n a -f a.txt --metadata 1bad=v"),
            1,
            "InvalidMetadata",
        ),
        (
            format!("storage blob upload {FILES} -n '' -f a.txt"),
            1,
            "OutOfRangeInput",
        ),
        (
            format!("storage blob list {FILES} --include nonsense"),
            2,
            "InvalidArgumentValueError",
        ),
        (
            format!("storage blob list {FILES} --query nonsense(@)"),
            2,
            "InvalidQuery",
        ),
        (
            "storage blob upload-batch --account-name acc -d files -s a.txt".into(),
            1,
            "NotADirectory",
        ),
    ];
    for (line, exit, code) in cases {
        room.fails(&line, exit, code);
    }
    room.fails(
        &format!("storage blob upload {FILES} -f ."),
        2,
        "InvalidArgumentValueError",
    );
    room.fails(
        &format!("storage blob download {FILES} -n none -f ."),
        3,
        "BlobNotFound",
    );
    assert!(!room.path("out").exists(), "a refused download leaves no file");
}
