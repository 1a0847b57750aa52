//! The chunk store: sealed bytes of large bodies. Write-once, never overwritten, no order, no preconditions.

#[cfg(feature = "testing")]
pub mod conformance;
mod in_engine;
mod in_files;

pub use in_engine::EngineChunks;
pub use in_files::FileChunks;

use crate::SecretBuffer;
use crate::engine::EngineError;

/// Names one body of one tree: tree id (16 bytes) then body id (24 bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyKey(pub [u8; BodyKey::BYTES]);

impl BodyKey {
    /// Bytes of an encoded key.
    pub const BYTES: usize = 40;
}

/// Names one chunk of one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId {
    /// The body.
    pub body: BodyKey,
    /// Zero-based position in the body.
    pub index: u32,
}

/// Where sealed chunks live.
///
/// # Contract
/// * A chunk id is written once; the chunks of one body arrive in ascending order, all but the last of equal
///   length.
/// * `put` need not be durable before `sync` returns; `sync` covers every `put` that returned before it
///   began.
/// * A `get` after the `put` returned sees the bytes.
/// * A chunk that cannot be stored because of what there is of its body, or because its file cannot be
///   opened, fails alone: nothing was written.
/// * After the first failed write or sync every later write fails with [`EngineError::Poisoned`].
pub trait ChunkStore: Send + Sync + 'static {
    /// Stores chunks.
    ///
    /// # Errors
    /// As [`Engine::apply`](crate::engine::Engine::apply); `OutOfSequence`.
    fn put(&self, chunks: Vec<(ChunkId, Vec<u8>)>) -> Result<(), EngineError>;

    /// The bytes of one chunk, or `None`.
    ///
    /// # Errors
    /// `Io`, `Corrupt`, `Closed`.
    fn get(&self, id: ChunkId) -> Result<Option<Vec<u8>>, EngineError>;

    /// The bytes of one chunk in place of what `buffer` holds; false, and nothing in it, if there is no such
    /// chunk. What is read again and again needs no new memory for it.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn get_into(&self, id: ChunkId, buffer: &mut SecretBuffer) -> Result<bool, EngineError> {
        buffer.clear();
        let found = self.get(id)?;
        buffer.extend_from_slice(found.as_deref().unwrap_or_default());
        Ok(found.is_some())
    }

    /// Does now what the next [`sync`](Self::sync) would have to do for one body, all of which has been put:
    /// whoever has something else to do meanwhile does not wait for it then. Only a `sync` covers
    /// them. The default does nothing, for stores that have nothing to do for one body.
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    fn flush(&self, body: &BodyKey) -> Result<(), EngineError> {
        let _ = body;
        Ok(())
    }

    /// Removes every chunk of the given bodies; absent ones are no error.
    ///
    /// # Errors
    /// As [`Engine::apply`](crate::engine::Engine::apply).
    fn delete(&self, bodies: &[BodyKey]) -> Result<(), EngineError>;

    /// Bodies with at least one chunk whose key begins with `prefix`, ascending, strictly after `after`, at
    /// most `limit`.
    ///
    /// # Errors
    /// `Io`, `Corrupt`, `Closed`.
    fn list(&self, prefix: &[u8], after: Option<BodyKey>, limit: usize) -> Result<Vec<BodyKey>, EngineError>;

    /// Has the next [`sync`](Self::sync) make durable which bodies there are whose key begins with `prefix`,
    /// whoever put or deleted them: an earlier process may have ended before its own sync. The default does
    /// nothing, for stores whose every sync covers that.
    ///
    /// # Errors
    /// As [`Engine::apply`](crate::engine::Engine::apply).
    fn cover(&self, prefix: &[u8]) -> Result<(), EngineError> {
        let _ = prefix;
        Ok(())
    }

    /// Makes every earlier `put` and `delete` durable. The in-engine placement leaves this to the engine's
    /// sync.
    ///
    /// # Errors
    /// `Io`, `Poisoned`, `Closed`.
    fn sync(&self) -> Result<(), EngineError>;
}
