//! Content under a key that comes in a file or through a pipe: every command takes it, nothing opens without.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use support::{Room, at};

const ACC: &str = "--account-name acc";
const FILES: &str = "--account-name acc --container-name files";
const OTHER_KEY: &str = "--encryption-key-file other";
const KEY: &str = "--encryption-key-file key";
/// SHA-256 of 32 bytes of 7, in base64.
const SHA256: &str = "S7Bvjk46dxXSAdVz0KpCN2LlXavWGiwCJ4+lbMbSlOA=";
const MISSING: &str = "BlobUsesCustomerSpecifiedEncryption";
const NEEDLESS: &str = "BlobDoesNotUseCustomerSpecifiedEncryption";
const OTHER: &str = "BlobCustomerSpecifiedEncryptionMismatch";

fn private(room: &Room, name: &str, bytes: &[u8]) {
    fs::write(room.path(name), bytes).unwrap();
    fs::set_permissions(room.path(name), fs::Permissions::from_mode(0o600)).unwrap();
}

/// A room with a key, the same in base64, another one, and blobs: `own` under the key, `plain` under none.
fn stocked() -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok("storage container create --account-name acc -n files");
    private(&room, "key", &[7; 32]);
    private(&room, "text", b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n");
    private(&room, "other", &[8; 32]);
    fs::write(room.path("file"), "content").unwrap();
    let upload = format!("storage blob upload {FILES} -f file");
    let own = room.ok(&format!("{upload} -n own {KEY} --metadata k=v"));
    assert_eq!(at(&own, "/encryption_key_sha256"), SHA256);
    let plain = room.ok(&format!("{upload} -n plain"));
    assert_eq!(at(&plain, "/encryption_key_sha256"), Value::Null);
    room
}

/// The command on the blob `own` is refused without its key and with another; with it, it succeeds.
#[track_caller]
fn check(room: &Room, line: &str) -> Value {
    room.fails(line, 1, MISSING);
    room.fails(&format!("{line} --encryption-key-file other"), 1, OTHER);
    room.ok(&format!("{line} --encryption-key-file text"));
    room.ok(&format!("{line} {KEY}"))
}

#[track_caller]
fn check_content(room: &Room, name: &str, options: &str, want: &str) {
    room.ok(&format!(
        "storage blob download {FILES} -n {name} -f out {options}"
    ));
    assert_eq!(fs::read_to_string(room.path("out")).unwrap(), want, "{name}");
}

#[test]
fn reading_and_changing_take_the_key() {
    let room = stocked();
    let own = format!("{FILES} -n own");
    let shown = check(&room, &format!("storage blob show {own}"));
    assert_eq!(at(&shown, "/encryptionKeySha256"), SHA256);
    check(&room, &format!("storage blob download {own} -f out"));
    assert_eq!(fs::read_to_string(room.path("out")).unwrap(), "content");
    let metadata = check(&room, &format!("storage blob metadata show {own}"));
    assert_eq!(metadata, json!({"k": "v"}));
    check(
        &room,
        &format!("storage blob metadata update {own} --metadata a=b"),
    );
    check(
        &room,
        &format!("storage blob update {own} --content-type text/css"),
    );
    let taken = check(&room, &format!("storage blob snapshot {own}"));
    let time = at(&taken, "/snapshot");
    check_content(
        &room,
        "own",
        &format!("{KEY} --snapshot {}", time.as_str().unwrap()),
        "content",
    );
    room.fails(&format!("storage blob show {FILES} -n plain {KEY}"), 1, NEEDLESS);
    let exists = room.ok(&format!("storage blob exists {own}"));
    assert_eq!(exists, json!({"exists": true}));
    room.ok(&format!("storage blob delete {own} --delete-snapshots include"));
}

#[test]
fn each_version_has_its_key() {
    let room = stocked();
    room.ok("storage account blob-service-properties update -n acc --enable-versioning");
    let upload = format!("storage blob upload {FILES} -f file -n own --overwrite");
    let id = |key: &str| at(&room.ok(&format!("{upload} {key}")), "/version_id");
    let (first, second) = (id(KEY), id("--encryption-key-file other"));
    for (id, key, is_current) in [(first, "key", false), (second, "other", true)] {
        let id = id.as_str().unwrap();
        let show = format!("storage blob show {FILES} -n own --version-id {id} --encryption-key-file");
        assert_eq!(
            at(&room.ok(&format!("{show} {key}")), "/isCurrentVersion"),
            is_current
        );
    }
}

#[test]
fn every_type_of_blob_is_uploaded_under_the_key() {
    let room = stocked();
    fs::write(room.path("pages"), vec![5; 1024]).unwrap();
    let upload = format!("storage blob upload {FILES}");
    for (name, file, kind) in [("log", "file", "append"), ("disk", "pages", "page")] {
        let line = format!("{upload} -n {name} -f {file} --type {kind}");
        let made = room.ok(&format!("{line} {KEY}"));
        assert_eq!(at(&made, "/encryption_key_sha256"), SHA256, "{kind}");
        room.fails(
            &format!("storage blob download {FILES} -n {name} -f out"),
            1,
            MISSING,
        );
    }
    room.fails(&format!("{upload} -n log -f file --type append"), 1, MISSING);
    room.ok(&format!("{upload} -n log -f file --type append {KEY}"));
    check_content(&room, "log", KEY, "contentcontent");
    fs::write(room.path("empty"), "").unwrap();
    room.ok(&format!("{upload} -n log -f empty --type append {KEY}"));
    let shown = room.ok(&format!("storage blob show {FILES} -n disk {KEY}"));
    let pages = at(&shown, "/properties/pageRanges");
    assert_eq!(pages, json!([[{"start": 0, "end": 1023}], []]));
}

