//! Sealed bodies: content of any size as a sequence of chunks, each sealed in its place.
//!
//! Chunk `i` is sealed with the body's own key, nonce = nonce base XOR `i`, and additional data that names
//! its index, length and whether it is the last: reordering, swapping, truncating, extending or replacing a
//! chunk shows. A range read opens only the chunks it touches; memory per stream is a few chunks, whatever
//! the body's size.

mod pipe;
mod reader;
mod reference;
mod source;
mod writer;

pub use reader::{BodyReader, LENT_BYTES_MAX, Lent};
pub use writer::{BodyWriter, FinishedBody};

use serde::{Deserialize, Serialize};

use crate::keys::ItemSeal;

/// Plaintext bytes of a chunk unless a store chooses otherwise.
pub const CHUNK_BYTES_DEFAULT: u32 = 64 << 10;
/// Bodies up to this size travel with their commit, without chunks of their own.
pub const SMALL_BODY_BYTES_MAX: usize = 64 << 10;

/// Smallest and largest chunk, in plaintext bytes.
pub const CHUNK_BYTES_LIMITS: std::ops::RangeInclusive<u32> = (1 << 10)..=(512 << 10);

/// Names a body within its tree: a reservation block (8 bytes), a number that rises within a process (4
/// bytes, big-endian), 12 random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BodyId(pub [u8; 24]);

/// Where a body's sealed bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the chunk store, under the body's id.
    Chunks,
    /// One record beside the tree's pages, written with the commit that adopted it.
    Small([u8; 24]),
}

/// What a record keeps of a body: everything needed to read it but the key. Not secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyRef {
    /// The body.
    pub id: BodyId,
    /// Salt and commitment of its key.
    pub seal: ItemSeal,
    /// Plaintext bytes.
    pub length: u64,
    /// Plaintext bytes of every chunk but the last.
    pub chunk_bytes: u32,
    /// Where the sealed bytes are.
    pub location: Location,
}

impl BodyRef {
    /// How many chunks there are, at least one; an error if they cannot be.
    fn chunks(&self) -> Result<u32, BodyError> {
        let impossible = BodyError::Impossible {
            length: self.length,
            chunk_bytes: self.chunk_bytes,
        };
        if !CHUNK_BYTES_LIMITS.contains(&self.chunk_bytes) {
            return Err(impossible);
        }
        let chunks = self.length.div_ceil(self.chunk_bytes.into()).max(1);
        u32::try_from(chunks).map_err(|_| impossible)
    }
}

impl BodyId {
    /// The random part, which the body's key is bound to.
    #[must_use]
    pub fn unique(&self) -> [u8; 16] {
        let mut unique = [0; 16];
        for (to, from) in unique.iter_mut().zip(self.0.iter().skip(8)) {
            *to = *from;
        }
        unique
    }

    /// An id outside every reservation block: that of a body without chunks.
    #[must_use]
    pub fn unreserved(unique: [u8; 16]) -> Self {
        Self::in_block([0; 8], unique)
    }

    /// An id in a reservation block.
    #[must_use]
    pub fn in_block(block: [u8; 8], unique: [u8; 16]) -> Self {
        let mut id = [0; 24];
        for (to, from) in id.iter_mut().zip(block.into_iter().chain(unique)) {
            *to = from;
        }
        Self(id)
    }
}

/// Why a body could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// A chunk's checksum is wrong: the storage medium damaged it.
    #[error("chunk {index} is damaged: {source}")]
    Damaged {
        /// Zero-based.
        index: u32,
        /// The cause.
        source: crate::codec::CodecError,
    },
    /// A chunk, or the body's key when there is no index, did not authenticate.
    #[error("sealed content did not authenticate: it was altered, moved or sealed under another key")]
    Forged {
        /// Zero-based; `None` for the body as a whole.
        index: Option<u32>,
    },
    /// A chunk is not there.
    #[error("chunk {index} is missing")]
    Missing {
        /// Zero-based.
        index: u32,
    },
    /// An earlier call on the same stream failed: the stream cannot go on. Begin again.
    #[error("the stream was interrupted by an earlier failure; begin again")]
    Interrupted,
    /// What the record says of the body cannot be.
    #[error("a body of {length} bytes in chunks of {chunk_bytes} cannot be")]
    Impossible {
        /// Plaintext bytes of the body.
        length: u64,
        /// Plaintext bytes of a chunk.
        chunk_bytes: u32,
    },
    /// Access was revoked while the stream was open.
    #[error("access was revoked")]
    Revoked,
    /// More than 2^32 chunks.
    #[error("a body has at most 4294967295 chunks")]
    TooLarge,
    /// The tree or its engine failed.
    #[error(transparent)]
    Tree(#[from] crate::tree::TreeError),
}

impl From<crate::engine::EngineError> for BodyError {
    fn from(error: crate::engine::EngineError) -> Self {
        Self::Tree(error.into())
    }
}

impl From<crate::entropy::EntropyError> for BodyError {
    fn from(error: crate::entropy::EntropyError) -> Self {
        Self::Tree(error.into())
    }
}

impl From<crate::seal::SealError> for BodyError {
    fn from(error: crate::seal::SealError) -> Self {
        match error {
            crate::seal::SealError::Entropy(error) => error.into(),
            crate::seal::SealError::TooLarge => Self::TooLarge,
            crate::seal::SealError::Forged => Self::Forged { index: None },
        }
    }
}

impl From<crate::codec::CodecError> for BodyError {
    fn from(error: crate::codec::CodecError) -> Self {
        Self::Tree(error.into())
    }
}
