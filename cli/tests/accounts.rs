//! Accounts, identities and encryption settings through the command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use serde_json::{Value, json};
use support::{Room, at};

/// A room with account `acc`, vault `v-1`, key `k` and a grant.
fn granted() -> Room {
    let room = Room::with_store();
    let account = room.ok("storage account create -n acc -g rg -l eastus --assign-identity");
    let id = at(&account, "/identity/principalId");
    room.ok("keyvault create --name v-1 -g rg -l eastus --enable-soft-delete --enable-purge-protection");
    room.ok("keyvault key create --vault-name v-1 --name k");
    let id = id.as_str().unwrap();
    room.ok(&format!(
        "keyvault set-policy --name v-1 --object-id {id} --key-permissions get wrapKey unwrapKey"
    ));
    room
}

const ENABLE: &str = "storage account update -n acc --encryption-key-source Microsoft.Keyvault \
                      --encryption-key-vault https://v-1.vault.azure.net --encryption-key-name k";

#[test]
fn a_new_account_is_under_platform_keys() {
    let room = Room::with_store();
    let account =
        room.ok("storage account create --name acc -g rg -l eastus --encryption-key-type-for-queue account");
    assert_eq!(at(&account, "/name"), "acc");
    assert_eq!(at(&account, "/kind"), "StorageV2");
    assert_eq!(at(&account, "/encryption/keySource"), "Microsoft.Storage");
    let types: Vec<Value> = ["blob", "file", "queue", "table"]
        .iter()
        .map(|service| at(&account, &format!("/encryption/services/{service}/keyType")))
        .collect();
    assert_eq!(json!(types), json!(["Account", "Account", "Account", "Service"]));
    assert_eq!(room.ok("storage account show -n acc"), account);
    assert_eq!(room.ok("storage account list --query [].name"), json!(["acc"]));
    room.ok("storage account delete -n acc --yes");
    room.fails("storage account show -n acc", 3, "ResourceNotFound");
}

#[test]
fn enabling_shows_the_key_in_use() {
    let room = granted();
    let account = room.ok(ENABLE);
    assert_eq!(at(&account, "/encryption/keySource"), "Microsoft.Keyvault");
    let properties = at(&account, "/encryption/keyVaultProperties");
    assert_eq!(at(&properties, "/keyName"), "k");
    assert_eq!(at(&properties, "/keyVersion"), "");
    let kid = room.ok("keyvault key show --vault-name v-1 -n k --query key.kid");
    assert_eq!(at(&properties, "/currentVersionedKeyIdentifier"), kid);
    assert!(
        at(&properties, "/lastKeyRotationTimestamp")
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    let disabled = room.ok("storage account update -n acc --encryption-key-source Microsoft.Storage");
    assert_eq!(at(&disabled, "/encryption/keySource"), "Microsoft.Storage");
}

#[test]
fn a_move_between_tenants_drops_the_identity() {
    let room = granted();
    room.ok(ENABLE);
    room.ok("storage container create --account-name acc -n files");
    room.ok("storage account move -n acc --tenant 11111111-2222-4333-8444-555555555555");
    assert_eq!(
        room.ok("storage account show -n acc --query identity.principalId"),
        Value::Null
    );
    room.fails(
        "storage blob show --account-name acc -c files -n x",
        1,
        "KeyVaultAccessTokenCannotBeAcquired",
    );
}

#[test]
fn a_missing_permission_is_named() {
    let room = granted();
    let id = room.ok("storage account show -n acc --query identity.principalId");
    let id = id.as_str().unwrap();
    room.ok(&format!(
        "keyvault set-policy --name v-1 --object-id {id} --key-permissions get unwrapKey"
    ));
    let ran = room.run(ENABLE);
    ran.exits(1);
    assert!(
        ran.stderr()
            .starts_with("ERROR: (KeyVaultAuthenticationFailure) ")
            && ran.stderr().contains("wrapKey")
    );
}

#[test]
fn bad_accounts_and_settings_are_refused() {
    let room = granted();
    room.ok("storage account create -n bare -g rg -l eastus");
    room.ok("storage account create -n west -g rg -l westus --assign-identity");
    room.ok("keyvault create --name soft -g rg -l eastus");
    room.ok("keyvault key create --vault-name soft --name k");
    let enable = |account: &str, vault: &str, more: &str| {
        format!(
            "storage account update -n {account} --encryption-key-source Microsoft.Keyvault --encryption-key-vault \
             https://{vault}.vault.azure.net {more}"
        )
    };
    let cases = [
        (
            "storage account create -n Ab -g g -l eastus".into(),
            1,
            "StorageAccountNameNotValid",
        ),
        (
            "storage account create -n acc -g g -l eastus".into(),
            1,
            "StorageAccountAlreadyTaken",
        ),
        (
            "storage account update -n nobody --assign-identity".into(),
            3,
            "ResourceNotFound",
        ),
        (
            "storage account update -n acc".into(),
            2,
            "RequiredArgumentMissingError",
        ),
        (
            "storage account update -n acc --encryption-key-name k".into(),
            2,
            "RequiredArgumentMissingError",
        ),
        (enable("acc", "v-1", ""), 2, "RequiredArgumentMissingError"),
        (
            enable("acc", "soft", "--encryption-key-name k"),
            1,
            "KeyVaultPolicyError",
        ),
        (
            enable("acc", "v-1", "--encryption-key-name nothing"),
            3,
            "KeyNotFound",
        ),
    ];
    for (line, exit, code) in cases {
        room.fails(&line, exit, code);
    }
    for account in ["bare", "west"] {
        room.run(&enable(account, "v-1", "--encryption-key-name k"))
            .exits(1);
        let source = room.ok(&format!(
            "storage account show -n {account} --query encryption.keySource"
        ));
        assert_eq!(source, "Microsoft.Storage");
    }
}

#[test]
fn without_its_vaults_an_account_keeps_what_needs_no_key() {
    let room = granted();
    room.ok("storage container create --account-name acc -n files");
    std::fs::write(room.path("a.txt"), "a").unwrap();
    room.ok("storage blob upload --account-name acc -c files -f a.txt");
    room.ok(ENABLE);
    let list = "storage blob list --account-name acc -c files --vaults elsewhere";
    room.fails(&format!("{list} --include m"), 1, "KeyVaultVaultNotFound");
    assert_eq!(room.ok(&format!("{list} --query [].name")), json!(["a.txt"]));
    assert_eq!(
        room.ok("storage account show -n acc --vaults elsewhere --query name"),
        "acc"
    );
    assert_eq!(
        room.ok("scrub --account-name acc --vaults elsewhere --query locked"),
        1
    );
    assert_eq!(room.ok("scrub --query [blobs,locked]"), json!([1, 0]));
    assert!(!room.path("elsewhere").exists());
}
