//! The lease of a container keeps others from deleting it, and lets everything else be.
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
use strongroom::{
    BreakPeriod, Conditions, Container, LeaseDuration, LeaseId, LeaseReceipt, LeaseRequest, LeaseState,
    LeaseStatus, Metadata, PublicAccess, UploadOptions,
};

fn id(digit: char) -> LeaseId {
    let part = |length| std::iter::repeat_n(digit, length).collect::<String>();
    let text = [8, 4, 4, 4, 12].map(part).join("-");
    text.parse().unwrap()
}

fn acquire(container: &Container, seconds: i64, proposed: Option<LeaseId>) -> LeaseReceipt {
    let duration = LeaseDuration::new(seconds).unwrap();
    let request = LeaseRequest::Acquire { duration, proposed };
    container.lease(request, &Conditions::default()).unwrap()
}

fn told(container: &Container) -> (LeaseState, LeaseStatus, Option<String>) {
    let properties = container.properties().unwrap();
    let duration = properties.lease_duration.map(|duration| duration.to_string());
    (properties.lease_state, properties.lease_status, duration)
}

#[test]
fn only_the_holder_deletes_a_leased_container() {
    let world = BlobWorld::new();
    let container = world.container("held");
    acquire(&container, 15, Some(id('a')));
    let delete = |lease| {
        refused(container.delete(&Conditions {
            lease,
            ..Conditions::default()
        }))
    };
    assert_eq!(delete(None), code("LeaseIdMissing", 412));
    assert_eq!(
        delete(Some(id('b'))),
        code("LeaseIdMismatchWithContainerOperation", 412)
    );
    world.clock.advance(Duration::from_secs(15));
    assert_eq!(
        delete(Some(id('a'))),
        code("LeaseNotPresentWithContainerOperation", 412)
    );
    acquire(&container, -1, Some(id('b')));
    container.delete(&Conditions::under_lease(id('b'))).unwrap();
    assert!(!container.exists().unwrap());
}

#[test]
fn other_operations_need_no_id_but_check_one_that_is_given() {
    let world = BlobWorld::new();
    let container = world.container("held");
    acquire(&container, -1, Some(id('a')));
    container
        .upload(&blob("b"), &b"x"[..], UploadOptions::default())
        .unwrap();
    let (none, right, wrong) = (
        Conditions::default(),
        Conditions::under_lease(id('a')),
        Conditions::under_lease(id('c')),
    );
    for conditions in [&none, &right] {
        container
            .set_metadata(&metadata(&[("a", "1")]), conditions)
            .unwrap();
        container.set_acl(PublicAccess::Blob, &[], conditions).unwrap();
        container.acl(conditions).unwrap();
        container.properties_if(conditions).unwrap();
    }
    let want = code("LeaseIdMismatchWithContainerOperation", 412);
    assert_eq!(refused(container.set_metadata(&Metadata::new(), &wrong)), want);
    assert_eq!(refused(container.set_acl(PublicAccess::None, &[], &wrong)), want);
    assert_eq!(refused(container.acl(&wrong)), want);
    assert_eq!(refused(container.properties_if(&wrong)), want);
    assert_eq!(container.properties().unwrap().public_access, PublicAccess::Blob);
}

#[test]
fn a_lease_goes_through_its_life_and_never_moves_the_tag() {
    let world = BlobWorld::new();
    let container = world.container("held");
    let before = container.properties().unwrap();
    let all = Conditions::default();
    assert_eq!(
        told(&container),
        (LeaseState::Available, LeaseStatus::Unlocked, None)
    );
    let drawn = acquire(&container, 60, None).lease_id.unwrap();
    let fixed = Some("fixed".to_owned());
    assert_eq!(told(&container), (LeaseState::Leased, LeaseStatus::Locked, fixed));
    let change = LeaseRequest::Change {
        id: drawn,
        proposed: id('d'),
    };
    assert_eq!(container.lease(change, &all).unwrap().lease_id, Some(id('d')));
    world.clock.advance(Duration::from_secs(50));
    container.lease(LeaseRequest::Renew(id('d')), &all).unwrap();
    world.clock.advance(Duration::from_secs(50));
    let period = Some(BreakPeriod::new(60).unwrap());
    let broken = container.lease(LeaseRequest::Break(period), &all).unwrap();
    assert_eq!((broken.lease_id, broken.lease_time), (None, Some(10)));
    assert_eq!(
        told(&container),
        (LeaseState::Breaking, LeaseStatus::Locked, None)
    );
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(
        told(&container),
        (LeaseState::Broken, LeaseStatus::Unlocked, None)
    );
    container.lease(LeaseRequest::Release(id('d')), &all).unwrap();
    assert_eq!(told(&container).0, LeaseState::Available);
    assert_eq!(container.properties().unwrap(), before);
    assert_eq!(
        (broken.etag, broken.last_modified),
        (before.etag, before.last_modified)
    );
    let stale = Conditions::if_match("0x8D0000000000001".parse().unwrap());
    assert_eq!(
        refused(container.lease(LeaseRequest::Break(None), &stale)),
        code("ConditionNotMet", 412)
    );
}
