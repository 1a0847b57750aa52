//! Rotation rewrites no data: whatever is stored, the engine is asked to write the same few bytes, none of
//! them chunks, in at most two syncs.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use common::{KEY, VAULT, World, pinned};
use strongroom::engine::engine::counting::WriteCounts;
use strongroom::{ContentMd5, Metadata, UploadOptions};

/// From 4 GiB on the three lengths in a blob's record, which shares a page with the envelope, take 9 bytes
/// instead of 5 each.
const LENGTH_BYTES: u64 = 12;

/// Stores one blob of `mebibytes`, then rotates to a second version and counts.
fn rotate(mebibytes: usize) -> WriteCounts {
    let world = World::customer();
    let container = world.account().container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    // The record of a blob with an MD5 is 16 bytes longer, and it shares a page with the envelope.
    let options = UploadOptions {
        content_md5: ContentMd5::None,
        ..UploadOptions::default()
    };
    let piece = vec![7; 1 << 20];
    let mut upload = container
        .begin_upload(&"large".parse().unwrap(), options)
        .unwrap();
    for _ in 0..mebibytes {
        upload.write(&piece).unwrap();
    }
    upload.commit().unwrap();
    let second = world.make_key(VAULT, KEY);
    let before = world.store.write_counts();
    world.account().use_customer_key(&pinned(&second)).unwrap();
    world.store.write_counts().since(&before)
}

#[test]
fn the_same_bytes_whatever_is_stored() {
    let more = std::env::var("STRONGROOM_ROTATION_MIB").ok();
    let sizes = [1, 100].into_iter().chain(more.map(|more| more.parse().unwrap()));
    let counts: Vec<_> = sizes.map(rotate).collect();
    for written in &counts {
        println!("{written:?}");
        assert_eq!(written.chunk_bytes, 0);
        assert!(written.syncs <= 2, "{written:?}");
        assert!(
            written.record_bytes.abs_diff(counts[0].record_bytes) <= LENGTH_BYTES,
            "{counts:?}"
        );
    }
}
