//! A policy or a legal hold keeps a blob as it is, whoever asks, until it has ended or was lifted.
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
    BlobSource, BlobVersionRef, Conditions, Container, ContentHeaders, CopyOptions, CreateBlobOptions,
    DeleteBlobOptions, Error, ImmutabilityMode, ImmutabilityPolicy, LeaseDuration, LeaseRequest, Metadata,
    PutBlockListOptions, Timestamp, UploadOptions,
};

const DAY: Duration = Duration::from_secs(86_400);

fn world() -> (BlobWorld, Container) {
    let world = BlobWorld::new();
    let container = world.container("archive");
    container
        .upload(&blob("b"), &b"final"[..], UploadOptions::default())
        .unwrap();
    (world, container)
}

fn policy(until: Timestamp, mode: ImmutabilityMode) -> ImmutabilityPolicy {
    ImmutabilityPolicy { until, mode }
}

type Call = fn(&Container) -> Result<(), Error>;

const FORBIDDEN: [(&str, Call); 5] = [
    ("put block list", |container| {
        let options = PutBlockListOptions::default();
        container.put_block_list(&blob("b"), &[], &options).map(|_| ())
    }),
    ("overwrite", |container| {
        let options = UploadOptions::default();
        container.upload(&blob("b"), &b"x"[..], options).map(|_| ())
    }),
    ("set metadata", |container| {
        container
            .set_blob_metadata(&blob("b"), &Metadata::new(), &Conditions::default())
            .map(|_| ())
    }),
    ("set headers", |container| {
        container
            .set_blob_headers(&blob("b"), &ContentHeaders::default(), &Conditions::default())
            .map(|_| ())
    }),
    ("delete", |container| {
        container.delete_blob(&blob("b"), &Conditions::default())
    }),
];

const ALLOWED: [(&str, Call); 3] = [
    ("get", |container| {
        container
            .blob_properties(&blob("b"), &Conditions::default())
            .map(|_| ())
    }),
    ("set tags", |container| {
        let tags = "a=1".parse().unwrap();
        container.set_blob_tags(&blob("b"), &tags, &Conditions::default())
    }),
    ("lease", |container| {
        let request = LeaseRequest::Acquire {
            duration: LeaseDuration::INFINITE,
            proposed: None,
        };
        let lease = container.lease_blob(&blob("b"), request, &Conditions::default())?;
        let release = LeaseRequest::Release(lease.lease_id.unwrap());
        container
            .lease_blob(&blob("b"), release, &Conditions::default())
            .map(|_| ())
    }),
];

