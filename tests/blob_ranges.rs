//! A range of a blob is that range of its content; one that begins beyond the end is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use blob_world::{BlobWorld, CHUNK, blob, bytes, code, refused};
use proptest::prelude::*;
use strongroom::{ByteRange, Container, DownloadOptions, Error, UploadOptions};

fn download(container: &Container, range: ByteRange) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let options = DownloadOptions {
        range,
        ..DownloadOptions::default()
    };
    container.download(&blob("b"), &options, &mut out).map(|_| out)
}

#[test]
fn ranges_at_the_edges() {
    let world = BlobWorld::new();
    let container = world.container("edges");
    let content = bytes(3 * CHUNK + 7);
    let last = content.len() as u64 - 1;
    container
        .upload(&blob("b"), content.as_slice(), UploadOptions::default())
        .unwrap();
    let check = |start: u64, end: Option<u64>, want: Option<&[u8]>| {
        let range = match end {
            Some(end) => ByteRange::inclusive(start, end).unwrap(),
            None => ByteRange::from(start),
        };
        match want {
            Some(want) => assert!(download(&container, range).unwrap() == want, "{start}-{end:?}"),
            None => assert_eq!(
                refused(download(&container, range)),
                code("InvalidRange", 416),
                "{start}-{end:?}"
            ),
        }
    };
    check(0, None, Some(&content));
    check(0, Some(0), Some(&content[..1]));
    check(0, Some(u64::MAX), Some(&content));
    check(last, Some(last), Some(&content[last as usize..]));
    check(last, None, Some(&content[last as usize..]));
    check(
        CHUNK as u64,
        Some(2 * CHUNK as u64 - 1),
        Some(&content[CHUNK..2 * CHUNK]),
    );
    check(
        CHUNK as u64 - 1,
        Some(CHUNK as u64),
        Some(&content[CHUNK - 1..=CHUNK]),
    );
    check(last + 1, None, None);
    check(last + 1, Some(last + 5), None);
    check(u64::MAX, None, None);
    assert_eq!(refused(ByteRange::inclusive(2, 1)), code("InvalidRange", 416));
}

#[test]
fn an_empty_blob_has_no_ranges() {
    let world = BlobWorld::new();
    let container = world.container("empty");
    container
        .upload(&blob("b"), &b""[..], UploadOptions::default())
        .unwrap();
    assert_eq!(download(&container, ByteRange::all()).unwrap(), b"");
    assert_eq!(
        refused(download(&container, ByteRange::from(0))),
        code("InvalidRange", 416)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_range_is_that_range_of_the_content(
        length in 1usize..120_000,
        ranges in prop::collection::vec((0u64..130_000, 0u64..50_000), 1..8),
    ) {
        let world = BlobWorld::new();
        let container = world.container("any");
        let content = bytes(length);
        container.upload(&blob("b"), content.as_slice(), UploadOptions::default()).unwrap();
        for (start, more) in ranges {
            let got = download(&container, ByteRange::inclusive(start, start + more).unwrap());
            if start >= length as u64 {
                prop_assert_eq!(refused(got), code("InvalidRange", 416));
            } else {
                let end = length.min((start + more + 1) as usize);
                prop_assert!(got.unwrap() == content[start as usize..end]);
            }
        }
    }
}
