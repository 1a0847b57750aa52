//! Pages that were never written cost nothing: a page blob of 1 TiB takes room in proportion to its pages.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of a test may fail loudly, and the figures are wanted"
)]

mod blob_world;
mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use blob_world::{BlobWorld, blob};
use common::World;
use strongroom::{
    ByteRange, Container, CreateBlobOptions, DownloadOptions, ListPageRanges, PageRange, PutPagesOptions,
    SnapshotOptions, Timestamp,
};

const TIB: u64 = 1 << 40;
const PAGE: u64 = 512;

/// Places all over the blob, no two of them neighbours.
fn places(count: u64, seed: u64) -> BTreeSet<u64> {
    let spread = |number: u64| (number * 2_654_435_761 + seed * 97) % (TIB / PAGE / 2) * 2;
    (0..count).map(|number| spread(number) * PAGE).collect()
}

fn write(container: &Container, places: &BTreeSet<u64>) {
    for place in places {
        let options = PutPagesOptions::default();
        container
            .put_pages(&blob("disk"), (*place, PAGE), [7; 512].as_slice(), &options)
            .unwrap();
    }
}

fn ranges(container: &Container, since: Option<Timestamp>) -> BTreeSet<u64> {
    let options = ListPageRanges {
        since,
        ..ListPageRanges::default()
    };
    let page = container.page_ranges(&blob("disk"), &options).unwrap();
    assert_eq!(page.next, None);
    let start = |range: PageRange| {
        assert_eq!((range.length, range.is_written), (PAGE, true));
        range.start
    };
    page.ranges.into_iter().map(start).collect()
}

#[test]
fn a_thousand_pages_in_a_tebibyte() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    let options = CreateBlobOptions::default();
    container
        .create_page_blob(&blob("disk"), (TIB, 0), &options)
        .unwrap();
    let (empty, before) = (world.records(), world.store.write_counts());
    let first = places(1_000, 1);
    write(&container, &first);
    let written = world.store.write_counts().since(&before);
    let records = world.records() - empty;
    println!("{} pages: {records} records, {written:?}", first.len());
    // A span and its entry in the index of changes for each, and no more.
    assert!(records <= 2 * first.len() as u64);
    assert_eq!(ranges(&container, None), first);

    world.clock.advance(Duration::from_secs(1));
    let snapshot = container.snapshot_blob(&blob("disk"), &SnapshotOptions::default());
    let second: BTreeSet<u64> = places(100, 2).difference(&first).copied().collect();
    write(&container, &second);
    assert_eq!(ranges(&container, Some(snapshot.unwrap().snapshot)), second);
    assert_eq!(ranges(&container, None), first.union(&second).copied().collect());

    let place = first.iter().next().unwrap();
    let options = DownloadOptions {
        range: ByteRange::inclusive(*place, place + 2 * PAGE - 1).unwrap(),
        ..DownloadOptions::default()
    };
    let mut out = Vec::new();
    container.download(&blob("disk"), &options, &mut out).unwrap();
    assert_eq!(out, [[7; 512], [0; 512]].concat());
}

/// Bytes of the store's files with a page blob of 1 TiB that has so many pages.
fn on_disk(pages: u64) -> u64 {
    let mut world = World::prepared();
    let container = world.account().container(&"disks".parse().unwrap());
    container.create(&strongroom::Metadata::new()).unwrap();
    let options = CreateBlobOptions::default();
    container
        .create_page_blob(&blob("disk"), (TIB, 0), &options)
        .unwrap();
    write(&container, &places(pages, 1));
    world.reopen();
    world.store.stats().unwrap().bytes_on_disk
}

#[test]
fn the_files_grow_with_the_pages_and_not_with_the_blob() {
    let [none, thousand] = [0, 1_000].map(on_disk);
    let each = (thousand - none) / 1_000;
    println!("{none} bytes without pages, {each} more for each of 1000 pages");
    // Every page came with a commit of its own: some 15 kB of pages of the tree each, most of them replaced
    // since, and a log-structured engine that has not folded them yet.
    assert!(each < 128 << 10, "{each} bytes for a page of 512");
}
