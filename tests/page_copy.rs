//! Page blobs copied to another account: what was never written takes no room there either.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod blob_world;
mod copy_world;

use std::time::Duration;

use blob_world::{BlobWorld, blob, code, refused};
use copy_world::{NONE, copy_state, other, properties, source};
use strongroom::{
    BlobSource, BlobVersionRef, ByteRange, Conditions, Container, CopyStatus, CreateBlobOptions,
    DownloadOptions, ListPageRanges, PageRange, PutPagesOptions, SequenceNumberAction, SnapshotOptions,
};

const TIB: u64 = 1 << 40;
const PAGE: u64 = 512;
const SPAN: u64 = 256 << 10;
/// Where pages are and how many bytes: alone, at both ends of the blob, over the edges of spans, and more
/// than is copied in one step.
const WRITTEN: [(u64, u64); 5] = [
    (0, PAGE),
    (5 * PAGE, 3 * PAGE),
    (10 * SPAN - PAGE, 2 * PAGE),
    (TIB / 2, 20 << 20),
    (TIB - PAGE, PAGE),
];

fn content((start, length): (u64, u64)) -> Vec<u8> {
    (start..start + length)
        .map(|at| (at / PAGE % 251 + 1) as u8)
        .collect()
}

fn write(container: &Container, (start, length): (u64, u64)) {
    let all = content((start, length));
    for (number, piece) in (0..).zip(all.chunks(4 << 20)) {
        let at = start + number * (4 << 20);
        let options = PutPagesOptions::default();
        container
            .put_pages(&blob("disk"), (at, piece.len() as u64), piece, &options)
            .unwrap();
    }
}

fn disk(container: &Container) {
    let options = CreateBlobOptions::default();
    container
        .create_page_blob(&blob("disk"), (TIB, 3), &options)
        .unwrap();
    WRITTEN.iter().for_each(|run| write(container, *run));
}

fn ranges(container: &Container, name: &str) -> Vec<PageRange> {
    let found = container.page_ranges(&blob(name), &ListPageRanges::default());
    found.unwrap().ranges
}

#[track_caller]
fn check(to: &Container, name: &str) {
    let wanted = WRITTEN.map(|(start, length)| PageRange {
        start,
        length,
        is_written: true,
    });
    assert_eq!(ranges(to, name), wanted);
    for (start, length) in WRITTEN {
        let options = DownloadOptions {
            range: ByteRange::inclusive(start, start + length - 1).unwrap(),
            ..DownloadOptions::default()
        };
        let mut out = Vec::new();
        to.download(&blob(name), &options, &mut out).unwrap();
        assert!(out == content((start, length)), "{start}");
    }
    let found = properties(to, name);
    assert_eq!((found.length, found.sequence_number), (TIB, Some(3)));
}

#[test]
fn pages_are_copied_and_holes_are_not() {
    let world = BlobWorld::new();
    let from = world.container("from");
    let (account, to) = other(&world);
    disk(&from);
    let before = world.store.write_counts();
    let begun = to
        .start_copy(&blob("copy"), &source(&from, "disk"), &NONE())
        .unwrap();
    assert_eq!(begun.status, CopyStatus::Pending);
    let mut seen = Vec::new();
    while copy_state(&to, "copy").status == CopyStatus::Pending {
        seen.push(copy_state(&to, "copy").copied);
        account.maintain().unwrap();
    }
    assert!(seen.is_sorted() && !seen.is_empty(), "{seen:?}");
    let state = copy_state(&to, "copy");
    assert_eq!(
        (state.status, state.copied, state.total),
        (CopyStatus::Success, TIB, TIB)
    );
    check(&to, "copy");
    let written: u64 = WRITTEN.iter().map(|(_, length)| length).sum();
    let chunks = world.store.write_counts().since(&before).chunk_bytes;
    assert!(
        chunks < written + written / 50,
        "{chunks} bytes of chunks for {written}"
    );
    // The copy is a page blob of its own.
    to.set_sequence_number(
        &blob("copy"),
        SequenceNumberAction::Increment,
        &Conditions::default(),
    )
    .unwrap();
    let taken = to
        .snapshot_blob(&blob("copy"), &SnapshotOptions::default())
        .unwrap();
    let put = PutPagesOptions::default();
    to.put_pages(&blob("copy"), (PAGE, PAGE), [1; 512].as_slice(), &put)
        .unwrap();
    let since = ListPageRanges {
        since: Some(taken.snapshot),
        ..ListPageRanges::default()
    };
    let changed = to.page_ranges(&blob("copy"), &since).unwrap().ranges;
    assert_eq!(changed.len(), 1);
    assert_eq!(
        changed.first().map(|range| (range.start, range.length)),
        Some((PAGE, PAGE))
    );
}

#[test]
fn an_empty_page_blob_is_copied_at_once() {
    let world = BlobWorld::new();
    let from = world.container("from");
    let (_, to) = other(&world);
    let options = CreateBlobOptions::default();
    from.create_page_blob(&blob("disk"), (TIB, 3), &options).unwrap();
    let begun = to
        .start_copy(&blob("copy"), &source(&from, "disk"), &NONE())
        .unwrap();
    assert_eq!(begun.status, CopyStatus::Success);
    assert_eq!(ranges(&to, "copy"), []);
    assert_eq!(properties(&to, "copy").length, TIB);
}

#[test]
fn what_was_copied_goes_when_the_copy_is_aborted() {
    let world = BlobWorld::new();
    let from = world.container("from");
    let (account, to) = other(&world);
    disk(&from);
    // More runs than the maintenance copies in one call.
    (20..90).for_each(|number| write(&from, (number * 2 * SPAN, PAGE)));
    world.clock.advance(Duration::from_secs(1));
    let taken = from
        .snapshot_blob(&blob("disk"), &SnapshotOptions::default())
        .unwrap();
    let records = || world.store.stats().unwrap().accounts.last().unwrap().records;
    let empty = records();
    let snapshot = BlobSource {
        which: BlobVersionRef::Snapshot(taken.snapshot),
        ..source(&from, "disk")
    };
    let begun = to.start_copy(&blob("copy"), &snapshot, &NONE()).unwrap();
    let done = account.maintain().unwrap();
    assert!(done.copy_steps > 0 && !done.done);
    to.abort_copy(&blob("copy"), begun.id, &Conditions::default())
        .unwrap();
    assert_eq!(ranges(&to, "copy"), []);
    to.delete_blob(&blob("copy"), &Conditions::default()).unwrap();
    while !account.maintain().unwrap().done {}
    // The counter of content ids is new.
    assert_eq!(records(), empty + 1);
    let scrubbed = world.store.scrub(None, |_| ()).unwrap();
    assert_eq!((scrubbed.damage.len(), scrubbed.leftovers), (0, 0));
    let copied = to.copy_blob(&blob("copy"), &source(&from, "disk"), &NONE());
    assert_eq!(
        refused(copied),
        code("InvalidSourceBlobType", 409),
        "not in one step"
    );
}
