//! A deleted container can be restored with everything in it, until its retention is over.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, blob, code, container_name, refused};
use strongroom::{
    Conditions, ContainerItem, ContainerVersion, DownloadOptions, LeaseDuration, LeaseRequest, LeaseState,
    ListContainers, Metadata, PageSize, RetentionDays, UploadOptions,
};

const DAY: Duration = Duration::from_secs(86_400);

fn keeping(days: u16) -> BlobWorld {
    let world = BlobWorld::new();
    keep(&world, days);
    world
}

fn keep(world: &BlobWorld, days: u16) {
    let retention = (days > 0).then(|| RetentionDays::new(days).unwrap());
    let change = move |settings: &mut strongroom::BlobServiceProperties| {
        settings.container_delete_retention = retention;
    };
    world.account.change_blob_service_properties(change).unwrap();
}

/// Puts a blob into a new container and deletes the container.
fn delete(world: &BlobWorld, name: &str, content: &str) {
    let container = world.container(name);
    container
        .upload(&blob("b"), content.as_bytes(), UploadOptions::default())
        .unwrap();
    container.delete(&Conditions::default()).unwrap();
}

fn list(world: &BlobWorld, size: usize) -> Vec<ContainerItem> {
    let mut request = ListContainers {
        include_deleted: true,
        page_size: PageSize::new(size).unwrap(),
        ..ListContainers::default()
    };
    let mut items = Vec::new();
    loop {
        let page = world.account.list_containers(&request).unwrap();
        items.extend(page.containers);
        match page.next {
            Some(next) => request.marker = Some(next.to_string().parse().unwrap()),
            None => return items,
        }
    }
}

fn versions(world: &BlobWorld, name: &str) -> Vec<ContainerVersion> {
    let own = list(world, 5000)
        .into_iter()
        .filter(|item| item.name.as_str() == name);
    own.filter_map(|item| item.deleted.map(|deleted| deleted.version))
        .collect()
}

fn content(world: &BlobWorld, name: &str) -> String {
    let mut out = Vec::new();
    let container = world.account.container(&container_name(name));
    container
        .download(&blob("b"), &DownloadOptions::default(), &mut out)
        .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn it_comes_back_with_its_blobs_and_without_its_lease() {
    let world = keeping(7);
    let container = world.container("data");
    container
        .upload(&blob("b"), &b"kept"[..], UploadOptions::default())
        .unwrap();
    let acquire = LeaseRequest::Acquire {
        duration: LeaseDuration::INFINITE,
        proposed: None,
    };
    let lease = container.lease(acquire, &Conditions::default()).unwrap().lease_id;
    container
        .delete(&Conditions::under_lease(lease.unwrap()))
        .unwrap();
    assert!(!container.exists().unwrap());
    while !world.account.reap_deleted_containers().unwrap().done {}
    let version = versions(&world, "data")[0];
    let restored = world
        .account
        .restore_container(&container_name("data"), version.to_string().parse().unwrap())
        .unwrap();
    assert_eq!(restored.lease_state, LeaseState::Available);
    assert_eq!(content(&world, "data"), "kept");
    let again = world.account.restore_container(&container_name("data"), version);
    assert_eq!(refused(again), code("ContainerNotFound", 404));
}

#[test]
fn several_of_one_name_are_kept_apart_and_a_name_in_use_is_no_target() {
    let world = keeping(7);
    for text in ["first", "second"] {
        delete(&world, "data", text);
    }
    world.container("data");
    let name = container_name("data");
    let found = versions(&world, "data");
    assert_eq!(found.len(), 2);
    assert_eq!(
        refused(world.account.restore_container(&name, found[0])),
        code("ContainerAlreadyExists", 409)
    );
    let container = world.account.container(&name);
    container.delete(&Conditions::default()).unwrap();
    world.account.restore_container(&name, found[0]).unwrap();
    assert_eq!(content(&world, "data"), "first");
    let other = world
        .account
        .restore_container(&container_name("other"), found[1]);
    assert_eq!(refused(other), code("ContainerNotFound", 404));
}

#[test]
fn after_its_retention_it_is_gone_and_so_is_its_content() {
    let world = keeping(2);
    delete(&world, "data", "kept");
    keep(&world, 365);
    let version = versions(&world, "data")[0];
    world.clock.advance(2 * DAY - Duration::from_secs(1));
    let item = &list(&world, 5000)[0];
    assert_eq!(item.deleted.unwrap().remaining_days, 0);
    assert_eq!(world.account.reap_deleted_containers().unwrap().blobs, 0);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(versions(&world, "data"), []);
    let late = world.account.restore_container(&container_name("data"), version);
    assert_eq!(refused(late), code("ContainerNotFound", 404));
    assert_eq!(world.account.reap_deleted_containers().unwrap().blobs, 1);
    assert!(world.account.reap_deleted_containers().unwrap().done);
}

#[test]
fn without_retention_it_is_gone_at_once() {
    let world = keeping(0);
    delete(&world, "data", "lost");
    assert_eq!(versions(&world, "data"), []);
}

#[test]
fn deleted_ones_are_listed_after_the_living_on_pages_of_any_size() {
    let world = keeping(7);
    for name in ["data", "data-2", "data", "zoo"] {
        delete(&world, name, "x");
    }
    for name in ["data", "data-1", "$logs"] {
        world
            .account
            .container(&container_name(name))
            .create(&Metadata::new())
            .unwrap();
    }
    let tell = |item: ContainerItem| match item.deleted {
        Some(_) => format!("({})", item.name),
        None => item.name.to_string(),
    };
    let want = ["data", "(data)", "(data)", "data-1", "(data-2)", "(zoo)"];
    for size in 1..8 {
        let seen: Vec<_> = list(&world, size).into_iter().map(tell).collect();
        assert_eq!(seen, want, "{size}");
    }
    let system = ListContainers {
        include_system: true,
        prefix: "$".to_owned(),
        ..ListContainers::default()
    };
    assert_eq!(
        world.account.list_containers(&system).unwrap().containers.len(),
        1
    );
}
