//! Writing a body: seal chunk by chunk, memory of a few batches of chunks.

use std::sync::Arc;

use super::pipe::Pipe;
use super::{BodyError, BodyId, BodyRef, CHUNK_BYTES_LIMITS, Location, SMALL_BODY_BYTES_MAX};
use crate::chunks::ChunkId;
use crate::codec::{FRAME_BYTES, FrameKind, frame_with};
use crate::keys::{ItemSeal, PurposeKey};
use crate::seal::{ItemKey, Place, SealKind};
use crate::slot::{Revocable, Slot};
use crate::tree::Tree;
use crate::{Entropy, SecretBuffer};

/// Sealed bytes collected before they go to the chunk store together: enough for the store to be quick about
/// them, and few enough for it to begin while the rest is being sealed.
const PENDING_BYTES_MAX: usize = 500 << 10;

struct Secrets {
    key: ItemKey,
    /// Plaintext of the chunk being filled; never more than one chunk.
    buffer: SecretBuffer,
}

/// Seals a stream of bytes into a new body. Nothing is visible until a transaction adopts the finished body.
#[must_use = "a body that is not finished and adopted is deleted"]
pub struct BodyWriter {
    tree: Tree,
    slot: Arc<Slot<Secrets>>,
    unique: [u8; 16],
    seal: ItemSeal,
    chunk_bytes: u32,
    /// Present once chunks have been written.
    id: Option<BodyId>,
    next: u32,
    length: u64,
    pending: Vec<(ChunkId, Vec<u8>)>,
    pending_bytes: usize,
    /// Present once a batch was full: a body that fits in one needs no thread.
    pipe: Option<Pipe>,
    /// The whole of a body that travels with its commit, once it is complete.
    small: Option<Arc<Vec<u8>>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// A chunk may be missing: nothing more is taken and the body is never finished.
    Failed,
    /// All of it is stored, or sealed in one piece.
    Complete,
    Finished,
}

/// A body whose chunks are stored but which no record names yet.
#[derive(Clone, Debug)]
pub struct FinishedBody {
    reference: BodyRef,
    small: Option<Arc<Vec<u8>>>,
}

impl FinishedBody {
    /// What a record will keep. The location of a small body is settled by
    /// [`Txn::adopt_body`](crate::tree::Txn::adopt_body).
    #[must_use]
    pub fn reference(&self) -> &BodyRef {
        &self.reference
    }

    /// The sealed and framed bytes of a body that travels with its commit.
    #[must_use]
    pub fn small(&self) -> Option<&[u8]> {
        self.small.as_deref().map(Vec::as_slice)
    }

    /// The same, shared.
    pub(crate) fn shared_small(&self) -> Option<&Arc<Vec<u8>>> {
        self.small.as_ref()
    }
}

impl BodyWriter {
    /// Starts a body in `tree`, sealed under `key`, in chunks of `chunk_bytes` (1 KiB to 512 KiB).
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new(
        tree: &Tree,
        key: &PurposeKey,
        chunk_bytes: u32,
        entropy: &dyn Entropy,
    ) -> Result<Self, BodyError> {
        let unique = tree.body_name(entropy)?;
        let (item, seal) = key.new_item(SealKind::Body, &unique, entropy)?;
        let chunk_bytes = chunk_bytes.clamp(*CHUNK_BYTES_LIMITS.start(), *CHUNK_BYTES_LIMITS.end());
        Ok(Self {
            tree: tree.clone(),
            slot: Arc::new(Slot::new(Secrets {
                key: item,
                // Grows to a chunk with a body that has one: most small bodies need far less.
                buffer: SecretBuffer::default(),
            })),
            unique,
            seal,
            chunk_bytes,
            id: None,
            next: 0,
            length: 0,
            pending: Vec::new(),
            pending_bytes: 0,
            pipe: None,
            small: None,
            state: State::Open,
        })
    }

    /// The slot to empty when access is revoked.
    #[must_use]
    pub fn slot(&self) -> Arc<dyn Revocable> {
        self.slot.clone()
    }

