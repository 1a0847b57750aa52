//! Settings of the Blob service are kept whole, changed in part, and refused when out of range.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;
mod common;

use std::time::Duration;

use blob_world::{BlobWorld, blob, code, container_name, refused};
use strongroom::{
    BlobServiceProperties, Conditions, CorsMethod, CorsRule, Logging, Metadata, Metrics, RetentionDays,
    StaticWebsite, UploadOptions,
};

fn rule() -> CorsRule {
    CorsRule {
        allowed_origins: vec!["https://www.example.com".to_owned()],
        allowed_methods: vec![CorsMethod::Get, "PUT".parse().unwrap()],
        allowed_headers: vec!["x-ms-meta-*".to_owned(), "*".to_owned()],
        exposed_headers: Vec::new(),
        max_age_seconds: 500,
    }
}

fn days(days: u16) -> Option<RetentionDays> {
    Some(RetentionDays::new(days).unwrap())
}

#[test]
fn settings_are_kept_and_a_part_can_change_alone() {
    let world = BlobWorld::new();
    assert_eq!(
        world.account.blob_service_properties().unwrap(),
        BlobServiceProperties::default()
    );
    let all = BlobServiceProperties {
        logging: Logging {
            delete: true,
            read: false,
            write: true,
            retention: days(10),
        },
        hour_metrics: Metrics {
            enabled: true,
            include_apis: true,
            retention: days(365),
        },
        minute_metrics: Metrics::default(),
        cors: vec![rule(); 5],
        default_service_version: Some("2019-12-12".to_owned()),
        delete_retention: days(1),
        allow_permanent_delete: true,
        container_delete_retention: days(7),
        versioning: true,
        static_website: StaticWebsite {
            enabled: true,
            index_document: Some("index.html".to_owned()),
            error_document_404_path: Some("errors/404.html".to_owned()),
            default_index_document_path: None,
        },
    };
    world.account.set_blob_service_properties(&all).unwrap();
    assert_eq!(world.account.blob_service_properties().unwrap(), all);
    let changed = world
        .account
        .change_blob_service_properties(|settings| settings.versioning = false)
        .unwrap();
    assert_eq!(
        changed,
        BlobServiceProperties {
            versioning: false,
            ..all
        }
    );
    assert!(
        world.account.container(&container_name("$web")).exists().unwrap(),
        "a website has a place"
    );
}

type Change = fn(&mut BlobServiceProperties);

fn cors(change: fn(&mut CorsRule)) -> Vec<CorsRule> {
    let mut rule = rule();
    change(&mut rule);
    vec![rule]
}

#[test]
fn what_is_out_of_range_is_refused_and_changes_nothing() {
    let world = BlobWorld::new();
    let (value, document) = ("InvalidXmlNodeValue", "InvalidXmlDocument");
    let cases: [(Change, &str); 14] = [
        (|new| new.cors = vec![rule(); 6], document),
        (|new| new.cors = cors(|rule| rule.allowed_origins.clear()), value),
        (|new| new.cors = cors(|rule| rule.allowed_methods.clear()), value),
        (
            |new| new.cors = cors(|rule| rule.allowed_origins = texts("a b", 1)),
            value,
        ),
        (
            |new| new.cors = cors(|rule| rule.allowed_origins = texts("o", 65)),
            value,
        ),
        (
            |new| new.cors = cors(|rule| rule.allowed_headers = texts("h*", 3)),
            value,
        ),
        (
            |new| new.cors = cors(|rule| rule.exposed_headers = texts("h", 65)),
            value,
        ),
        (
            |new| new.cors = cors(|rule| rule.exposed_headers = texts(&"h".repeat(257), 1)),
            value,
        ),
        (
            |new| new.cors = cors(|rule| rule.exposed_headers = texts(&"h".repeat(250), 9)),
            value,
        ),
        (|new| new.default_service_version = Some("latest".into()), value),
        (
            |new| new.static_website.index_document = Some(String::new()),
            value,
        ),
        (
            |new| new.static_website.index_document = Some("a/index.html".into()),
            value,
        ),
        (
            |new| new.static_website.error_document_404_path = Some("x".repeat(256)),
            value,
        ),
        (|new| new.static_website = two_index_documents(), document),
    ];
    for (index, (change, want)) in cases.into_iter().enumerate() {
        let result = world.account.change_blob_service_properties(change);
        assert_eq!(refused(result), code(want, 400), "case {index}");
    }
    let after = world.account.blob_service_properties().unwrap();
    assert_eq!(after, BlobServiceProperties::default());
    for days in [0, 366, u16::MAX] {
        assert_eq!(refused(RetentionDays::new(days)), code(value, 400), "{days}");
    }
    assert_eq!(refused("get".parse::<CorsMethod>()), code(value, 400));
}

fn texts(text: &str, count: usize) -> Vec<String> {
    vec![text.to_owned(); count]
}

fn two_index_documents() -> StaticWebsite {
    StaticWebsite {
        index_document: Some("a".to_owned()),
        default_index_document_path: Some("a".to_owned()),
        ..StaticWebsite::default()
    }
}

#[test]
fn the_account_tells_what_it_is() {
    let world = BlobWorld::new();
    let information = world.account.information().unwrap();
    assert_eq!(information.sku.to_string(), "Standard_LRS");
    assert_eq!(information.kind.to_string(), "StorageV2");
    assert!(!information.is_hierarchical);
    let stats = world.account.blob_service_stats().unwrap();
    assert_eq!(
        (stats.geo_replication.to_string().as_str(), stats.last_sync),
        ("unavailable", None)
    );
}

#[test]
fn versions_and_deleted_blobs_are_kept_as_the_settings_say() {
    let world = BlobWorld::new();
    let container = world.container("kept");
    let put = || {
        let receipt = container.upload(&blob("b"), &b"x"[..], UploadOptions::default());
        receipt.unwrap().version_id
    };
    let set = |versioning, days: Option<RetentionDays>| {
        let change = move |settings: &mut BlobServiceProperties| {
            settings.versioning = versioning;
            settings.delete_retention = days;
        };
        world.account.change_blob_service_properties(change).unwrap();
    };
    assert_eq!(put(), None);
    set(true, None);
    let first = put().unwrap();
    assert!(put().unwrap() > first);
    set(false, days(2));
    container.delete_blob(&blob("b"), &Conditions::default()).unwrap();
    container
        .upload(&blob("c"), &b"kept"[..], UploadOptions::default())
        .unwrap();
    container.delete_blob(&blob("c"), &Conditions::default()).unwrap();
    world.clock.advance(Duration::from_secs(2 * 86_400 - 1));
    assert_eq!(container.undelete_blob(&blob("c")).unwrap(), 1);
    container.delete_blob(&blob("c"), &Conditions::default()).unwrap();
    world.clock.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(
        refused(container.undelete_blob(&blob("c"))),
        code("BlobNotFound", 404)
    );
}

#[test]
fn settings_are_in_force_after_the_store_was_opened_again() {
    let mut world = common::World::prepared();
    let change = |settings: &mut BlobServiceProperties| settings.versioning = true;
    world.account().change_blob_service_properties(change).unwrap();
    world.reopen();
    let container = world.account().container(&container_name("kept"));
    container.create(&Metadata::new()).unwrap();
    let receipt = container.upload(&blob("b"), &b"x"[..], UploadOptions::default());
    assert!(receipt.unwrap().version_id.is_some());
}
