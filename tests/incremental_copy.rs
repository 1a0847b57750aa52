//! Incremental copies: a page blob that follows the snapshots of another one, step by step, by reference.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod blob_world;

use blob_world::{BlobWorld, blob, bytes, code, metadata, refused};
use strongroom::{
    BlobSource, BlobVersionRef, BlockListFilter, Conditions, Container, CopyOptions, CopyStatus,
    CreateBlobOptions, DeleteBlobOptions, DeleteSnapshots, DownloadOptions, Error, ListBlobs, NewAccount,
    PutPagesOptions, ReadOptions, SequenceNumberAction, SnapshotOptions, Timestamp, UploadOptions,
};

const PAGES: u64 = 64 << 10;

fn page_blob(container: &Container, name: &str) {
    let options = CreateBlobOptions {
        metadata: metadata(&[("disk", "one")]),
        ..CreateBlobOptions::default()
    };
    container
        .create_page_blob(&blob(name), (4 * PAGES, 5), &options)
        .unwrap();
}

fn write(container: &Container, name: &str, (offset, byte): (u64, u8)) -> Result<(), Error> {
    let pages = vec![byte; PAGES as usize];
    container
        .put_pages(
            &blob(name),
            (offset, PAGES),
            pages.as_slice(),
            &PutPagesOptions::default(),
        )
        .map(drop)
}

fn snapshot(container: &Container, name: &str) -> Timestamp {
    let taken = container.snapshot_blob(&blob(name), &SnapshotOptions::default());
    taken.unwrap().snapshot
}

fn source(container: &Container, name: &str, time: Timestamp) -> BlobSource {
    BlobSource {
        which: BlobVersionRef::Snapshot(time),
        ..BlobSource::new(container, blob(name))
    }
}

fn read(container: &Container, name: &str, which: BlobVersionRef) -> Vec<u8> {
    let options = DownloadOptions {
        which,
        ..DownloadOptions::default()
    };
    let mut out = Vec::new();
    container.download(&blob(name), &options, &mut out).unwrap();
    out
}

#[test]
fn each_step_leaves_a_snapshot_and_moves_no_data() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    page_blob(&container, "disk");
    let mut states = Vec::new();
    for step in 0..4u8 {
        write(&container, "disk", (u64::from(step) * PAGES, step + 1)).unwrap();
        let taken = snapshot(&container, "disk");
        let before = world.store.write_counts();
        let from = source(&container, "disk", taken);
        let receipt = container.incremental_copy(&blob("backup"), &from, &Conditions::default());
        assert_eq!(world.store.write_counts().since(&before).chunk_bytes, 0);
        assert_eq!(receipt.unwrap().status, CopyStatus::Success);
        let shown = container
            .blob_properties(&blob("backup"), &Conditions::default())
            .unwrap();
        let copy = shown.copy.unwrap();
        assert!(shown.is_incremental_copy);
        assert_eq!(shown.sequence_number, Some(5));
        assert_eq!(shown.metadata.unwrap().get("disk"), Some("one"));
        assert_eq!(copy.source, format!("/blobs/disks/disk?snapshot={taken}"));
        states.push((
            copy.destination_snapshot.unwrap(),
            read(&container, "disk", BlobVersionRef::Base),
        ));
    }
    // What was copied stays when the source is gone.
    let options = DeleteBlobOptions {
        snapshots: DeleteSnapshots::Include,
        ..DeleteBlobOptions::default()
    };
    container.delete_blob(&blob("disk"), &options).unwrap();
    while !world.account.maintain().unwrap().done {}
    for (time, content) in &states {
        assert!(read(&container, "backup", BlobVersionRef::Snapshot(*time)) == *content);
    }
    assert!(read(&container, "backup", BlobVersionRef::Base) == states.last().unwrap().1);
    let scrubbed = world.store.scrub(None, |_| ()).unwrap();
    assert_eq!((scrubbed.damage, scrubbed.leftovers), (vec![], 0));
    let options = DeleteBlobOptions {
        snapshots: DeleteSnapshots::Include,
        ..DeleteBlobOptions::default()
    };
    container.delete_blob(&blob("backup"), &options).unwrap();
    while !world.account.maintain().unwrap().done {}
    let scrubbed = world.store.scrub(None, |_| ()).unwrap();
    assert_eq!(
        (scrubbed.chunks, scrubbed.leftovers),
        (0, 0),
        "the space comes back"
    );
}

#[test]
fn what_follows_a_blob_is_changed_by_nothing_else() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    page_blob(&container, "disk");
    let first = source(&container, "disk", snapshot(&container, "disk"));
    let always = Conditions::default();
    container
        .incremental_copy(&blob("backup"), &first, &always)
        .unwrap();
    let forbidden = code("OperationNotAllowedOnIncrementalCopyBlob", 409);
    assert_eq!(refused(write(&container, "backup", (0, 1))), forbidden);
    let resized = container.resize_page_blob(&blob("backup"), PAGES, &always);
    assert_eq!(refused(resized), forbidden);
    let number = SequenceNumberAction::Increment;
    assert_eq!(
        refused(container.set_sequence_number(&blob("backup"), number, &always)),
        forbidden
    );
    let taken = container.snapshot_blob(&blob("backup"), &SnapshotOptions::default());
    assert_eq!(refused(taken), forbidden);
}

