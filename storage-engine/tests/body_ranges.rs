//! Any range of a body is what the same range of the content is, for every chunk size.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod body_world;

use body_world::{BodyWorld, bytes, read_range};
use proptest::prelude::*;
use strongroom_engine::body::{BodyError, BodyReader, BodyRef, Location};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_range_is_the_range_of_the_content(
        length in 0usize..300_000,
        chunk in prop::sample::select(vec![1u32 << 10, 1000 + 1024, 4096, 64 << 10, 512 << 10]),
        pieces in prop::collection::vec(1usize..70_000, 1..6),
        ranges in prop::collection::vec((0u64..310_000, 0usize..5000), 1..12),
    ) {
        let world = BodyWorld::new();
        let content = bytes(length);
        let mut writer = world.writer(chunk);
        let mut rest = content.as_slice();
        for piece in pieces.iter().cycle().take_while(|_| !content.is_empty()) {
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            writer.write(now).unwrap();
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let body = writer.finish().unwrap();
        let body: BodyRef = world.tree
            .transact(move |txn| txn.adopt_body(&body))
            .map_err(|error: strongroom_engine::tree::TreeError| error)
            .unwrap();
        prop_assert_eq!(body.length, length as u64);
        let reader = world.reader(&body).unwrap();
        prop_assert_eq!(u64::from(reader.chunks()), (length as u64).div_ceil(chunk.into()).max(1));
        for (offset, wanted) in ranges {
            let start = length.min(offset as usize);
            let end = length.min(start + wanted);
            prop_assert_eq!(read_range(&reader, offset, wanted).unwrap(), &content[start..end]);
            prop_assert_eq!(lend_range(&reader, offset, wanted), &content[start..end]);
        }
        prop_assert!(world.read(&body).unwrap() == content);
        for index in 0..reader.chunks() {
            reader.check_chunk(index).unwrap();
        }
    }
}

/// The same without copies; every other piece is given back, and is still there then.
fn lend_range(reader: &BodyReader, offset: u64, length: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < length {
        let at = offset + all.len() as u64;
        let lent = reader.lend(at, length - all.len()).unwrap();
        if lent.as_slice().is_empty() {
            break;
        }
        all.extend_from_slice(lent.as_slice());
        if all.len() % 2 == 0 {
            let mut first = [0];
            let wanted = lent.as_slice()[0];
            reader.give_back(lent);
            assert_eq!((reader.read_at(at, &mut first).unwrap(), first), (1, [wanted]));
        }
    }
    all
}

#[test]
fn a_range_opens_only_the_chunks_it_touches() {
    let world = BodyWorld::new();
    let content = bytes(10 << 10);
    let body = world.store(&content, 1 << 10);
    world
        .table
        .chunks
        .lock()
        .retain(|id, _| matches!(id.index, 3 | 4));
    let reader = world.reader(&body).unwrap();
    assert_eq!(read_range(&reader, 3072, 2048).unwrap(), &content[3072..5120]);
    assert!(matches!(
        reader.read_at(3071, &mut [0]),
        Err(BodyError::Missing { index: 2 })
    ));
    assert!(matches!(
        reader.read_at(5120, &mut [0]),
        Err(BodyError::Missing { index: 5 })
    ));
}

#[test]
fn positions_far_beyond_four_gigabytes_name_the_right_chunk() {
    let world = BodyWorld::new();
    let small = world.store(&bytes(100_000), 64 << 10);
    let huge = BodyRef {
        length: 200 << 40, // 200 TiB: more than the 190.7 TiB of the largest block blob.
        location: Location::Chunks,
        ..small
    };
    let reader = world.reader(&huge).unwrap();
    for (offset, index) in [
        (5 << 40, 80 << 20),
        ((5 << 40) - 1, (80 << 20) - 1),
        ((200 << 40) - 1, (3200u32 << 20) - 1),
    ] {
        let read = reader.read_at(offset, &mut [0]);
        assert!(
            matches!(read, Err(BodyError::Missing { index: at }) if at == index),
            "{offset}: {read:?}"
        );
    }
    assert_eq!(reader.read_at(200 << 40, &mut [0]).unwrap(), 0);
    assert_eq!(reader.read_at(u64::MAX, &mut [0]).unwrap(), 0);
}