#[test]
fn batches_use_the_key_where_it_belongs() {
    let room = stocked();
    fs::create_dir_all(room.path("in/sub")).unwrap();
    fs::write(room.path("in/sub/a"), "a").unwrap();
    room.ok(&format!("storage blob upload-batch {ACC} -d files -s in {KEY}"));
    fs::create_dir(room.path("back")).unwrap();
    let down = format!("storage blob download-batch {ACC} -s files -d back --overwrite");
    room.fails(&down, 1, MISSING);
    room.ok(&format!("{down} {KEY}"));
    for (name, want) in [("own", "content"), ("plain", "content"), ("sub/a", "a")] {
        let got = fs::read_to_string(room.path("back").join(name)).unwrap();
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn a_blob_is_rewritten_under_another_key() {
    let room = stocked();
    let address = |name: &str| format!("-u https://acc.blob.core.windows.net/files/{name}");
    let rewrite = |name: &str| format!("storage blob rewrite {FILES} -n own {}", address(name));
    let source = "--source-encryption-key-file";
    room.fails(&rewrite("own"), 1, MISSING);
    room.fails(&format!("{} {source} other", rewrite("own")), 1, OTHER);
    let moved = format!(
        "{} {source} key --encryption-key-file other --metadata a=b --tags t=1",
        rewrite("own")
    );
    let sha256 = at(&room.ok(&moved), "/encryption_key_sha256");
    assert!(sha256.is_string() && sha256 != SHA256);
    room.fails(&format!("storage blob show {FILES} -n own {KEY}"), 1, OTHER);
    check_content(&room, "own", "--encryption-key-file other", "content");
    let shown = room.ok(&format!(
        "storage blob show {FILES} -n own --encryption-key-file other --query [metadata,tagCount]"
    ));
    assert_eq!(shown, json!([{"a": "b"}, 1]));
    room.ok(&format!(
        "storage account encryption-scope create {ACC} -n tenant"
    ));
    let scoped = format!("{} {source} other --encryption-scope tenant", rewrite("own"));
    assert_eq!(at(&room.ok(&scoped), "/encryption_scope"), "tenant");
    check_content(&room, "own", "", "content");
    let near = format!("storage blob rewrite {FILES} -n near --source-container files --source-blob own");
    room.ok(&format!("{near} --tier Cool"));
    check_content(&room, "near", "", "content");
    for (options, code) in [
        ("--if-none-match *", "BlobAlreadyExists"),
        ("--source-if-match 0x1", "SourceConditionNotMet"),
        ("--source-tags-condition \"a\"='b'", "SourceConditionNotMet"),
    ] {
        room.fails(&format!("{near} {options}"), 1, code);
    }
    room.fails(
        &format!("storage blob rewrite {FILES} -n x"),
        2,
        "RequiredArgumentMissingError",
    );
}

#[test]
fn a_copy_is_made_from_one_key_to_another() {
    let room = stocked();
    let source = "--source-encryption-key-file key";
    // A key that came with the command is not kept: the copy is done at once, asked for or not.
    for how in ["", "--requires-sync"] {
        let start = |name: &str, from: &str, keys: &str| {
            format!(
                "storage blob copy start {ACC} -c files -b {name}{how} --source-container files \
                 --source-blob {from} {how} {keys}"
            )
        };
        room.fails(&start("same", "own", ""), 1, MISSING);
        for (name, from, keys, opens) in [
            ("same", "own", source.to_owned(), KEY),
            ("sealed", "plain", KEY.to_owned(), KEY),
            ("moved", "own", format!("{source} {OTHER_KEY}"), OTHER_KEY),
        ] {
            room.ok(&start(name, from, &keys));
            check_content(&room, &format!("{name}{how}"), opens, "content");
        }
    }
}

#[test]
fn a_key_file_is_private_and_holds_a_key() {
    let room = stocked();
    let show = format!("storage blob show {FILES} -n own");
    private(&room, "short", &[7; 31]);
    private(&room, "long", &[7; 4096]);
    private(&room, "text", b"00112233445566778899aabbccddeeff");
    let cases = [
        ("short", 2, "InvalidArgumentValueError"),
        ("long", 2, "InvalidArgumentValueError"),
        ("text", 2, "InvalidArgumentValueError"),
        ("none", 3, "FileNotFound"),
        (".", 1, "IsADirectory"),
    ];
    for (file, exit, code) in cases {
        room.fails(&format!("{show} --encryption-key-file {file}"), exit, code);
    }
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(room.path("key"), fs::Permissions::from_mode(mode)).unwrap();
        room.fails(&format!("{show} {KEY}"), 1, "KeyFileOpenToOthers");
    }
    room.fails(
        &format!("storage blob upload {FILES} -f file -n x {KEY} --encryption-scope s"),
        2,
        "MutuallyExclusiveArgumentError",
    );
}

#[test]
fn a_pipe_is_read_once() {
    let room = stocked();
    fs::create_dir(room.path("in")).unwrap();
    fs::create_dir(room.path("back")).unwrap();
    for name in ["a", "b"] {
        fs::write(room.path("in").join(name), name).unwrap();
    }
    let key = "--encryption-key-file /dev/stdin";
    let piped = |line: &str| room.fed(line, &[7; 32]).exits(0);
    piped(&format!("storage blob upload-batch {ACC} -d files -s in {key}"));
    piped(&format!(
        "storage blob upload {FILES} -n log -f file --type append {key}"
    ));
    piped(&format!(
        "storage blob download-batch {ACC} -s files -d back {key}"
    ));
    for (name, want) in [("a", "a"), ("b", "b"), ("log", "content")] {
        let got = fs::read_to_string(room.path("back").join(name)).unwrap();
        assert_eq!(got, want, "{name}");
    }
}
