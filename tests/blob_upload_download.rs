//! What goes into a blob comes out of it, whole or in part, with everything that was said of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

use blob_world::{BlobWorld, CHUNK, blob, bytes, code, container_name, metadata, refused};
use strongroom::{
    BlobType, ByteRange, Conditions, ContentHeaders, ContentMd5, DownloadOptions, ErrorKind, ListBlobs,
    MD5_BYTES_MAX, UploadOptions,
};

fn read(container: &strongroom::Container, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    container
        .download(&blob(name), &DownloadOptions::default(), &mut out)
        .unwrap();
    out
}

#[test]
fn content_of_every_size_comes_back() {
    let world = BlobWorld::new();
    let container = world.container("sizes");
    for length in [
        0,
        1,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        64 << 10,
        (64 << 10) + 1,
        3 * CHUNK,
        (1 << 20) + 1,
        5 << 20,
    ] {
        let content = bytes(length);
        let receipt = container
            .upload(&blob("b"), content.as_slice(), UploadOptions::default())
            .unwrap();
        assert_eq!(receipt.length, length as u64);
        assert!(read(&container, "b") == content, "{length} bytes");
        let check = container.content_check(&blob("b")).unwrap();
        assert_eq!(
            (check.length, check.chunks),
            (length as u64, length.div_ceil(CHUNK).max(1) as u64)
        );
    }
}

#[test]
fn a_blob_keeps_what_was_said_of_it() {
    let world = BlobWorld::new();
    let container = world.container("said");
    let headers = ContentHeaders {
        content_type: "text/plain".to_owned(),
        content_encoding: Some("gzip".to_owned()),
        content_language: Some("de".to_owned()),
        content_disposition: Some("attachment".to_owned()),
        cache_control: Some("no-cache".to_owned()),
    };
    let options = UploadOptions {
        headers: headers.clone(),
        metadata: metadata(&[("Colour", "blue"), ("empty", "")]),
        ..UploadOptions::default()
    };
    let receipt = container.upload(&blob("b"), &b"hello"[..], options).unwrap();
    let shown = container
        .blob_properties(&blob("b"), &Conditions::default())
        .unwrap();
    assert_eq!(
        (shown.etag, shown.last_modified),
        (receipt.etag, receipt.last_modified)
    );
    assert_eq!(
        (shown.blob_type, shown.length, &shown.headers),
        (BlobType::BlockBlob, 5, &headers)
    );
    assert_eq!(
        shown.metadata,
        Some(metadata(&[("Colour", "blue"), ("empty", "")]))
    );
    let plain = container
        .upload(&blob("c"), &b""[..], UploadOptions::default())
        .unwrap();
    assert!(plain.etag > receipt.etag);
    let shown = container
        .blob_properties(&blob("c"), &Conditions::default())
        .unwrap();
    assert_eq!(shown.headers.content_type, "application/octet-stream");
    assert_eq!(shown.metadata, Some(metadata(&[])));
}

#[test]
fn overwriting_replaces_everything_but_the_creation_time() {
    let world = BlobWorld::new();
    let container = world.container("over");
    let options = UploadOptions {
        metadata: metadata(&[("a", "1")]),
        headers: ContentHeaders::of_type("text/html"),
        ..UploadOptions::default()
    };
    let first = container.upload(&blob("b"), &b"first"[..], options).unwrap();
    let created = container
        .blob_properties(&blob("b"), &Conditions::default())
        .unwrap()
        .created;
    world.clock.advance(Duration::from_secs(10));
    let second = container
        .upload(&blob("b"), &b"second"[..], UploadOptions::default())
        .unwrap();
    assert!(second.etag > first.etag && second.last_modified > first.last_modified);
    assert_eq!(read(&container, "b"), b"second");
    let shown = container
        .blob_properties(&blob("b"), &Conditions::default())
        .unwrap();
    assert_eq!((shown.created, shown.metadata), (created, Some(metadata(&[]))));
    assert_eq!(shown.headers, ContentHeaders::default());
}

