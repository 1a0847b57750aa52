//! Public access and stored access policies are kept as given, within Azure's rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, code, container_name, refused};
use strongroom::{Conditions, CreateContainerOptions, PublicAccess, StoredAccessPolicy, Timestamp};

fn policy(id: &str) -> StoredAccessPolicy {
    StoredAccessPolicy::new(id).unwrap()
}

#[test]
fn what_is_set_is_what_is_got_and_moves_tag_and_time() {
    let world = BlobWorld::new();
    let container = world.container("open");
    let all = Conditions::default();
    let before = container.acl(&all).unwrap();
    assert_eq!(
        (before.public_access, before.policies.len()),
        (PublicAccess::None, 0)
    );
    world.clock.advance(Duration::from_secs(3));
    let start = Timestamp::from_unix_seconds(1_764_100_000);
    let policies = [
        policy("b").permitting("lr").unwrap().from(start),
        policy("a").until(start),
    ];
    let set = container
        .set_acl(PublicAccess::Container, &policies, &all)
        .unwrap();
    let after = container.acl(&all).unwrap();
    assert_eq!(after.policies, policies);
    assert_eq!(after.policies[0].permission(), Some("rl"));
    assert_eq!(after.public_access, PublicAccess::Container);
    assert_eq!((after.etag, after.last_modified), (set.etag, set.last_modified));
    assert!(after.etag > before.etag && after.last_modified > before.last_modified);
    container.set_acl(PublicAccess::None, &[], &all).unwrap();
    assert_eq!(container.acl(&all).unwrap().policies, []);
    let stale = Conditions::if_match(before.etag);
    assert_eq!(
        refused(container.set_acl(PublicAccess::Blob, &[], &stale)),
        code("ConditionNotMet", 412)
    );
}

#[test]
fn five_policies_with_ids_of_their_own_and_no_more() {
    let world = BlobWorld::new();
    let container = world.container("open");
    let set = |policies: &[StoredAccessPolicy]| {
        container.set_acl(PublicAccess::None, policies, &Conditions::default())
    };
    let six: Vec<_> = ["1", "2", "3", "4", "5", "6"].map(policy).into();
    set(&six[..5]).unwrap();
    assert_eq!(refused(set(&six)), code("InvalidInput", 400));
    assert_eq!(
        refused(set(&[policy("a"), policy("a")])),
        code("InvalidInput", 400)
    );
    let wrong = code("InvalidXmlNodeValue", 400);
    assert_eq!(refused(StoredAccessPolicy::new("")), wrong);
    assert_eq!(refused(StoredAccessPolicy::new(&"i".repeat(65))), wrong);
    assert!(StoredAccessPolicy::new(&"é".repeat(64)).is_ok());
    for letters in ["z", "rr", "r,w", "R"] {
        assert_eq!(refused(policy("a").permitting(letters)), wrong, "{letters}");
    }
    assert_eq!(policy("a").permitting("").unwrap().permission(), Some(""));
}

#[test]
fn a_container_can_be_created_open() {
    let world = BlobWorld::new();
    let container = world.account.container(&container_name("open"));
    let made = container
        .create_with(&CreateContainerOptions {
            public_access: "blob".parse().unwrap(),
            ..CreateContainerOptions::default()
        })
        .unwrap();
    assert_eq!(made.public_access, PublicAccess::Blob);
    assert_eq!(made.public_access.to_string(), "blob");
    assert_eq!(
        refused("Blob".parse::<PublicAccess>()),
        code("InvalidHeaderValue", 400)
    );
    let missing = world.account.container(&container_name("missing"));
    let want = code("ContainerNotFound", 404);
    assert_eq!(refused(missing.acl(&Conditions::default())), want);
    assert_eq!(
        refused(missing.set_acl(PublicAccess::None, &[], &Conditions::default())),
        want
    );
}
