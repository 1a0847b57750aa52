//! Ranges come with a checksum when they are asked for one, up to 4 MiB.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::io::Read;

use blob_world::{BlobWorld, blob, bytes, code, refused};
use md5::{Digest, Md5};
use strongroom::{ByteRange, ContentMd5, Crc64, DownloadOptions, RangeCheck, RangeChecksum, UploadOptions};

const MIB: usize = 1 << 20;

#[test]
fn the_checksum_is_that_of_the_range_and_the_range_is_read_all_the_same() {
    let world = BlobWorld::new();
    let container = world.container("ranges");
    let content = bytes(5 * MIB);
    container
        .upload(&blob("b"), &content[..], UploadOptions::default())
        .unwrap();
    let open = |range, check| {
        let options = DownloadOptions {
            range,
            check,
            ..DownloadOptions::default()
        };
        container.open_blob(&blob("b"), &options)
    };
    for (start, end) in [(0, 0), (1, 4096), (5000, 4 * MIB + 4999), (4 * MIB, 9 * MIB)] {
        let range = || ByteRange::inclusive(start as u64, end as u64).unwrap();
        let part = &content[start..=end.min(content.len() - 1)];
        for (check, want) in [
            (RangeCheck::None, None),
            (
                RangeCheck::Md5,
                Some(RangeChecksum::Md5(Md5::digest(part).into())),
            ),
            (RangeCheck::Crc64, Some(RangeChecksum::Crc64(Crc64::of(part)))),
        ] {
            let mut download = open(range(), check).unwrap();
            assert_eq!(download.checksum(), want, "{start}-{end}");
            let mut out = Vec::new();
            download.read_to_end(&mut out).unwrap();
            assert!(out == part, "{start}-{end}");
        }
    }
    for range in [
        ByteRange::all(),
        ByteRange::inclusive(0, 4 << 20).unwrap(),
        ByteRange::from(0),
    ] {
        let refusal = refused(open(range, RangeCheck::Crc64).map(|_| ()));
        assert_eq!(refusal, code("OutOfRangeInput", 400));
        assert!(open(range, RangeCheck::None).is_ok());
    }
}

#[test]
fn a_header_with_an_md5_has_sixteen_bytes() {
    let good: ContentMd5 = "CY9rzUYh03PK3k6DJie09g==".parse().unwrap();
    assert_eq!(good, ContentMd5::Provided(Md5::digest(b"test").into()));
    for text in ["", "CY9rzUYh03PK3k6DJie0", "not base64", "CY9rzUYh03PK3k6DJie09g"] {
        assert_eq!(
            refused(text.parse::<ContentMd5>()),
            code("InvalidMd5", 400),
            "{text}"
        );
    }
}
