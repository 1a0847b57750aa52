//! What every [`Engine`] owes its callers, as a suite that anyone with an engine can run.
//!
//! [`conformance`] wants a fresh, empty engine each time; [`reopen`] wants the same persistent engine again.
//! Each function checks one sentence of the contract and fails by panicking. [`Space::META`] belongs to the
//! engine and is not touched.
#![expect(clippy::expect_used, reason = "a conformance suite fails by panicking")]

mod batches;
mod durability;
mod scans;
mod values;

pub use durability::reopen;

use super::{Batch, Durability, Engine, EngineError, KeyRange, Order, ScanOptions, ScanPage, Space};

/// Everything that holds for every engine; `open` gives a fresh, empty one.
///
/// # Panics
/// When the engine breaks the contract.
pub fn conformance<E: Engine>(open: impl Fn() -> E) {
    values::any_length_comes_back(&open());
    values::overwriting_leaves_nothing_behind(&open());
    values::many_large_values_go_at_once(&open());
    values::keys_are_any_bytes(&open());
    values::spaces_are_apart(&open());
    batches::all_or_nothing(&open());
    batches::preconditions_decide(&open());
    batches::mutations_take_effect_in_order(&open());
    batches::limits_hold_and_are_reached(&open());
    batches::racing_writers_never_both_win(&open());
    batches::readers_never_see_half_a_batch(&open());
    scans::ascend_and_descend_in_byte_order(&open());
    scans::pages_end_where_they_should(&open());
    scans::pages_resume_without_gaps(&open());
    scans::large_values_page_too(&open());
    durability::sync_checkpoint_and_stats(&open());
    durability::closed_is_closed(&open());
}

fn put(engine: &dyn Engine, space: Space, key: &[u8], value: &[u8]) {
    let batch = Batch::new().put(space, key, value);
    engine
        .apply(batch, Durability::Buffered)
        .expect("a put within the limits");
}

fn get(engine: &dyn Engine, space: Space, key: &[u8]) -> Option<Vec<u8>> {
    engine.get(space, key).expect("a get")
}

fn scan(engine: &dyn Engine, space: Space, range: &KeyRange, options: ScanOptions) -> ScanPage {
    engine.scan(space, range, options).expect("a scan")
}

fn everything(order: Order) -> ScanOptions {
    ScanOptions {
        order,
        limit: usize::MAX,
        max_bytes: usize::MAX,
        keys_only: false,
    }
}

fn keys(page: &ScanPage) -> Vec<Vec<u8>> {
    page.entries.iter().map(|(key, _)| key.clone()).collect()
}

#[track_caller]
fn assert_refused(result: Result<(), EngineError>, expected: &str, is_expected: fn(&EngineError) -> bool) {
    let error = result.expect_err(expected);
    assert!(is_expected(&error), "expected {expected}, got {error:?}");
}

/// Bytes that are different for each seed and never compressible to one value.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&next());
    }
    bytes.truncate(length);
    bytes
}
