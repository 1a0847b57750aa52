//! Workloads of the benchmarks, and our own store as one of those that run them.

mod load;
mod ours;
mod tasks;

use std::error::Error;

pub use load::{Kind, Load, Names, random};
pub use ours::{Keys, Layout, Ours, Rotation};
pub use strongroom::engine::engine::counting::WriteCounts;
pub use tasks::{Figure, task};

/// What any step of a benchmark returns: the harness stops at the first error and says which step it was.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A place for named bodies.
pub trait Store: Send + Sync {
    /// What the table calls it.
    fn name(&self) -> &'static str;
    /// Stores `body` under a name that was not used before. Returns when it is durable, where there is a
    /// disk.
    ///
    /// # Errors
    /// Whatever went wrong.
    fn put(&self, name: &str, body: &[u8]) -> Result<()>;
    /// Reads the whole body into `out`, replacing what was there.
    ///
    /// # Errors
    /// Whatever went wrong.
    fn get(&self, name: &str, out: &mut Vec<u8>) -> Result<()>;
    /// Reads `out.len()` bytes from each of `offsets` into `out`, one after the other.
    ///
    /// # Errors
    /// Whatever went wrong.
    fn read(&self, name: &str, offsets: &[u64], out: &mut [u8]) -> Result<()>;
}
