//! Encryption scopes and infrastructure encryption in the words of `az`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Room, at};

const SCOPE: &str = "storage account encryption-scope";
const BLOB: &str = "--account-name acc --container-name files -n";

fn stocked() -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus --assign-identity");
    room.ok("storage account create -n twice -g rg -l eastus --require-infrastructure-encryption");
    room.ok("keyvault create -n safe -g rg -l eastus --enable-purge-protection");
    let shown = room.ok("storage account show -n acc");
    let principal = at(&shown, "/identity/principalId");
    let policy = format!(
        "keyvault set-policy -n safe --object-id {} --key-permissions get wrapKey unwrapKey",
        principal.as_str().unwrap()
    );
    room.ok(&policy);
    fs::write(room.path("file"), "content").unwrap();
    room
}

fn state(room: &Room) -> Value {
    let shown = room.ok(&format!("{SCOPE} show --account-name acc -n tenant-1"));
    json!([at(&shown, "/state"), at(&shown, "/source")])
}

#[test]
fn a_scope_lives_in_the_words_of_az() {
    let room = stocked();
    let made = room.ok(&format!("{SCOPE} create --account-name acc -n tenant-1"));
    assert_eq!(at(&made, "/requireInfrastructureEncryption"), false);
    assert!(
        at(&made, "/id")
            .as_str()
            .unwrap()
            .ends_with("/storageAccounts/acc/encryptionScopes/tenant-1")
    );
    room.fails(
        &format!("{SCOPE} create --account-name acc -n tenant-1"),
        1,
        "EncryptionScopeAlreadyExists",
    );
    room.ok("storage container create --account-name acc -n files -d tenant-1 -p");
    room.ok(&format!("storage blob upload {BLOB} a -f file"));
    let shown = room.ok(&format!("storage blob show {BLOB} a"));
    assert_eq!(at(&shown, "/encryptionScope"), "tenant-1");
    let shown = room.ok("storage container show --account-name acc -n files");
    assert_eq!(at(&shown, "/defaultEncryptionScope"), "tenant-1");
    assert_eq!(at(&shown, "/encryptionScopeOverridePrevented"), true);
    room.ok(&format!("{SCOPE} create --account-name acc -n tenant-2"));
    room.fails(
        &format!("storage blob upload {BLOB} b -f file --encryption-scope tenant-2"),
        1,
        "RequestForbiddenByContainerEncryptionPolicy",
    );

    let key = room.ok("keyvault key create --vault-name safe -n k");
    let uri = at(&key, "/key/kid");
    let update = format!("{SCOPE} update --account-name acc -n tenant-1");
    let customer = format!("{update} -s Microsoft.KeyVault -u {}", uri.as_str().unwrap());
    let shown = room.ok(&customer);
    assert_eq!(at(&shown, "/keyVaultProperties/keyUri"), uri);
    assert_eq!(state(&room), json!(["Enabled", "Microsoft.KeyVault"]));
    room.ok(&format!("{update} --state Disabled"));
    assert_eq!(state(&room), json!(["Disabled", "Microsoft.KeyVault"]));
    room.fails(
        &format!("storage blob show {BLOB} a"),
        1,
        "EncryptionScopeDisabled",
    );
    room.ok(&format!("{update} --state Enabled -s Microsoft.Storage"));
    assert_eq!(state(&room), json!(["Enabled", "Microsoft.Storage"]));
    room.ok(&format!("storage blob show {BLOB} a"));
    let listed = room.ok(&format!("{SCOPE} list --account-name acc"));
    assert_eq!(
        (at(&listed, "/0/name"), at(&listed, "/1/name")),
        (json!("tenant-1"), json!("tenant-2"))
    );
    let cases = [
        (
            format!("{SCOPE} show --account-name acc -n none"),
            3,
            "EncryptionScopeNotFound",
        ),
        (update.clone(), 2, "RequiredArgumentMissingError"),
        (
            format!("{update} -s Microsoft.KeyVault"),
            2,
            "RequiredArgumentMissingError",
        ),
        (
            format!("{SCOPE} create --account-name acc -n No"),
            1,
            "InvalidResourceName",
        ),
    ];
    for (line, exit, code) in cases {
        room.fails(&line, exit, code);
    }
}

#[test]
fn every_append_names_the_scope() {
    let room = stocked();
    room.ok("storage container create --account-name acc -n files");
    for name in ["tenant-1", "tenant-2"] {
        room.ok(&format!("{SCOPE} create --account-name acc -n {name}"));
    }
    let append = format!("storage blob upload {BLOB} log -f file --type append --encryption-scope");
    for _ in 0..2 {
        let done = room.ok(&format!("{append} tenant-1"));
        assert_eq!(at(&done, "/encryption_scope"), "tenant-1");
    }
    room.fails(
        &format!("{append} tenant-2"),
        1,
        "BlobCustomerSpecifiedEncryptionMismatch",
    );
    fs::write(room.path("empty"), "").unwrap();
    let nothing = format!("storage blob upload {BLOB} log -f empty --type append");
    let done = room.ok(&format!("{nothing} --encryption-scope tenant-1"));
    assert_eq!(at(&done, "/encryption_scope"), "tenant-1");
    assert_eq!(at(&room.ok(&nothing), "/encryption_scope"), Value::Null);
    let shown = room.ok(&format!("storage blob show {BLOB} log"));
    assert_eq!(at(&shown, "/properties/contentLength"), 14);
}

#[test]
fn infrastructure_encryption_is_chosen_and_shown() {
    let room = stocked();
    let asked = |account: &str| {
        let shown = room.ok(&format!("storage account show -n {account}"));
        at(&shown, "/encryption/requireInfrastructureEncryption")
    };
    assert_eq!((asked("acc"), asked("twice")), (json!(false), json!(true)));
    let scope = room.ok(&format!("{SCOPE} create --account-name twice -n tenant-1"));
    assert_eq!(
        at(&scope, "/requireInfrastructureEncryption"),
        true,
        "the account's choice binds"
    );
    let scope = room.ok(&format!("{SCOPE} create --account-name acc -n double -i true"));
    assert_eq!(at(&scope, "/requireInfrastructureEncryption"), true);
}
