//! `init --engine` chooses what keeps the records; every later command finds it by itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use support::{Room, at};

#[track_caller]
fn check(option: &str, engine: &str) {
    let room = Room::new();
    let made = room.ok(&format!("init {option}"));
    let data = std::path::PathBuf::from(at(&made, "/data").as_str().unwrap());
    let marker = fs::read_to_string(data.join("engine/ENGINE")).unwrap();
    assert!(
        marker.starts_with(&format!("strongroom-engine {engine} ")),
        "{marker}"
    );
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok("storage container create --account-name acc -n files");
    fs::write(room.path("a.txt"), "hello").unwrap();
    room.ok("storage blob upload --account-name acc --container-name files -f a.txt");
    room.ok("storage blob download --account-name acc --container-name files -n a.txt -f out");
    assert_eq!(fs::read_to_string(room.path("out")).unwrap(), "hello");
    // Again, for another engine: the store that is there keeps to its own.
    room.ok("init --engine sled");
    assert_eq!(fs::read_to_string(data.join("engine/ENGINE")).unwrap(), marker);
}

#[test]
fn sled_unless_told_otherwise() {
    check("", "sled");
    check("--engine sled", "sled");
}

#[cfg(feature = "fjall")]
#[test]
fn fjall() {
    check("--engine fjall", "fjall");
}
