//! What is printed has the shape that scripts written for `az keyvault` expect.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Bench, key, vault};
use serde_json::{Value, json};
use strongroom_keyvault::view::{
    DeletedKeyItemView, DeletedKeyView, DeletedVaultView, IdentityView, KeyItemView, KeyView, VaultView,
};
use strongroom_keyvault::{NewKeyOptions, Retention};

fn value(view: &impl serde::Serialize) -> Value {
    serde_json::to_value(view).unwrap()
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.vault("bench", Retention::Protected { days: 90 });
    bench
}

#[test]
fn a_vault_shows_its_address_and_its_protections() {
    let bench = bench();
    let shown = value(&VaultView::from(
        &bench.store.show_vault(&bench.owner(), &vault("bench")).unwrap(),
    ));
    assert_eq!(shown["name"], "bench");
    assert_eq!(shown["location"], "westus");
    let properties = &shown["properties"];
    assert_eq!(properties["vaultUri"], "https://bench.vault.azure.net");
    assert_eq!(properties["enableSoftDelete"], true);
    assert_eq!(properties["enablePurgeProtection"], true);
    assert_eq!(properties["softDeleteRetentionInDays"], 90);
    assert_eq!(properties["tenantId"], bench.store.default_tenant().to_string());
    let policy = &properties["accessPolicies"][0];
    assert_eq!(policy["objectId"], bench.store.owner().to_string());
    assert_eq!(policy["permissions"]["keys"].as_array().unwrap().len(), 20);
}

#[test]
fn a_key_shows_its_address_its_public_part_and_its_attributes() {
    let bench = bench();
    let options = NewKeyOptions {
        tags: [("a".to_owned(), "b".to_owned())].into(),
        ..NewKeyOptions::default()
    };
    let bundle = bench.key_with("bench", "key", options);
    let shown = value(&KeyView::from(&bundle));
    assert_eq!(shown["key"]["kid"], bundle.id.to_string());
    assert_eq!(shown["key"]["kty"], "RSA");
    assert_eq!(shown["key"]["e"], "AQAB");
    assert_eq!(
        shown["key"]["keyOps"],
        json!(["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"])
    );
    let attributes = json!({
        "created": "2020-09-13T12:26:40+00:00",
        "enabled": true,
        "expires": null,
        "exportable": false,
        "notBefore": null,
        "recoverableDays": 90,
        "recoveryLevel": "Recoverable",
        "updated": "2020-09-13T12:26:40+00:00",
    });
    assert_eq!(shown["attributes"], attributes);
    assert_eq!(shown["tags"], json!({"a": "b"}));
}

#[test]
fn the_sixth_field_of_the_last_listed_version_is_the_newest_version() {
    let bench = bench();
    bench.key("bench", "key");
    let newest = bench.key("bench", "key");
    let versions = bench
        .store
        .list_versions(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    let shown = value(&versions.iter().map(KeyItemView::from).collect::<Vec<_>>());
    let kid = shown[1]["kid"].as_str().unwrap();
    assert_eq!(
        kid.split('/').nth(5),
        Some(newest.id.version.to_string().as_str())
    );
    let keys = bench.store.list_keys(&bench.owner(), &vault("bench")).unwrap();
    let shown = value(&KeyItemView::from(&keys[0]));
    assert_eq!(shown["kid"], "https://bench.vault.azure.net/keys/key");
    assert_eq!(shown["attributes"]["enabled"], true);
}

#[test]
fn deleted_things_show_when_they_end() {
    let bench = bench();
    bench.key("bench", "key");
    let deleted = bench
        .store
        .delete_key(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    let shown = value(&DeletedKeyView::from(&deleted));
    assert_eq!(
        shown["recoveryId"],
        "https://bench.vault.azure.net/deletedkeys/key"
    );
    assert_eq!(shown["deletedDate"], "2020-09-13T12:26:40+00:00");
    assert_eq!(shown["scheduledPurgeDate"], "2020-12-12T12:26:40+00:00");
    assert_eq!(shown["key"]["kty"], "RSA");
    let listed = value(&DeletedKeyItemView::from(&deleted));
    assert_eq!(listed["kid"], "https://bench.vault.azure.net/keys/key");
    assert_eq!(listed["deletedDate"], shown["deletedDate"]);

    bench.store.delete_vault(&bench.owner(), &vault("bench")).unwrap();
    let deleted = bench.store.list_deleted_vaults().unwrap();
    let shown = value(&DeletedVaultView::from(&deleted[0]));
    assert_eq!(shown["name"], "bench");
    assert_eq!(shown["properties"]["purgeProtectionEnabled"], true);
    assert_eq!(
        shown["properties"]["scheduledPurgeDate"],
        "2020-12-12T12:26:40+00:00"
    );
}

#[test]
fn an_identity_shows_what_it_is_and_whose() {
    let bench = bench();
    let shown = value(&IdentityView::from(&bench.caller(&["get"])));
    assert_eq!(shown["type"], "SystemAssigned");
    assert_eq!(shown["name"], "a test");
    assert_eq!(shown["tenantId"], bench.store.default_tenant().to_string());
}
