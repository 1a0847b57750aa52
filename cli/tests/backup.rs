//! Backup and restore as they are typed: a store and its vaults, elsewhere again, with everything in them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use support::{Room, at};

const FILES: &str = "--account-name acc --container-name files";

fn room() -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok("storage container create --account-name acc -n files");
    fs::write(room.path("large"), vec![7; 300_000]).unwrap();
    room.ok(&format!("storage blob upload {FILES} -n large -f large"));
    room.ok("keyvault create -n safe -g rg -l eastus");
    room.ok("keyvault key create --vault-name safe -n k");
    room
}

#[test]
fn a_store_and_its_vaults_come_back_elsewhere() {
    let room = room();
    let made = room.ok("backup --to monday");
    assert_eq!(at(&made, "/accountCount"), 1);
    assert!(at(&made, "/chunks").as_u64().unwrap() >= 5);
    let vaults = room.ok("keyvault backup --to vaults-monday");
    assert_eq!(at(&vaults, "/vaultCount"), 1);
    room.ok(&format!("storage blob delete {FILES} -n large"));

    let keys = "--host-key strongroom-data.key --vault-key strongroom-data/vaults.key";
    let again = format!("--data again {keys}");
    let restored = room.ok(&format!("restore --from monday --placement files {again}"));
    assert_eq!(at(&restored, "/bytes"), at(&made, "/bytes"));
    assert!(room.path("again/bodies").is_dir());
    room.ok(&format!("keyvault restore --from vaults-monday {again}"));
    room.ok(&format!("storage blob download {FILES} -n large -f out {again}"));
    assert_eq!(fs::read(room.path("out")).unwrap(), vec![7; 300_000]);
    room.ok(&format!("scrub {again}"));
    let log = room.ok(&format!("keyvault audit -n safe {again}"));
    let last = log.as_array().unwrap().last().unwrap();
    assert_eq!(at(last, "/operationName"), "VaultRestore");
}

#[test]
fn what_cannot_be_done_is_said_in_two_lines() {
    let room = room();
    room.ok("backup --to monday");
    room.fails("backup --to monday", 1, "DirectoryNotEmpty");
    room.fails("backup --to strongroom-data/inside", 1, "DestinationInsideStore");
    room.fails("restore --from monday", 1, "AlreadyInitialised");
    let elsewhere = "--data again --host-key strongroom-data.key";
    room.fails(&format!("restore --from nowhere {elsewhere}"), 3, "NotABackup");
    let path = room.path("monday/records/00000000");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    room.fails(&format!("restore --from monday {elsewhere}"), 1, "BackupDamaged");
    assert!(!room.path("again").exists());
}
