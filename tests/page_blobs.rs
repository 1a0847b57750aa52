//! Page blobs: pages are written, cleared and told of where they are, under the conditions of the caller.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod blob_world;

use blob_world::{BlobWorld, blob, bytes, code, refused};
use strongroom::{
    BlobSource, BlobType, ByteRange, Conditions, Container, CreateBlobOptions, DownloadOptions, Error,
    ListPageRanges, PUT_PAGES_BYTES_MAX, PageRange, PutPagesOptions, SequenceConditions,
    SequenceNumberAction, SnapshotOptions, UploadOptions,
};

const MIB: u64 = 1 << 20;

fn create(container: &Container, name: &str, length: u64) {
    container
        .create_page_blob(&blob(name), (length, 0), &CreateBlobOptions::default())
        .unwrap();
}

fn put(container: &Container, name: &str, offset: u64, content: &[u8]) -> Result<(), Error> {
    let range = (offset, content.len() as u64);
    let options = PutPagesOptions::default();
    container
        .put_pages(&blob(name), range, content, &options)
        .map(drop)
}

fn read(container: &Container, name: &str, start: u64, length: u64) -> Vec<u8> {
    let options = DownloadOptions {
        range: ByteRange::inclusive(start, start + length - 1).unwrap(),
        ..DownloadOptions::default()
    };
    let mut out = Vec::new();
    container.download(&blob(name), &options, &mut out).unwrap();
    out
}

fn written(start: u64, length: u64) -> PageRange {
    PageRange {
        start,
        length,
        is_written: true,
    }
}

fn ranges(container: &Container, name: &str, options: &ListPageRanges) -> Vec<PageRange> {
    container.page_ranges(&blob(name), options).unwrap().ranges
}

#[test]
fn pages_are_where_they_were_written_and_zero_elsewhere() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    create(&container, "disk", 8 * MIB);
    // Within a span, over a border, and as large as may be.
    let writes = [
        (512, 1_024),
        (256 * 1024 - 512, 1_024),
        (2 * MIB, PUT_PAGES_BYTES_MAX),
        (2 * MIB + 5_120, 512),
    ];
    let mut model = vec![0; 8 << 20];
    for (number, (offset, length)) in writes.into_iter().enumerate() {
        let content: Vec<u8> = bytes(length as usize)
            .iter()
            .map(|byte| byte ^ number as u8)
            .collect();
        put(&container, "disk", offset, &content).unwrap();
        model[offset as usize..][..length as usize].copy_from_slice(&content);
    }
    assert!(read(&container, "disk", 0, 8 * MIB) == model);
    let plain = ListPageRanges::default();
    assert_eq!(
        ranges(&container, "disk", &plain),
        [
            written(512, 1_024),
            written(256 * 1024 - 512, 1_024),
            written(2 * MIB, PUT_PAGES_BYTES_MAX)
        ]
    );
    let part = ListPageRanges {
        range: ByteRange::inclusive(1_024, 256 * 1024 - 1).unwrap(),
        ..plain
    };
    assert_eq!(
        ranges(&container, "disk", &part),
        [written(1_024, 512), written(256 * 1024 - 512, 512)]
    );
    let options = PutPagesOptions::default();
    container
        .clear_pages(&blob("disk"), (1_024, 7 * MIB), &options)
        .unwrap();
    model[1_024..1_024 + (7 << 20)].fill(0);
    assert!(read(&container, "disk", 0, 8 * MIB) == model);
    assert_eq!(
        ranges(&container, "disk", &ListPageRanges::default()),
        [written(512, 512)]
    );
    let properties = container
        .blob_properties(&blob("disk"), &Conditions::default())
        .unwrap();
    assert_eq!(
        (properties.blob_type, properties.sequence_number),
        (BlobType::PageBlob, Some(0))
    );
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

#[test]
fn ranges_come_in_pages() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    create(&container, "disk", 4 * MIB);
    let all: Vec<_> = (0..9).map(|number| number * 300_032 / 512 * 512).collect();
    for offset in &all {
        put(&container, "disk", *offset, &[1; 512]).unwrap();
    }
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let options = ListPageRanges {
            marker,
            page_size: strongroom::PageSize::new(2).unwrap(),
            ..ListPageRanges::default()
        };
        let page = container.page_ranges(&blob("disk"), &options).unwrap();
        assert!(page.ranges.len() <= 2);
        found.extend(page.ranges.iter().map(|range| range.start));
        marker = page.next;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(found, all);
}

#[test]
fn a_smaller_blob_forgets_what_was_behind_its_end() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    create(&container, "disk", MIB);
    put(&container, "disk", 0, &vec![7; 1 << 20]).unwrap();
    let resize = |length| container.resize_page_blob(&blob("disk"), length, &Conditions::default());
    resize(1_024).unwrap();
    assert_eq!(read(&container, "disk", 0, 2_000).len(), 1_024);
    resize(MIB).unwrap();
    let mut model = vec![0; 1 << 20];
    model[..1_024].fill(7);
    assert!(read(&container, "disk", 0, MIB) == model);
    for length in [1_000, (8 << 40) + 512] {
        assert_eq!(refused(resize(length)), code("InvalidHeaderValue", 400));
    }
}