#[test]
fn a_streaming_upload_is_visible_only_after_its_commit() {
    let world = BlobWorld::new();
    let container = world.container("stream");
    let mut upload = container
        .begin_upload(&blob("b"), UploadOptions::default())
        .unwrap();
    let content = bytes(100_000);
    content.chunks(777).for_each(|piece| upload.write(piece).unwrap());
    assert_eq!(upload.length(), 100_000);
    assert!(
        container
            .list_blobs(&ListBlobs::default())
            .unwrap()
            .entries
            .is_empty()
    );
    upload.commit().unwrap();
    assert_eq!(read(&container, "b"), content);
    let mut abandoned = container
        .begin_upload(&blob("b"), UploadOptions::default())
        .unwrap();
    abandoned.write(&bytes(200_000)).unwrap();
    drop(abandoned);
    assert_eq!(read(&container, "b"), content);
}

#[test]
fn a_reader_that_fails_leaves_nothing() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1..4 => Ok(out.len()),
                4 => Err(io::ErrorKind::Interrupted.into()),
                _ => Err(io::Error::other("cable pulled")),
            }
        }
    }
    let world = BlobWorld::new();
    let container = world.container("fails");
    let error = container
        .upload(&blob("b"), Failing(0), UploadOptions::default())
        .unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Io, 400));
    assert!(error.to_string().contains("cable pulled"));
    assert!(
        container
            .list_blobs(&ListBlobs::default())
            .unwrap()
            .entries
            .is_empty()
    );
}

#[test]
fn a_download_reads_the_state_it_was_opened_on() {
    let world = BlobWorld::new();
    let container = world.container("state");
    let old = bytes(50_000);
    container
        .upload(&blob("b"), old.as_slice(), UploadOptions::default())
        .unwrap();
    let mut open = container
        .open_blob(&blob("b"), &DownloadOptions::default())
        .unwrap();
    container
        .upload(&blob("b"), &b"new"[..], UploadOptions::default())
        .unwrap();
    let mut out = Vec::new();
    open.read_to_end(&mut out).unwrap();
    assert!(out == old);
    container.delete_blob(&blob("b"), &Conditions::default()).unwrap();
    assert_eq!(open.seek(SeekFrom::Start(49_990)).unwrap(), 49_990);
    out.clear();
    open.read_to_end(&mut out).unwrap();
    assert_eq!(out, &old[49_990..]);
}

#[test]
fn a_range_is_read_and_sought_within_itself() {
    let world = BlobWorld::new();
    let container = world.container("seek");
    let content = bytes(3 * CHUNK);
    container
        .upload(&blob("b"), content.as_slice(), UploadOptions::default())
        .unwrap();
    let options = DownloadOptions {
        range: ByteRange::inclusive(100, 2 * CHUNK as u64).unwrap(),
        ..DownloadOptions::default()
    };
    let mut open = container.open_blob(&blob("b"), &options).unwrap();
    assert_eq!(open.length(), 2 * CHUNK as u64 - 99);
    for (to, want) in [
        (SeekFrom::Start(5), 5),
        (SeekFrom::Current(10), 15),
        (SeekFrom::Current(-15), 0),
        (SeekFrom::End(-1), open.length() - 1),
        (SeekFrom::End(9), open.length()),
        (SeekFrom::Start(u64::MAX), open.length()),
    ] {
        assert_eq!(open.seek(to).unwrap(), want, "{to:?}");
    }
    assert_eq!(open.read(&mut [0; 10]).unwrap(), 0);
    assert!(open.seek(SeekFrom::Current(-1_000_000)).is_err());
    open.seek(SeekFrom::Start(CHUNK as u64)).unwrap();
    let mut out = [0; 4];
    open.read_exact(&mut out).unwrap();
    assert_eq!(out, content[100 + CHUNK..104 + CHUNK]);
}