    /// Plaintext bytes taken so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// [`BodyError::Revoked`]; storage errors; after any of them [`BodyError::Interrupted`].
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), BodyError> {
        if self.state != State::Open {
            return Err(BodyError::Interrupted);
        }
        while !bytes.is_empty() {
            let filled = self.fill(bytes).inspect_err(|_| self.state = State::Failed);
            let taken = filled.map_err(|error| self.explain(error))?;
            bytes = bytes.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Seals what is left, stores the last chunk, and has the bytes of a large body written to disk where
    /// they lie in a file: the commit that adopts the body finds that done. Nothing can be written after it.
    ///
    /// # Errors
    /// [`BodyError::Revoked`]; [`BodyError::Interrupted`] after an earlier error; storage errors.
    pub fn complete(&mut self) -> Result<(), BodyError> {
        match self.state {
            State::Open => self.state = State::Failed, // Until all of it is done.
            State::Complete => return Ok(()),
            State::Failed | State::Finished => return Err(BodyError::Interrupted),
        }
        let last = self.seal_chunk(true)?;
        if self.id.is_none() && self.length <= SMALL_BODY_BYTES_MAX as u64 {
            self.small = Some(Arc::new(last));
        } else {
            let stored = self.push_chunk(last).and_then(|()| self.store_rest());
            // A removal that came before the last chunk has not seen it: the body is given up here.
            let stored = stored.and_then(|()| Ok(self.tree.check_open()?));
            stored.map_err(|error| self.explain(error))?;
        }
        self.state = State::Complete;
        Ok(())
    }

    /// [Completes](Self::complete) the body. Durable with the commit that adopts it.
    ///
    /// # Errors
    /// As [`complete`](Self::complete). The body is then gone.
    pub fn finish(mut self) -> Result<FinishedBody, BodyError> {
        self.complete()?;
        self.state = State::Finished;
        let small = self.small.take();
        let location = if small.is_some() {
            Location::Small([0; 24])
        } else {
            Location::Chunks
        };
        let id = self.id.unwrap_or_else(|| BodyId::unreserved(self.unique));
        let (seal, length, chunk_bytes) = (self.seal, self.length, self.chunk_bytes);
        Ok(FinishedBody {
            reference: BodyRef {
                id,
                seal,
                length,
                chunk_bytes,
                location,
            },
            small,
        })
    }

    /// Moves bytes into the current chunk; a full chunk is sealed only when more bytes follow it.
    fn fill(&mut self, bytes: &[u8]) -> Result<usize, BodyError> {
        let chunk_bytes = self.chunk_bytes as usize;
        let full = self
            .slot
            .with(|secrets| secrets.buffer.len() == chunk_bytes)
            .ok_or(BodyError::Revoked)?;
        if full {
            let sealed = self.seal_chunk(false)?;
            self.push_chunk(sealed)?;
        }
        let taken = self.slot.with(|secrets| {
            let room = chunk_bytes - secrets.buffer.len();
            let part = bytes.get(..room).unwrap_or(bytes);
            secrets.buffer.extend_from_slice(part);
            part.len()
        });
        let taken = taken.ok_or(BodyError::Revoked)?;
        self.length += taken as u64;
        Ok(taken)
    }

    fn seal_chunk(&mut self, last: bool) -> Result<Vec<u8>, BodyError> {
        let place = Place {
            index: self.next,
            last,
        };
        let sealed = self.slot.with(|secrets| {
            let capacity = FRAME_BYTES + secrets.buffer.len() + secrets.key.overhead();
            let sealed = frame_with(FrameKind::Chunk, capacity, |out| {
                Ok::<(), BodyError>(secrets.key.seal_into(place, secrets.buffer.as_slice(), out)?)
            });
            secrets.buffer.clear();
            sealed
        });
        self.next = self.next.checked_add(1).ok_or(BodyError::TooLarge)?;
        sealed.ok_or(BodyError::Revoked)?
    }

    fn push_chunk(&mut self, sealed: Vec<u8>) -> Result<(), BodyError> {
        let id = match self.id {
            Some(id) => id,
            None => *self.id.insert(self.tree.reserve_body(self.unique)?),
        };
        let index = self.next.saturating_sub(1);
        self.pending_bytes += sealed.len();
        self.pending.push((
            ChunkId {
                body: self.tree.body_key(id),
                index,
            },
            sealed,
        ));
        if self.pending_bytes >= PENDING_BYTES_MAX {
            let batch = self.take_batch();
            self.pipe()?.put(batch)
        } else {
            Ok(())
        }
    }

    fn pipe(&mut self) -> Result<&mut Pipe, BodyError> {
        match &mut self.pipe {
            Some(pipe) => Ok(pipe),
            none => Ok(none.insert(Pipe::start(self.tree.chunks().clone())?)),
        }
    }

    /// Stores what waits, here, after all that went before it, and flushes the whole.
    fn store_rest(&mut self) -> Result<(), BodyError> {
        if let Some(mut pipe) = self.pipe.take() {
            pipe.close()?;
        }
        let batch = self.take_batch();
        let body = self.id.map(|id| self.tree.body_key(id));
        self.tree.chunks().put(batch)?;
        Ok(body.map_or(Ok(()), |body| self.tree.chunks().flush(&body))?)
    }

    /// A body whose tree is gone fails for that reason, whatever the store says of its chunks.
    fn explain(&self, error: BodyError) -> BodyError {
        match error {
            BodyError::Tree(error) => self.tree.explain(error).into(),
            error => error,
        }
    }

    fn take_batch(&mut self) -> Vec<(ChunkId, Vec<u8>)> {
        self.pending_bytes = 0;
        std::mem::take(&mut self.pending)
    }
}

impl Drop for BodyWriter {
    fn drop(&mut self) {
        self.pipe = None; // Before the body is given up: nothing may come after that.
        if let (State::Open | State::Failed | State::Complete, Some(id)) = (self.state, self.id) {
            // Best effort: what stays behind is reaped at the next open.
            let _ = self.tree.abandon_body(id);
        }
    }
}