#[test]
fn a_step_that_does_not_fit_changes_nothing() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    for name in ["disk", "other", "plain"] {
        page_blob(&container, name);
    }
    container
        .upload(&blob("block"), &bytes(10)[..], UploadOptions::default())
        .unwrap();
    let earlier = snapshot(&container, "disk");
    let later = snapshot(&container, "disk");
    let always = Conditions::default();
    let from = source(&container, "disk", later);
    container
        .incremental_copy(&blob("backup"), &from, &always)
        .unwrap();
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47".parse().unwrap();
    let elsewhere = NewAccount::new("elsewhere".parse().unwrap(), tenant, "westus".parse().unwrap());
    let elsewhere = world.store.create_account(&elsewhere).unwrap();
    let elsewhere = elsewhere.container(&"disks".parse().unwrap());
    elsewhere.create(&strongroom::Metadata::new()).unwrap();
    page_blob(&elsewhere, "disk");
    let abroad = source(&elsewhere, "disk", snapshot(&elsewhere, "disk"));
    let cases = [
        (
            "backup",
            BlobSource::new(&container, blob("disk")),
            "IncrementalCopySourceMustBeSnapshot",
            409,
        ),
        (
            "backup",
            source(&container, "disk", earlier),
            "IncrementalCopyOfEarlierVersionSnapshotNotAllowed",
            409,
        ),
        (
            "backup",
            source(&container, "other", snapshot(&container, "other")),
            "IncrementalCopyBlobMismatch",
            409,
        ),
        ("plain", from.clone(), "IncrementalCopyBlobMismatch", 409),
        (
            "new",
            source(&container, "block", snapshot(&container, "block")),
            "InvalidSourceBlobType",
            409,
        ),
        ("new", abroad, "CopyAcrossAccountsNotSupported", 400),
        (
            "new",
            source(&container, "disk", Timestamp::from_unix_seconds(1)),
            "BlobNotFound",
            404,
        ),
    ];
    let before = listing(&container);
    for (to, from, wanted, status) in cases {
        let failed = container.incremental_copy(&blob(to), &from, &always);
        assert_eq!(refused(failed), code(wanted, status), "{to}");
        assert_eq!(listing(&container), before, "{to}");
    }
    let absent = Conditions::if_absent();
    let failed = container.incremental_copy(&blob("backup"), &from, &absent);
    assert_eq!(refused(failed), code("BlobAlreadyExists", 409));
    // The same snapshot again, and a copy of the follower, are nothing special.
    container
        .incremental_copy(&blob("backup"), &from, &always)
        .unwrap();
    let follower = BlobSource::new(&container, blob("backup"));
    container
        .start_copy(&blob("copy"), &follower, &CopyOptions::default())
        .unwrap();
    write(&container, "copy", (0, 9)).unwrap();
    let blocks = container.block_list(&blob("backup"), BlockListFilter::All, ReadOptions::default());
    assert_eq!(refused(blocks), code("InvalidBlobType", 409));
}

/// Every state of every blob, with its tag.
fn listing(container: &Container) -> Vec<String> {
    let mut request = ListBlobs::default();
    request.include.snapshots = true;
    let page = container.list_blobs(&request).unwrap();
    let line =
        |item: &strongroom::BlobItem| format!("{} {:?} {}", item.name, item.snapshot, item.properties.etag);
    page.blobs().map(line).collect()
}

/// Where versions are kept every step makes one, and earlier ones stay as they are.
#[test]
fn every_step_makes_a_version_where_versions_are_kept() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    world
        .account
        .change_blob_service_properties(|settings| settings.versioning = true)
        .unwrap();
    page_blob(&container, "disk");
    let mut versions = Vec::new();
    for step in 0..3u8 {
        write(&container, "disk", (u64::from(step) * PAGES, step + 1)).unwrap();
        let from = source(&container, "disk", snapshot(&container, "disk"));
        container
            .incremental_copy(&blob("backup"), &from, &Conditions::default())
            .unwrap();
        let found = container
            .blob_properties(&blob("backup"), &Conditions::default())
            .unwrap();
        versions.push((
            found.version_id.unwrap(),
            read(&container, "disk", BlobVersionRef::Base),
        ));
    }
    for (id, content) in &versions {
        assert!(
            read(&container, "backup", BlobVersionRef::Version(*id)) == *content,
            "{id}"
        );
    }
    let scrubbed = world.store.scrub(None, |_| ()).unwrap();
    assert_eq!((scrubbed.damage, scrubbed.leftovers), (vec![], 0));
}