#[test]
fn the_sequence_number_guards_writes() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    create(&container, "disk", MIB);
    let none = Conditions::default();
    let set = |action| container.set_sequence_number(&blob("disk"), action, &none);
    let number = || {
        let properties = container.blob_properties(&blob("disk"), &none).unwrap();
        properties.sequence_number.unwrap()
    };
    for (action, wanted) in [
        (SequenceNumberAction::Update(7), 7),
        (SequenceNumberAction::Max(5), 7),
        (SequenceNumberAction::Max(9), 9),
        (SequenceNumberAction::Increment, 10),
    ] {
        set(action).unwrap();
        assert_eq!(number(), wanted, "{action:?}");
    }
    assert_eq!(
        refused(set(SequenceNumberAction::Update(1 << 63))),
        code("InvalidHeaderValue", 400)
    );
    let at_most = |number| SequenceConditions {
        at_most: Some(number),
        ..SequenceConditions::default()
    };
    let less_than = |number| SequenceConditions {
        less_than: Some(number),
        ..SequenceConditions::default()
    };
    let equal = |number| SequenceConditions {
        equal: Some(number),
        ..SequenceConditions::default()
    };
    for (sequence, holds) in [
        (at_most(10), true),
        (at_most(9), false),
        (less_than(11), true),
        (less_than(10), false),
        (equal(10), true),
        (equal(11), false),
    ] {
        let options = PutPagesOptions {
            sequence,
            ..PutPagesOptions::default()
        };
        let result = container.put_pages(&blob("disk"), (0, 512), [1; 512].as_slice(), &options);
        if holds {
            assert_eq!(result.unwrap().sequence_number, 10, "{sequence:?}");
        } else {
            assert_eq!(
                refused(result),
                code("SequenceNumberConditionNotMet", 412),
                "{sequence:?}"
            );
        }
    }
}

#[test]
fn refusals_change_nothing() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    create(&container, "disk", MIB);
    container
        .upload(&blob("block"), b"12345678".as_slice(), UploadOptions::default())
        .unwrap();
    let etag = || {
        let properties = container.blob_properties(&blob("disk"), &Conditions::default());
        properties.unwrap().etag
    };
    let before = etag();
    let check = |name: &str, range: (u64, u64), content: usize, wanted: (&str, u16)| {
        let content = vec![1; content];
        let options = PutPagesOptions::default();
        let result = container.put_pages(&blob(name), range, content.as_slice(), &options);
        assert_eq!(refused(result), code(wanted.0, wanted.1), "{name} {range:?}");
    };
    check("none", (0, 512), 512, ("BlobNotFound", 404));
    check("block", (0, 512), 512, ("InvalidBlobType", 409));
    check("disk", (1, 512), 512, ("InvalidPageRange", 416));
    check("disk", (0, 500), 500, ("InvalidPageRange", 416));
    check("disk", (MIB, 512), 512, ("InvalidPageRange", 416));
    check("disk", (u64::MAX - 511, 512), 512, ("InvalidPageRange", 416));
    check("disk", (0, 512), 511, ("InvalidHeaderValue", 400));
    check("disk", (0, 512), 513, ("RequestBodyTooLarge", 413));
    check("disk", (0, 0), 0, ("InvalidHeaderValue", 400));
    let create = |length, number| {
        let options = CreateBlobOptions::default();
        refused(container.create_page_blob(&blob("new"), (length, number), &options))
    };
    assert_eq!(create(511, 0), code("InvalidHeaderValue", 400));
    assert_eq!(create((8 << 40) + 512, 0), code("InvalidHeaderValue", 400));
    assert_eq!(create(512, 1 << 63), code("InvalidHeaderValue", 400));
    let pages = container.page_ranges(&blob("block"), &ListPageRanges::default());
    assert_eq!(refused(pages), code("InvalidBlobType", 409));
    assert_eq!(etag(), before);
    create_large(&container);
}

fn create_large(container: &Container) {
    create(container, "large", 5 * MIB);
    let content = vec![1; 5 << 20];
    assert_eq!(
        refused(put(container, "large", 0, &content)),
        code("RequestBodyTooLarge", 413)
    );
}