#[test]
fn content_md5_is_computed_compared_or_left_out() {
    let world = BlobWorld::new();
    let container = world.container("md5");
    let md5_of_hello = *b"\x5d\x41\x40\x2a\xbc\x4b\x2a\x76\xb9\x71\x9d\x91\x10\x17\xc5\x92";
    let upload = |content: &[u8], content_md5| {
        let options = UploadOptions {
            content_md5,
            ..UploadOptions::default()
        };
        container
            .upload(&blob("b"), content, options)
            .map(|receipt| receipt.content_md5)
    };
    assert_eq!(
        upload(b"hello", ContentMd5::default()).unwrap(),
        Some(md5_of_hello)
    );
    assert_eq!(
        upload(b"hello", ContentMd5::Computed).unwrap(),
        Some(md5_of_hello)
    );
    assert_eq!(
        upload(b"hello", ContentMd5::Provided(md5_of_hello)).unwrap(),
        Some(md5_of_hello)
    );
    assert_eq!(upload(b"hello", ContentMd5::None).unwrap(), None);
    let shown = container
        .blob_properties(&blob("b"), &Conditions::default())
        .unwrap();
    assert_eq!(shown.content_md5, None);
    assert_eq!(
        refused(upload(b"jello", ContentMd5::Provided(md5_of_hello))),
        code("Md5Mismatch", 400)
    );
    assert_eq!(read(&container, "b"), b"hello");
    let large = vec![0; MD5_BYTES_MAX as usize + 1];
    assert_eq!(upload(&large, ContentMd5::IfSmall).unwrap(), None);
    assert!(upload(&large[1..], ContentMd5::IfSmall).unwrap().is_some());
}

#[test]
fn content_of_another_length_than_was_said_is_refused() {
    let world = BlobWorld::new();
    let container = world.container("lengths");
    let content = vec![7; MD5_BYTES_MAX as usize + 1];
    let upload = |length: usize, said: usize| {
        let options = UploadOptions {
            content_length: Some(said as u64),
            ..UploadOptions::default()
        };
        container.upload(&blob("b"), &content[..length], options)
    };
    for length in [0, 1, CHUNK, content.len() - 1, content.len()] {
        let receipt = upload(length, length).unwrap();
        let hashed = length as u64 <= MD5_BYTES_MAX;
        assert_eq!(receipt.content_md5.is_some(), hashed, "{length} bytes");
    }
    for (length, said) in [
        (0, 1),
        (1, 0),
        (CHUNK, CHUNK + 1),
        (CHUNK + 1, CHUNK),
        (9, content.len()),
    ] {
        let mismatch = code("InvalidHeaderValue", 400);
        assert_eq!(refused(upload(length, said)), mismatch, "{length} for {said}");
    }
    let left = container.content_check(&blob("b")).unwrap();
    assert_eq!(
        left.length,
        content.len() as u64,
        "what was refused left no trace"
    );
}

#[test]
fn without_a_container_there_is_nothing() {
    let world = BlobWorld::new();
    let container = world.account.container(&container_name("nowhere"));
    let none = code("ContainerNotFound", 404);
    let name = blob("b");
    let always = Conditions::default();
    assert_eq!(
        refused(container.upload(&name, &b""[..], UploadOptions::default())),
        none
    );
    assert_eq!(
        refused(container.download(&name, &DownloadOptions::default(), Vec::new())),
        none
    );
    assert_eq!(refused(container.blob_properties(&name, &always)), none);
    assert_eq!(refused(container.blob_metadata(&name, &always)), none);
    assert_eq!(
        refused(container.set_blob_metadata(&name, &metadata(&[]), &always)),
        none
    );
    assert_eq!(
        refused(container.set_blob_headers(&name, &ContentHeaders::default(), &always)),
        none
    );
    assert_eq!(refused(container.delete_blob(&name, &always)), none);
    assert_eq!(refused(container.blob_exists(&name)), none);
    assert_eq!(refused(container.content_check(&name)), none);
}

#[test]
fn a_container_deleted_during_an_upload_refuses_it() {
    let world = BlobWorld::new();
    let container = world.container("going");
    let mut upload = container
        .begin_upload(&blob("b"), UploadOptions::default())
        .unwrap();
    upload.write(&bytes(100_000)).unwrap();
    container.delete(&Conditions::default()).unwrap();
    assert_eq!(refused(upload.commit()), code("ContainerNotFound", 404));
}
