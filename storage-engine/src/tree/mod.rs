//! The sealed tree: an ordered map of byte strings, encrypted, transactional, durable.
//!
//! One [`TreeStore`] holds many trees over one engine and commits for all of them (group commit). Keys have 1
//! to [`KEY_BYTES_MAX`] bytes and begin with a byte other than 0: room 0 belongs to the tree itself (body
//! references).

mod anchored;
mod committer;
mod core;
mod edit;
mod error;
#[cfg(feature = "testing")]
pub mod fuzzing;
mod group;
mod handle;
mod head;
mod last_commit;
mod node;
mod page_id;
mod pages;
mod pin;
mod read;
mod reap;
mod reservations;
mod run;
mod scrub;
mod state;
mod store;
mod txn;
mod work;

pub use error::{ClosedGate, GateClosed, TreeError};
pub use handle::{BodyPin, Snapshot, Tree};
pub use last_commit::LastCommit;
pub use node::Bytes;
pub use page_id::PageId;
pub use pin::{Pin, RecordSink};
pub use run::Run;
pub use scrub::{ScrubBodies, ScrubCounts, ScrubEvent, ScrubFinding, ScrubItem};
pub use store::{TreeStats, TreeStore};
pub use txn::Txn;

use std::any::Any;
use std::time::Duration;

use crate::chunks::ChunkStore;
use crate::engine::Engine;

/// Longest key of a tree, in bytes.
pub const KEY_BYTES_MAX: usize = 8 << 10;
/// Longest value of a tree, in bytes.
pub const VALUE_BYTES_MAX: usize = 16 << 20;

/// What a store of trees is made of.
pub struct TreeStoreParts {
    /// Where pages go. The store counts its writes.
    pub engine: Box<dyn Engine>,
    /// Where chunks of large bodies go; `None` puts them into the engine.
    pub chunks: Option<Box<dyn ChunkStore>>,
    /// The note of the last commit; `None` keeps none.
    pub last_commit: Option<LastCommit>,
    /// Salts and ids.
    pub entropy: std::sync::Arc<dyn crate::Entropy>,
    /// Ages of snapshots.
    pub clock: std::sync::Arc<dyn crate::Clock>,
}

/// Sizes and limits of a store of trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeSettings {
    /// Memory for decoded pages and small sealed bodies of all trees, in bytes. Default 32 MiB.
    pub page_cache_bytes: u64,
    /// Pages split above this many bytes. Default 8 KiB (see docs/BENCHMARKS.md).
    pub page_target_bytes: usize,
    /// A snapshot older than this fails with [`TreeError::SnapshotExpired`]. Default 24 hours.
    pub snapshot_age_max: Duration,
}

impl Default for TreeSettings {
    fn default() -> Self {
        Self {
            page_cache_bytes: 32 << 20,
            page_target_bytes: 8 << 10,
            snapshot_age_max: Duration::from_secs(86_400),
        }
    }
}

/// Asked by the committer immediately before it swaps heads.
///
/// A transaction that carries items sealed under a revocable key names its gate; the pass is held until the
/// head is swapped, so whoever closes the gate waits for that swap and precedes every later one.
pub trait Gate: Any + Send + Sync {
    /// A pass, or the transaction is dropped and its caller gets [`TreeError::GateClosed`].
    ///
    /// # Errors
    /// When the gate is closed.
    fn enter(&self) -> Result<Pass, GateClosed>;
}

/// Permission to swap a head, for as long as it lives.
pub struct Pass(pub Box<dyn Any>);

/// Decodes the plaintext of a page, which only its key holder could have sealed, and checks that it has one
/// encoding. True when it is a page.
///
/// # Panics
/// When a page has a second encoding.
#[cfg(feature = "testing")]
#[must_use]
pub fn decode_page_for_fuzzing(bytes: &[u8]) -> bool {
    node::Node::decode(bytes).is_ok_and(|node| {
        assert_eq!(node.encode().as_deref(), Ok(bytes), "a page has one encoding");
        true
    })
}

/// Decodes the plaintext of a head. True when it is one.
#[cfg(feature = "testing")]
#[must_use]
pub fn decode_head_for_fuzzing(bytes: &[u8]) -> bool {
    crate::codec::decode::<head::Head>(bytes).is_ok()
}

/// A key with its value.
pub type Entry = (Vec<u8>, Vec<u8>);
