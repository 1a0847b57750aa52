//! Blocks and blobs are put from ranges of others, and an address is a source.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;
mod copy_world;

use blob_world::{BlobWorld, CHUNK, blob, bytes, code, refused};
use copy_world::{NONE, content, id, other, properties, put, source};
use strongroom::{
    BlobSource, BlobVersionRef, ByteRange, Error, ListedBlock, PutBlockListOptions, PutBlockOptions,
    SnapshotOptions, UploadOptions,
};

#[test]
fn blocks_and_blobs_are_put_from_ranges_of_others() {
    let world = BlobWorld::new();
    let container = world.container("box");
    let (_, there) = other(&world);
    put(&container, "b", &bytes(3 * CHUNK));
    for to in [&container, &there] {
        let range = BlobSource {
            range: ByteRange::inclusive(10, CHUNK as u64 + 9).unwrap(),
            ..source(&container, "b")
        };
        let options = PutBlockOptions::default();
        let receipt = to.put_block_from(&blob("d"), &id(1), &range, &options).unwrap();
        assert_eq!(receipt.length, CHUNK as u64);
        let list = [ListedBlock::Latest(id(1))];
        to.put_block_list(&blob("d"), &list, &PutBlockListOptions::default())
            .unwrap();
        assert!(content(to, "d") == bytes(3 * CHUNK).get(10..CHUNK + 10).unwrap());
        to.put_blob_from(&blob("e"), &range, UploadOptions::default())
            .unwrap();
        assert!(content(to, "e") == bytes(3 * CHUNK).get(10..CHUNK + 10).unwrap());
        assert_eq!(properties(to, "e").headers.content_type, "text/plain");
        let wrong = UploadOptions {
            content_md5: strongroom::ContentMd5::Provided([0; 16]),
            ..UploadOptions::default()
        };
        let wrong = to.put_blob_from(&blob("f"), &range, wrong);
        assert_eq!(refused(wrong), code("Md5Mismatch", 400));
        let far = BlobSource {
            range: ByteRange::from(3 * CHUNK as u64),
            ..source(&container, "b")
        };
        let far = to.put_block_from(&blob("f"), &id(1), &far, &options);
        assert_eq!(refused(far), code("InvalidRange", 416));
    }
}

#[test]
fn an_address_is_a_source_of_the_store() {
    let world = BlobWorld::new();
    let container = world.container("box");
    put(&container, "a b/ü", b"source");
    let taken = container
        .snapshot_blob(&blob("a b/ü"), &SnapshotOptions::default())
        .unwrap();
    let found = world
        .store
        .blob_source("https://blobs.blob.core.windows.net/box/a%20b/%C3%BC?sv=1&sig=x%2F")
        .unwrap();
    assert_eq!(
        (found.name.as_str(), found.which),
        ("a b/ü", BlobVersionRef::Base)
    );
    let url = format!(
        "http://blobs.blob.local:80/box/a%20b/%C3%BC?snapshot={}",
        taken.snapshot
    );
    let found = world.store.blob_source(&url).unwrap();
    assert_eq!(found.which, BlobVersionRef::Snapshot(taken.snapshot));
    container.start_copy(&blob("d"), &found, &NONE()).unwrap();
    assert_eq!(content(&container, "d"), b"source");
    let root = world.store.blob_source("https://blobs.blob.x/logo.png").unwrap();
    assert_eq!(root.container.name().as_str(), "$root");
    let refusal = |url: &str| {
        let error: Error = world.store.blob_source(url).err().unwrap();
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("sig") && !shown.contains("pass"),
            "a secret in {shown}"
        );
        (error.code().to_owned(), error.status())
    };
    for (url, want, status) in [
        ("blobs/c/b", "InvalidHeaderValue", 400),
        ("ftp://blobs.blob.x/c/b", "InvalidHeaderValue", 400),
        ("https://blobs.file.x/c/b?sig=1", "InvalidHeaderValue", 400),
        ("https://blobs.blob.x/box/%zz", "InvalidHeaderValue", 400),
        (
            "https://blobs.blob.x/box/b?snapshot=soon",
            "InvalidHeaderValue",
            400,
        ),
        ("https://nobody.blob.x/box/b", "ResourceNotFound", 404),
        ("https://blobs.blob.x/C/b", "InvalidHeaderValue", 400),
        ("https://me:pass@blobs.blob.x/box/b", "InvalidHeaderValue", 400),
        ("https://blobs.blob.x/BOX%3Fsig=1/b", "InvalidHeaderValue", 400),
        ("https://blobs.file.x/box/b%3Fsig=1", "InvalidHeaderValue", 400),
    ] {
        assert_eq!(refusal(url), code(want, status), "{url}");
    }
}
