//! Copies within an account and snapshots move no data: no chunk is written, and what is written does not
//! depend on the size. The content goes with the last that refers to it.
//!
//! The larger size is 16 MiB, or `STRONGROOM_COPY_MIB`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test may fail loudly, and the figures are wanted"
)]

mod blob_world;

use std::io::{Read, Seek, SeekFrom};

use blob_world::{BlobWorld, blob};
use strongroom::engine::engine::counting::WriteCounts;
use strongroom::{
    BlobSource, BlobVersionRef, Conditions, Container, CopyOptions, DownloadOptions, SnapshotOptions,
    Timestamp, UploadOptions,
};

const MIB: usize = 1 << 20;
/// Lengths are shorter numbers in the records of small blobs.
const LENGTHS_BYTES_MAX: u64 = 128;

fn large() -> usize {
    let wanted = std::env::var("STRONGROOM_COPY_MIB").ok();
    wanted.map_or(16, |text| text.parse().unwrap())
}

fn piece(number: usize) -> Vec<u8> {
    (0..MIB).map(|at| (number * 31 + at / 4096 + at) as u8).collect()
}

fn put(container: &Container, mebibytes: usize) {
    let mut upload = container
        .begin_upload(&blob("source"), UploadOptions::default())
        .unwrap();
    for number in 0..mebibytes {
        upload.write(&piece(number)).unwrap();
    }
    upload.commit().unwrap();
}

fn check_ends(container: &Container, (name, which): (&str, BlobVersionRef), mebibytes: usize) {
    let options = DownloadOptions {
        which,
        ..DownloadOptions::default()
    };
    let mut open = container.open_blob(&blob(name), &options).unwrap();
    assert_eq!(open.length(), (mebibytes * MIB) as u64);
    for number in [mebibytes - 1, 0] {
        open.seek(SeekFrom::Start((number * MIB) as u64)).unwrap();
        let mut there = vec![0; MIB];
        open.read_exact(&mut there).unwrap();
        assert!(there == piece(number), "MiB {number} of {name}");
    }
}

/// A snapshot and a copy of a blob of that size, and what the engine was asked to write for each.
fn story(mebibytes: usize) -> [WriteCounts; 2] {
    let world = BlobWorld::new();
    let container = world.container("container");
    // The counter of ids is there before anything is counted.
    put(&container, 1);
    container
        .snapshot_blob(&blob("source"), &SnapshotOptions::default())
        .unwrap();
    let everything = strongroom::DeleteBlobOptions::from(strongroom::DeleteSnapshots::Include);
    container.delete_blob(&blob("source"), &everything).unwrap();
    let empty = world.records();

    put(&container, mebibytes);
    let counted = |change: &dyn Fn()| {
        let before = world.store.write_counts();
        change();
        world.store.write_counts().since(&before)
    };
    let taken = std::cell::Cell::new(Timestamp::default());
    let snapshot = counted(&|| {
        let options = SnapshotOptions::default();
        taken.set(
            container
                .snapshot_blob(&blob("source"), &options)
                .unwrap()
                .snapshot,
        );
    });
    let source = BlobSource {
        which: BlobVersionRef::Snapshot(taken.get()),
        ..BlobSource::new(&container, blob("source"))
    };
    let copy = counted(&|| {
        let options = CopyOptions::default();
        container.start_copy(&blob("copy"), &source, &options).unwrap();
    });
    let none = Conditions::default();
    check_ends(&container, ("copy", BlobVersionRef::Base), mebibytes);
    container
        .upload(&blob("source"), b"other".as_slice(), UploadOptions::default())
        .unwrap();
    container.delete_blob(&blob("copy"), &none).unwrap();
    check_ends(&container, ("source", source.which), mebibytes);
    let only = strongroom::DeleteBlobOptions::from(source.which);
    container.delete_blob(&blob("source"), only).unwrap();
    container.delete_blob(&blob("source"), &none).unwrap();
    while !world.store.maintain().unwrap().done {}
    assert_eq!(world.records(), empty, "no record is left");
    let report = world.store.scrub(None, |_| ()).unwrap();
    assert_eq!((report.chunks, report.bytes, report.leftovers), (0, 0, 0));
    assert!(report.damage.is_empty());
    [snapshot, copy]
}

#[test]
fn a_snapshot_and_a_copy_cost_the_same_whatever_the_size() {
    for (what, small, big) in ["snapshot", "copy"]
        .into_iter()
        .zip(story(1))
        .zip(story(large()))
        .map(|((what, small), big)| (what, small, big))
    {
        println!("{what}: {small:?}, {} MiB: {big:?}", large());
        assert_eq!((small.chunk_bytes, big.chunk_bytes), (0, 0), "{what}");
        assert_eq!((small.batches, small.syncs), (big.batches, big.syncs), "{what}");
        let difference = small.record_bytes.abs_diff(big.record_bytes);
        assert!(difference <= LENGTHS_BYTES_MAX, "{what}: {difference}");
    }
}
