//! The settings of the Blob service are shown and changed one by one, and wrong ones change nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use serde_json::{Value, json};
use support::{Room, at};

const ACC: &str = "--account-name acc";

fn stocked() -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room
}

#[test]
fn the_service_has_a_retention_and_a_website() {
    let room = stocked();
    let policy = "storage blob service-properties delete-policy";
    assert_eq!(
        room.ok(&format!("{policy} show {ACC}")),
        json!({"days": null, "enabled": false})
    );
    let week = json!({"days": 7, "enabled": true});
    assert_eq!(
        room.ok(&format!("{policy} update {ACC} --enable true --days-retained 7")),
        week
    );
    let service = "storage blob service-properties";
    let changed = room.ok(&format!(
        "{service} update {ACC} --static-website --index-document index.html --404-document e/404.html"
    ));
    assert_eq!(room.ok(&format!("{service} show {ACC}")), changed);
    assert_eq!(at(&changed, "/deleteRetentionPolicy"), week);
    assert_eq!(at(&changed, "/staticWebsite/enabled"), true);
    assert_eq!(at(&changed, "/staticWebsite/indexDocument"), "index.html");
    assert_eq!(at(&changed, "/staticWebsite/errorDocument404Path"), "e/404.html");
    assert_eq!(
        room.ok(&format!("storage container exists {ACC} -n $web")),
        json!({"exists": true})
    );
    let site = |options: &str| {
        at(
            &room.ok(&format!("{service} update {ACC} {options}")),
            "/staticWebsite",
        )
    };
    let default = site("--default-index-path home/index.html");
    assert_eq!(at(&default, "/defaultIndexDocumentPath"), "home/index.html");
    assert_eq!(at(&default, "/indexDocument"), Value::Null);
    assert_eq!(at(&default, "/errorDocument404Path"), "e/404.html");
    let index = site("--index-document index.html");
    assert_eq!(at(&index, "/defaultIndexDocumentPath"), Value::Null);
    assert_eq!(at(&index, "/indexDocument"), "index.html");
    let off = room.ok(&format!("{service} update {ACC} --delete-retention false"));
    assert_eq!(at(&off, "/deleteRetentionPolicy/enabled"), false);
    assert_eq!(at(&off, "/staticWebsite/enabled"), true);
}

#[test]
fn the_account_keeps_versions_and_containers() {
    let room = stocked();
    let service = "storage account blob-service-properties";
    let changed = room.ok(&format!(
        "{service} update -n acc --enable-versioning true --enable-container-delete-retention true \
         --container-days 14 --default-service-version 2019-12-12 --allow-permanent-delete"
    ));
    assert_eq!(room.ok(&format!("{service} show {ACC}")), changed);
    assert_eq!(at(&changed, "/isVersioningEnabled"), true);
    assert_eq!(
        at(&changed, "/containerDeleteRetentionPolicy"),
        json!({"days": 14, "enabled": true})
    );
    assert_eq!(at(&changed, "/deleteRetentionPolicy/enabled"), false);
    assert_eq!(at(&changed, "/deleteRetentionPolicy/allowPermanentDelete"), true);
    assert_eq!(at(&changed, "/defaultServiceVersion"), "2019-12-12");
    let id = at(&changed, "/id");
    assert!(
        id.as_str()
            .unwrap()
            .ends_with("/storageAccounts/acc/blobServices/default"),
        "{id}"
    );
}

#[test]
fn rules_of_cors_are_added_listed_and_cleared() {
    let room = stocked();
    let add = format!("storage cors add {ACC} --services b");
    assert_eq!(
        room.ok(&format!(
            "{add} --methods get PUT --origins https://a.example https://b.example --max-age 60"
        )),
        Value::Null
    );
    let rule = json!([{
        "AllowedHeaders": "",
        "AllowedMethods": "GET,PUT",
        "AllowedOrigins": "https://a.example,https://b.example",
        "ExposedHeaders": "",
        "MaxAgeInSeconds": 60,
        "Service": "blob",
    }]);
    let list = format!("storage cors list {ACC}");
    assert_eq!(room.ok(&list), rule);
    for _ in 0..4 {
        room.ok(&format!("{add} --methods GET --origins *"));
    }
    room.fails(
        &format!("{add} --methods GET --origins *"),
        1,
        "InvalidXmlDocument",
    );
    assert_eq!(room.ok(&format!("{list} --query length(@)")), 5);
    room.ok(&format!("storage cors clear {ACC} --services b"));
    assert_eq!(room.ok(&list), json!([]));
}

#[test]
fn wrong_settings_change_nothing() {
    let room = stocked();
    let show = format!("storage blob service-properties show {ACC}");
    let before = room.ok(&show);
    let cases = [
        (
            "storage blob service-properties update --delete-retention",
            2,
            "RequiredArgumentMissingError",
        ),
        (
            "storage blob service-properties update --delete-retention-period 7",
            2,
            "RequiredArgumentMissingError",
        ),
        (
            "storage blob service-properties update --delete-retention false --delete-retention-period 7",
            2,
            "RequiredArgumentMissingError",
        ),
        (
            "storage blob service-properties update --delete-retention true --delete-retention-period 366",
            1,
            "InvalidXmlNodeValue",
        ),
        (
            "storage blob service-properties update --index-document a/b",
            1,
            "InvalidXmlNodeValue",
        ),
        (
            "storage blob service-properties update --index-document a --default-index-path b",
            2,
            "MutuallyExclusiveArgumentError",
        ),
        (
            "storage blob service-properties delete-policy update --enable true",
            2,
            "RequiredArgumentMissingError",
        ),
        (
            "storage account blob-service-properties update --default-service-version new",
            1,
            "InvalidXmlNodeValue",
        ),
        (
            "storage account blob-service-properties update --enable-versioning maybe",
            2,
            "InvalidArgumentValueError",
        ),
        ("storage cors list --services q", 2, "InvalidArgumentValueError"),
        (
            "storage cors add --methods TRACE --origins *",
            2,
            "InvalidArgumentValueError",
        ),
        (
            "storage cors add --methods GET",
            2,
            "RequiredArgumentMissingError",
        ),
    ];
    for (line, exit, code) in cases {
        room.fails(&format!("{line} {ACC}"), exit, code);
    }
    assert_eq!(room.ok(&show), before);
    room.fails("storage cors list --account-name none", 3, "ResourceNotFound");
}
