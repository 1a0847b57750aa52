//! Reading a body: open only the chunks a range touches.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use super::source::{Ahead, Fetched, Source, check};
use super::{BodyError, BodyId, BodyRef, Location};
use crate::SecretBuffer;
use crate::keys::PurposeKey;
use crate::seal::{ItemKey, Place, SealKind};
use crate::slot::{Revocable, Slot};
use crate::tree::{BodyPin, Snapshot, Tree};

struct Secrets {
    key: ItemKey,
    opened: Opened,
}

/// The chunk that was opened last.
#[derive(Default)]
struct Opened {
    /// The frame's header, the plaintext, its tags.
    buffer: SecretBuffer,
    /// Where in the buffer the plaintext is.
    plain: Range<usize>,
    /// Which chunk; `None` if there is no plaintext.
    index: Option<u32>,
}

/// Bytes lent at once at most: what may be on its way to somebody who takes his time when access is revoked.
pub const LENT_BYTES_MAX: usize = 64 << 10;

/// Plaintext of a body, on its way to somebody who takes his time. Wiped on drop.
pub struct Lent {
    body: BodyId,
    opened: Opened,
    /// Which part of the chunk was asked for.
    part: Range<usize>,
}

impl Lent {
    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.opened.plain().get(self.part.clone()).unwrap_or_default()
    }
}

