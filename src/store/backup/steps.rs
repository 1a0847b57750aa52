//! The steps of a backup on its file system: each may fail, and a test lets each of them.

use std::io;
use std::path::Path;

/// Asked before each step that changes something.
pub(super) trait Steps {
    /// Whether the step on `path` can be made.
    fn step(&self, path: &Path) -> io::Result<()>;
}

/// Steps that fail only when the machine's file system does.
pub(super) struct RealSteps;

impl Steps for RealSteps {
    fn step(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}
