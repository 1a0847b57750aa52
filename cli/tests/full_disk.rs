//! A disk that takes no more: a clear error, nothing half done, and everything acknowledged is still there.
//!
//! A limit on the size of files stands in for the full disk: with its signal ignored, a write beyond it fails
//! as on a file system without space.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;
use std::process::Command;

use support::Room;

const FILES: &str = "--account-name acc --container-name files";
/// What `ulimit -f` counts in, as POSIX has it.
const BLOCK_BYTES: u64 = 512;
/// Room that the engine's file still has.
const SPACE_BYTES: u64 = 4 << 20;

/// Bytes that do not repeat, so that nothing can be saved by recognising them.
fn content(length: u64) -> Vec<u8> {
    (0..length)
        .map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8)
        .collect()
}

fn size_of_the_largest_file(room: &Room) -> u64 {
    let files = fs::read_dir(room.path("strongroom-data/engine/sled")).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .max()
        .unwrap()
}

#[test]
fn a_disk_without_space_refuses_and_loses_nothing() {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok("storage container create --account-name acc -n files");
    fs::write(room.path("small"), content(100_000)).unwrap();
    fs::write(room.path("large"), content(64 << 20)).unwrap();
    room.ok(&format!("storage blob upload {FILES} -n kept -f small"));

    let blocks = (size_of_the_largest_file(&room) + SPACE_BYTES) / BLOCK_BYTES;
    let output = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f "$1"; shift; exec "$@""#, "sh"])
        .arg(blocks.to_string())
        .arg(env!("CARGO_BIN_EXE_strongroom"))
        .args(format!("storage blob upload {FILES} -n large -f large").split(' '))
        .current_dir(room.path(""))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("ERROR: ("), "{stderr}");

    room.fails(&format!("storage blob show {FILES} -n large"), 3, "BlobNotFound");
    room.ok(&format!("storage blob download {FILES} -n kept -f out"));
    assert_eq!(fs::read(room.path("out")).unwrap(), content(100_000));
    room.ok("scrub");
    room.ok(&format!("storage blob upload {FILES} -n large -f large"));
    room.ok(&format!("storage blob download {FILES} -n large -f out2"));
    assert_eq!(fs::read(room.path("out2")).unwrap(), content(64 << 20));
}