/// Opens a body for reading at any position.
pub struct BodyReader {
    tree: Tree,
    source: Arc<Source>,
    slot: Arc<Slot<Secrets>>,
    /// Ends before the pin does.
    ahead: Mutex<Option<Ahead>>,
    _pin: BodyPin,
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
                tree.cached_small_body(location)?
                    .ok_or(BodyError::Missing { index: 0 })?,
            ),
        };
        let unique = reference.id.unique();
        let key = key
            .open_item(SealKind::Body, &unique, &reference.seal)
            .map_err(|_| BodyError::Forged { index: None })?;
        Ok(Self {
            tree: tree.clone(),
            source: Arc::new(Source {
                store: tree.chunks().clone(),
                body: tree.body_key(reference.id),
                reference: reference.clone(),
                chunks,
                overhead: key.overhead(),
                small,
            }),
            slot: Arc::new(Slot::new(Secrets {
                key,
                opened: Opened::default(),
            })),
            ahead: Mutex::new(None),
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
        self.source.reference.length
    }

    /// How many chunks the body has; an empty body has one, which is empty.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        self.source.chunks
    }

    /// Opens one chunk, counted from 0, and hands nothing out: for a scrub.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at); [`BodyError::Missing`] beyond the last chunk.
    pub fn check_chunk(&self, index: u32) -> Result<(), BodyError> {
        let mut buffer = SecretBuffer::default();
        // What is stored, not what is cached.
        let stored = match &self.source.reference.location {
            Location::Chunks => None,
            Location::Small(location) => self.tree.small_body(location)?,
        };
        let header = self.source.fetch_from((index, stored.as_deref()), &mut buffer)?;
        check(index, &buffer)?;
        let opened = self
            .slot
            .with(|secrets| secrets.open(self.place(index), buffer, header));
        opened.ok_or(BodyError::Revoked)?
    }

    /// Copies bytes from `offset` on into `out`, at most to the end of the chunk that holds `offset`. Returns
    /// how many; 0 only at or beyond the end, or for an empty `out`.
    ///
    /// # Errors
    /// [`BodyError::Revoked`]; [`BodyError::Damaged`]; [`BodyError::Forged`]; [`BodyError::Missing`]; storage
    /// errors.
    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<usize, BodyError> {
        if offset >= self.length() || out.is_empty() {
            return Ok(0);
        }
        self.with_chunk(offset, offset, |opened, skip| {
            copy(out, opened.plain().get(skip..).unwrap_or_default())
        })
    }

    /// The first of `most` bytes from `offset` on, at most [`LENT_BYTES_MAX`] and to the end of the chunk
    /// that holds `offset`, without a copy; none at or beyond the end. Give them [back](Self::give_back)
    /// once they are done with, so that the next chunk needs no new memory. Whoever asks for more than a
    /// few chunks is expected to ask for the rest next, and it is fetched meanwhile.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    pub fn lend(&self, offset: u64, most: usize) -> Result<Lent, BodyError> {
        if offset >= self.length() || most == 0 {
            return Ok(Lent {
                body: self.source.reference.id,
                opened: Opened::default(),
                part: 0..0,
            });
        }
        let end = offset.saturating_add(most as u64);
        self.with_chunk(offset, end, |opened, skip| {
            let opened = std::mem::take(opened);
            let end = opened
                .plain
                .len()
                .min(skip.saturating_add(most.min(LENT_BYTES_MAX)));
            Lent {
                body: self.source.reference.id,
                opened,
                part: skip..end,
            }
        })
    }

    /// Takes back what was [lent](Self::lend), if it was by a reader of the same body.
    pub fn give_back(&self, lent: Lent) {
        self.slot.with(|secrets| {
            if secrets.opened.index.is_none() && lent.body == self.source.reference.id {
                secrets.opened = lent.opened;
            }
        });
    }

    /// Runs `with` once on the chunk that holds `offset`, opened, and on where in it that is. Those behind it
    /// up to `end` are expected to follow.
    fn with_chunk<R>(
        &self,
        offset: u64,
        end: u64,
        mut with: impl FnMut(&mut Opened, usize) -> R,
    ) -> Result<R, BodyError> {
        let chunk_bytes = u64::from(self.source.reference.chunk_bytes);
        let index = u32::try_from(offset / chunk_bytes).map_err(|_| BodyError::TooLarge)?;
        let skip = usize::try_from(offset % chunk_bytes).map_err(|_| BodyError::TooLarge)?;
        let found = self.slot.with(|secrets| {
            if secrets.opened.index == Some(index) {
                Ok(with(&mut secrets.opened, skip))
            } else {
                Err(secrets.opened.take_buffer())
            }
        });
        let buffer = match found.ok_or(BodyError::Revoked)? {
            Ok(done) => return Ok(done),
            Err(buffer) => buffer,
        };
        // Outside of the slot: whoever revokes does not wait for the disk.
        let end = u32::try_from(end.min(self.length()).div_ceil(chunk_bytes)).unwrap_or(u32::MAX);
        let (buffer, header) = self.fetch((index, end), buffer)?;
        let done = self.slot.with(|secrets| {
            secrets.open(self.place(index), buffer, header)?;
            Ok(with(&mut secrets.opened, skip))
        });
        let done = done.ok_or(BodyError::Revoked)?;
        done.map_err(|error| self.source.explain(index, error))
    }

    /// One chunk, from those fetched ahead if it is the next of them. Has those up to `end` fetched that
    /// follow it.
    fn fetch(&self, (index, end): (u32, u32), mut buffer: SecretBuffer) -> Fetched {
        let mut ahead = self.ahead.lock();
        if let Some(running) = ahead.as_mut() {
            match running.take(index, buffer) {
                Ok(fetched) => return fetched,
                Err(back) => buffer = back,
            }
        }
        *ahead = None; // One that is read no further ends before the next begins.
        *ahead = Ahead::start(&self.source, index.saturating_add(1)..end);
        drop(ahead);
        let header = self.source.fetch(index, &mut buffer)?;
        Ok((buffer, header))
    }

    fn place(&self, index: u32) -> Place {
        Place {
            index,
            last: index == self.source.chunks - 1,
        }
    }
}

impl Secrets {
    /// Opens the chunk in `buffer`, behind `header` bytes, in place.
    fn open(&mut self, place: Place, buffer: SecretBuffer, header: usize) -> Result<(), BodyError> {
        self.opened = Opened {
            buffer,
            ..Opened::default()
        };
        let sealed = self.opened.buffer.as_mut_slice().get_mut(header..);
        let plain = self.key.open_slice(place, sealed.unwrap_or_default());
        let plain = plain.map_err(|_| BodyError::Forged {
            index: Some(place.index),
        })?;
        self.opened.plain = header..header + plain.len();
        self.opened.index = Some(place.index);
        Ok(())
    }
}

impl Opened {
    fn plain(&self) -> &[u8] {
        self.buffer.as_slice().get(self.plain.clone()).unwrap_or_default()
    }

    /// The buffer, wiped: outside of the slot nobody could empty it.
    fn take_buffer(&mut self) -> SecretBuffer {
        let mut buffer = std::mem::take(self).buffer;
        buffer.wipe();
        buffer
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
