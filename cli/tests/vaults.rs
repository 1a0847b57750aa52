//! Vaults and keys through the command line: shapes as in `az`, rules as in the vault.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use serde_json::{Value, json};
use support::{Room, at};

const CREATE: &str =
    "keyvault create --name v-1 -g rg -l eastus --enable-soft-delete true --enable-purge-protection";

#[test]
fn a_vault_has_the_shape_of_az() {
    let room = Room::with_store();
    let vault = room.ok(CREATE);
    assert_eq!(at(&vault, "/name"), "v-1");
    assert_eq!(at(&vault, "/location"), "eastus");
    assert_eq!(at(&vault, "/resourceGroup"), "rg");
    assert_eq!(at(&vault, "/properties/enableSoftDelete"), true);
    assert_eq!(at(&vault, "/properties/enablePurgeProtection"), true);
    assert_eq!(at(&vault, "/properties/softDeleteRetentionInDays"), 90);
    let uri = at(&vault, "/properties/vaultUri");
    assert!(
        uri.as_str().unwrap().starts_with("https://v-1.vault.azure.net"),
        "{uri}"
    );
    assert_eq!(room.ok("keyvault show --name v-1"), vault);
    assert_eq!(room.ok("keyvault list --query [].name"), json!(["v-1"]));
}

#[test]
fn policies_are_granted_and_taken() {
    let room = Room::with_store();
    room.ok(CREATE);
    let id = "6a3e9a8e-0000-4000-8000-000000000001";
    room.ok(&format!(
        "keyvault set-policy --name v-1 --object-id {id} --key-permissions GET wrapkey unwrapKey"
    ));
    let query = format!("--query properties.accessPolicies[?objectId=='{id}'].permissions.keys[]");
    assert_eq!(
        room.ok(&format!("keyvault show --name v-1 {query}")),
        json!(["get", "unwrapKey", "wrapKey"])
    );
    room.ok(&format!("keyvault delete-policy --name v-1 --object-id {id}"));
    assert_eq!(room.ok(&format!("keyvault show --name v-1 {query}")), json!([]));
}

#[test]
fn a_key_has_versions_oldest_first() {
    let room = Room::with_store();
    room.ok(CREATE);
    let kids: Vec<Value> = (0..3)
        .map(|_| {
            at(
                &room.ok("keyvault key create --vault-name v-1 --name k"),
                "/key/kid",
            )
        })
        .collect();
    assert_eq!(
        room.ok("keyvault key list-versions --vault-name v-1 -n k --query [].kid"),
        json!(kids)
    );
    assert_eq!(
        at(&room.ok("keyvault key show --vault-name v-1 -n k"), "/key/kid"),
        kids[2]
    );
    let first = kids[0].as_str().unwrap();
    assert_eq!(
        at(&room.ok(&format!("keyvault key show --id {first}")), "/key/kid"),
        kids[0]
    );
    let list = room.ok("keyvault key list --vault-name v-1");
    assert_eq!(at(&list, "/0/attributes/enabled"), true);
    assert_eq!(at(&list, "/0/name"), "k");
}

#[test]
fn attributes_belong_to_one_version() {
    let room = Room::with_store();
    room.ok(CREATE);
    let first = at(
        &room.ok("keyvault key create --vault-name v-1 --name k"),
        "/key/kid",
    );
    room.ok("keyvault key create --vault-name v-1 --name k");
    let set = format!(
        "keyvault key set-attributes --id {} --enabled false --expires 2040-01-01T00:00:00Z",
        first.as_str().unwrap()
    );
    let changed = room.ok(&set);
    assert_eq!(at(&changed, "/attributes/enabled"), false);
    assert_eq!(at(&changed, "/attributes/expires"), "2040-01-01T00:00:00+00:00");
    let enabled = room.ok("keyvault key list-versions --vault-name v-1 -n k --query [].attributes.enabled");
    assert_eq!(enabled, json!([false, true]));
}

#[test]
fn deleted_keys_come_back_and_protected_ones_stay() {
    let room = Room::with_store();
    room.ok(CREATE);
    room.ok("keyvault key create --vault-name v-1 --name k");
    let deleted = room.ok("keyvault key delete --vault-name v-1 --name k");
    assert_eq!(
        at(&deleted, "/recoveryId"),
        "https://v-1.vault.azure.net/deletedkeys/k"
    );
    room.fails("keyvault key show --vault-name v-1 --name k", 3, "KeyNotFound");
    room.fails("keyvault key purge --vault-name v-1 --name k", 1, "Forbidden");
    assert_eq!(
        room.ok("keyvault key list-deleted --vault-name v-1 --query [].name"),
        json!(["k"])
    );
    room.ok("keyvault key recover --vault-name v-1 --name k");
    room.ok("keyvault key show --vault-name v-1 --name k");
}