#[test]
fn differences_are_told_against_a_snapshot_of_the_same_blob() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    create(&container, "disk", MIB);
    put(&container, "disk", 0, &[1; 4_096]).unwrap();
    let snapshot = || {
        world.clock.advance(std::time::Duration::from_secs(1));
        let options = SnapshotOptions::default();
        container.snapshot_blob(&blob("disk"), &options).unwrap().snapshot
    };
    let first = snapshot();
    put(&container, "disk", 1_024, &[2; 1_024]).unwrap();
    container
        .clear_pages(&blob("disk"), (3_072, 1_024), &PutPagesOptions::default())
        .unwrap();
    let second = snapshot();
    put(&container, "disk", 524_288, &[3; 512]).unwrap();
    let since = |time| ListPageRanges {
        since: Some(time),
        ..ListPageRanges::default()
    };
    let cleared = PageRange {
        start: 3_072,
        length: 1_024,
        is_written: false,
    };
    assert_eq!(
        ranges(&container, "disk", &since(first)),
        [written(1_024, 1_024), cleared, written(524_288, 512)]
    );
    assert_eq!(
        ranges(&container, "disk", &since(second)),
        [written(524_288, 512)]
    );
    let between = |which: strongroom::Timestamp, time| ListPageRanges {
        which: strongroom::BlobVersionRef::Snapshot(which),
        ..since(time)
    };
    assert_eq!(
        ranges(&container, "disk", &between(second, first)),
        [written(1_024, 1_024), cleared]
    );
    let fails = |options: &ListPageRanges| refused(container.page_ranges(&blob("disk"), options));
    assert_eq!(
        fails(&between(first, second)),
        code("PreviousSnapshotCannotBeNewer", 400)
    );
    let never = strongroom::Timestamp::from_unix_seconds(1);
    assert_eq!(fails(&since(never)), code("PreviousSnapshotNotFound", 409));
    create(&container, "disk", MIB);
    assert_eq!(fails(&since(first)), code("BlobOverwritten", 409));
}

/// What only a deleted snapshot and the base saw goes when the base sees it no more.
#[test]
fn clearing_gives_up_what_a_deleted_snapshot_has_left() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    create(&container, "disk", MIB);
    let empty = world.records();
    put(&container, "disk", 0, &[1; 4_096]).unwrap();
    let options = SnapshotOptions::default();
    let taken = container.snapshot_blob(&blob("disk"), &options).unwrap();
    put(&container, "disk", 512 * 1024, &[2; 512]).unwrap();
    let options = strongroom::DeleteBlobOptions {
        which: strongroom::BlobVersionRef::Snapshot(taken.snapshot),
        ..strongroom::DeleteBlobOptions::default()
    };
    container.delete_blob(&blob("disk"), options).unwrap();
    while !world.store.maintain().unwrap().done {}
    let options = PutPagesOptions::default();
    container.clear_pages(&blob("disk"), (0, MIB), &options).unwrap();
    // At most an empty span that hides nothing any more, and its change.
    assert!(world.records() <= empty + 2, "{} of {empty}", world.records());
    let report = world.store.scrub(None, |_| ()).unwrap();
    assert_eq!((report.damage.len(), report.leftovers), (0, 0), "{report:?}");
}

/// A base that a copy has taken back to an older state does not descend from a newer snapshot.
#[test]
fn there_is_no_difference_to_tell_after_going_back() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    create(&container, "disk", MIB);
    let snapshot = || {
        world.clock.advance(std::time::Duration::from_secs(1));
        let options = SnapshotOptions::default();
        container.snapshot_blob(&blob("disk"), &options).unwrap().snapshot
    };
    put(&container, "disk", 0, &[1; 512]).unwrap();
    let first = snapshot();
    put(&container, "disk", 0, &[2; 512]).unwrap();
    let second = snapshot();
    let source = BlobSource {
        which: strongroom::BlobVersionRef::Snapshot(first),
        ..BlobSource::new(&container, blob("disk"))
    };
    let options = strongroom::CopyOptions::default();
    container.start_copy(&blob("disk"), &source, &options).unwrap();
    assert!(read(&container, "disk", 0, 512) == [1; 512]);
    let since = ListPageRanges {
        since: Some(second),
        ..ListPageRanges::default()
    };
    let found = container.page_ranges(&blob("disk"), &since);
    assert_eq!(refused(found), code("BlobOverwritten", 409));
}

#[test]
fn another_blob_can_be_the_source() {
    let world = BlobWorld::new();
    let container = world.container("disks");
    create(&container, "disk", MIB);
    let whole = bytes(10_000);
    container
        .upload(&blob("source"), whole.as_slice(), UploadOptions::default())
        .unwrap();
    let range = |start, end| BlobSource {
        range: ByteRange::inclusive(start, end).unwrap(),
        ..BlobSource::new(&container, blob("source"))
    };
    let from = |offset, source: &BlobSource| {
        container.put_pages_from(&blob("disk"), offset, source, &PutPagesOptions::default())
    };
    from(512, &range(100, 1_123)).unwrap();
    assert!(read(&container, "disk", 512, 1_024) == whole[100..1_124]);
    assert_eq!(refused(from(0, &range(0, 99))), code("InvalidPageRange", 416));
}
