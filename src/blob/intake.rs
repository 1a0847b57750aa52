//! Taking content in: bytes from the caller become a sealed body, hashed on the way.
//!
//! Every chunk asks the key guard, and what the intake remembers of the content is in slots that a
//! revocation empties. An intake that is dropped or fails leaves nothing behind.

use std::io::{ErrorKind as IoErrorKind, Read};
use std::sync::Arc;
use std::thread::Builder;

use strongroom_engine::SecretBuffer;
use strongroom_engine::body::{BodyWriter, FinishedBody};
use strongroom_engine::slot::{Revocable, Slot};

use super::checksums::{Checksums, Expected};
use super::crc64::Crc64;
use super::{Interruption, body_error};
use crate::account::AccountCore;
use crate::encryption::BlobKeys;
use crate::error::{Error, ErrorKind, Result};

/// Bytes read at once from the caller's reader, at first: enough for small content without the price of more.
const READ_BYTES_MIN: usize = 16 << 10;
/// Bytes read at once once the content has shown to be larger.
const READ_BYTES_MAX: usize = 256 << 10;

/// Content from here on is hashed beside its sealing, by a thread: MD5 takes longer than all the rest.
/// Starting one takes as long as hashing some 20 KiB.
const HASHED_BESIDE_MIN: usize = 96 << 10;

/// Content on its way into a body. Memory: a few chunks, whatever the size.
pub(super) struct Intake {
    keys: BlobKeys,
    chunk_bytes: usize,
    writer: BodyWriter,
    /// In a slot, because it remembers up to 63 bytes of content.
    checksums: Arc<Slot<Checksums>>,
    length_max: u64,
    stopped: Option<Interruption>,
}

/// A body that waits to be adopted by a commit.
pub(super) struct TakenIn {
    pub(super) body: FinishedBody,
    pub(super) length: u64,
    pub(super) content_md5: Option<[u8; 16]>,
    pub(super) content_crc64: Crc64,
}

impl Intake {
    /// Begins. More than `length_max` bytes are refused.
    pub(super) fn begin(
        core: &AccountCore,
        keys: &BlobKeys,
        expected: Expected,
        length_max: u64,
    ) -> Result<Self> {
        expected.check_form()?;
        let writer = keys
            .with_content(|key| BodyWriter::new(&core.tree, key, core.chunk_bytes, core.entropy.as_ref()))?;
        let writer = writer.map_err(|error| body_error(keys, error))?;
        keys.register(&Arc::downgrade(&writer.slot()))?;
        let checksums = Arc::new(Slot::new(Checksums::new(expected)));
        let slot: Arc<dyn Revocable> = checksums.clone();
        keys.register(&Arc::downgrade(&slot))?;
        Ok(Self {
            keys: keys.clone(),
            chunk_bytes: core.chunk_bytes.max(1) as usize,
            writer,
            checksums,
            length_max,
            stopped: None,
        })
    }

    /// Bytes of content taken so far.
    pub(super) fn length(&self) -> u64 {
        self.writer.length()
    }

    /// Takes the next bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        for part in bytes.chunks(READ_BYTES_MAX) {
            if let Some(stopped) = self.stopped {
                return Err(stopped.error(&self.keys));
            }
            self.write_part(part)
                .inspect_err(|error| self.stopped = Some(Interruption::by(error)))?;
        }
        Ok(())
    }

    /// Takes everything that `content` gives.
    pub(super) fn read(&mut self, mut content: impl Read) -> Result<()> {
        let mut buffer = SecretBuffer::default();
        buffer.resize(READ_BYTES_MIN);
        loop {
            // What was read is sealed and wiped before the next read: a reader that blocks holds no plaintext
            // here.
            match content.read(buffer.as_mut_slice()) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    let (bytes, _) = buffer
                        .as_mut_slice()
                        .split_at_mut_checked(count)
                        .ok_or_else(overrun)?;
                    self.write(bytes)?;
                    bytes.fill(0);
                }
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
            if self.length() >= buffer.len() as u64 {
                buffer.resize(READ_BYTES_MAX);
            }
        }
    }

    /// Seals what is left. The body has to be adopted by a commit.
    pub(super) fn finish(self) -> Result<TakenIn> {
        let keys = &self.keys;
        if let Some(stopped) = self.stopped {
            return Err(stopped.error(keys));
        }
        let (content_md5, content_crc64) = self
            .checksums
            .with(Checksums::finish)
            .ok_or_else(|| keys.refusal())??;
        let length = self.writer.length();
        let body = self.writer.finish().map_err(|error| body_error(keys, error))?;
        Ok(TakenIn {
            body,
            length,
            content_md5,
            content_crc64,
        })
    }

    fn write_part(&mut self, part: &[u8]) -> Result<()> {
        if self.writer.length() + part.len() as u64 > self.length_max {
            return Err(too_large(self.length_max));
        }
        if part.len() < HASHED_BESIDE_MIN {
            self.hashing().hash(part)?;
            return self.seal(part);
        }
        let hashing = self.hashing();
        // The thread ends before this returns: no plaintext waits anywhere that a revocation does not reach.
        std::thread::scope(|scope| {
            let beside = Builder::new().spawn_scoped(scope, || hashing.hash(part));
            let sealed = self.seal(part);
            let hashed = match beside {
                Ok(thread) => thread.join().map_err(|_| hashing_ended())?,
                Err(_) => hashing.hash(part), // No thread to be had: one after the other, then.
            };
            sealed.and(hashed)
        })
    }

    /// Seals chunk by chunk, and asks before each.
    fn seal(&mut self, part: &[u8]) -> Result<()> {
        let keys = &self.keys;
        part.chunks(self.chunk_bytes).try_for_each(|piece| {
            keys.check()?;
            self.writer.write(piece).map_err(|error| body_error(keys, error))
        })
    }

    fn hashing(&self) -> Hashing {
        Hashing {
            keys: self.keys.clone(),
            checksums: self.checksums.clone(),
            chunk_bytes: self.chunk_bytes,
        }
    }
}

/// What hashing needs beside the sealing.
struct Hashing {
    keys: BlobKeys,
    checksums: Arc<Slot<Checksums>>,
    chunk_bytes: usize,
}

impl Hashing {
    fn hash(&self, part: &[u8]) -> Result<()> {
        part.chunks(self.chunk_bytes).try_for_each(|piece| {
            let hashed = self.checksums.with(|checksums| checksums.update(piece));
            hashed.ok_or_else(|| self.keys.refusal())
        })
    }
}

pub(super) fn too_large(length_max: u64) -> Error {
    let message = format!("the content has more than {length_max} bytes");
    Error::new(ErrorKind::Invalid, "RequestBodyTooLarge", 413, message)
}

fn hashing_ended() -> Error {
    Error::new(
        ErrorKind::Io,
        "InternalError",
        500,
        "the computation of the content's checksums ended early",
    )
}

fn overrun() -> Error {
    let message = "the reader claims to have read more than there was room for";
    Error::new(ErrorKind::Io, "InvalidInput", 400, message)
}

fn unreadable(error: std::io::Error) -> Error {
    let message = format!("the content could not be read: {error}");
    Error::new(ErrorKind::Io, "InvalidInput", 400, message).caused_by(error)
}