fn check_protected(container: &Container, blob_code: &str, container_code: &str) {
    for (what, call) in FORBIDDEN {
        assert_eq!(refused(call(container)), code(blob_code, 409), "{what}");
    }
    for (what, call) in ALLOWED {
        call(container).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    assert_eq!(
        refused(container.delete(&Conditions::default())),
        code(container_code, 409)
    );
}

#[test]
fn a_policy_protects_until_its_time_and_not_longer() {
    for mode in [ImmutabilityMode::Unlocked, ImmutabilityMode::Locked] {
        let (world, container) = world();
        let until = strongroom::engine::Clock::now(&*world.clock).plus(2 * DAY);
        container
            .set_blob_immutability(&blob("b"), policy(until, mode), &Conditions::default())
            .unwrap();
        let shown = container
            .blob_properties(&blob("b"), &Conditions::default())
            .unwrap();
        assert_eq!(shown.immutability, Some(policy(until, mode)));
        world.clock.advance(2 * DAY - Duration::from_nanos(100));
        check_protected(
            &container,
            "BlobImmutableDueToPolicy",
            "ContainerImmutabilityPolicyLocked",
        );
        world.clock.advance(Duration::from_nanos(100));
        for (what, call) in FORBIDDEN {
            call(&container).unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        container.delete(&Conditions::default()).unwrap();
    }
}

#[test]
fn a_legal_hold_protects_until_it_is_lifted() {
    let (world, container) = world();
    let hold = |hold| container.set_blob_legal_hold(&blob("b"), hold, &Conditions::default());
    hold(true).unwrap();
    world.clock.advance(10_000 * DAY);
    check_protected(&container, "BlobImmutableDueToLegalHold", "ContainerHasLegalHold");
    assert!(
        container
            .blob_properties(&blob("b"), &Conditions::default())
            .unwrap()
            .legal_hold
    );
    hold(false).unwrap();
    for (what, call) in FORBIDDEN {
        call(&container).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    assert_eq!(refused(hold(true)), code("BlobNotFound", 404));
    container.delete(&Conditions::default()).unwrap();
}

#[test]
fn an_unlocked_policy_changes_freely_and_a_locked_one_only_grows() {
    let (world, container) = world();
    let at = |days: u32| strongroom::engine::Clock::now(&*world.clock).plus(days * DAY);
    let set = |days, mode| {
        let new = policy(at(days), mode);
        container.set_blob_immutability(&blob("b"), new, &Conditions::default())
    };
    let delete = || container.delete_blob_immutability(&blob("b"), &Conditions::default());
    use ImmutabilityMode::{Locked, Unlocked};
    delete().unwrap();
    set(9, Unlocked).unwrap();
    set(3, Unlocked).unwrap();
    delete().unwrap();
    set(5, Unlocked).unwrap();
    set(4, Locked).unwrap();
    let locked = code("BlobImmutableDueToPolicy", 409);
    assert_eq!(refused(set(3, Locked)), locked);
    assert_eq!(refused(set(8, Unlocked)), locked);
    assert_eq!(refused(delete()), locked);
    set(4, Locked).unwrap();
    set(146_000, Locked).unwrap();
    let invalid = code("InvalidHeaderValue", 400);
    assert_eq!(refused(set(0, Locked)), invalid);
    assert_eq!(refused(set(146_001, Locked)), invalid);
}

#[test]
fn the_order_is_lease_then_protection_then_conditions() {
    let (_world, container) = world();
    container
        .set_blob_legal_hold(&blob("b"), true, &Conditions::default())
        .unwrap();
    let stale = Conditions::if_match("0x8D0000000000001".parse().unwrap());
    let delete = || refused(container.delete_blob(&blob("b"), &stale));
    assert_eq!(delete(), code("BlobImmutableDueToLegalHold", 409));
    let request = LeaseRequest::Acquire {
        duration: LeaseDuration::INFINITE,
        proposed: None,
    };
    container
        .lease_blob(&blob("b"), request, &Conditions::default())
        .unwrap();
    assert_eq!(delete(), code("LeaseIdMissing", 412));
    container
        .set_blob_legal_hold(&blob("b"), false, &Conditions::default())
        .unwrap();
}

#[test]
fn where_versions_are_kept_the_protected_one_stays_while_the_blob_goes_on() {
    let (world, container) = world();
    world
        .account
        .change_blob_service_properties(|settings| settings.versioning = true)
        .unwrap();
    let put = || {
        let receipt = container.upload(&blob("b"), &b"x"[..], UploadOptions::default());
        receipt.unwrap().version_id.unwrap()
    };
    let protected = put();
    let hold = |hold| container.set_blob_legal_hold(&blob("b"), hold, &Conditions::default());
    hold(true).unwrap();
    put();
    let delete = |which| container.delete_blob(&blob("b"), DeleteBlobOptions::from(which));
    let held = code("BlobImmutableDueToLegalHold", 409);
    assert_eq!(refused(delete(BlobVersionRef::Version(protected))), held);
    delete(BlobVersionRef::Base).unwrap();
    assert_eq!(
        refused(container.delete(&Conditions::default())),
        code("ContainerHasLegalHold", 409)
    );
}

/// Protection that a blob begins with holds like one that is set later.
#[test]
fn a_blob_can_be_immutable_from_the_start() {
    type Make = fn(&Container, Option<ImmutabilityPolicy>, bool) -> Result<(), Error>;
    let ways: [(&str, Make); 5] = [
        ("upload", |container, immutability, legal_hold| {
            let options = UploadOptions {
                immutability,
                legal_hold,
                ..UploadOptions::default()
            };
            container.upload(&blob("new"), &b"x"[..], options).map(|_| ())
        }),
        ("put block list", |container, immutability, legal_hold| {
            let options = PutBlockListOptions {
                immutability,
                legal_hold,
                ..PutBlockListOptions::default()
            };
            container.put_block_list(&blob("new"), &[], &options).map(|_| ())
        }),
        ("append blob", |container, immutability, legal_hold| {
            let options = CreateBlobOptions {
                immutability,
                legal_hold,
                ..CreateBlobOptions::default()
            };
            container.create_append_blob(&blob("new"), &options).map(|_| ())
        }),
        ("page blob", |container, immutability, legal_hold| {
            let options = CreateBlobOptions {
                immutability,
                legal_hold,
                ..CreateBlobOptions::default()
            };
            container
                .create_page_blob(&blob("new"), (512, 0), &options)
                .map(|_| ())
        }),
        ("copy", |container, immutability, legal_hold| {
            let options = CopyOptions {
                immutability,
                legal_hold,
                ..CopyOptions::default()
            };
            let source = BlobSource::new(container, blob("b"));
            container.start_copy(&blob("new"), &source, &options).map(|_| ())
        }),
    ];
    for (way, make) in ways {
        let (world, container) = world();
        let past = policy(Timestamp::from_unix_seconds(1), ImmutabilityMode::Unlocked);
        assert_eq!(
            refused(make(&container, Some(past), false)),
            code("InvalidHeaderValue", 400),
            "{way}"
        );
        let until = Timestamp::from_unix_seconds(1_764_000_000).plus(DAY);
        make(&container, Some(policy(until, ImmutabilityMode::Unlocked)), true).unwrap();
        let delete = || container.delete_blob(&blob("new"), &Conditions::default());
        assert_eq!(
            refused(delete()),
            code("BlobImmutableDueToLegalHold", 409),
            "{way}"
        );
        let of_container = container.delete(&Conditions::default());
        assert_eq!(refused(of_container), code("ContainerHasLegalHold", 409), "{way}");
        container
            .set_blob_legal_hold(&blob("new"), false, &Conditions::default())
            .unwrap();
        assert_eq!(refused(delete()), code("BlobImmutableDueToPolicy", 409), "{way}");
        world.clock.advance(DAY);
        delete().unwrap();
    }
}
