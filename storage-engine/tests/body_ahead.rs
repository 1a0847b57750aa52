//! A body that is read in order has its next chunks fetched meanwhile, and nothing of that shows: the bytes
//! and errors are the same, and no chunk is fetched twice or without having been asked for.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod body_world;

use body_world::{BodyWorld, bytes};
use strongroom_engine::body::{BodyError, BodyReader};
use strongroom_engine::chunks::ChunkId;

const CHUNK: usize = 1 << 10;
const CHUNKS: usize = 40;

/// What is lent of a range, piece by piece, into `out`.
fn lend(reader: &BodyReader, range: std::ops::Range<usize>, out: &mut Vec<u8>) -> Result<(), BodyError> {
    let begun = out.len();
    while out.len() - begun < range.len() {
        let done = out.len() - begun;
        let lent = reader.lend((range.start + done) as u64, range.len() - done)?;
        out.extend_from_slice(lent.as_slice());
        reader.give_back(lent);
    }
    Ok(())
}

#[track_caller]
fn check(ranges: &[std::ops::Range<usize>]) {
    let world = BodyWorld::new();
    let content = bytes(CHUNKS * CHUNK - 10);
    let body = world.store(&content, CHUNK as u32);
    let reader = world.reader(&body).unwrap();
    for range in ranges {
        world.table.fetched.lock().clear();
        let mut out = Vec::new();
        lend(&reader, range.clone(), &mut out).unwrap();
        assert!(content.get(range.clone()) == Some(out.as_slice()), "{range:?}");
        let mut fetched = world.table.fetched.lock().clone();
        fetched.sort_unstable();
        let touched: Vec<_> = (range.start / CHUNK..range.end.div_ceil(CHUNK)).collect();
        assert_eq!(fetched, touched, "{range:?} of {ranges:?}");
    }
}

#[test]
fn a_range_is_fetched_once_and_nothing_else() {
    let all = CHUNKS * CHUNK - 10;
    for range in [
        0..all,
        0..1,
        0..9 * CHUNK,
        500..30_000,
        30 * CHUNK..all,
        all - 1..all,
    ] {
        check(&[range]);
    }
    // One reader for several ranges, of which each begins in a chunk that is not open.
    check(&[0..20 * CHUNK, 0..all, 15 * CHUNK..25 * CHUNK + 1, 0..20 * CHUNK]);
}

#[test]
fn a_chunk_that_fails_fails_in_its_place_and_the_rest_can_still_be_read() {
    let world = BodyWorld::new();
    let content = bytes(CHUNKS * CHUNK);
    let body = world.store(&content, CHUNK as u32);
    let id = ChunkId {
        body: world.tree.body_key(body.id),
        index: 20,
    };
    let reader = world.reader(&body).unwrap();
    let taken = world.table.chunks.lock().remove(&id).unwrap();
    let mut out = Vec::new();
    let failed = lend(&reader, 0..CHUNKS * CHUNK, &mut out);
    assert!(
        matches!(failed, Err(BodyError::Missing { index: 20 })),
        "{failed:?}"
    );
    assert!(content.get(..20 * CHUNK) == Some(out.as_slice()));
    let failed = world.read(&body); // Chunk by chunk, with nothing ahead.
    assert!(
        matches!(failed, Err(BodyError::Missing { index: 20 })),
        "{failed:?}"
    );
    let mut damaged = taken.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for (bytes, is_damaged) in [(damaged, true), (taken, false)] {
        world.table.chunks.lock().insert(id, bytes);
        let mut out = Vec::new();
        let read = lend(&reader, 10 * CHUNK..CHUNKS * CHUNK, &mut out);
        assert_eq!(
            matches!(read, Err(BodyError::Damaged { index: 20, .. })),
            is_damaged
        );
        assert_eq!(out.len(), if is_damaged { 10 } else { 30 } * CHUNK);
    }
}

#[test]
fn a_reader_that_is_revoked_or_given_up_fetches_no_more() {
    for is_revoked in [true, false] {
        let world = BodyWorld::new();
        let body = world.store(&bytes(CHUNKS * CHUNK), CHUNK as u32);
        let reader = world.reader(&body).unwrap();
        for index in 0..2 {
            let lent = reader.lend((index * CHUNK) as u64, CHUNKS * CHUNK).unwrap();
            assert_eq!(lent.as_slice().len(), CHUNK);
            reader.give_back(lent);
        }
        if is_revoked {
            reader.slot().revoke();
            let refused = reader.lend((2 * CHUNK) as u64, CHUNKS * CHUNK).map(drop);
            assert!(matches!(refused, Err(BodyError::Revoked)), "{refused:?}");
        }
        drop(reader);
        let fetched = world.table.fetched.lock().len();
        assert!((2..=6).contains(&fetched), "{fetched} chunks");
    }
}
