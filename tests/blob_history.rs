//! Snapshots, versions, soft delete: what each write keeps, what can be read, deleted and restored.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, CHUNK, blob, bytes, code, metadata, refused};
use strongroom::fuzzing::protect;
use strongroom::{
    BlobItem, BlobVersionRef, Conditions, Container, DeleteBlobOptions, DeleteSnapshots, DownloadOptions,
    ListBlobs, ListEntry, ListInclude, Metadata, PageSize, SnapshotOptions, Timestamp, UploadOptions,
};

const DAY: Duration = Duration::from_secs(86_400);
const EVERYTHING: ListInclude = ListInclude {
    snapshots: true,
    versions: true,
    deleted: true,
    deleted_with_versions: false,
    uncommitted: true,
    tags: true,
};

fn put(container: &Container, name: &str, content: &[u8]) -> Option<Timestamp> {
    container
        .upload(&blob(name), content, UploadOptions::default())
        .unwrap()
        .version_id
}

fn snapshot(container: &Container, name: &str) -> Timestamp {
    container
        .snapshot_blob(&blob(name), &SnapshotOptions::default())
        .unwrap()
        .snapshot
}

fn read(container: &Container, name: &str, which: BlobVersionRef) -> strongroom::Result<Vec<u8>> {
    let mut out = Vec::new();
    let options = DownloadOptions {
        which,
        ..DownloadOptions::default()
    };
    container.download(&blob(name), &options, &mut out).map(|_| out)
}

fn list(container: &Container, include: ListInclude) -> Vec<BlobItem> {
    let request = ListBlobs {
        include,
        ..ListBlobs::default()
    };
    let page = container.list_blobs(&request).unwrap();
    page.blobs().cloned().collect()
}

/// Each item as `name`, then `s` snapshot, `v` version, `c` current, `d` deleted, `u` uncommitted, `o` only
/// versions.
fn marks(items: &[BlobItem]) -> Vec<String> {
    let mark = |item: &BlobItem| {
        let flags = [
            (item.snapshot.is_some(), 's'),
            (item.properties.version_id.is_some(), 'v'),
            (item.is_current, 'c'),
            (item.properties.deleted.is_some(), 'd'),
            (!item.is_committed, 'u'),
            (item.has_versions_only, 'o'),
        ];
        let set = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| *flag);
        format!("{} {}", item.name, set.collect::<String>())
    };
    items.iter().map(mark).collect()
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let world = BlobWorld::new();
    let container = world.container("con");
    let content = bytes(5 * CHUNK);
    put(&container, "b", &content);
    let before = world.store.write_counts();
    let first = snapshot(&container, "b");
    let second = snapshot(&container, "b");
    assert!(second > first, "the clock stands still");
    assert_eq!(world.store.write_counts().since(&before).chunk_bytes, 0);
    put(&container, "b", b"new");
    for time in [first, second] {
        assert_eq!(
            read(&container, "b", BlobVersionRef::Snapshot(time)).unwrap(),
            content
        );
    }
    assert_eq!(read(&container, "b", BlobVersionRef::Base).unwrap(), b"new");
    let unknown = BlobVersionRef::Snapshot(Timestamp::from_ticks(second.ticks() + 1));
    assert_eq!(refused(read(&container, "b", unknown)), code("BlobNotFound", 404));
    let delete = container.delete_blob(&blob("b"), &Conditions::default());
    assert_eq!(refused(delete), code("SnapshotsPresent", 409));
    container
        .delete_blob(&blob("b"), BlobVersionRef::Snapshot(first))
        .unwrap();
    container.delete_blob(&blob("b"), DeleteSnapshots::Only).unwrap();
    assert_eq!(marks(&list(&container, EVERYTHING)), ["b c"]);
    snapshot(&container, "b");
    container
        .delete_blob(&blob("b"), DeleteSnapshots::Include)
        .unwrap();
    assert_eq!(marks(&list(&container, EVERYTHING)), [""; 0]);
    world.account.maintain().unwrap();
    // The envelope is elsewhere: the container, its counter and that of content ids.
    assert_eq!(world.records(), 3);
}

#[test]
fn a_snapshot_may_have_metadata_of_its_own() {
    let world = BlobWorld::new();
    let container = world.container("con");
    put(&container, "b", b"x");
    container
        .set_blob_metadata(&blob("b"), &metadata(&[("a", "1")]), &Conditions::default())
        .unwrap();
    let own = SnapshotOptions {
        metadata: metadata(&[("b", "2")]),
        ..SnapshotOptions::default()
    };
    let own = container.snapshot_blob(&blob("b"), &own).unwrap();
    let same = container
        .snapshot_blob(&blob("b"), &SnapshotOptions::default())
        .unwrap();
    let base = container
        .blob_properties(&blob("b"), &Conditions::default())
        .unwrap();
    assert_eq!(same.etag, base.etag);
    assert_ne!(own.etag, base.etag);
    let of = |time| {
        container
            .blob_metadata(&blob("b"), BlobVersionRef::Snapshot(time))
            .unwrap()
    };
    assert_eq!(of(own.snapshot), metadata(&[("b", "2")]));
    assert_eq!(of(same.snapshot), metadata(&[("a", "1")]));
}

