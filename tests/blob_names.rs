//! Names are checked once, by the rules of the service, and every legal name keeps a blob.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use blob_world::{BlobWorld, blob, code, refused};
use strongroom::{BlobName, ContainerName, DownloadOptions, UploadOptions};

#[track_caller]
fn check_container(name: &str, want: Option<&str>) {
    let got = name.parse::<ContainerName>();
    assert_eq!(got.as_ref().err().map(strongroom::Error::code), want, "{name:?}");
    if let Err(error) = got {
        assert_eq!(error.status(), 400);
    }
}

#[track_caller]
fn check_blob(name: &str, want: Option<&str>) {
    let got = name.parse::<BlobName>();
    assert_eq!(got.as_ref().err().map(strongroom::Error::code), want, "{name:?}");
}

#[test]
fn container_names() {
    let (range, resource) = (Some("OutOfRangeInput"), Some("InvalidResourceName"));
    for legal in [
        "abc",
        "a-b",
        "0a0",
        "a1-b2-c3",
        "$root",
        "$logs",
        "$web",
        &"a".repeat(63),
    ] {
        check_container(legal, None);
    }
    for short_or_long in ["", "a", "ab", &"a".repeat(64), "$x"] {
        check_container(short_or_long, range);
    }
    for wrong in [
        "Abc", "a--b", "-ab", "ab-", "a_b", "a.b", "a b", "äbc", "$rooms", "a/b", "abc\n", "a\u{0}b",
    ] {
        check_container(wrong, resource);
    }
}

#[test]
fn blob_names() {
    for legal in [
        "a",
        "A/b.txt",
        ".",
        "/",
        "a b",
        "ä€🦀",
        "a\\b",
        "x?y#z%20",
        &"é".repeat(1024),
    ] {
        check_blob(legal, None);
    }
    check_blob(&vec!["a"; 254].join("/"), None);
    check_blob("", Some("OutOfRangeInput"));
    check_blob(&"a".repeat(1025), Some("OutOfRangeInput"));
    check_blob(&vec!["a"; 255].join("/"), Some("InvalidResourceName"));
}

#[test]
fn blobs_of_any_legal_name_are_told_apart() {
    let world = BlobWorld::new();
    let container = world.container("names");
    let names = [
        "a",
        "A",
        "a/",
        "a/b",
        " a",
        "a ",
        "ä",
        "a\u{308}",
        "🦀",
        &"€".repeat(1024),
        "\u{0}",
        "../x",
    ];
    for name in names {
        container
            .upload(&blob(name), name.as_bytes(), UploadOptions::default())
            .unwrap();
    }
    for name in names {
        let mut out = Vec::new();
        container
            .download(&blob(name), &DownloadOptions::default(), &mut out)
            .unwrap();
        assert_eq!(out, name.as_bytes());
    }
    let missing = container.download(&blob("b"), &DownloadOptions::default(), Vec::new());
    assert_eq!(refused(missing), code("BlobNotFound", 404));
}
