//! User metadata: names and values by the rules, replaced whole, without touching the content.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, blob, code, metadata, refused};
use strongroom::{Conditions, ContentHeaders, DownloadOptions, METADATA_BYTES_MAX, Metadata, UploadOptions};

#[track_caller]
fn check(name: &str, value: &str, want: Option<&str>) {
    let mut metadata = Metadata::new();
    let got = metadata.insert(name, value);
    assert_eq!(got.as_ref().err().map(strongroom::Error::code), want, "{name:?}");
    assert_eq!(metadata.is_empty(), want.is_some());
}

#[test]
fn names_and_values_follow_the_rules() {
    for name in ["a", "_a", "A1", "class", "a_b"] {
        check(name, "any value; \"even\" this: ä€", None);
    }
    for name in ["1a", "a-b", "a b", "a.b", "ä", "a\0"] {
        check(name, "x", Some("InvalidMetadata"));
    }
    check("", "x", Some("EmptyMetadataKey"));
    check("a", "line\nbreak", Some("InvalidMetadata"));
    check("a", &"x".repeat(METADATA_BYTES_MAX - 1), None);
    check("a", &"x".repeat(METADATA_BYTES_MAX), Some("MetadataTooLarge"));
}

#[test]
fn names_keep_their_case_and_are_compared_without_it() {
    let mut metadata = metadata(&[("Colour", "blue"), ("b", "2")]);
    metadata.insert("COLOUR", "red").unwrap();
    assert_eq!(
        metadata.iter().collect::<Vec<_>>(),
        [("b", "2"), ("Colour", "blue,red")]
    );
    assert_eq!((metadata.get("cOLOUR"), metadata.len()), (Some("blue,red"), 2));
}

#[test]
fn metadata_is_replaced_whole() {
    let world = BlobWorld::new();
    let container = world.container("metadata");
    let (name, always) = (blob("b"), Conditions::default());
    let options = UploadOptions {
        metadata: metadata(&[("a", "1")]),
        headers: ContentHeaders::of_type("text/plain"),
        ..UploadOptions::default()
    };
    let first = container.upload(&name, &b"content"[..], options).unwrap();
    world.clock.advance(Duration::from_secs(5));
    let second = container
        .set_blob_metadata(&name, &metadata(&[("b", "2")]), &always)
        .unwrap();
    assert!(second.etag > first.etag && second.last_modified > first.last_modified);
    assert_eq!(
        container.blob_metadata(&name, &always).unwrap(),
        metadata(&[("b", "2")])
    );
    let headers = ContentHeaders::of_type("text/html");
    let third = container.set_blob_headers(&name, &headers, &always).unwrap();
    assert!(third.etag > second.etag);
    let shown = container.blob_properties(&name, &always).unwrap();
    assert_eq!(
        (shown.metadata, shown.headers),
        (Some(metadata(&[("b", "2")])), headers)
    );
    assert_eq!(shown.content_md5, first.content_md5);
    container
        .set_blob_metadata(&name, &Metadata::new(), &always)
        .unwrap();
    assert!(container.blob_metadata(&name, &always).unwrap().is_empty());
    let mut out = Vec::new();
    container
        .download(&name, &DownloadOptions::default(), &mut out)
        .unwrap();
    assert_eq!(out, b"content");
}

#[test]
fn the_largest_metadata_fits() {
    let world = BlobWorld::new();
    let container = world.container("largest");
    let largest = metadata(&[("a", &"x".repeat(METADATA_BYTES_MAX - 1))]);
    let options = UploadOptions {
        metadata: largest.clone(),
        ..UploadOptions::default()
    };
    container.upload(&blob("b"), &b""[..], options).unwrap();
    assert_eq!(
        container
            .blob_metadata(&blob("b"), &Conditions::default())
            .unwrap(),
        largest
    );
}

#[test]
fn headers_with_control_characters_are_refused() {
    let world = BlobWorld::new();
    let container = world.container("headers");
    for wrong in ["text/plain\r\nx: y", "\0", &"x".repeat(1025)] {
        let headers = ContentHeaders::of_type(wrong);
        let options = UploadOptions {
            headers: headers.clone(),
            ..UploadOptions::default()
        };
        let upload = container.upload(&blob("b"), &b""[..], options);
        assert_eq!(refused(upload), code("InvalidHeaderValue", 400));
        let set = container.set_blob_headers(&blob("b"), &headers, &Conditions::default());
        assert_eq!(refused(set), code("InvalidHeaderValue", 400));
    }
}
