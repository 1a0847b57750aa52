//! Reading a body: open only the chunks a range touches.

use std::borrow::Cow;
use std::sync::Arc;

use super::{BodyError, BodyRef, Location};
use crate::SecretBuffer;
use crate::chunks::ChunkId;
use crate::codec::{FrameKind, unframe};
use crate::keys::PurposeKey;
use crate::seal::{ItemKey, Place, SealKind};
use crate::slot::{Revocable, Slot};
use crate::tree::{BodyPin, Snapshot, Tree};

struct Secrets {
    key: ItemKey,
    /// Plaintext of the chunk opened last, then its tags.
    buffer: SecretBuffer,
    length: usize,
    buffered: Option<u32>,
}

/// Opens a body for reading at any position.
pub struct BodyReader {
    tree: Tree,
    reference: BodyRef,
    chunks: u32,
    /// Bytes that sealing added to every chunk.
    overhead: usize,
    slot: Arc<Slot<Secrets>>,
    small: Option<Vec<u8>>,
    _pin: BodyPin,
}

/// The sealed bytes of one chunk, in their frame.
struct Fetched<'a> {
    framed: Cow<'a, [u8]>,
    /// Bytes of the frame in front of the ciphertext.
    header: usize,
}

impl BodyReader {
    /// Opens `reference`, which was read from `snapshot` of `tree`; its chunks stay until the reader is
    /// dropped.
    ///
    /// # Errors
    /// [`BodyError::Forged`] when `key` is not the key the body was sealed under; [`BodyError::Impossible`];
    /// storage errors.
    pub fn open(
        tree: &Tree,
        snapshot: &Snapshot,
        reference: &BodyRef,
        key: &PurposeKey,
    ) -> Result<Self, BodyError> {
        let chunks = reference.chunks()?;
        let pin = snapshot.pin_body(reference.id);
        let small = match &reference.location {
            Location::Chunks => None,
            Location::Small(location) => Some(
                tree.small_body(location)?
                    .ok_or(BodyError::Missing { index: 0 })?,
            ),
        };
        let unique = reference.id.unique();
        let key = key
            .open_item(SealKind::Body, &unique, &reference.seal)
            .map_err(|_| BodyError::Forged { index: None })?;
        Ok(Self {
            tree: tree.clone(),
            reference: reference.clone(),
            chunks,
            overhead: key.overhead(),
            slot: Arc::new(Slot::new(Secrets {
                key,
                buffer: SecretBuffer::default(),
                length: 0,
                buffered: None,
            })),
            small,
            _pin: pin,
        })
    }

    /// The slot to empty when access is revoked.
    #[must_use]
    pub fn slot(&self) -> Arc<dyn Revocable> {
        self.slot.clone()
    }

    /// Plaintext bytes of the whole body.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.reference.length
    }

    /// How many chunks the body has; an empty body has one, which is empty.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Opens one chunk, counted from 0, and hands nothing out: for a scrub.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at); [`BodyError::Missing`] beyond the last chunk.
    pub fn check_chunk(&self, index: u32) -> Result<(), BodyError> {
        let fetched = self.fetch(index)?;
        let opened = self
            .slot
            .with(|secrets| secrets.open(self.place(index), &fetched));
        opened.ok_or(BodyError::Revoked)?
    }

    /// Copies bytes from `offset` on into `out`, at most to the end of the chunk that holds `offset`. Returns
    /// how many; 0 only at or beyond the end, or for an empty `out`.
    ///
    /// # Errors
    /// [`BodyError::Revoked`]; [`BodyError::Damaged`]; [`BodyError::Forged`]; [`BodyError::Missing`]; storage
    /// errors.
    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<usize, BodyError> {
        if offset >= self.reference.length || out.is_empty() {
            return Ok(0);
        }
        let chunk_bytes = u64::from(self.reference.chunk_bytes);
        let index = u32::try_from(offset / chunk_bytes).map_err(|_| BodyError::TooLarge)?;
        let skip = usize::try_from(offset % chunk_bytes).map_err(|_| BodyError::TooLarge)?;
        let buffered = self
            .slot
            .with(|secrets| secrets.buffered == Some(index))
            .ok_or(BodyError::Revoked)?;
        let fetched = if buffered { None } else { Some(self.fetch(index)?) };
        let copied = self.slot.with(|secrets| {
            if let Some(fetched) = fetched {
                secrets.open(self.place(index), &fetched)?;
            } else if secrets.buffered != Some(index) {
                // Another thread has opened another chunk in between.
                secrets.open(self.place(index), &self.fetch(index)?)?;
            }
            Ok(copy(out, secrets.plain().get(skip..).unwrap_or_default()))
        });
        copied.ok_or(BodyError::Revoked)?
    }

    /// The ciphertext of one chunk, of exactly the length its place asks for.
    fn fetch(&self, index: u32) -> Result<Fetched<'_>, BodyError> {
        if index >= self.chunks {
            return Err(BodyError::Missing { index });
        }
        let framed = match &self.small {
            Some(small) => Cow::Borrowed(small.as_slice()),
            None => {
                let id = ChunkId {
                    body: self.tree.body_key(self.reference.id),
                    index,
                };
                let chunk = self.tree.chunks().get(id)?;
                Cow::Owned(chunk.ok_or(BodyError::Missing { index })?)
            }
        };
        let length = unframe(FrameKind::Chunk, &framed)
            .map_err(|source| BodyError::Damaged { index, source })?
            .len();
        let start = u64::from(index) * u64::from(self.reference.chunk_bytes);
        let wanted = self
            .reference
            .length
            .saturating_sub(start)
            .min(self.reference.chunk_bytes.into());
        if length as u64 != wanted + self.overhead as u64 {
            return Err(BodyError::Forged { index: Some(index) });
        }
        let header = framed.len() - length;
        Ok(Fetched { framed, header })
    }

    fn place(&self, index: u32) -> Place {
        Place {
            index,
            last: index == self.chunks - 1,
        }
    }
}

impl Secrets {
    fn open(&mut self, place: Place, fetched: &Fetched<'_>) -> Result<(), BodyError> {
        self.buffered = None;
        self.buffer.clear();
        self.buffer
            .extend_from_slice(fetched.framed.get(fetched.header..).unwrap_or_default());
        let opened = self.key.open_slice(place, self.buffer.as_mut_slice());
        let plain = opened.map_err(|_| BodyError::Forged {
            index: Some(place.index),
        })?;
        self.length = plain.len();
        self.buffered = Some(place.index);
        Ok(())
    }

    fn plain(&self) -> &[u8] {
        self.buffer.as_slice().get(..self.length).unwrap_or_default()
    }
}

/// As many bytes as fit, in one move.
fn copy(to: &mut [u8], from: &[u8]) -> usize {
    let count = to.len().min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..count), from.get(..count)) {
        to.copy_from_slice(from);
    }
    count
}
