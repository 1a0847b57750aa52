//! While somebody holds the lease of a blob, nobody else changes or deletes it, and anybody reads it.
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
use strongroom::{
    BlobExpiry, BlockId, Conditions, Container, ContentHeaders, DownloadOptions, Error, LeaseDuration,
    LeaseId, LeaseRequest, LeaseState, Metadata, PutBlockListOptions, PutBlockOptions, Tags, UploadOptions,
};

const OURS: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";

fn acquire(container: &Container, seconds: i64) {
    let request = LeaseRequest::Acquire {
        duration: LeaseDuration::new(seconds).unwrap(),
        proposed: Some(OURS.parse().unwrap()),
    };
    container
        .lease_blob(&blob("b"), request, &Conditions::default())
        .unwrap();
}

type Call = fn(&Container, Conditions) -> Result<(), Error>;

fn upload(container: &Container, conditions: Conditions) -> Result<(), Error> {
    let options = UploadOptions {
        conditions,
        ..UploadOptions::default()
    };
    container.upload(&blob("b"), &b"new"[..], options).map(|_| ())
}

const WRITES: [(&str, Call); 8] = [
    ("put blob", upload),
    ("put block", |container, conditions| {
        let options = PutBlockOptions {
            lease: conditions.lease,
            ..PutBlockOptions::default()
        };
        let id = BlockId::new(b"1").unwrap();
        container
            .put_block(&blob("b"), &id, &b"x"[..], &options)
            .map(|_| ())
    }),
    ("put block list", |container, conditions| {
        let options = PutBlockListOptions {
            conditions,
            ..PutBlockListOptions::default()
        };
        container.put_block_list(&blob("b"), &[], &options).map(|_| ())
    }),
    ("set expiry", |container, conditions| {
        container
            .set_blob_expiry(&blob("b"), BlobExpiry::Never, &conditions)
            .map(|_| ())
    }),
    ("set metadata", |container, conditions| {
        container
            .set_blob_metadata(&blob("b"), &Metadata::new(), &conditions)
            .map(|_| ())
    }),
    ("set headers", |container, conditions| {
        container
            .set_blob_headers(&blob("b"), &ContentHeaders::default(), &conditions)
            .map(|_| ())
    }),
    ("set tags", |container, conditions| {
        container.set_blob_tags(&blob("b"), &Tags::new(), &conditions)
    }),
    ("delete", |container, conditions| {
        container.delete_blob(&blob("b"), &conditions)
    }),
];

const READS: [(&str, Call); 4] = [
    ("get blob", |container, conditions| {
        let options = DownloadOptions {
            conditions,
            ..DownloadOptions::default()
        };
        container
            .download(&blob("b"), &options, std::io::sink())
            .map(|_| ())
    }),
    ("get properties", |container, conditions| {
        container.blob_properties(&blob("b"), &conditions).map(|_| ())
    }),
    ("get metadata", |container, conditions| {
        container.blob_metadata(&blob("b"), &conditions).map(|_| ())
    }),
    ("get tags", |container, conditions| {
        container.blob_tags(&blob("b"), &conditions).map(|_| ())
    }),
];

fn leased(world: &BlobWorld, name: &str) -> Container {
    let container = world.container(name);
    upload(&container, Conditions::default()).unwrap();
    acquire(&container, 60);
    container
}

#[test]
fn every_write_needs_the_lease_and_no_read_does() {
    let world = BlobWorld::new();
    let (ours, theirs): (LeaseId, LeaseId) = (
        OURS.to_uppercase().parse().unwrap(),
        "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb".parse().unwrap(),
    );
    let mismatch = code("LeaseIdMismatchWithBlobOperation", 412);
    let absent = code("LeaseNotPresentWithBlobOperation", 412);
    let container = leased(&world, "held");
    for (what, call) in WRITES {
        let missing = refused(call(&container, Conditions::default()));
        assert_eq!(missing, code("LeaseIdMissing", 412), "{what}");
        let wrong = refused(call(&container, Conditions::under_lease(theirs)));
        assert_eq!(wrong, mismatch, "{what}");
        call(&container, Conditions::under_lease(ours)).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    assert!(!container.blob_exists(&blob("b")).unwrap());
    let container = leased(&world, "read");
    for (what, call) in READS {
        call(&container, Conditions::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
        call(&container, Conditions::under_lease(ours)).unwrap_or_else(|error| panic!("{what}: {error}"));
        let wrong = refused(call(&container, Conditions::under_lease(theirs)));
        assert_eq!(wrong, mismatch, "{what}");
    }
    world.clock.advance(Duration::from_secs(60));
    for (what, call) in WRITES.into_iter().chain(READS) {
        let late = refused(call(&container, Conditions::under_lease(ours)));
        assert_eq!(late, absent, "{what}");
    }
    let unborn = container.upload(
        &blob("new"),
        &b"x"[..],
        UploadOptions {
            conditions: Conditions::under_lease(ours),
            ..UploadOptions::default()
        },
    );
    assert_eq!(refused(unborn), absent);
}

#[test]
fn overwriting_keeps_a_lease_and_forgets_one_that_has_ended() {
    let world = BlobWorld::new();
    let container = leased(&world, "kept");
    let state = || {
        let properties = container.blob_properties(&blob("b"), &Conditions::default());
        properties.unwrap().lease_state
    };
    upload(&container, Conditions::under_lease(OURS.parse().unwrap())).unwrap();
    assert_eq!(state(), LeaseState::Leased);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(state(), LeaseState::Expired);
    upload(&container, Conditions::default()).unwrap();
    assert_eq!(state(), LeaseState::Available);
    let renew = LeaseRequest::Renew(OURS.parse().unwrap());
    assert_eq!(
        refused(container.lease_blob(&blob("b"), renew, &Conditions::default())),
        code("LeaseIdMismatchWithLeaseOperation", 409)
    );
}

#[test]
fn a_lease_that_is_missing_is_told_before_a_condition_that_fails() {
    let world = BlobWorld::new();
    let container = leased(&world, "order");
    let stale = Conditions::if_match("0x8D0000000000001".parse().unwrap());
    assert_eq!(
        refused(upload(&container, stale.clone())),
        code("LeaseIdMissing", 412)
    );
    let ours = Conditions {
        lease: Some(OURS.parse().unwrap()),
        ..stale
    };
    assert_eq!(refused(upload(&container, ours)), code("ConditionNotMet", 412));
    let break_it = LeaseRequest::Break(None);
    assert_eq!(
        refused(container.lease_blob(&blob("none"), break_it, &Conditions::default())),
        code("BlobNotFound", 404)
    );
}
