//! Tiers: which blob can have which, what an archived blob refuses, and how it comes back.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, blob, code, metadata, refused};
use strongroom::{
    AccessTier, ArchiveStatus, BlobProperties, BlobVersionRef, BlockId, Conditions, Container,
    CreateBlobOptions, DownloadOptions, ListedBlock, PutBlockListOptions, PutBlockOptions, RehydratePriority,
    SetTierOptions, SnapshotOptions, TierChange, UploadOptions,
};

const HOUR: Duration = Duration::from_secs(3600);
const GIB: u64 = 1 << 30;

fn put(container: &Container, name: &str, tier: Option<AccessTier>) {
    let options = UploadOptions {
        tier,
        ..UploadOptions::default()
    };
    container
        .upload(&blob(name), b"content".as_slice(), options)
        .unwrap();
}

fn set(container: &Container, name: &str, tier: AccessTier) -> Result<TierChange, strongroom::Error> {
    container.set_blob_tier(&blob(name), tier, &SetTierOptions::default())
}

fn properties(container: &Container, name: &str) -> BlobProperties {
    container
        .blob_properties(&blob(name), &Conditions::default())
        .unwrap()
}

fn read(container: &Container, name: &str) -> Result<Vec<u8>, strongroom::Error> {
    let mut out = Vec::new();
    container.download(&blob(name), &DownloadOptions::default(), &mut out)?;
    Ok(out)
}

#[test]
fn a_tier_is_hot_until_it_is_set_and_changes_nothing_else() {
    let world = BlobWorld::new();
    let container = world.container("tiers");
    put(&container, "b", None);
    let before = properties(&container, "b");
    assert_eq!((before.tier, before.tier_inferred), (Some(AccessTier::Hot), true));
    world.clock.advance(HOUR);
    assert_eq!(
        set(&container, "b", "cold".parse().unwrap()).unwrap(),
        TierChange::Done
    );
    let after = properties(&container, "b");
    assert_eq!((after.tier, after.tier_inferred), (Some(AccessTier::Cold), false));
    assert_eq!(
        (after.etag, after.last_modified),
        (before.etag, before.last_modified)
    );
    assert!(after.tier_changed > Some(before.created));
    put(&container, "b", Some(AccessTier::Cool));
    assert_eq!(properties(&container, "b").tier, Some(AccessTier::Cool));
    put(&container, "b", None);
    assert!(properties(&container, "b").tier_inferred);
}

#[test]
fn each_type_has_its_tiers() {
    let world = BlobWorld::new();
    let container = world.container("tiers");
    put(&container, "block", None);
    container
        .create_append_blob(&blob("append"), &CreateBlobOptions::default())
        .unwrap();
    let unsupported = code("AccessTierNotSupportedForBlobType", 400);
    for (name, tier) in [
        ("block", AccessTier::P4),
        ("append", AccessTier::Hot),
        ("append", AccessTier::P80),
    ] {
        assert_eq!(refused(set(&container, name, tier)), unsupported, "{name} {tier}");
    }
    let upload = UploadOptions {
        tier: Some(AccessTier::P10),
        ..UploadOptions::default()
    };
    let result = container.upload(&blob("new"), b"".as_slice(), upload);
    assert_eq!(refused(result), unsupported);
    let create = CreateBlobOptions {
        tier: Some(AccessTier::Hot),
        ..CreateBlobOptions::default()
    };
    assert_eq!(
        refused(container.create_append_blob(&blob("new"), &create)),
        unsupported
    );
    assert_eq!(
        refused(set(&container, "new", AccessTier::Hot)),
        code("BlobNotFound", 404)
    );
    let snapshot = container
        .snapshot_blob(&blob("block"), &SnapshotOptions::default())
        .unwrap();
    let of_snapshot = SetTierOptions {
        which: BlobVersionRef::Snapshot(snapshot.snapshot),
        ..SetTierOptions::default()
    };
    let result = container.set_blob_tier(&blob("block"), AccessTier::Cool, &of_snapshot);
    assert_eq!(refused(result), code("SnapshotsPresent", 400));
}

/// What an archived blob allows and refuses, before and while it is rehydrated.
#[test]
fn the_content_of_an_archived_blob_is_out_of_reach() {
    let world = BlobWorld::new();
    let container = world.container("tiers");
    put(&container, "b", Some(AccessTier::Archive));
    let check = |wanted: (String, u16)| {
        assert_eq!(refused(read(&container, "b")), wanted);
        let snapshot = container.snapshot_blob(&blob("b"), &SnapshotOptions::default());
        assert_eq!(refused(snapshot), wanted);
        let metadata = metadata(&[("a", "b")]);
        let set = container.set_blob_metadata(&blob("b"), &metadata, &Conditions::default());
        assert_eq!(refused(set), wanted);
        container
            .blob_metadata(&blob("b"), &Conditions::default())
            .unwrap();
    };
    check(code("BlobArchived", 409));
    assert_eq!(
        set(&container, "b", AccessTier::Cool).unwrap(),
        TierChange::Rehydrating
    );
    let under_way = properties(&container, "b");
    assert_eq!(under_way.tier, Some(AccessTier::Archive));
    assert_eq!(
        under_way.archive_status,
        Some(ArchiveStatus::RehydratePendingToCool)
    );
    assert_eq!(under_way.rehydrate_priority, Some(RehydratePriority::Standard));
    let busy = code("BlobBeingRehydrated", 409);
    check(busy.clone());
    assert_eq!(refused(set(&container, "b", AccessTier::Hot)), busy);
    assert_eq!(refused(set(&container, "b", AccessTier::Archive)), busy);
    world.clock.advance(HOUR * 14);
    check(busy);
    world.clock.advance(HOUR);
    assert_eq!(read(&container, "b").unwrap(), b"content");
    let done = properties(&container, "b");
    assert_eq!(
        (done.tier, done.archive_status, done.rehydrate_priority),
        (Some(AccessTier::Cool), None, None)
    );
}

