//! Rotation rewrites no data: whatever is stored, the engine is asked to write the same few bytes, none of them
//! chunks, in at most two syncs.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use common::{KEY, VAULT, World, pinned};
use strongroom::engine::engine::counting::WriteCounts;
use strongroom::{Metadata, UploadOptions};

fn rotate(stored: usize) -> WriteCounts {
    let world = World::customer();
    let container = world.account().container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let piece = vec![7; 1 << 20];
    let mut upload = container
        .begin_upload(&"large".parse().unwrap(), UploadOptions::default())
        .unwrap();
    for _ in 0..stored {
        upload.write(&piece).unwrap();
    }
    upload.commit().unwrap();
    let second = world.make_key(VAULT, KEY);
    let before = world.store.write_counts();
    world.account().use_customer_key(&pinned(&second)).unwrap();
    world.store.write_counts().since(&before)
}

#[test]
fn the_same_bytes_at_thirty_three_sixty_four_and_a_hundred_mebibytes() {
    let counts = [33, 64, 100].map(rotate);
    // From here on a blob's record, which shares a page with the envelope, holds no MD5.
    assert_eq!(strongroom::MD5_BYTES_MAX, 32 << 20);
    for written in counts {
        assert_eq!(written.chunk_bytes, 0);
        assert!(written.syncs <= 2, "{written:?}");
        assert_eq!(written.record_bytes, counts[0].record_bytes, "{counts:?}");
    }
}
