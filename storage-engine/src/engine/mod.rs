//! The engine: small ordered records in spaces, applied in atomic batches.
//!
//! [`Engine`] is the only thing a new backend must implement; [`memory`], [`sled`] and, with the feature of
//! its name, `fjall` do. [`EngineKind`] is the choice among those that keep files. Wrappers of the same trait
//! ([`counting`], and for tests `faulty`) add statistics and faults.

mod batch;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod counting;
mod directory;
mod error;
#[cfg(feature = "testing")]
pub mod faulty;
#[cfg(feature = "fjall")]
pub mod fjall;
mod guard;
#[cfg(feature = "testing")]
pub mod hooked;
mod kind;
pub mod memory;
mod range;
pub mod sled;

pub use batch::{Batch, Mutation, Precondition};
pub use error::EngineError;
pub use kind::EngineKind;
pub use range::{KeyRange, Order};

/// A numbered key space of an engine. A number is on disk: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space(pub u8);

impl Space {
    /// One record per tree: the sealed head.
    pub const HEADS: Self = Self(1);
    /// Pages, overflow items and small bodies of trees: written once, named by tree, commit and chance.
    pub const PAGES: Self = Self(2);
    /// Sealed chunks of large bodies, when the chunk store is the engine itself.
    pub const CHUNKS: Self = Self(3);
    /// What each commit released: pages and bodies to delete once nobody reads them.
    pub const FREED: Self = Self(4);
    /// Blocks of body ids that were handed out and may have left chunks behind.
    pub const RESERVATIONS: Self = Self(5);
    /// The engine's own records: its format version.
    pub const META: Self = Self(6);
    /// All spaces, in numerical order.
    pub const ALL: [Self; 6] = [
        Self::HEADS,
        Self::PAGES,
        Self::CHUNKS,
        Self::FREED,
        Self::RESERVATIONS,
        Self::META,
    ];
}

/// When a batch must have reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Atomic and ordered, but a power cut may take it back until the next sync.
    Buffered,
    /// `apply` returns only after this batch and all earlier ones are on stable storage.
    Synced,
}

/// What an engine can do beyond the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Batches persist in the order in which they were applied: a power cut keeps a prefix of them.
    /// Where this is false the tree syncs its pages before it swaps its head.
    pub ordered_batches: bool,
    /// Data outlives the process.
    pub persistent: bool,
}

/// What an engine knows of itself. Sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Bytes on disk, all files together; 0 for engines without files.
    pub bytes_on_disk: u64,
}

/// What one [`Engine::scan`] call returns at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanOptions {
    /// Ascending or descending.
    pub order: Order,
    /// At most this many entries; at least 1.
    pub limit: usize,
    /// Stop after roughly this many bytes of values (at least one entry is returned).
    pub max_bytes: usize,
    /// Leave the values out (they come back empty).
    pub keys_only: bool,
}

/// One page of a scan. Nothing stays open between pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanPage {
    /// Keys and values in the order asked for.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// Present when there is more: continue strictly after (or, descending, before) this key.
    pub resume_after: Option<Vec<u8>>,
}

/// Ordered storage of small opaque records. Keys sort as unsigned byte strings.
///
/// # Contract
/// * A key has 1 to [`KEY_BYTES_MAX`] bytes, a value 0 to [`VALUE_BYTES_MAX`]; a batch at most
///   [`BATCH_OPERATIONS_MAX`] mutations and [`BATCH_BYTES_MAX`] bytes of keys and values. Beyond that:
///   [`EngineError::TooLarge`], nothing applied.
/// * `apply` is atomic: all preconditions hold and all mutations happen, or none does, also after a crash.
///   Mutations of one batch take effect in order. Calls take effect, and become durable, in the order in
///   which they returned.
/// * After [`EngineError::Unavailable`] with `maybe_applied` the caller reads again before it decides.
/// * After the first I/O error of a write or a sync every later write fails with [`EngineError::Poisoned`]
///   until the engine is opened again. Reads may go on.
/// * Everything blocks; nothing calls back into the caller.
pub trait Engine: Send + Sync + 'static {
    /// The value of `key`, or `None`.
    ///
    /// # Errors
    /// `Io`, `Corrupt`, `Closed`; `Poisoned` where a failed batch may be half applied in memory.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;

    /// One page of `range`, see [`ScanOptions`].
    ///
    /// # Errors
    /// `Io`, `Corrupt`, `Closed`.
    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError>;

    /// Applies `batch`, all or nothing.
    ///
    /// # Errors
    /// Every kind; see the contract.
    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError>;

    /// Makes everything applied so far durable.
    ///
    /// # Errors
    /// `Io`, `Poisoned`, `Closed`.
    fn sync(&self) -> Result<(), EngineError>;

    /// Folds logs and gives space back where the engine can; never needed for correctness.
    ///
    /// # Errors
    /// `Io`, `Poisoned`, `Closed`.
    fn checkpoint(&self) -> Result<(), EngineError>;

    /// Sizes.
    ///
    /// # Errors
    /// `Io`, `Closed`.
    fn stats(&self) -> Result<EngineStats, EngineError>;

    /// What this engine promises beyond the contract.
    fn capabilities(&self) -> Capabilities;

    /// Syncs and releases the files; every later call fails with `Closed`. Calling it again is a no-op.
    ///
    /// # Errors
    /// `Io`, `Poisoned`.
    fn close(&self) -> Result<(), EngineError>;
}

/// Longest key of an engine record, in bytes.
pub const KEY_BYTES_MAX: usize = 256;
/// Longest value of an engine record, in bytes: a sealed chunk or a large page with its frame.
pub const VALUE_BYTES_MAX: usize = 1 << 20;
/// Most mutations of one batch.
pub const BATCH_OPERATIONS_MAX: usize = 64;
/// Most bytes of keys and values of one batch: one largest value, or a batch of chunks.
pub const BATCH_BYTES_MAX: usize = (1 << 20) + 4096;