#[test]
fn what_is_deleted_can_be_restored_for_its_time() {
    let world = BlobWorld::new();
    let container = world.container("con");
    protect(&world.account, false, Some(DAY * 7));
    put(&container, "b", b"one");
    let kept = snapshot(&container, "b");
    put(&container, "b", b"two");
    container
        .delete_blob(&blob("b"), DeleteSnapshots::Include)
        .unwrap();
    assert_eq!(
        refused(read(&container, "b", BlobVersionRef::Base)),
        code("BlobNotFound", 404)
    );
    let gone = read(&container, "b", BlobVersionRef::Snapshot(kept));
    assert_eq!(refused(gone), code("BlobNotFound", 404));
    assert_eq!(marks(&list(&container, ListInclude::default())), [""; 0]);
    assert_eq!(marks(&list(&container, EVERYTHING)), ["b sd", "b sd", "b d"]);
    assert_eq!(container.undelete_blob(&blob("b")).unwrap(), 3);
    assert_eq!(read(&container, "b", BlobVersionRef::Base).unwrap(), b"two");
    assert_eq!(
        read(&container, "b", BlobVersionRef::Snapshot(kept)).unwrap(),
        b"one"
    );
    assert_eq!(
        container.undelete_blob(&blob("b")).unwrap(),
        0,
        "nothing to restore is no error"
    );
    container
        .delete_blob(&blob("b"), DeleteSnapshots::Include)
        .unwrap();
    put(&container, "b", b"three");
    assert_eq!(
        marks(&list(&container, EVERYTHING)),
        ["b sd", "b sd", "b sd", "b c"]
    );
    world.clock.advance(DAY * 7);
    assert_eq!(
        marks(&list(&container, EVERYTHING)),
        ["b c"],
        "over, before the maintenance"
    );
    assert_eq!(container.undelete_blob(&blob("b")).unwrap(), 0);
    assert_eq!(world.account.maintain().unwrap().expired_blobs, 3);
    container.delete_blob(&blob("b"), &Conditions::default()).unwrap();
    world.clock.advance(DAY * 8);
    assert_eq!(
        refused(container.undelete_blob(&blob("b"))),
        code("BlobNotFound", 404)
    );
    assert_eq!(world.account.maintain().unwrap().expired_blobs, 1);
    assert_eq!(world.records(), 3, "nothing is left");
}

#[test]
fn every_write_makes_a_version() {
    let world = BlobWorld::new();
    let container = world.container("con");
    put(&container, "b", b"before");
    protect(&world.account, true, None);
    let one = put(&container, "b", b"one").unwrap();
    let two = container
        .set_blob_metadata(&blob("b"), &metadata(&[("a", "1")]), &Conditions::default())
        .unwrap()
        .version_id
        .unwrap();
    let three = container
        .snapshot_blob(&blob("b"), &SnapshotOptions::default())
        .unwrap();
    let four = put(&container, "b", b"four").unwrap();
    assert_eq!(
        marks(&list(&container, EVERYTHING)),
        ["b v", "b v", "b v", "b s", "b v", "b vc"]
    );
    let of = |id| read(&container, "b", BlobVersionRef::Version(id));
    assert_eq!(of(one).unwrap(), b"one");
    assert_eq!(of(two).unwrap(), b"one");
    assert_eq!(of(three.version_id.unwrap()).unwrap(), b"one");
    assert_eq!(of(four).unwrap(), b"four");
    let meta = |id| {
        container
            .blob_metadata(&blob("b"), BlobVersionRef::Version(id))
            .unwrap()
    };
    assert_eq!((meta(one), meta(two)), (Metadata::new(), metadata(&[("a", "1")])));
    let current = container.delete_blob(&blob("b"), BlobVersionRef::Version(four));
    assert_eq!(refused(current), code("OperationNotAllowedOnRootBlob", 403));
    container
        .delete_blob(&blob("b"), BlobVersionRef::Version(two))
        .unwrap();
    assert_eq!(refused(of(two)), code("BlobNotFound", 404));
    container
        .delete_blob(&blob("b"), DeleteSnapshots::Include)
        .unwrap();
    assert_eq!(
        of(four).unwrap(),
        b"four",
        "deleting makes the current version a previous one"
    );
    let only = ListInclude {
        deleted_with_versions: true,
        ..ListInclude::default()
    };
    assert_eq!(marks(&list(&container, only)), ["b vo"]);
    put(&container, "b", b"again");
    assert_eq!(marks(&list(&container, only)), ["b vc"]);
}

