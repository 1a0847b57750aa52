//! Copies within an account are done at once, and every refusal has the code of Azure.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;
mod copy_world;

use blob_world::{BlobWorld, CHUNK, blob, bytes, code, container_name, metadata, refused};
use copy_world::{NONE, content, other, properties, put, put_blocks, same_blocks, source, uuid};
use strongroom::{
    AccessTier, ArchiveStatus, BlobSource, BlobType, BlobVersionRef, Conditions, Container, CopyOptions,
    CopyStatus, CreateBlobOptions, ETag, LeaseDuration, LeaseRequest, SnapshotOptions, SourceTags,
};

#[test]
fn a_copy_within_an_account_has_everything_that_its_source_has() {
    let world = BlobWorld::new();
    let (from, to) = (world.container("from"), world.container("into"));
    let all = put_blocks(&from, "b", 5);
    let receipt = to.start_copy(&blob("b"), &source(&from, "b"), &NONE()).unwrap();
    assert_eq!(receipt.status, CopyStatus::Success);
    same_blocks(&from, &to, "b");
    assert_eq!(content(&to, "b"), all);
    let found = properties(&to, "b");
    assert_eq!(found.metadata.unwrap(), metadata(&[("who", "carol")]));
    let state = found.copy.unwrap();
    assert_eq!(
        (state.id, state.copied, state.total),
        (receipt.id, all.len() as u64, all.len() as u64)
    );
    assert_eq!(state.source, "/blobs/from/b");
    assert!(state.completed.is_some() && state.description.is_none());

    put(&from, "small", &bytes(100));
    let options = CopyOptions {
        metadata: metadata(&[("new", "yes")]),
        source_tags: SourceTags::Copy,
        tier: Some(AccessTier::Cool),
        source_url: Some(
            "https://me:pass@blobs.blob.core.windows.net/from/small?sv=1&versionid=2&sig=x#y".to_owned(),
        ),
        ..NONE()
    };
    to.copy_blob(&blob("small"), &source(&from, "small"), &options)
        .unwrap();
    let found = properties(&to, "small");
    assert_eq!(found.metadata.unwrap(), metadata(&[("new", "yes")]));
    assert_eq!((found.tag_count, found.tier), (2, Some(AccessTier::Cool)));
    assert_eq!(found.headers.content_type, "text/plain");
    assert_eq!(found.content_md5, properties(&from, "small").content_md5);
    assert_eq!(
        found.copy.unwrap().source,
        "https://blobs.blob.core.windows.net/from/small?versionid=2",
        "nothing that may be a secret"
    );
    // Onto itself: only what the options say changes.
    let again = CopyOptions {
        metadata: metadata(&[("turn", "2")]),
        ..NONE()
    };
    to.start_copy(&blob("small"), &source(&to, "small"), &again)
        .unwrap();
    assert_eq!(content(&to, "small"), bytes(100));
    assert_eq!(
        properties(&to, "small").metadata.unwrap(),
        metadata(&[("turn", "2")])
    );
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

#[test]
fn a_snapshot_becomes_the_base_again_and_append_blobs_are_copied() {
    let world = BlobWorld::new();
    let container = world.container("box");
    put(&container, "b", &bytes(2 * CHUNK));
    let taken = container
        .snapshot_blob(&blob("b"), &SnapshotOptions::default())
        .unwrap();
    put(&container, "b", b"changed");
    let past = BlobSource {
        which: BlobVersionRef::Snapshot(taken.snapshot),
        ..source(&container, "b")
    };
    container.start_copy(&blob("b"), &past, &NONE()).unwrap();
    assert_eq!(content(&container, "b"), bytes(2 * CHUNK));

    container
        .create_append_blob(&blob("log"), &CreateBlobOptions::default())
        .unwrap();
    let append = |name: &str, text: &[u8]| {
        let options = strongroom::AppendBlockOptions::default();
        container.append_block(&blob(name), text, &options).unwrap()
    };
    append("log", b"one");
    let (_, there) = other(&world);
    for to in [&container, &there] {
        to.start_copy(&blob("copy"), &source(&container, "log"), &NONE())
            .unwrap();
        while !world.store.maintain().unwrap().done {}
        let found = properties(to, "copy");
        assert_eq!(found.blob_type, BlobType::AppendBlob);
        assert_eq!(found.committed_block_count, Some(1));
        let options = strongroom::AppendBlockOptions::default();
        to.append_block(&blob("copy"), b"two".as_slice(), &options)
            .unwrap();
        assert_eq!(content(to, "copy"), b"onetwo");
        assert_eq!(content(&container, "log"), b"one");
    }
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

#[test]
fn pages_are_shared_within_an_account_and_written_apart() {
    let world = BlobWorld::new();
    let container = world.container("box");
    let (_, there) = other(&world);
    let options = CreateBlobOptions::default();
    container
        .create_page_blob(&blob("disk"), (8192, 7), &options)
        .unwrap();
    let write = |name: &str, offset: u64, byte: u8| {
        let pages = vec![byte; 512];
        let options = strongroom::PutPagesOptions::default();
        container
            .put_pages(&blob(name), (offset, 512), pages.as_slice(), &options)
            .unwrap();
    };
    write("disk", 512, 1);
    container
        .start_copy(&blob("copy"), &source(&container, "disk"), &NONE())
        .unwrap();
    write("disk", 1024, 2);
    write("copy", 1536, 3);
    let first = |name: &str| {
        content(&container, name)
            .chunks(512)
            .take(4)
            .map(|page| page[0])
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (first("disk"), first("copy")),
        (vec![0, 1, 2, 0], vec![0, 1, 0, 3])
    );
    assert_eq!(properties(&container, "copy").sequence_number, Some(7));
    let at_once = there.copy_blob(&blob("copy"), &source(&container, "disk"), &NONE());
    assert_eq!(refused(at_once), code("InvalidSourceBlobType", 409));
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

fn take_lease(container: &Container, name: &str) {
    let lease = LeaseRequest::Acquire {
        duration: LeaseDuration::INFINITE,
        proposed: None,
    };
    container
        .lease_blob(&blob(name), lease, &Conditions::default())
        .unwrap();
}

#[test]
fn every_refusal_has_its_code_and_changes_nothing() {
    let world = BlobWorld::new();
    let container = world.container("box");
    put(&container, "b", b"source");
    put(&container, "there", b"before");
    container
        .create_append_blob(&blob("log"), &CreateBlobOptions::default())
        .unwrap();
    put(&container, "leased", b"before");
    take_lease(&container, "leased");
    let tag: ETag = "0x1".parse().unwrap();
    let wrong_source = BlobSource {
        conditions: Conditions::if_match(tag),
        ..source(&container, "b")
    };
    let absent = world.account.container(&container_name("absent"));
    let both = CopyOptions {
        tags: "a=1".parse().unwrap(),
        source_tags: SourceTags::Copy,
        ..NONE()
    };
    let long = CopyOptions {
        source_url: Some("x".repeat(2049)),
        ..NONE()
    };
    let with = |conditions| CopyOptions { conditions, ..NONE() };
    let tier = |tier| CopyOptions {
        tier: Some(tier),
        ..NONE()
    };
    let b = || source(&container, "b");
    for (to, name, from, options, want, status) in [
        (&absent, "there", b(), NONE(), "ContainerNotFound", 404),
        (
            &container,
            "there",
            source(&absent, "b"),
            NONE(),
            "ContainerNotFound",
            404,
        ),
        (
            &container,
            "there",
            source(&container, "no"),
            NONE(),
            "BlobNotFound",
            404,
        ),
        (
            &container,
            "there",
            wrong_source,
            NONE(),
            "SourceConditionNotMet",
            412,
        ),
        (
            &container,
            "there",
            b(),
            with(Conditions::if_match(tag)),
            "ConditionNotMet",
            412,
        ),
        (
            &container,
            "there",
            b(),
            with(Conditions::if_absent()),
            "BlobAlreadyExists",
            409,
        ),
        (&container, "leased", b(), NONE(), "LeaseIdMissing", 412),
        (&container, "log", b(), NONE(), "InvalidBlobType", 409),
        (
            &container,
            "there",
            b(),
            both,
            "BothUserTagsAndSourceTagsCopyPresentException",
            400,
        ),
        (&container, "there", b(), long, "InvalidHeaderValue", 400),
        (
            &container,
            "there",
            b(),
            tier(AccessTier::P4),
            "AccessTierNotSupportedForBlobType",
            400,
        ),
    ] {
        let started = to.start_copy(&blob(name), &from, &options);
        assert_eq!(refused(started), code(want, status), "{want}");
        let copied = to.copy_blob(&blob(name), &from, &options);
        assert_eq!(refused(copied), code(want, status), "{want}, at once");
    }
    assert_eq!(content(&container, "there"), b"before");
}

#[test]
fn archived_sources_need_a_tier_and_the_same_account() {
    let world = BlobWorld::new();
    let container = world.container("box");
    let (_, there) = other(&world);
    put(&container, "b", b"source");
    container
        .set_blob_tier(
            &blob("b"),
            AccessTier::Archive,
            &strongroom::SetTierOptions::default(),
        )
        .unwrap();
    let from = source(&container, "b");
    let cool = CopyOptions {
        tier: Some(AccessTier::Cool),
        ..NONE()
    };
    let archived = code("BlobArchived", 409);
    assert_eq!(
        refused(container.start_copy(&blob("d"), &from, &NONE())),
        archived
    );
    assert_eq!(refused(there.start_copy(&blob("d"), &from, &cool)), archived);
    container.start_copy(&blob("d"), &from, &cool).unwrap();
    let found = properties(&container, "d");
    assert_eq!(found.tier, Some(AccessTier::Archive));
    assert_eq!(found.archive_status, Some(ArchiveStatus::RehydratePendingToCool));
    world.clock.advance(std::time::Duration::from_secs(15 * 3600));
    assert_eq!(content(&container, "d"), b"source");
}

#[test]
fn only_block_blobs_are_copied_at_once() {
    let world = BlobWorld::new();
    let container = world.container("box");
    container
        .create_append_blob(&blob("log"), &CreateBlobOptions::default())
        .unwrap();
    let nothing = container.abort_copy(&blob("log"), uuid(), &Conditions::default());
    assert_eq!(refused(nothing), code("NoPendingCopyOperation", 409));
    let copied = container.copy_blob(&blob("new"), &source(&container, "log"), &NONE());
    assert_eq!(refused(copied), code("InvalidSourceBlobType", 409));
    assert!(!container.blob_exists(&blob("new")).unwrap());
}

#[test]
fn a_copy_of_an_append_blob_can_be_ended() {
    let world = BlobWorld::new();
    let container = world.container("box");
    container
        .create_append_blob(&blob("log"), &CreateBlobOptions::default())
        .unwrap();
    put(&container, "block", b"block");
    let options = CopyOptions { seal: true, ..NONE() };
    for (name, is_sealed) in [("log", true), ("block", false)] {
        container
            .start_copy(&blob("copy"), &source(&container, name), &options)
            .unwrap();
        assert_eq!(properties(&container, "copy").is_sealed, is_sealed, "{name}");
        assert!(
            !properties(&container, name).is_sealed,
            "{name}: the source stays as it is"
        );
        container
            .delete_blob(&blob("copy"), &Conditions::default())
            .unwrap();
    }
}