#[test]
fn deleted_vaults_come_back() {
    let room = Room::with_store();
    room.ok(CREATE);
    room.ok("keyvault delete --name v-1");
    room.fails("keyvault show --name v-1", 3, "ResourceNotFound");
    assert_eq!(room.ok("keyvault list-deleted --query [].name"), json!(["v-1"]));
    room.fails(CREATE, 1, "VaultAlreadyExists");
    room.ok("keyvault recover --name v-1");
    room.ok("keyvault show --name v-1");
}

#[test]
fn values_go_through_a_key_and_back() {
    let room = Room::with_store();
    room.ok(CREATE);
    room.ok("keyvault key create --vault-name v-1 --name k");
    let key = "--vault-name v-1 --name k";
    let sealed = room.ok(&format!(
        "keyvault key encrypt {key} -a RSA-OAEP-256 --value hello --data-type plaintext --query result"
    ));
    let open = format!(
        "keyvault key decrypt {key} -a RSA-OAEP-256 --data-type plaintext --value {}",
        sealed.as_str().unwrap()
    );
    assert_eq!(at(&room.ok(&open), "/result"), "hello");
    let digest = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let signature = room.ok(&format!(
        "keyvault key sign {key} -a PS256 --digest {digest} --query signature"
    ));
    let verify = format!(
        "keyvault key verify {key} -a PS256 --digest {digest} --signature {}",
        signature.as_str().unwrap()
    );
    assert_eq!(at(&room.ok(&verify), "/isValid"), true);
}

#[test]
fn backups_and_public_keys_go_to_files() {
    let room = Room::with_store();
    room.ok(CREATE);
    room.ok("keyvault key create --vault-name v-1 --name k");
    room.ok("keyvault key backup --vault-name v-1 --name k --file k.backup");
    room.fails(
        "keyvault key backup --vault-name v-1 --name k --file k.backup",
        1,
        "FileExists",
    );
    room.fails(
        "keyvault key restore --vault-name v-1 --file k.backup",
        1,
        "Conflict",
    );
    room.ok("keyvault key download --vault-name v-1 --name k --file k.pem");
    assert!(
        std::fs::read_to_string(room.path("k.pem"))
            .unwrap()
            .starts_with("-----BEGIN PUBLIC KEY-----")
    );
}

#[test]
fn the_audit_log_is_whole_and_names_operations() {
    let room = Room::with_store();
    room.ok(CREATE);
    room.ok("keyvault key create --vault-name v-1 --name k");
    let names = room.ok("keyvault audit --name v-1 --query [].operationName");
    assert!(names.as_array().unwrap().contains(&json!("KeyCreate")), "{names}");
    room.ok("keyvault audit --name v-1 --verify");
}

#[test]
fn bad_vaults_and_keys_are_refused() {
    let room = Room::with_store();
    room.ok(CREATE);
    std::fs::write(
        room.path("garbage.pem"),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    let cases = [
        ("keyvault create --name x -g g -l eastus", 1, "VaultNameNotValid"),
        (
            "keyvault create --name v-1 -g g -l eastus",
            1,
            "VaultAlreadyExists",
        ),
        (
            "keyvault create --name v-2 -g g -l eastus --retention-days 6",
            1,
            "BadParameter",
        ),
        (
            "keyvault update --name v-1 --enable-purge-protection false",
            1,
            "BadParameter",
        ),
        ("keyvault show --name nobody", 3, "ResourceNotFound"),
        (
            "keyvault set-policy --name v-1 --object-id 1 --key-permissions fly",
            1,
            "BadParameter",
        ),
        (
            "keyvault key create --vault-name v-1 --name k --size 1024",
            1,
            "BadParameter",
        ),
        (
            "keyvault key create --vault-name v-1 --name k --kty EC",
            1,
            "BadParameter",
        ),
        (
            "keyvault key create --vault-name v-1 --name k_k",
            1,
            "BadParameter",
        ),
        (
            "keyvault key create --vault-name v-1 --name k --kty RSA-HSM",
            1,
            "SkuNotSupported",
        ),
        (
            "keyvault key create --vault-name nobody --name k",
            3,
            "ResourceNotFound",
        ),
        (
            "keyvault key show --vault-name v-1 --name nothing",
            3,
            "KeyNotFound",
        ),
        (
            "keyvault key import --vault-name v-1 --name k --pem-file garbage.pem",
            1,
            "BadParameter",
        ),
        (
            "keyvault key import --vault-name v-1 --name k --pem-file missing.pem",
            3,
            "FileNotFound",
        ),
    ];
    for (line, exit, code) in cases {
        room.fails(line, exit, code);
    }
}
