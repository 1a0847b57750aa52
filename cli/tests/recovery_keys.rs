//! A recovery key on the command line: set, shown, used when the vaults are gone, removed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use support::{Room, at};

/// A key that is published with the sources, and therefore worthless.
fn private_key() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../keyvault/tests/keys/rsa2048-3.pkcs8.der")
}

#[test]
fn an_account_is_taken_back_when_its_vaults_are_gone() {
    let room = Room::with_store();
    room.ok("storage account create --name photos -g rg --assign-identity");
    room.ok("keyvault create --name safe -g rg");
    let private = private_key().display().to_string();
    // The public part, by way of the vault.
    room.ok(&format!(
        "keyvault key import --vault-name safe --name spare --pem-file {private}"
    ));
    room.ok("keyvault key download --vault-name safe --name spare --file spare.pem");
    let of = "--name photos";
    assert_eq!(
        room.ok(&format!("storage account recovery-key show {of}")),
        Value::Null
    );
    let set = room.ok(&format!(
        "storage account recovery-key set {of} --public-key-file spare.pem"
    ));
    let shown = room.ok("storage account show --name photos");
    assert_eq!(at(&shown, "/encryption/recoveryKey"), set);
    assert_eq!(at(&set, "/fingerprint").as_str().map(str::len), Some(64));
    room.ok("storage account encryption-scope create --account-name photos --name tenant");
    let scoped = room.ok(&format!(
        "storage account recovery-key set {of} --encryption-scope tenant --public-key-file spare.pem"
    ));
    assert_eq!(at(&scoped, "/fingerprint"), at(&set, "/fingerprint"));

    fs::remove_dir_all(room.path("strongroom-data/vaults")).unwrap();
    fs::copy(&private, room.path("offline.der")).unwrap();
    let allow = |file, mode| {
        fs::set_permissions(room.path(file), fs::Permissions::from_mode(mode)).unwrap();
    };
    allow("spare.pem", 0o600);
    let private = "offline.der";
    let using = format!("storage account recovery-key use {of} --private-key-file");
    room.fails(
        &format!("{using} spare.pem --encryption-key-source Microsoft.Storage"),
        1,
        "BadParameter",
    );
    room.fails(
        &format!("{using} {private} --encryption-key-source Microsoft.Keyvault"),
        2,
        "RequiredArgumentMissingError",
    );
    for mode in [0o644, 0o640, 0o602] {
        allow(private, mode);
        room.fails(
            &format!("{using} {private} --encryption-key-source Microsoft.Storage"),
            1,
            "KeyFileOpenToOthers",
        );
    }
    allow(private, 0o600);
    let used = room.ok(&format!(
        "{using} {private} --encryption-key-source Microsoft.Storage"
    ));
    assert!(at(&used, "/lastUsed").is_string());
    room.ok(&format!("storage account recovery-key remove {of}"));
    assert_eq!(
        room.ok(&format!("storage account recovery-key show {of}")),
        Value::Null
    );
    room.fails(
        &format!("{using} {private} --encryption-key-source Microsoft.Storage"),
        3,
        "RecoveryKeyNotFound",
    );
}