#[test]
fn a_deleted_version_comes_back_without_a_base() {
    let world = BlobWorld::new();
    let container = world.container("con");
    protect(&world.account, true, Some(DAY));
    let one = put(&container, "b", b"one").unwrap();
    let two = put(&container, "b", b"two").unwrap();
    container.delete_blob(&blob("b"), &Conditions::default()).unwrap();
    for id in [one, two] {
        container
            .delete_blob(&blob("b"), BlobVersionRef::Version(id))
            .unwrap();
    }
    assert_eq!(marks(&list(&container, EVERYTHING)), ["b vd", "b vd"]);
    assert_eq!(container.undelete_blob(&blob("b")).unwrap(), 2);
    assert_eq!(marks(&list(&container, EVERYTHING)), ["b v", "b v"]);
    assert_eq!(
        read(&container, "b", BlobVersionRef::Version(two)).unwrap(),
        b"two"
    );
    assert_eq!(
        refused(read(&container, "b", BlobVersionRef::Base)),
        code("BlobNotFound", 404)
    );
    let permanent = DeleteBlobOptions {
        which: BlobVersionRef::Version(one),
        permanent: true,
        ..DeleteBlobOptions::default()
    };
    let early = container.delete_blob(&blob("b"), &permanent);
    assert_eq!(refused(early), code("InvalidOperation", 400), "not deleted yet");
    container
        .delete_blob(&blob("b"), BlobVersionRef::Version(one))
        .unwrap();
    container.delete_blob(&blob("b"), &permanent).unwrap();
    assert_eq!(marks(&list(&container, EVERYTHING)), ["b v"]);
    let both = DeleteBlobOptions {
        which: BlobVersionRef::Version(two),
        snapshots: DeleteSnapshots::Include,
        ..DeleteBlobOptions::default()
    };
    assert_eq!(
        refused(container.delete_blob(&blob("b"), &both)),
        code("InvalidOperation", 400)
    );
}

#[test]
fn pages_of_one_entry_show_what_one_page_shows() {
    let world = BlobWorld::new();
    let container = world.container("con");
    protect(&world.account, true, Some(DAY));
    for name in ["a", "a\u{0}", "a/1", "a/2", "b", "c/1"] {
        put(&container, name, b"1");
        snapshot(&container, name);
        put(&container, name, b"2");
    }
    container
        .delete_blob(&blob("b"), DeleteSnapshots::Include)
        .unwrap();
    container
        .delete_blob(&blob("c/1"), DeleteSnapshots::Include)
        .unwrap();
    let block = strongroom::BlockId::new(b"1").unwrap();
    for name in ["a", "z"] {
        let options = strongroom::PutBlockOptions::default();
        container
            .put_block(&blob(name), &block, b"x".as_slice(), &options)
            .unwrap();
    }
    let everything = ListInclude {
        deleted_with_versions: true,
        ..EVERYTHING
    };
    let only = ListInclude {
        deleted_with_versions: true,
        ..ListInclude::default()
    };
    for include in [ListInclude::default(), EVERYTHING, everything, only] {
        for delimiter in [None, Some("/".to_owned())] {
            let mut request = ListBlobs {
                include,
                delimiter,
                ..ListBlobs::default()
            };
            let whole = container.list_blobs(&request).unwrap();
            assert!(whole.next.is_none());
            request.page_size = PageSize::new(1).unwrap();
            let mut entries = Vec::new();
            for _ in 0..100 {
                let page = container.list_blobs(&request).unwrap();
                assert!(page.entries.len() <= 1);
                entries.extend(page.entries);
                request.marker = match page.next {
                    Some(next) => Some(next.to_string().parse().unwrap()),
                    None => break,
                };
            }
            let show = |entries: &[ListEntry]| {
                let show = |entry: &ListEntry| match entry {
                    ListEntry::Blob(item) => marks(&[BlobItem::clone(item)]).remove(0),
                    other => format!("{other:?}"),
                };
                entries.iter().map(show).collect::<Vec<_>>()
            };
            assert_eq!(show(&entries), show(&whole.entries), "{include:?}");
            assert_eq!(entries, whole.entries, "{include:?}");
        }
    }
    assert_eq!(marks(&list(&container, only)).last().unwrap(), "c/1 vo");
    assert_eq!(marks(&list(&container, everything)).last().unwrap(), "z u");
}
