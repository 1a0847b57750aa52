//! The tour on real files: every one verified, rotation without one content byte, the documented refusals.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use serde_json::Value;
use support::Room;

fn with_files() -> Room {
    let room = Room::new();
    for (name, bytes) in [
        ("docs/a.txt", 10),
        ("docs/sub/b.bin", 300_000),
        ("docs/empty", 0),
        ("docs/.git/config", 5),
    ] {
        fs::create_dir_all(room.path(name).parent().unwrap()).unwrap();
        fs::write(room.path(name), vec![7_u8; bytes]).unwrap();
    }
    room
}

fn numbers(report: &Value, field: &str) -> Vec<u64> {
    report["rotations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rotation| rotation[field].as_u64().unwrap())
        .collect()
}

#[test]
fn every_file_comes_back_and_rotation_writes_no_content() {
    let room = with_files();
    let report = room.ok("tour docs -o json");
    assert_eq!(
        (&report["files"], &report["bytes"], &report["verified"]),
        (&3.into(), &300_010.into(), &3.into())
    );
    assert!(numbers(&report, "storedBytes").len() >= 3);
    assert!(
        numbers(&report, "chunkBytesWritten")
            .iter()
            .all(|&bytes| bytes == 0)
    );
    let mut written = numbers(&report, "bytesWritten");
    written.dedup();
    assert_eq!(written.len(), 1, "each rotation writes the same: {written:?}");
    assert!(numbers(&report, "syncs").iter().all(|&syncs| syncs <= 2));
    let refused = report["refused"].as_array().unwrap();
    assert!(refused.len() >= 12, "{refused:#?}");
    assert!(
        refused
            .iter()
            .all(|refusal| refusal["code"] == "KeyVaultEncryptionKeyNotFound")
    );
    assert!(!report["allowed"].as_array().unwrap().is_empty());
}

#[test]
fn a_second_tour_leaves_the_first_one_alone() {
    let room = with_files();
    let first = room.ok("tour docs/a.txt -o json");
    let second = room.ok("tour docs/a.txt -o json");
    assert_ne!(first["account"], second["account"]);
    let account = first["account"].as_str().unwrap();
    let names = room.ok(&format!(
        "storage blob list --account-name {account} -c files --query [].name"
    ));
    assert_eq!(names, serde_json::json!(["a.txt"]));
}

#[test]
fn the_default_is_the_current_directory_without_the_store() {
    let room = with_files();
    room.ok("tour docs/a.txt -o none");
    let report = room.ok("tour -o json");
    assert_eq!(report["files"], 3);
}

#[test]
fn a_person_gets_a_story() {
    let room = with_files();
    let ran = room.run("tour docs");
    ran.exits(0);
    assert!(ran.stdout().contains("3 of 3 files"), "{}", ran.stdout());
    assert!(
        ran.stdout().contains("each of them wrote the same "),
        "{}",
        ran.stdout()
    );
    assert_eq!(ran.stderr(), "");
}

#[test]
fn nothing_to_store_is_said_before_anything_is_made() {
    let room = Room::new();
    fs::create_dir(room.path("empty")).unwrap();
    room.fails("tour empty", 3, "FileNotFound");
    room.fails("tour missing", 3, "FileNotFound");
    assert!(!room.path("strongroom-data").exists());
}
