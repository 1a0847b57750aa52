//! A body gives back what was written or an error: every altered, cut, extended, swapped or foreign chunk is
//! refused.
//!
//! The forger knows the format: whatever they change, they make the frame's length and checksum right again.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod body_world;
#[path = "common/tally.rs"]
mod tally;

use body_world::{BodyWorld, bytes, key};
use strongroom_engine::body::{BodyError, BodyReader, BodyRef};
use strongroom_engine::chunks::ChunkId;
use strongroom_engine::codec::{FrameKind, frame, unframe};

const CHUNK: u32 = 1 << 10;

fn chunk_id(world: &BodyWorld, body: &BodyRef, index: u32) -> ChunkId {
    ChunkId {
        body: world.tree.body_key(body.id),
        index,
    }
}

/// Replaces the sealed bytes of one chunk by what `change` makes of them and expects `read` to be refused as
/// forged.
#[track_caller]
fn check_forgery(world: &BodyWorld, body: &BodyRef, index: u32, change: impl FnOnce(&mut Vec<u8>)) {
    let id = chunk_id(world, body, index);
    let genuine = world.table.chunks.lock()[&id].clone();
    let mut sealed = unframe(FrameKind::Chunk, &genuine).unwrap().to_vec();
    change(&mut sealed);
    let forged = frame(FrameKind::Chunk, &sealed).unwrap();
    world.table.chunks.lock().insert(id, forged);
    let read = world.read(body);
    assert!(
        matches!(read, Err(BodyError::Forged { index: Some(at) }) if at == index),
        "chunk {index}: {read:?}"
    );
    world.table.chunks.lock().insert(id, genuine);
}

#[test]
fn every_flipped_bit_is_refused() {
    let world = BodyWorld::new();
    let body = world.store(&bytes(2 * CHUNK as usize + 100), CHUNK);
    let mut tried = 0;
    for index in 0..3 {
        let sealed_bytes = if index == 2 { 116 } else { CHUNK as usize + 16 };
        for bit in 0..sealed_bytes * 8 {
            check_forgery(&world, &body, index, |sealed| sealed[bit / 8] ^= 1 << (bit % 8));
            tried += 1;
        }
    }
    tally::tally("R3", "chunks", &[("flipped bits", tried)], 0);
    assert_eq!(world.read(&body).unwrap(), bytes(2 * CHUNK as usize + 100));
}

#[test]
fn every_prefix_and_an_extension_is_refused() {
    let world = BodyWorld::new();
    let body = world.store(&bytes(CHUNK as usize + 10), CHUNK);
    for cut in 0..26 {
        check_forgery(&world, &body, 1, |sealed| sealed.truncate(cut));
    }
    for index in 0..2 {
        check_forgery(&world, &body, index, |sealed| sealed.push(0));
        check_forgery(&world, &body, index, Vec::clear);
    }
}

#[test]
fn chunks_open_only_in_their_own_place() {
    let world = BodyWorld::new();
    let content = bytes(4 * CHUNK as usize);
    let body = world.store(&content, CHUNK);
    let other = world.store(&content, CHUNK);
    let sealed = |body, index| {
        let framed = world.table.chunks.lock()[&chunk_id(&world, body, index)].clone();
        unframe(FrameKind::Chunk, &framed).unwrap().to_vec()
    };
    for index in 0..4 {
        for from in (0..4).filter(|from| *from != index) {
            let moved = sealed(&body, from);
            check_forgery(&world, &body, index, |sealed| *sealed = moved);
        }
        let foreign = sealed(&other, index);
        check_forgery(&world, &body, index, |sealed| *sealed = foreign);
    }
}

#[test]
fn a_record_that_shortens_or_lengthens_its_body_is_refused() {
    let world = BodyWorld::new();
    let body = world.store(&bytes(3 * CHUNK as usize), CHUNK);
    let with_length = |length| BodyRef {
        length,
        ..body.clone()
    };
    for length in [1, 1023, 1024, 2047, 2048, 3071, 3073, 4096] {
        assert!(world.read(&with_length(length)).is_err(), "{length} bytes");
    }
    let longer = world.read(&with_length(3 * 1024 + 1));
    assert!(
        matches!(longer, Err(BodyError::Forged { index: Some(2) })),
        "{longer:?}"
    );
}

#[test]
fn an_impossible_record_is_refused_before_anything_is_read() {
    let world = BodyWorld::new();
    let body = world.store(&bytes(2000), CHUNK);
    for (length, chunk_bytes) in [
        (2000, 0),
        (2000, 1),
        (2000, u32::MAX),
        (u64::MAX, CHUNK),
        (1 << 43, CHUNK),
    ] {
        let impossible = BodyRef {
            length,
            chunk_bytes,
            ..body.clone()
        };
        let opened = world.reader(&impossible).map(|_| ());
        assert!(
            matches!(opened, Err(BodyError::Impossible { .. })),
            "{length}/{chunk_bytes}: {opened:?}"
        );
    }
}

#[test]
fn damage_is_told_from_forgery_without_the_key() {
    let world = BodyWorld::new();
    let body = world.store(&bytes(3000), CHUNK);
    let id = chunk_id(&world, &body, 1);
    world.table.chunks.lock().get_mut(&id).unwrap()[50] ^= 1;
    assert!(matches!(
        world.read(&body),
        Err(BodyError::Damaged { index: 1, .. })
    ));
    world.table.chunks.lock().get_mut(&id).unwrap()[50] ^= 1;
    // The checksum itself: a read gets what authenticates, a scrub notices.
    world.table.chunks.lock().get_mut(&id).unwrap()[7] ^= 1;
    assert_eq!(world.read(&body).unwrap(), bytes(3000));
    assert!(matches!(
        world.reader(&body).unwrap().check_chunk(1),
        Err(BodyError::Damaged { index: 1, .. })
    ));
    world.table.chunks.lock().remove(&id);
    assert!(matches!(world.read(&body), Err(BodyError::Missing { index: 1 })));
    let reader = world.reader(&body).unwrap();
    assert!(reader.check_chunk(0).is_ok() && reader.check_chunk(2).is_ok());
    assert!(matches!(
        reader.check_chunk(1),
        Err(BodyError::Missing { index: 1 })
    ));
    assert!(matches!(
        reader.check_chunk(3),
        Err(BodyError::Missing { index: 3 })
    ));
}

#[test]
fn another_key_opens_nothing() {
    let world = BodyWorld::new();
    for length in [0, 10, 3000] {
        let body = world.store(&bytes(length), CHUNK);
        let snapshot = world.tree.snapshot().unwrap();
        let opened = BodyReader::open(&world.tree, &snapshot, &body, &key(2)).map(|_| ());
        assert!(
            matches!(opened, Err(BodyError::Forged { index: None })),
            "{length} bytes: {opened:?}"
        );
    }
}
