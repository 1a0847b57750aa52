//! Append blobs: blocks go to the end, under the conditions of the caller, until the blob is sealed.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod blob_world;

use blob_world::{BlobWorld, CHUNK, blob, bytes, code, metadata, refused};
use strongroom::{
    APPEND_BLOCK_BYTES_MAX, APPENDED_BLOCKS_MAX, AppendBlockOptions, BlobSource, BlobType, BlobVersionRef,
    ByteRange, Conditions, Container, ContentHeaders, CreateBlobOptions, DeleteBlobOptions, DeleteSnapshots,
    DownloadOptions, ETag, LeaseDuration, LeaseRequest, SnapshotOptions, UploadOptions,
};

fn append(container: &Container, name: &str, content: &[u8]) -> Result<u64, strongroom::Error> {
    let options = AppendBlockOptions::default();
    let receipt = container.append_block(&blob(name), content, &options)?;
    Ok(receipt.offset)
}

fn create(container: &Container, name: &str) {
    container
        .create_append_blob(&blob(name), &CreateBlobOptions::default())
        .unwrap();
}

fn content(container: &Container, name: &str, which: BlobVersionRef) -> Vec<u8> {
    let options = DownloadOptions {
        which,
        ..DownloadOptions::default()
    };
    let mut out = Vec::new();
    container.download(&blob(name), &options, &mut out).unwrap();
    out
}

