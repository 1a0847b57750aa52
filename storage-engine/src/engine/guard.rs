//! Panics of a foreign engine become errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::EngineError;

/// Runs a call of the engine with this name; a panic inside it becomes [`EngineError::Corrupt`].
pub(super) fn guarded<T>(
    name: &str,
    call: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(EngineError::corrupt(format!("{name} stopped: {text}")))
    })
}
