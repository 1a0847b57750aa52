//! Batches: atomicity, preconditions, order, limits.

use super::super::{
    BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX, Batch, Durability, Engine, EngineError, KEY_BYTES_MAX, KeyRange,
    Mutation, Order, Precondition, Space, VALUE_BYTES_MAX,
};
use super::{assert_refused, bytes, everything, get, put, scan};

const HEADS: Space = Space::HEADS;

pub(super) fn all_or_nothing(engine: &dyn Engine) {
    put(engine, HEADS, b"head", b"old");
    let batch = |required: &[u8]| {
        Batch::new()
            .put(Space::PAGES, b"page", bytes(1, 20_000))
            .delete(HEADS, b"gone")
            .put(HEADS, b"head", b"new")
            .require(equals(b"head", required))
            .require(absent(b"never"))
    };
    put(engine, HEADS, b"gone", b"still here");
    let refused = engine.apply(batch(b"other"), Durability::Synced);
    assert_refused(refused, "PreconditionFailed", |error| {
        matches!(error, EngineError::PreconditionFailed)
    });
    assert_eq!(
        get(engine, HEADS, b"head").as_deref(),
        Some(&b"old"[..]),
        "nothing of a refused batch"
    );
    assert_eq!(get(engine, HEADS, b"gone").as_deref(), Some(&b"still here"[..]));
    assert_eq!(get(engine, Space::PAGES, b"page"), None);
    engine
        .apply(batch(b"old"), Durability::Synced)
        .expect("its preconditions hold");
    assert_eq!(
        get(engine, HEADS, b"head").as_deref(),
        Some(&b"new"[..]),
        "all of an accepted batch"
    );
    assert_eq!(get(engine, HEADS, b"gone"), None);
    assert_eq!(get(engine, Space::PAGES, b"page"), Some(bytes(1, 20_000)));
    engine
        .apply(Batch::new(), Durability::Synced)
        .expect("an empty batch");
}

pub(super) fn preconditions_decide(engine: &dyn Engine) {
    let long = bytes(5, 30_000);
    put(engine, HEADS, b"short", b"");
    put(engine, HEADS, b"long", &long);
    let mut changed = long.clone();
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    let cases = [
        (absent(b"none"), true),
        (absent(b"short"), false),
        (present(b"short"), true),
        (present(b"none"), false),
        (equals(b"short", b""), true),
        (equals(b"none", b""), false),
        (equals(b"long", &long), true),
        (equals(b"long", &changed), false),
        (equals(b"long", long.get(..4096).unwrap_or_default()), false),
    ];
    for (number, (precondition, holds)) in (0u32..).zip(cases) {
        let key = number.to_be_bytes();
        let label = format!("{number}: {}", if holds { "holds" } else { "does not hold" });
        let batch = Batch::new().put(Space::PAGES, key, b"x").require(precondition);
        assert_eq!(
            engine.apply(batch, Durability::Buffered).is_ok(),
            holds,
            "{label}"
        );
        assert_eq!(get(engine, Space::PAGES, &key).is_some(), holds, "{label}");
    }
    let before = Batch::new().put(HEADS, b"new", b"1").require(present(b"new"));
    assert!(
        engine.apply(before, Durability::Buffered).is_err(),
        "preconditions come before mutations"
    );
}

pub(super) fn mutations_take_effect_in_order(engine: &dyn Engine) {
    let long = bytes(1, 50_000);
    put(engine, HEADS, b"c", &long);
    let batch = Batch::new()
        .put(HEADS, b"a", b"1")
        .delete(HEADS, b"a")
        .put(HEADS, b"b", long.clone())
        .put(HEADS, b"b", b"2")
        .delete(HEADS, b"c")
        .put(HEADS, b"c", b"3")
        .delete(HEADS, b"d")
        .put(HEADS, b"e", b"4")
        .delete(HEADS, b"e")
        .put(HEADS, b"e", long.clone());
    engine
        .apply(batch, Durability::Buffered)
        .expect("a batch within the limits");
    let found = scan(engine, HEADS, &KeyRange::all(), everything(Order::Ascending)).entries;
    let expected = [
        (b"b".to_vec(), b"2".to_vec()),
        (b"c".to_vec(), b"3".to_vec()),
        (b"e".to_vec(), long),
    ];
    assert!(found == expected, "the last change of a key wins");
}

