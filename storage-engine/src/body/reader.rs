//! Reading a body: open only the chunks a range touches.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{BodyError, BodyRef, Location};
use crate::chunks::ChunkId;
use crate::codec::{FrameKind, unframe};
use crate::keys::PurposeKey;
use crate::seal::{ItemKey, Place, SealKind, TAG_BYTES};
use crate::slot::{Revocable, Slot};
use crate::tree::{BodyPin, Snapshot, Tree};

struct Secrets {
    key: ItemKey,
    /// Plaintext of the chunk opened last.
    buffer: Zeroizing<Vec<u8>>,
    buffered: Option<u32>,
}

/// Opens a body for reading at any position.
pub struct BodyReader {
    tree: Tree,
    reference: BodyRef,
    slot: Arc<Slot<Secrets>>,
    small: Option<Vec<u8>>,
    _pin: BodyPin,
}

impl BodyReader {
    /// Opens `reference`, which was read from `snapshot` of `tree`; its chunks stay until the reader is
    /// dropped.
    ///
    /// # Errors
    /// [`BodyError::Forged`] when `key` is not the key the body was sealed under; storage errors.
    pub fn open(
        tree: &Tree,
        snapshot: &Snapshot,
        reference: &BodyRef,
        key: &PurposeKey,
    ) -> Result<Self, BodyError> {
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
            slot: Arc::new(Slot::new(Secrets {
                key,
                buffer: Zeroizing::default(),
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

    /// Copies bytes from `offset` on into `out`, at most to the end of the chunk that holds `offset`. Returns
    /// how many; 0 only at or beyond the end, or for an empty `out`.
    ///
    /// # Errors
    /// [`BodyError::Revoked`]; [`BodyError::Forged`]; [`BodyError::Missing`]; storage errors.
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
            if let Some(sealed) = fetched {
                secrets.open(self.place(index), sealed)?;
            }
            let plain = secrets.buffer.get(skip..).unwrap_or_default();
            let count = plain.len().min(out.len());
            for (to, from) in out.iter_mut().zip(plain) {
                *to = *from;
            }
            Ok(count)
        });
        copied.ok_or(BodyError::Revoked)?
    }

    /// The ciphertext of one chunk, of exactly the length its place asks for.
    fn fetch(&self, index: u32) -> Result<Vec<u8>, BodyError> {
        let mut framed = match &self.small {
            Some(small) => small.clone(),
            None => {
                let id = ChunkId {
                    body: self.tree.body_key(self.reference.id),
                    index,
                };
                self.tree.chunks().get(id)?.ok_or(BodyError::Missing { index })?
            }
        };
        let length = unframe(FrameKind::Chunk, &framed)
            .map_err(|source| BodyError::Damaged { index, source })?
            .len();
        let start = u64::from(index) * u64::from(self.reference.chunk_bytes);
        let wanted = (self.reference.length - start).min(self.reference.chunk_bytes.into());
        if length as u64 != wanted + TAG_BYTES as u64 {
            return Err(BodyError::Forged { index: Some(index) });
        }
        framed.drain(..framed.len() - length);
        Ok(framed)
    }

    fn place(&self, index: u32) -> Place {
        let chunk_bytes = u64::from(self.reference.chunk_bytes);
        let last = self.reference.length.saturating_sub(1) / chunk_bytes;
        Place {
            index,
            last: u64::from(index) == last,
        }
    }
}

impl Secrets {
    fn open(&mut self, place: Place, sealed: Vec<u8>) -> Result<(), BodyError> {
        self.buffered = None;
        self.buffer = Zeroizing::new(sealed);
        self.key
            .open_in_place(place, &mut self.buffer)
            .map_err(|_| BodyError::Forged {
                index: Some(place.index),
            })?;
        self.buffered = Some(place.index);
        Ok(())
    }
}
