//! Settings of the Blob service are kept whole, changed in part, and refused when out of range.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use blob_world::{BlobWorld, code, container_name, refused};
use strongroom::{
    BlobServiceProperties, CorsMethod, CorsRule, Logging, Metrics, RetentionDays, StaticWebsite,
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

#[test]
fn what_is_out_of_range_is_refused_and_changes_nothing() {
    let world = BlobWorld::new();
    let (value, document) = ("InvalidXmlNodeValue", "InvalidXmlDocument");
    let cases: [(Change, &str); 14] = [
        (|new| new.cors = vec![rule(); 6], document),
        (
            |new| {
                new.cors = vec![CorsRule {
                    allowed_origins: vec![],
                    ..rule()
                }]
            },
            value,
        ),
        (
            |new| {
                new.cors = vec![CorsRule {
                    allowed_methods: vec![],
                    ..rule()
                }]
            },
            value,
        ),
        (
            |new| {
                new.cors = vec![CorsRule {
                    allowed_origins: vec!["a b".into()],
                    ..rule()
                }]
            },
            value,
        ),
        (
            |new| {
                new.cors = vec![CorsRule {
                    allowed_origins: vec!["o".into(); 65],
                    ..rule()
                }]
            },
            value,
        ),
        (
            |new| {
                new.cors = vec![CorsRule {
                    allowed_headers: vec!["h*".into(); 3],
                    ..rule()
                }]
            },
            value,
        ),
        (
            |new| {
                new.cors = vec![CorsRule {
                    exposed_headers: vec!["h".into(); 65],
                    ..rule()
                }]
            },
            value,
        ),
        (
            |new| {
                new.cors = vec![CorsRule {
                    exposed_headers: vec!["h".repeat(257)],
                    ..rule()
                }]
            },
            value,
        ),
        (
            |new| {
                new.cors = vec![CorsRule {
                    exposed_headers: vec!["h".repeat(250); 9],
                    ..rule()
                }]
            },
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
        (
            |new| {
                new.static_website.index_document = Some("a".into());
                new.static_website.default_index_document_path = Some("a".into());
            },
            document,
        ),
    ];
    for (index, (change, want)) in cases.into_iter().enumerate() {
        let result = world.account.change_blob_service_properties(change);
        assert_eq!(refused(result), code(want, 400), "case {index}");
    }
    assert_eq!(
        world.account.blob_service_properties().unwrap(),
        BlobServiceProperties::default()
    );
    for days in [0, 366, u16::MAX] {
        assert_eq!(refused(RetentionDays::new(days)), code(value, 400), "{days}");
    }
    assert_eq!(refused("get".parse::<CorsMethod>()), code(value, 400));
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
