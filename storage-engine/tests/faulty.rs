//! The fault-injecting wrapper fails exactly the planned calls, and poisons as the contract asks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use strongroom_engine::engine::conformance::conformance;
use strongroom_engine::engine::faulty::{Fault, FaultHandle, Faulty, Lasting, Plan, Scope};
use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::engine::{Batch, Durability, Engine, EngineError, Space};

fn faulty() -> (Faulty<MemoryEngine>, FaultHandle) {
    Faulty::new(Box::new(MemoryEngine::new()))
}

fn put(engine: &dyn Engine, key: u8) -> Result<(), EngineError> {
    engine.apply(Batch::new().put(Space::HEADS, [key], [key]), Durability::Synced)
}

fn stored(engine: &dyn Engine, key: u8) -> bool {
    engine.get(Space::HEADS, &[key]).unwrap().is_some()
}

/// Five puts, of which the third meets `fault`: which of them succeed, and which are stored.
#[track_caller]
fn check(lasting: Lasting, fault: Fault, succeed: [bool; 5], are_stored: [bool; 5]) {
    let (engine, handle) = faulty();
    handle.set(
        Scope::Writes,
        Some(Plan {
            call: 2,
            lasting,
            fault,
        }),
    );
    let results: Vec<_> = (0..5).map(|key| put(&engine, key)).collect();
    assert_eq!(
        results.iter().map(Result::is_ok).collect::<Vec<_>>(),
        succeed,
        "{results:?}"
    );
    assert_eq!(
        (0..5).map(|key| stored(&engine, key)).collect::<Vec<_>>(),
        are_stored
    );
}

#[test]
fn without_a_plan_it_conforms() {
    conformance(|| faulty().0);
}

#[test]
fn an_io_error_poisons_later_writes() {
    let half = [true, true, false, false, false];
    check(Lasting::Once, Fault::Io, half, half);
    check(Lasting::FromThenOn, Fault::Io, half, half);
    let (engine, handle) = faulty();
    handle.set(
        Scope::All,
        Some(Plan {
            call: 0,
            lasting: Lasting::Once,
            fault: Fault::Io,
        }),
    );
    assert!(matches!(put(&engine, 1), Err(EngineError::Io { .. })));
    assert!(matches!(put(&engine, 1), Err(EngineError::Poisoned)));
    assert!(matches!(engine.sync(), Err(EngineError::Poisoned)));
    assert!(!stored(&engine, 1), "reads go on");
    handle.set(Scope::All, None);
    put(&engine, 1).unwrap();
}

#[test]
fn unavailable_leaves_open_whether_it_was_applied() {
    let once = [true, true, false, true, true];
    let then_on = [true, true, false, false, false];
    check(Lasting::Once, Fault::UnavailableApplied, once, [true; 5]);
    check(Lasting::Once, Fault::UnavailableNotApplied, once, once);
    check(Lasting::FromThenOn, Fault::UnavailableApplied, then_on, [true; 5]);
    check(
        Lasting::FromThenOn,
        Fault::UnavailableNotApplied,
        then_on,
        then_on,
    );
}

#[test]
fn the_scope_says_which_calls_count() {
    for (scope, expected) in [(Scope::All, 4), (Scope::Writes, 2)] {
        let (engine, handle) = faulty();
        handle.set(scope, None);
        put(&engine, 1).unwrap();
        assert!(stored(&engine, 1) && !stored(&engine, 2));
        engine.sync().unwrap();
        engine.stats().unwrap();
        assert_eq!((handle.calls(), handle.failed()), (expected, 0), "{scope:?}");
    }
}

#[test]
fn a_failed_read_does_not_poison() {
    let (engine, handle) = faulty();
    handle.set(
        Scope::All,
        Some(Plan {
            call: 0,
            lasting: Lasting::Once,
            fault: Fault::Io,
        }),
    );
    assert!(engine.get(Space::HEADS, b"key").is_err());
    put(&engine, 1).unwrap();
    assert_eq!((handle.calls(), handle.failed()), (2, 1));
}
