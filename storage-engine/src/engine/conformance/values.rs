//! Single records: lengths, keys, spaces.

use super::super::{Batch, Durability, Engine, KEY_BYTES_MAX, KeyRange, Order, Space, VALUE_BYTES_MAX};
use super::{bytes, everything, get, put, scan};

/// Lengths around every multiple that an engine could cut at.
fn lengths() -> impl Iterator<Item = usize> {
    let around = [
        1,
        512,
        1024,
        2048,
        4096,
        8192,
        16384,
        65536,
        65536 + 4096,
        1 << 19,
        VALUE_BYTES_MAX,
    ];
    let edges = around.into_iter().flat_map(|at: usize| [at - 1, at, at + 1]);
    edges.filter(|&length| length <= VALUE_BYTES_MAX)
}

pub(super) fn any_length_comes_back(engine: &dyn Engine) {
    for length in lengths() {
        let (key, value) = (length.to_be_bytes(), bytes(length as u64, length));
        put(engine, Space::CHUNKS, &key, &value);
        assert!(
            get(engine, Space::CHUNKS, &key) == Some(value),
            "{length} bytes came back changed"
        );
    }
    for length in lengths() {
        let value = get(engine, Space::CHUNKS, &length.to_be_bytes());
        assert!(
            value == Some(bytes(length as u64, length)),
            "{length} bytes changed later"
        );
    }
    assert_eq!(get(engine, Space::CHUNKS, b"absent"), None);
}

pub(super) fn overwriting_leaves_nothing_behind(engine: &dyn Engine) {
    let lengths = [0, 300_000, 5_000, 4_096, 70_000, 1, VALUE_BYTES_MAX, 4_097, 0];
    put(engine, Space::PAGES, b"before", b"1");
    put(engine, Space::PAGES, b"key\0", b"2");
    for (seed, length) in (0u64..).zip(lengths) {
        let value = bytes(seed, length);
        put(engine, Space::PAGES, b"key", &value);
        assert!(
            get(engine, Space::PAGES, b"key").as_ref() == Some(&value),
            "{length} bytes over others"
        );
        let found = scan(
            engine,
            Space::PAGES,
            &KeyRange::all(),
            everything(Order::Ascending),
        )
        .entries;
        let expected = [
            (b"before".to_vec(), b"1".to_vec()),
            (b"key".to_vec(), value),
            (b"key\0".to_vec(), b"2".to_vec()),
        ];
        assert!(found == expected, "{length} bytes over others, as a scan sees it");
    }
    put(engine, Space::PAGES, b"key", &bytes(99, 200_000));
    engine
        .apply(Batch::new().delete(Space::PAGES, b"key"), Durability::Buffered)
        .expect("a delete");
    let found = scan(
        engine,
        Space::PAGES,
        &KeyRange::all(),
        everything(Order::Descending),
    )
    .entries;
    assert_eq!(found.len(), 2, "a deleted value left something behind");
}

pub(super) fn many_large_values_go_at_once(engine: &dyn Engine) {
    let keys = || (0u8..30).map(|number| [b'k', number]);
    for key in keys() {
        put(engine, Space::CHUNKS, &key, &bytes(7, 200_000));
    }
    put(engine, Space::CHUNKS, b"l", &bytes(8, 200_000));
    let batch = keys().fold(Batch::new(), |batch, key| batch.delete(Space::CHUNKS, key));
    let batch = batch.put(Space::CHUNKS, [b'k', 3], b"short");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| engine.apply(batch, Durability::Buffered).expect("many deletes"));
        loop {
            let finished = writer.is_finished();
            for order in [Order::Ascending, Order::Descending] {
                let found = scan(engine, Space::CHUNKS, &KeyRange::all(), everything(order))
                    .entries
                    .len();
                assert!(
                    found == 31 || found == 2,
                    "{found} records in the middle of a batch"
                );
            }
            if finished {
                break;
            }
        }
    });
    let found = scan(
        engine,
        Space::CHUNKS,
        &KeyRange::all(),
        everything(Order::Ascending),
    )
    .entries;
    assert!(
        found
            == [
                (vec![b'k', 3], b"short".to_vec()),
                (b"l".to_vec(), bytes(8, 200_000))
            ]
    );
}

pub(super) fn keys_are_any_bytes(engine: &dyn Engine) {
    let mut keys: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
    for byte in [0, 1, 0x61, 0xfe, 0xff] {
        for length in [2, 3, 4, KEY_BYTES_MAX - 1, KEY_BYTES_MAX] {
            keys.push(vec![byte; length]);
        }
        for tail in [[0, 0], [0, 1], [0, 0xff], [0xff, 0], [0xff, 0xff]] {
            keys.push([&[byte], &tail[..]].concat());
        }
    }
    keys.sort();
    keys.dedup();
    for (seed, key) in (0u64..).zip(&keys) {
        let length = if seed % 7 == 0 { 9_000 } else { 20 };
        put(engine, Space::FREED, key, &bytes(seed, length));
    }
    for (seed, key) in (0u64..).zip(&keys) {
        let length = if seed % 7 == 0 { 9_000 } else { 20 };
        assert!(
            get(engine, Space::FREED, key) == Some(bytes(seed, length)),
            "the value of {key:?}"
        );
    }
    let found = scan(
        engine,
        Space::FREED,
        &KeyRange::all(),
        everything(Order::Ascending),
    );
    assert_eq!(super::keys(&found), keys, "keys that are prefixes of one another");
}

pub(super) fn spaces_are_apart(engine: &dyn Engine) {
    let spaces = || Space::ALL.into_iter().filter(|&space| space != Space::META);
    for space in spaces() {
        put(engine, space, b"key", &[space.0]);
    }
    for space in spaces() {
        assert_eq!(get(engine, space, b"key"), Some(vec![space.0]), "{space:?}");
        for order in [Order::Ascending, Order::Descending] {
            let found = scan(engine, space, &KeyRange::all(), everything(order)).entries;
            assert_eq!(found, [(b"key".to_vec(), vec![space.0])], "{space:?}");
        }
    }
    engine
        .apply(Batch::new().delete(Space::PAGES, b"key"), Durability::Buffered)
        .expect("a delete");
    let left = spaces()
        .filter(|&space| get(engine, space, b"key").is_some())
        .count();
    assert_eq!(left, spaces().count() - 1, "a delete in one space");
}