pub(super) fn limits_hold_and_are_reached(engine: &dyn Engine) {
    let too_large = |error: &EngineError| matches!(error, EngineError::TooLarge { .. });
    let many = |count: usize| Batch {
        mutations: (0..count)
            .map(|number| put_of(&number.to_be_bytes(), 10))
            .collect(),
        ..Batch::new()
    };
    let key = |length: usize| Batch::new().put(HEADS, vec![7; length], b"x");
    let value = |length: usize| Batch::new().put(HEADS, b"value", bytes(3, length));
    let halves = |more: usize| Batch {
        mutations: vec![
            put_of(b"a", BATCH_BYTES_MAX / 2 - 1),
            put_of(b"b", BATCH_BYTES_MAX / 2 - 1 + more),
        ],
        ..Batch::new()
    };
    let refused = [
        many(BATCH_OPERATIONS_MAX + 1),
        key(KEY_BYTES_MAX + 1),
        value(VALUE_BYTES_MAX + 1),
        halves(1 + BATCH_BYTES_MAX % 2),
    ];
    for batch in refused {
        assert_refused(engine.apply(batch, Durability::Buffered), "TooLarge", too_large);
    }
    let empty = engine.apply(Batch::new().put(HEADS, b"", b"x"), Durability::Buffered);
    assert_refused(empty, "InvalidKey", |error| {
        matches!(error, EngineError::InvalidKey)
    });
    let found = scan(engine, HEADS, &KeyRange::all(), everything(Order::Ascending));
    assert_eq!(found.entries.len(), 0, "a refused batch left something");
    for batch in [
        many(BATCH_OPERATIONS_MAX),
        key(KEY_BYTES_MAX),
        value(VALUE_BYTES_MAX),
        halves(0),
    ] {
        engine
            .apply(batch, Durability::Buffered)
            .expect("a batch at the limit");
    }
}

pub(super) fn racing_writers_never_both_win(engine: &dyn Engine) {
    const WRITERS: u64 = 4;
    const WINS: u64 = 25;
    put(engine, HEADS, b"counter", &0u64.to_be_bytes());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || (0..WINS).for_each(|_| increment(engine, writer)));
        }
    });
    let total = get(engine, HEADS, b"counter");
    assert_eq!(
        total,
        Some((WRITERS * WINS).to_be_bytes().to_vec()),
        "an increment was lost"
    );
}

fn increment(engine: &dyn Engine, writer: u64) {
    loop {
        let old = get(engine, HEADS, b"counter").expect("the counter exists");
        let value = old
            .first_chunk()
            .map(|bytes| u64::from_be_bytes(*bytes))
            .expect("eight bytes");
        let batch = Batch::new()
            .put(HEADS, b"counter", (value + 1).to_be_bytes())
            .put(
                HEADS,
                [&b"by"[..], &value.to_be_bytes()].concat(),
                writer.to_be_bytes(),
            )
            .require(equals(b"counter", &old));
        match engine.apply(batch, Durability::Buffered) {
            Ok(()) => return,
            Err(EngineError::PreconditionFailed | EngineError::Conflict) => {}
            Err(error) => assert!(error.to_string().is_empty(), "an increment failed: {error}"),
        }
    }
}

pub(super) fn readers_never_see_half_a_batch(engine: &dyn Engine) {
    const ROUNDS: u64 = 40;
    let written = |round: u64| bytes(round, 10_000 + usize::try_from(round % 5).unwrap_or(0) * 9_000);
    let write = |round: u64| {
        let batch = Batch::new()
            .put(HEADS, b"left", written(round))
            .put(HEADS, b"right", written(round));
        engine
            .apply(batch, Durability::Buffered)
            .expect("a batch within the limits");
    };
    write(0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || (1..ROUNDS).for_each(write));
        while !writer.is_finished() {
            let page = scan(engine, HEADS, &KeyRange::all(), everything(Order::Ascending));
            let values: Vec<_> = page.entries.iter().map(|(_, value)| value).collect();
            assert!(
                matches!(values.as_slice(), [left, right] if left == right),
                "half a batch in a scan"
            );
            let value = get(engine, HEADS, b"left").expect("it is always there");
            assert!(
                (0..ROUNDS).any(|round| written(round) == value),
                "half a value in a get"
            );
        }
    });
}

fn put_of(key: &[u8], length: usize) -> Mutation {
    Mutation::Put {
        space: HEADS,
        key: key.to_vec(),
        value: bytes(length as u64, length),
    }
}

fn absent(key: &[u8]) -> Precondition {
    Precondition::Absent {
        space: HEADS,
        key: key.to_vec(),
    }
}

fn present(key: &[u8]) -> Precondition {
    Precondition::Present {
        space: HEADS,
        key: key.to_vec(),
    }
}

fn equals(key: &[u8], value: &[u8]) -> Precondition {
    Precondition::ValueEquals {
        space: HEADS,
        key: key.to_vec(),
        value: value.to_vec(),
    }
}
