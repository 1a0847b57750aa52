//! Syncs, closing, and what is there after an engine was opened again.

use super::super::{Batch, Durability, Engine, EngineError, KeyRange, Order, Precondition, Space};
use super::{assert_refused, bytes, everything, get, put, scan};

pub(super) fn sync_checkpoint_and_stats(engine: &dyn Engine) {
    engine.sync().expect("a sync of nothing");
    put(engine, Space::CHUNKS, b"chunk", &bytes(1, 100_000));
    engine.sync().expect("a sync");
    engine.checkpoint().expect("a checkpoint");
    let stats = engine.stats().expect("sizes");
    if engine.capabilities().persistent {
        assert!(
            stats.bytes_on_disk >= 100_000,
            "{stats:?} with 100,000 bytes stored"
        );
    }
    assert_eq!(get(engine, Space::CHUNKS, b"chunk"), Some(bytes(1, 100_000)));
}

pub(super) fn closed_is_closed(engine: &dyn Engine) {
    put(engine, Space::HEADS, b"key", b"value");
    engine.close().expect("the first close");
    engine.close().expect("the second close does nothing");
    let is_closed: fn(&EngineError) -> bool = |error| matches!(error, EngineError::Closed);
    let range = KeyRange::all();
    let batch = || Batch::new().put(Space::HEADS, b"key", b"x");
    assert_refused(engine.get(Space::HEADS, b"key").map(drop), "Closed", is_closed);
    let scanned = engine.scan(Space::HEADS, &range, everything(Order::Ascending));
    assert_refused(scanned.map(drop), "Closed", is_closed);
    assert_refused(engine.apply(batch(), Durability::Buffered), "Closed", is_closed);
    assert_refused(engine.apply(batch(), Durability::Synced), "Closed", is_closed);
    assert_refused(engine.sync(), "Closed", is_closed);
    assert_refused(engine.checkpoint(), "Closed", is_closed);
    assert_refused(engine.stats().map(drop), "Closed", is_closed);
}

/// What holds for every persistent engine beyond [`conformance`](super::conformance); `open` opens the same
/// files each time, which are empty at first.
///
/// # Panics
/// When the engine breaks the contract.
pub fn reopen<E: Engine>(open: impl Fn() -> E) {
    let values = || (0u64..40).map(|seed| (seed, usize::try_from(seed * 997 % 23_000).unwrap_or(0)));
    let engine = open();
    assert!(
        engine.capabilities().persistent,
        "an engine that is opened again must be persistent"
    );
    for (seed, length) in values() {
        put(&engine, Space::PAGES, &seed.to_be_bytes(), &bytes(seed, length));
    }
    engine.close().expect("a close");
    let engine = open();
    for (seed, length) in values() {
        let value = get(&engine, Space::PAGES, &seed.to_be_bytes());
        assert!(value == Some(bytes(seed, length)), "record {seed} after a close");
    }
    overwrite_and_drop(engine);
    let engine = open();
    let found = scan(
        &engine,
        Space::PAGES,
        &KeyRange::all(),
        everything(Order::Ascending),
    );
    assert_eq!(found.entries.len(), 39, "one of 40 was deleted");
    assert_eq!(
        get(&engine, Space::PAGES, &1u64.to_be_bytes()).as_deref(),
        Some(&b"short"[..])
    );
    let guarded = Batch::new()
        .put(Space::HEADS, b"head", b"1")
        .require(Precondition::ValueEquals {
            space: Space::PAGES,
            key: 1u64.to_be_bytes().to_vec(),
            value: b"short".to_vec(),
        });
    engine
        .apply(guarded, Durability::Synced)
        .expect("a precondition on what was there before");
    drop(engine);
    for round in 0u64..6 {
        drop(engine_with(&open, round));
    }
}

/// A synced batch outlives an engine that is dropped without a close.
fn overwrite_and_drop<E: Engine>(engine: E) {
    let batch = Batch::new()
        .put(Space::PAGES, 1u64.to_be_bytes(), b"short")
        .delete(Space::PAGES, 2u64.to_be_bytes());
    engine.apply(batch, Durability::Synced).expect("a synced batch");
    drop(engine);
}

fn engine_with<E: Engine>(open: &impl Fn() -> E, round: u64) -> E {
    let engine = open();
    for earlier in 0..round {
        let value = get(&engine, Space::CHUNKS, &earlier.to_be_bytes());
        assert!(
            value == Some(bytes(earlier, 50_000)),
            "round {earlier} after {round} opens"
        );
    }
    put(
        &engine,
        Space::CHUNKS,
        &round.to_be_bytes(),
        &bytes(round, 50_000),
    );
    engine.sync().expect("a sync");
    engine
}
