//! Containers are created once, shown, changed and deleted; a deleted one gives its name free at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, blob, code, container_name, metadata, refused};
use strongroom::{
    Conditions, LeaseState, LeaseStatus, ListBlobs, ListContainers, Metadata, PageSize, PublicAccess,
    UploadOptions,
};

#[test]
fn a_container_shows_what_it_was_created_with() {
    let world = BlobWorld::new();
    let container = world.account.container(&container_name("first"));
    assert!(!container.exists().unwrap());
    assert_eq!(refused(container.properties()), code("ContainerNotFound", 404));
    let made = container.create(&metadata(&[("Owner", "Ada")])).unwrap();
    assert!(container.exists().unwrap());
    assert_eq!(container.properties().unwrap(), made);
    assert_eq!(made.metadata.get("owner"), Some("Ada"));
    assert_eq!(
        (made.lease_state, made.lease_status),
        (LeaseState::Available, LeaseStatus::Unlocked)
    );
    assert_eq!(made.public_access, PublicAccess::None);
    assert_eq!(
        refused(container.create(&Metadata::new())),
        code("ContainerAlreadyExists", 409)
    );
}

#[test]
fn metadata_is_replaced_whole_and_moves_tag_and_time() {
    let world = BlobWorld::new();
    let container = world.container("first");
    let before = container.properties().unwrap();
    world.clock.advance(Duration::from_millis(2500));
    container
        .set_metadata(&metadata(&[("a", "1")]), &Conditions::default())
        .unwrap();
    let after = container
        .set_metadata(&metadata(&[("b", "2")]), &Conditions::default())
        .unwrap();
    assert_eq!(after.metadata.iter().collect::<Vec<_>>(), [("b", "2")]);
    assert_eq!(container.properties().unwrap(), after);
    assert!(after.etag > before.etag);
    assert_eq!(
        after.last_modified,
        before.last_modified.plus(Duration::from_secs(2))
    );
    let stale = container.set_metadata(&Metadata::new(), &Conditions::if_match(before.etag));
    assert_eq!(refused(stale), code("ConditionNotMet", 412));
    assert_eq!(
        refused(container.delete(&Conditions::if_match(before.etag))),
        code("ConditionNotMet", 412)
    );
}

#[test]
fn a_new_container_of_an_old_name_is_empty_and_the_old_content_is_reaped() {
    let world = BlobWorld::new();
    let container = world.container("again");
    for index in 0..150 {
        container
            .upload(&blob(&index.to_string()), &b"x"[..], UploadOptions::default())
            .unwrap();
    }
    container.delete(&Conditions::default()).unwrap();
    assert_eq!(
        refused(container.delete(&Conditions::default())),
        code("ContainerNotFound", 404)
    );
    assert_eq!(
        refused(container.list_blobs(&ListBlobs::default())),
        code("ContainerNotFound", 404)
    );
    container.create(&Metadata::new()).unwrap();
    container
        .upload(&blob("new"), &b"y"[..], UploadOptions::default())
        .unwrap();
    let mut steps = Vec::new();
    loop {
        let step = world.account.reap_deleted_containers().unwrap();
        steps.push(step.blobs);
        if step.done {
            break;
        }
    }
    assert_eq!(steps, [64, 22], "64 went with the deletion itself");
    let page = container.list_blobs(&ListBlobs::default()).unwrap();
    assert_eq!(
        page.blobs().map(|item| item.name.as_str()).collect::<Vec<_>>(),
        ["new"]
    );
}

#[test]
fn listing_pages_by_prefix_in_order() {
    let world = BlobWorld::new();
    for name in ["logs-2", "logs-1", "$root", "data", "logs-3", "logs-10", "zoo"] {
        world.container(name);
    }
    let list = |prefix: &str, size| {
        let mut pages = Vec::new();
        let mut request = ListContainers {
            prefix: prefix.to_owned(),
            page_size: PageSize::new(size).unwrap(),
            ..ListContainers::default()
        };
        loop {
            let page = world.account.list_containers(&request).unwrap();
            let names = page.containers.iter().map(|item| item.name.to_string());
            pages.push(names.collect::<Vec<_>>().join(" "));
            match page.next {
                // Through its text, as a caller on the command line hands it back.
                Some(next) => request.marker = Some(next.to_string().parse().unwrap()),
                None => return pages,
            }
        }
    };
    assert_eq!(list("", 5000), ["$root data logs-1 logs-10 logs-2 logs-3 zoo"]);
    assert_eq!(list("", 3), ["$root data logs-1", "logs-10 logs-2 logs-3", "zoo"]);
    assert_eq!(list("logs-", 2), ["logs-1 logs-10", "logs-2 logs-3"]);
    assert_eq!(list("none", 2), [""]);
}

#[test]
fn containers_survive_while_blobs_of_others_come_and_go() {
    let world = BlobWorld::new();
    let (one, two) = (world.container("one"), world.container("two"));
    one.upload(&blob("same"), &b"one"[..], UploadOptions::default())
        .unwrap();
    two.upload(&blob("same"), &b"two"[..], UploadOptions::default())
        .unwrap();
    one.delete(&Conditions::default()).unwrap();
    let mut out = Vec::new();
    two.download(&blob("same"), &Default::default(), &mut out)
        .unwrap();
    assert_eq!(out, b"two");
}
