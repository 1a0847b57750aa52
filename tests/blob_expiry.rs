//! A blob goes away at the time that was set, and not before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, blob, code, refused};
use strongroom::engine::Clock;
use strongroom::{BlobExpiry, Conditions, Container, ListBlobs, Metadata, Timestamp, UploadOptions};

const HOUR: Duration = Duration::from_secs(3600);

fn put(container: &Container) {
    container
        .upload(&blob("b"), &b"x"[..], UploadOptions::default())
        .unwrap();
}

fn set(container: &Container, expiry: BlobExpiry) -> Result<Option<Timestamp>, strongroom::Error> {
    container.set_blob_expiry(&blob("b"), expiry, &Conditions::default())
}

fn listed(container: &Container) -> usize {
    container
        .list_blobs(&ListBlobs::default())
        .unwrap()
        .blobs()
        .count()
}

#[test]
fn each_way_to_say_when_means_its_moment() {
    let world = BlobWorld::new();
    let created = world.clock.now();
    let container = world.container("brief");
    put(&container);
    world.clock.advance(HOUR);
    let now = world.clock.now();
    for (expiry, want) in [
        (BlobExpiry::FromNow(HOUR), Some(now.plus(HOUR))),
        (BlobExpiry::AfterCreation(3 * HOUR), Some(created.plus(3 * HOUR))),
        (BlobExpiry::At(now.plus(5 * HOUR)), Some(now.plus(5 * HOUR))),
        (BlobExpiry::Never, None),
    ] {
        assert_eq!(set(&container, expiry).unwrap(), want, "{expiry:?}");
        let shown = container
            .blob_properties(&blob("b"), &Conditions::default())
            .unwrap();
        assert_eq!(shown.expires, want, "{expiry:?}");
    }
    for expiry in [
        BlobExpiry::At(now),
        BlobExpiry::FromNow(Duration::ZERO),
        BlobExpiry::AfterCreation(HOUR),
    ] {
        assert_eq!(
            refused(set(&container, expiry)),
            code("InvalidHeaderValue", 400),
            "{expiry:?}"
        );
    }
}

#[test]
fn from_its_moment_on_it_is_not_found_and_the_maintenance_removes_it() {
    let world = BlobWorld::new();
    let container = world.container("brief");
    put(&container);
    set(&container, BlobExpiry::FromNow(9 * HOUR)).unwrap();
    set(&container, BlobExpiry::FromNow(HOUR)).unwrap();
    world.clock.advance(HOUR - Duration::from_nanos(100));
    assert_eq!(world.account.maintain().unwrap().expired_blobs, 0);
    assert!(container.blob_exists(&blob("b")).unwrap());
    world.clock.advance(Duration::from_nanos(100));
    let gone = code("BlobNotFound", 404);
    let all = Conditions::default();
    assert!(!container.blob_exists(&blob("b")).unwrap());
    assert_eq!(refused(container.blob_tags(&blob("b"), &all)), gone);
    assert_eq!(
        refused(container.set_blob_metadata(&blob("b"), &Metadata::new(), &all)),
        gone
    );
    assert_eq!(refused(container.delete_blob(&blob("b"), &all)), gone);
    assert_eq!(refused(set(&container, BlobExpiry::Never)), gone);
    assert_eq!(listed(&container), 1);
    assert_eq!(world.account.maintain().unwrap().expired_blobs, 1);
    assert_eq!(listed(&container), 0);
    world.clock.advance(9 * HOUR);
    assert_eq!(world.account.maintain().unwrap().expired_blobs, 0);
}

#[test]
fn a_blob_that_replaces_it_stays_and_so_does_an_immutable_one() {
    let world = BlobWorld::new();
    let container = world.container("brief");
    put(&container);
    set(&container, BlobExpiry::FromNow(HOUR)).unwrap();
    put(&container);
    world.clock.advance(2 * HOUR);
    world.account.maintain().unwrap();
    assert!(container.blob_exists(&blob("b")).unwrap());
    set(&container, BlobExpiry::FromNow(HOUR)).unwrap();
    let hold = |hold| container.set_blob_legal_hold(&blob("b"), hold, &Conditions::default());
    hold(true).unwrap();
    world.clock.advance(2 * HOUR);
    assert_eq!(world.account.maintain().unwrap().expired_blobs, 0);
    assert!(container.blob_exists(&blob("b")).unwrap());
    hold(false).unwrap();
    world.clock.advance(24 * HOUR);
    assert_eq!(world.account.maintain().unwrap().expired_blobs, 1);
}

#[test]
fn the_name_of_an_expired_blob_is_free_at_once() {
    let world = BlobWorld::new();
    let container = world.container("brief");
    put(&container);
    set(&container, BlobExpiry::FromNow(HOUR)).unwrap();
    world.clock.advance(HOUR);
    let options = UploadOptions {
        conditions: Conditions::if_absent(),
        ..UploadOptions::default()
    };
    container.upload(&blob("b"), &b"y"[..], options).unwrap();
    world.account.maintain().unwrap();
    assert!(container.blob_exists(&blob("b")).unwrap());
}