#[test]
fn a_higher_priority_brings_it_back_sooner_and_overwriting_at_once() {
    let world = BlobWorld::new();
    let container = world.container("tiers");
    for name in ["hurried", "overwritten"] {
        put(&container, name, Some(AccessTier::Archive));
        set(&container, name, AccessTier::Hot).unwrap();
    }
    let high = SetTierOptions {
        priority: RehydratePriority::High,
        ..SetTierOptions::default()
    };
    container
        .set_blob_tier(&blob("hurried"), AccessTier::Hot, &high)
        .unwrap();
    assert_eq!(
        properties(&container, "hurried").rehydrate_priority,
        Some(RehydratePriority::High)
    );
    put(&container, "overwritten", None);
    assert_eq!(read(&container, "overwritten").unwrap(), b"content");
    world.clock.advance(HOUR);
    assert_eq!(read(&container, "hurried").unwrap(), b"content");
}

/// Blocks of an archived blob are out of reach for a new list too; a list without them replaces the blob.
#[test]
fn a_block_list_takes_nothing_out_of_the_archive() {
    let world = BlobWorld::new();
    let container = world.container("tiers");
    let block = |text: &str| BlockId::new(text.as_bytes()).unwrap();
    let stage = |text: &str| {
        let options = PutBlockOptions::default();
        container.put_block(&blob("b"), &block(text), text.as_bytes(), &options)
    };
    let commit = |list: &[ListedBlock], tier| {
        let options = PutBlockListOptions {
            tier,
            ..PutBlockListOptions::default()
        };
        container.put_block_list(&blob("b"), list, &options)
    };
    stage("1").unwrap();
    commit(&[ListedBlock::Latest(block("1"))], Some(AccessTier::Archive)).unwrap();
    stage("2").unwrap();
    let check = |wanted: (String, u16)| {
        for old in [
            ListedBlock::Committed(block("1")),
            ListedBlock::Latest(block("1")),
        ] {
            let list = [ListedBlock::Uncommitted(block("2")), old];
            assert_eq!(refused(commit(&list, None)), wanted);
            assert_eq!(refused(commit(&list, Some(AccessTier::Archive))), wanted);
        }
    };
    check(code("BlobArchived", 409));
    set(&container, "b", AccessTier::Hot).unwrap();
    check(code("BlobBeingRehydrated", 409));
    assert_eq!(properties(&container, "b").tier, Some(AccessTier::Archive));
    commit(&[ListedBlock::Uncommitted(block("2"))], None).unwrap();
    assert_eq!(read(&container, "b").unwrap(), b"2");
    commit(&[ListedBlock::Committed(block("2"))], None).unwrap();
    assert_eq!(read(&container, "b").unwrap(), b"2");
}

/// A page blob only goes up, and never below what it holds; what it says of its tier stays as it was refused.
#[test]
fn a_page_blob_only_goes_up() {
    let world = BlobWorld::new();
    let container = world.container("tiers");
    let create = |name: &str, length: u64, tier| {
        let options = CreateBlobOptions {
            tier,
            ..CreateBlobOptions::default()
        };
        container.create_page_blob(&blob(name), (length, 0), &options)
    };
    let (lower, small) = (
        code("CannotChangeToLowerTier", 409),
        code("BlobTierInadequateForContentLength", 409),
    );
    create("disk", 100 * GIB, None).unwrap();
    assert_eq!(properties(&container, "disk").tier, None);
    assert_eq!(refused(set(&container, "disk", AccessTier::P6)), small);
    assert_eq!(
        set(&container, "disk", AccessTier::P10).unwrap(),
        TierChange::Done
    );
    assert_eq!(
        set(&container, "disk", AccessTier::P40).unwrap(),
        TierChange::Done
    );
    for tier in [AccessTier::P30, AccessTier::P4] {
        assert_eq!(refused(set(&container, "disk", tier)), lower, "{tier}");
    }
    let hot = set(&container, "disk", AccessTier::Hot);
    assert_eq!(refused(hot), code("AccessTierNotSupportedForBlobType", 400));
    assert_eq!(properties(&container, "disk").tier, Some(AccessTier::P40));
    assert_eq!(refused(create("new", 33 * GIB, Some(AccessTier::P4))), small);
    create("new", 32 * GIB, Some(AccessTier::P4)).unwrap();
    assert_eq!(properties(&container, "new").tier, Some(AccessTier::P4));
}
