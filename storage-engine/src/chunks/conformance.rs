//! What every [`ChunkStore`] owes its callers, as a suite that anyone with a chunk store can run.
#![expect(clippy::expect_used, reason = "a conformance suite fails by panicking")]

use super::{BodyKey, ChunkId, ChunkStore};
use crate::SecretBuffer;

/// Everything that holds for every chunk store; `open` gives a fresh, empty one.
///
/// # Panics
/// When the store breaks the contract.
pub fn chunk_conformance<C: ChunkStore>(open: impl Fn() -> C) {
    chunks_come_back(&open());
    a_buffer_is_replaced(&open());
    many_chunks_in_one_call(&open());
    deleting_takes_whole_bodies(&open());
    lists_are_ordered_and_bounded(&open());
}

fn chunks_come_back(store: &dyn ChunkStore) {
    let lengths = [65_536 + 64, 65_536 + 64, 1];
    for (index, length) in (0u32..).zip(lengths) {
        store
            .put(vec![(id(1, index), content(index, length))])
            .expect("a put");
        assert!(
            store.get(id(1, index)).expect("a get") == Some(content(index, length)),
            "before a sync"
        );
    }
    store.flush(&key(1)).expect("a flush");
    store.flush(&key(2)).expect("a flush of an unknown body");
    store.sync().expect("a sync");
    for (index, length) in (0u32..).zip(lengths) {
        assert!(
            store.get(id(1, index)).expect("a get") == Some(content(index, length)),
            "chunk {index}"
        );
    }
    assert_eq!(store.get(id(1, 3)).expect("a get"), None, "behind the last chunk");
    assert_eq!(store.get(id(2, 0)).expect("a get"), None, "an unknown body");
    store.put(Vec::new()).expect("nothing to put");
}

fn a_buffer_is_replaced(store: &dyn ChunkStore) {
    let lengths = [300, 300, 20];
    for (index, length) in (0u32..).zip(lengths) {
        let chunk = (id(1, index), content(index, length));
        store.put(vec![chunk]).expect("a put");
    }
    let mut buffer = SecretBuffer::default();
    for (index, there) in [(2, true), (0, true), (3, false), (1, true), (2, true), (0, true)] {
        let found = store.get_into(id(1, index), &mut buffer).expect("a get");
        let wanted = lengths.get(index as usize).map_or(0, |length| *length);
        assert_eq!(found, there, "chunk {index}");
        assert!(buffer.as_slice() == content(index, wanted), "chunk {index}");
    }
    assert!(
        !store.get_into(id(2, 0), &mut buffer).expect("a get"),
        "an unknown body"
    );
    assert!(buffer.is_empty(), "an unknown body");
}

fn many_chunks_in_one_call(store: &dyn ChunkStore) {
    let chunks = |length: usize| (0..100).map(move |index| (id(7, index), content(index, length)));
    store
        .put(chunks(40_000).collect())
        .expect("more than one batch of the engine");
    for (id, bytes) in chunks(40_000) {
        assert!(store.get(id).expect("a get") == Some(bytes), "{id:?}");
    }
}

fn deleting_takes_whole_bodies(store: &dyn ChunkStore) {
    for body in [1, 2, 3, u8::MAX] {
        store
            .put(
                (0..150)
                    .map(|index| (id(body, index), content(index, 20)))
                    .collect(),
            )
            .expect("a put");
    }
    store
        .delete(&[key(1), key(u8::MAX), key(9)])
        .expect("a delete, also of an absent body");
    store.delete(&[]).expect("nothing to delete");
    assert_eq!(store.list(&[], None, 10).expect("a list"), [key(2), key(3)]);
    for index in 0..150 {
        assert_eq!(
            store.get(id(1, index)).expect("a get"),
            None,
            "chunk {index} of a deleted body"
        );
        assert!(
            store.get(id(2, index)).expect("a get").is_some(),
            "chunk {index} of another body"
        );
    }
    store.sync().expect("a sync");
}

fn lists_are_ordered_and_bounded(store: &dyn ChunkStore) {
    let mut all = Vec::new();
    for first in [0, 1, 0x61, u8::MAX] {
        for last in [0, 1, u8::MAX] {
            let mut body = [first; BodyKey::BYTES];
            if let Some(end) = body.last_mut() {
                *end = last;
            }
            all.push(BodyKey(body));
        }
    }
    for body in all.iter().rev() {
        let chunks = (0..3)
            .map(|index| (ChunkId { body: *body, index }, vec![1]))
            .collect();
        store.put(chunks).expect("a put");
    }
    assert_eq!(store.list(&[], None, 100).expect("a list"), all);
    assert_eq!(store.list(&[], None, 0).expect("a list"), []);
    let of_one: Vec<_> = all
        .iter()
        .filter(|body| body.0.starts_with(&[1, 1]))
        .copied()
        .collect();
    assert_eq!(store.list(&[1, 1], None, 100).expect("a list"), of_one);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(&[], after, 5).expect("a list");
        found.extend(page.iter().copied());
        match page.last() {
            Some(last) if page.len() == 5 => after = Some(*last),
            _ => break,
        }
    }
    assert_eq!(found, all, "page by page");
    let behind = store.list(&[1], of_one.last().copied(), 100).expect("a list");
    assert_eq!(behind, [], "behind the last of a prefix");
}

fn key(seed: u8) -> BodyKey {
    BodyKey([seed; BodyKey::BYTES])
}

fn id(seed: u8, index: u32) -> ChunkId {
    ChunkId {
        body: key(seed),
        index,
    }
}

fn content(index: u32, length: usize) -> Vec<u8> {
    index.to_le_bytes().into_iter().cycle().take(length).collect()
}
