//! Where the sealed chunks of a body come from, now or ahead of the one who reads them.
//!
//! Who reads a body in order has the next chunks fetched by a thread while they open and use the ones before.
//! Only sealed bytes wait with it, at most [`AHEAD_MAX`] chunks, so there is nothing that a revocation would
//! have to empty. The thread ends with what was asked for, or with its reader.

use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, JoinHandle};

use super::{BodyError, BodyRef, Location};
use crate::SecretBuffer;
use crate::chunks::{BodyKey, ChunkId, ChunkStore};
use crate::codec::{FrameKind, unframe, unframe_unchecked};

/// Chunks fetched before they are asked for, at most.
const AHEAD_MAX: u32 = 3;
/// Chunks still to come that are worth a thread: more than 1 MiB at the default size of chunks.
const AHEAD_MIN: u32 = 16;

/// The sealed chunks of one body.
pub(super) struct Source {
    pub(super) store: Arc<dyn ChunkStore>,
    pub(super) body: BodyKey,
    pub(super) reference: BodyRef,
    pub(super) chunks: u32,
    /// Bytes that sealing added to every chunk.
    pub(super) overhead: usize,
    /// The only chunk of a body that travelled with its commit.
    pub(super) small: Option<Arc<Vec<u8>>>,
}

impl Source {
    /// The ciphertext of one chunk, of exactly the length its place asks for, in its frame; returns how many
    /// bytes of the frame are in front of it.
    pub(super) fn fetch(&self, index: u32, buffer: &mut SecretBuffer) -> Result<usize, BodyError> {
        let small = self.small.as_deref().map(Vec::as_slice);
        self.fetch_from((index, small), buffer)
    }

    /// The same of a body whose only chunk is `small`, if it travelled with its commit.
    pub(super) fn fetch_from(
        &self,
        (index, small): (u32, Option<&[u8]>),
        buffer: &mut SecretBuffer,
    ) -> Result<usize, BodyError> {
        if index >= self.chunks {
            return Err(BodyError::Missing { index });
        }
        let id = ChunkId {
            body: self.body,
            index,
        };
        match (small, self.reference.location) {
            (Some(small), _) => {
                buffer.clear();
                buffer.extend_from_slice(small);
            }
            (None, Location::Small(_)) => return Err(BodyError::Missing { index }),
            (None, Location::Chunks) if self.store.get_into(id, buffer)? => {}
            (None, Location::Chunks) => return Err(BodyError::Missing { index }),
        }
        let framed = buffer.as_slice();
        let length = unframe_unchecked(FrameKind::Chunk, framed)
            .map_err(|source| BodyError::Damaged { index, source })?
            .len();
        let start = u64::from(index) * u64::from(self.reference.chunk_bytes);
        let rest = self.reference.length.saturating_sub(start);
        let wanted = rest.min(self.reference.chunk_bytes.into());
        if length as u64 != wanted + self.overhead as u64 {
            return Err(BodyError::Forged { index: Some(index) });
        }
        Ok(framed.len() - length)
    }

    /// A chunk that did not authenticate is damaged if its checksum is wrong, too. It is fetched again for
    /// that: the attempt to open it has wiped it.
    pub(super) fn explain(&self, index: u32, error: BodyError) -> BodyError {
        let mut buffer = SecretBuffer::default();
        let fetched = self.fetch(index, &mut buffer);
        match fetched.and_then(|_| check(index, &buffer)) {
            Err(explained) => explained,
            Ok(()) => error,
        }
    }
}

/// Compares the checksum, which says of damage what authentication says of all.
pub(super) fn check(index: u32, framed: &SecretBuffer) -> Result<(), BodyError> {
    let checked = unframe(FrameKind::Chunk, framed.as_slice());
    checked
        .map(drop)
        .map_err(|source| BodyError::Damaged { index, source })
}

/// A chunk in its frame, and how many bytes of the frame are in front of its ciphertext.
pub(super) type Fetched = Result<(SecretBuffer, usize), BodyError>;

/// Chunks that are being fetched.
pub(super) struct Ahead {
    next: u32,
    /// `None` once nothing more is to be fetched.
    empty: Option<Sender<SecretBuffer>>,
    fetched: Receiver<Fetched>,
    thread: Option<JoinHandle<()>>,
}

impl Ahead {
    /// Begins to fetch `chunks`, if there are enough of them and cores to do it beside the caller.
    pub(super) fn start(source: &Arc<Source>, chunks: Range<u32>) -> Option<Self> {
        if source.small.is_some() || chunks.len() < AHEAD_MIN as usize || !has_cores() {
            return None;
        }
        let (empty, buffers) = channel();
        let (sender, fetched) = channel();
        (0..AHEAD_MAX).try_for_each(|_| empty.send(SecretBuffer::default()).ok())?;
        let (next, source) = (chunks.start, Arc::clone(source));
        let thread = Builder::new()
            .name("strongroom-get".to_owned())
            .spawn(move || fetch_all(&source, chunks, (&buffers, &sender)));
        Some(Self {
            next,
            empty: Some(empty),
            fetched,
            thread: Some(thread.ok()?),
        })
    }

    /// Chunk `index`, if it is the next one, for a buffer that holds no plaintext; the buffer again if not.
    pub(super) fn take(&mut self, index: u32, buffer: SecretBuffer) -> Result<Fetched, SecretBuffer> {
        let Some(empty) = self.empty.as_ref().filter(|_| self.next == index) else {
            return Err(buffer);
        };
        // After the last chunk nobody takes it any more.
        let _ = empty.send(buffer);
        self.next += 1;
        self.fetched.recv().map_err(|_| SecretBuffer::default())
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.empty = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn fetch_all(
    source: &Source,
    chunks: Range<u32>,
    (empty, fetched): (&Receiver<SecretBuffer>, &Sender<Fetched>),
) {
    for (index, mut buffer) in chunks.zip(empty) {
        let chunk = source.fetch(index, &mut buffer).map(|header| (buffer, header));
        let is_last = chunk.is_err();
        if fetched.send(chunk).is_err() || is_last {
            return;
        }
    }
}

/// Whether two threads of this process run at the same time.
fn has_cores() -> bool {
    static HAS_CORES: OnceLock<bool> = OnceLock::new();
    *HAS_CORES.get_or_init(|| std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1))
}