#[test]
fn blocks_follow_one_another_in_record_and_manifest() {
    let world = BlobWorld::new();
    let container = world.container("logs");
    let options = CreateBlobOptions {
        headers: ContentHeaders::of_type("text/plain"),
        metadata: metadata(&[("who", "carol")]),
        ..CreateBlobOptions::default()
    };
    container.create_append_blob(&blob("log"), &options).unwrap();
    let mut all = Vec::new();
    for number in 0..70_u32 {
        // Small ones and some of several chunks.
        let block = bytes(1 + number as usize * 211);
        let receipt = container
            .append_block(&blob("log"), block.as_slice(), &AppendBlockOptions::default())
            .unwrap();
        assert_eq!(receipt.offset, all.len() as u64);
        assert_eq!(receipt.committed_block_count, number + 1);
        all.extend(block);
    }
    let properties = container
        .blob_properties(&blob("log"), &Conditions::default())
        .unwrap();
    assert_eq!(properties.blob_type, BlobType::AppendBlob);
    assert_eq!(properties.length, all.len() as u64);
    assert_eq!(properties.committed_block_count, Some(70));
    assert_eq!(properties.headers.content_type, "text/plain");
    assert_eq!(properties.metadata.unwrap(), options.metadata);
    assert!(content(&container, "log", BlobVersionRef::Base) == all);
    let range = DownloadOptions {
        range: ByteRange::inclusive(40_000, 200_000).unwrap(),
        ..DownloadOptions::default()
    };
    let mut out = Vec::new();
    container.download(&blob("log"), &range, &mut out).unwrap();
    assert!(out == all.get(40_000..=200_000).unwrap());
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

/// Two states that share a beginning go on apart.
#[test]
fn a_snapshot_keeps_its_length_and_a_sealed_blob_its_content() {
    let world = BlobWorld::new();
    let container = world.container("logs");
    create(&container, "log");
    let empty = world.records();
    let (mut all, mut snapshots) = (Vec::new(), Vec::new());
    for number in 0..9_usize {
        let taken = container
            .snapshot_blob(&blob("log"), &SnapshotOptions::default())
            .unwrap();
        snapshots.push((taken.snapshot, all.len()));
        append(&container, "log", &bytes(100 + number)).unwrap();
        all.extend(bytes(100 + number));
    }
    for (snapshot, length) in snapshots {
        let found = content(&container, "log", BlobVersionRef::Snapshot(snapshot));
        assert!(found == all.get(..length).unwrap());
    }
    let sealed = container.seal_append_blob(&blob("log"), Some(all.len() as u64), &Conditions::default());
    let sealed = sealed.unwrap();
    let again = container
        .seal_append_blob(&blob("log"), None, &Conditions::default())
        .unwrap();
    assert_eq!(again.etag, sealed.etag);
    assert_eq!(
        refused(append(&container, "log", b"more")),
        code("BlobIsSealed", 409)
    );
    let everything = DeleteBlobOptions {
        snapshots: DeleteSnapshots::Include,
        ..DeleteBlobOptions::default()
    };
    container.delete_blob(&blob("log"), everything).unwrap();
    while !world.store.maintain().unwrap().done {}
    assert!(world.records() < empty + 2, "what nothing refers to is gone");
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

/// What refuses an append of four bytes to a blob of eight.
#[test]
fn refusals_change_nothing() {
    let world = BlobWorld::new();
    let container = world.container("logs");
    create(&container, "log");
    append(&container, "log", b"12345678").unwrap();
    container
        .upload(&blob("block"), b"12345678".as_slice(), UploadOptions::default())
        .unwrap();
    create(&container, "leased");
    let acquire = LeaseRequest::Acquire {
        proposed: None,
        duration: LeaseDuration::INFINITE,
    };
    container
        .lease_blob(&blob("leased"), acquire, &Conditions::default())
        .unwrap();
    let etag = || {
        let properties = container.blob_properties(&blob("log"), &Conditions::default());
        properties.unwrap().etag
    };
    let before = etag();
    let check = |name: &str, content: &[u8], options: AppendBlockOptions, wanted: (&str, u16)| {
        let result = container.append_block(&blob(name), content, &options);
        assert_eq!(refused(result), code(wanted.0, wanted.1), "{name} {options:?}");
    };
    let plain = AppendBlockOptions::default;
    let other: ETag = "\"0x8D0000000000000\"".parse().unwrap();
    check("none", b"more", plain(), ("BlobNotFound", 404));
    check("block", b"more", plain(), ("InvalidBlobType", 409));
    check("leased", b"more", plain(), ("LeaseIdMissing", 412));
    check("log", b"", plain(), ("InvalidHeaderValue", 400));
    let position = AppendBlockOptions {
        position: Some(7),
        ..plain()
    };
    check("log", b"more", position, ("AppendPositionConditionNotMet", 412));
    let size = AppendBlockOptions {
        length_max: Some(11),
        ..plain()
    };
    check("log", b"more", size, ("MaxBlobSizeConditionNotMet", 412));
    let tag = AppendBlockOptions {
        conditions: Conditions::if_match(other),
        ..plain()
    };
    check("log", b"more", tag, ("ConditionNotMet", 412));
    let md5 = AppendBlockOptions {
        content_md5: Some([0; 16]),
        ..plain()
    };
    check("log", b"more", md5, ("Md5Mismatch", 400));
    let seal = |name, position| {
        let conditions = Conditions::default();
        refused(container.seal_append_blob(&blob(name), position, &conditions))
    };
    assert_eq!(seal("log", Some(7)), code("AppendPositionConditionNotMet", 412));
    assert_eq!(seal("block", None), code("InvalidBlobType", 409));
    let too_large = std::io::Read::take(std::io::repeat(1), APPEND_BLOCK_BYTES_MAX + 1);
    let result = container.append_block(&blob("log"), too_large, &plain());
    assert_eq!(refused(result), code("RequestBodyTooLarge", 413));
    assert_eq!(etag(), before);
    let fits = AppendBlockOptions {
        position: Some(8),
        length_max: Some(12),
        ..plain()
    };
    container
        .append_block(&blob("log"), b"more".as_slice(), &fits)
        .unwrap();
    assert_eq!(content(&container, "log", BlobVersionRef::Base), b"12345678more");
}

#[test]
fn another_blob_can_be_the_source() {
    let world = BlobWorld::new();
    let (container, elsewhere) = (world.container("logs"), world.container("elsewhere"));
    create(&container, "log");
    let whole = bytes(3 * CHUNK);
    elsewhere
        .upload(&blob("source"), whole.as_slice(), UploadOptions::default())
        .unwrap();
    let source = BlobSource {
        range: ByteRange::inclusive(10, 5_009).unwrap(),
        ..BlobSource::new(&elsewhere, blob("source"))
    };
    let options = AppendBlockOptions::default();
    let receipt = container
        .append_block_from(&blob("log"), &source, &options)
        .unwrap();
    assert_eq!((receipt.offset, receipt.committed_block_count), (0, 1));
    assert!(content(&container, "log", BlobVersionRef::Base) == whole.get(10..5_010).unwrap());
    let check = |source: &BlobSource, wanted: (&str, u16)| {
        let result = container.append_block_from(&blob("log"), source, &options);
        assert_eq!(refused(result), code(wanted.0, wanted.1));
    };
    let missing = BlobSource::new(&elsewhere, blob("missing"));
    check(&missing, ("BlobNotFound", 404));
    let changed = BlobSource {
        conditions: Conditions::if_match("\"0x8D0000000000000\"".parse().unwrap()),
        ..source.clone()
    };
    check(&changed, ("SourceConditionNotMet", 412));
    let beyond = BlobSource {
        range: ByteRange::from(3 * CHUNK as u64),
        ..source
    };
    check(&beyond, ("InvalidRange", 416));
}

/// By hand, because 50,000 appends take a while: set `STRONGROOM_APPENDS=50000`. Otherwise far fewer, and
/// nothing is refused.
#[test]
fn the_number_of_blocks_is_limited() {
    let appends = std::env::var("STRONGROOM_APPENDS").map_or(300, |text| text.parse().unwrap());
    let world = BlobWorld::new();
    let container = world.container("logs");
    create(&container, "log");
    for number in 0..appends {
        assert_eq!(append(&container, "log", b"x").unwrap(), number);
    }
    let next = append(&container, "log", b"x");
    if appends < u64::from(APPENDED_BLOCKS_MAX) {
        next.unwrap();
    } else {
        assert_eq!(refused(next), code("BlockCountExceedsLimit", 409));
    }
}
