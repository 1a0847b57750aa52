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
use strongroom::{
    BlockId, ByteRange, ContentMd5, Crc64, DownloadOptions, PutBlockOptions, RangeCheck, RangeChecksum,
    UploadOptions,
};

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
fn an_upload_tells_its_crc_and_compares_the_one_it_is_given() {
    let world = BlobWorld::new();
    let container = world.container("checked");
    let content = bytes(100_000);
    let right = Crc64::of(&content);
    let put = |content_crc64, content_md5| {
        let options = UploadOptions {
            content_crc64,
            content_md5,
            ..UploadOptions::default()
        };
        container.upload(&blob("b"), &content[..], options)
    };
    let block = |content_crc64, content_md5| {
        let options = PutBlockOptions {
            content_crc64,
            content_md5,
            ..PutBlockOptions::default()
        };
        let id = BlockId::new(b"1").unwrap();
        container.put_block(&blob("c"), &id, &content[..], &options)
    };
    let computed = ContentMd5::default();
    assert_eq!(put(None, computed).unwrap().content_crc64, Some(right));
    assert_eq!(put(Some(right), computed).unwrap().content_crc64, Some(right));
    assert_eq!(block(Some(right), None).unwrap().content_crc64, right);
    let wrong = Some(Crc64::of(b"other"));
    assert_eq!(refused(put(wrong, computed)), code("Crc64Mismatch", 400));
    assert_eq!(refused(block(wrong, None)), code("Crc64Mismatch", 400));
    let both = code("BothCrc64AndMd5HeaderPresent", 400);
    assert_eq!(refused(put(Some(right), ContentMd5::Provided([0; 16]))), both);
    assert_eq!(refused(block(Some(right), Some([0; 16]))), both);
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
