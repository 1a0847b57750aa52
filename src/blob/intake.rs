//! Taking content in: bytes from the caller become a sealed body, hashed on the way.
//!
//! Every chunk asks the key guard, and what the intake remembers of the content is in slots that a
//! revocation empties. An intake that is dropped or fails leaves nothing behind.

use std::io::{ErrorKind as IoErrorKind, Read};
use std::sync::Arc;

use strongroom_engine::SecretBuffer;
use strongroom_engine::body::{BodyWriter, FinishedBody};

use super::checksums::Expected;
use super::crc64::Crc64;
use super::hashing::Hashing;
use super::{Interruption, body_error};
use crate::account::AccountCore;
use crate::encryption::BlobKeys;
use crate::error::{Error, ErrorKind, Result};

/// Bytes read at once from the caller's reader, at first: enough for small content without the price of more.
const READ_BYTES_MIN: usize = 16 << 10;
/// Bytes read at once once the content has shown to be larger.
const READ_BYTES_MAX: usize = 64 << 10;
/// How much more is read at once each time the content has shown to be larger.
const READ_GROWTH: usize = 4;

/// Content on its way into a body. Memory: a few chunks, whatever the size.
pub(super) struct Intake {
    keys: BlobKeys,
    chunk_bytes: usize,
    writer: BodyWriter,
    hashing: Hashing,
    length_max: u64,
    /// Bytes that there will be, if that is known.
    length: Option<u64>,
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
        let chunk_bytes = core.chunk_bytes.max(1) as usize;
        Ok(Self {
            keys: keys.clone(),
            chunk_bytes,
            writer,
            hashing: Hashing::begin(keys, expected, chunk_bytes)?,
            length_max,
            length: expected.length,
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
            self.go_on(|intake| {
                intake.check_room(part.len())?;
                // First what another thread may do meanwhile.
                intake.hashing.take(part)?;
                intake.seal(part)
            })?;
        }
        Ok(())
    }

    /// Takes everything that `content` gives.
    pub(super) fn read(&mut self, mut content: impl Read) -> Result<()> {
        let mut buffer = SecretBuffer::default();
        let mut room = READ_BYTES_MIN;
        loop {
            buffer.resize(room);
            // What was read is sealed, and handed over or wiped, before the next read: a reader that blocks
            // holds no plaintext here.
            match content.read(buffer.as_mut_slice()) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    buffer = self.go_on(|intake| {
                        intake.check_room(count)?;
                        intake.seal(buffer.as_slice().get(..count).ok_or_else(overrun)?)?;
                        intake.hashing.take_buffer(buffer, count)
                    })?;
                }
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
            if self.length() >= room as u64 {
                room = (room * READ_GROWTH).min(READ_BYTES_MAX);
            }
        }
    }

    /// Seals what is left and has it stored, while what waits for it is hashed. The body has to be adopted by
    /// a commit.
    pub(super) fn finish(mut self) -> Result<TakenIn> {
        self.go_on(|_| Ok(()))?;
        let (keys, length) = (&self.keys, self.writer.length());
        if let Some(wanted) = self.length.filter(|wanted| *wanted != length) {
            return Err(other_length(wanted, length));
        }
        let completed = self.writer.complete();
        completed.map_err(|error| body_error(keys, error))?;
        let (content_md5, content_crc64) = self.hashing.finish()?;
        let body = self.writer.finish().map_err(|error| body_error(keys, error))?;
        Ok(TakenIn {
            body,
            length,
            content_md5,
            content_crc64,
        })
    }

    /// Does one step, unless an earlier one has failed.
    fn go_on<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        match self.stopped {
            Some(stopped) => Err(stopped.error(&self.keys)),
            None => step(self).inspect_err(|error| self.stopped = Some(Interruption::by(error))),
        }
    }

    fn check_room(&self, more: usize) -> Result<()> {
        if self.writer.length() + more as u64 > self.length_max {
            return Err(too_large(self.length_max));
        }
        Ok(())
    }

    /// Seals chunk by chunk, and asks before each.
    fn seal(&mut self, part: &[u8]) -> Result<()> {
        let keys = &self.keys;
        part.chunks(self.chunk_bytes).try_for_each(|piece| {
            keys.check()?;
            self.writer.write(piece).map_err(|error| body_error(keys, error))
        })
    }
}

pub(super) fn too_large(length_max: u64) -> Error {
    let message = format!("the content has more than {length_max} bytes");
    Error::new(ErrorKind::Invalid, "RequestBodyTooLarge", 413, message)
}

fn other_length(wanted: u64, length: u64) -> Error {
    let message = format!("{length} bytes were given for content of {wanted}");
    Error::invalid("InvalidHeaderValue", message).hint("say how many bytes there are, or nothing")
}

fn overrun() -> Error {
    let message = "the reader claims to have read more than there was room for";
    Error::new(ErrorKind::Io, "InvalidInput", 400, message)
}

fn unreadable(error: std::io::Error) -> Error {
    let message = format!("the content could not be read: {error}");
    Error::new(ErrorKind::Io, "InvalidInput", 400, message).caused_by(error)
}
