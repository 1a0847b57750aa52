//! Download: a blob's content to any writer, or as a stream that can seek.
//!
//! A download reads the state it was opened on, whatever others write meanwhile. It asks the key guard at
//! every chunk; once interrupted by a revocation it stays so.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use md5::{Digest, Md5};
use strongroom_engine::SecretBuffer;

use super::content::{Content, Piece};
use super::crc64::{Crc64, Crc64Stream};
use super::properties::BlobProperties;
use super::range::ByteRange;
use super::record::BlobRecord;
use super::{BlobVersionRef, Conditions, Interruption};
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::encryption::{BlobKeys, EncryptionChoice, KeyGuard};
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::operations::Operation;

/// Bytes given to a checksum at once. The key guard is asked between them.
const READ_BYTES: usize = 64 << 10;

/// What to download. The default is the whole blob without conditions.
#[derive(Clone, Debug, Default)]
pub struct DownloadOptions {
    /// Which bytes.
    pub range: ByteRange,
    /// Which state of the blob.
    pub which: BlobVersionRef,
    /// What must hold of it.
    pub conditions: Conditions,
    /// Which checksum of the range is computed as well.
    pub check: RangeCheck,
    /// What the content is sealed under.
    pub encryption: EncryptionChoice,
}

/// A checksum of the bytes of a range, so that whoever gets them can check them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RangeCheck {
    /// None.
    #[default]
    None,
    /// MD5 (RFC 1321): `x-ms-range-get-content-md5`.
    Md5,
    /// CRC-64/NVME: `x-ms-range-get-content-crc64`.
    Crc64,
}

/// The checksum that a [`RangeCheck`] asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RangeChecksum {
    /// MD5 of the range.
    Md5([u8; 16]),
    /// CRC-64/NVME of the range.
    Crc64(Crc64),
}

/// Bytes of a range whose checksum is computed, at most: 4 MiB.
const CHECKED_BYTES_MAX: u64 = 4 << 20;

impl DownloadOptions {
    fn check_size(&self, length: u64) -> Result<()> {
        let fits = length <= CHECKED_BYTES_MAX && self.range != ByteRange::all();
        if self.check == RangeCheck::None || fits {
            return Ok(());
        }
        let message = "the checksum of a range is computed for ranges of at most 4 MiB";
        Err(Error::invalid("OutOfRangeInput", message).hint("ask for a smaller range, or for no checksum"))
    }
}

/// An open blob or range of one: reads and seeks within the range. Memory: one chunk.
///
/// Errors of `Read` and `Seek` carry an [`Error`] inside.
pub struct Download {
    keys: BlobKeys,
    content: Content,
    properties: BlobProperties,
    start: u64,
    end: u64,
    /// Between `start` and `end`.
    position: u64,
    stopped: Option<Interruption>,
    checksum: Option<RangeChecksum>,
}

impl Container {
    /// Writes the content of a blob, or a range of it, to `out`; returns what is known of the blob.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); the 403 of a revoked key; `InvalidRange` (416);
    /// `ConditionNotMet` (412, 304) and the other errors of conditional reads; `InvalidInput` (400) when the
    /// writer fails.
    pub fn download(
        &self,
        name: &BlobName,
        options: &DownloadOptions,
        mut out: impl Write,
    ) -> Result<BlobProperties> {
        let mut download = self.open_blob(name, options)?;
        loop {
            let piece = download.next_piece()?;
            if piece.as_slice().is_empty() {
                return Ok(download.properties);
            }
            out.write_all(piece.as_slice()).map_err(unwritable)?;
            piece.give_back();
        }
    }

    /// Opens a blob, or a range of it, for reading and seeking. A checksum that is asked for is computed
    /// first, which reads the range once more.
    ///
    /// # Errors
    /// As [`download`](Self::download); `OutOfRangeInput` (400) for a checksum of more than 4 MiB, or of the
    /// whole blob instead of a range.
    pub fn open_blob(&self, name: &BlobName, options: &DownloadOptions) -> Result<Download> {
        let snapshot = self.core.tree.snapshot()?;
        let container = ContainerRecord::read(&snapshot, &self.name)?;
        let found = BlobRecord::read_state(&snapshot, (container.id, name), options.which);
        let record = self
            .core
            .admit_blob(Operation::GetBlob, &container.encryption, found)?;
        let now = self.core.clock.now();
        record.check_read(&options.conditions, now)?;
        record.check_encryption(&options.encryption)?;
        record.check_online(now)?;
        let (start, end) = options.range.resolve(record.length)?;
        options.check_size(end - start)?;
        let keys = self.core.keys_of(&record.encryption, &options.encryption)?;
        let content = Content::open(&self.core, snapshot, (&record, &keys))?;
        let metadata = keys.with_keys(|keys| record.metadata(keys))??;
        let mut download = Download {
            keys,
            content,
            properties: record.properties(Some(metadata), now),
            start,
            end,
            position: start,
            stopped: None,
            checksum: None,
        };
        download.checksum = download.compute(options.check)?;
        Ok(download)
    }
}

impl Download {
    /// What is known of the blob.
    #[must_use]
    pub fn properties(&self) -> &BlobProperties {
        &self.properties
    }

    /// The checksum of the range, if the options asked for one.
    #[must_use]
    pub fn checksum(&self) -> Option<RangeChecksum> {
        self.checksum
    }

    /// The guard that every read asks.
    pub(super) fn guard(&self) -> &Arc<KeyGuard> {
        &self.keys.guard
    }

    /// Goes through the range once and comes back to its start.
    fn compute(&mut self, check: RangeCheck) -> Result<Option<RangeChecksum>> {
        if check == RangeCheck::None {
            return Ok(None);
        }
        let (mut md5, mut crc64) = (Md5::new(), Crc64Stream::new());
        let mut buffer = SecretBuffer::default();
        buffer.resize(READ_BYTES);
        loop {
            let read = self.next_bytes(buffer.as_mut_slice())?;
            if read == 0 {
                break;
            }
            let bytes = buffer.as_slice().get(..read).unwrap_or_default();
            match check {
                RangeCheck::Md5 => md5.update(bytes),
                RangeCheck::Crc64 | RangeCheck::None => crc64.update(bytes),
            }
        }
        self.position = self.start;
        Ok(Some(match check {
            RangeCheck::Md5 => RangeChecksum::Md5(md5.finalize().into()),
            RangeCheck::Crc64 | RangeCheck::None => RangeChecksum::Crc64(crc64.finish()),
        }))
    }

    /// Bytes of the range.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.end - self.start
    }

    /// `Read::read` with this crate's error.
    fn next_bytes(&mut self, out: &mut [u8]) -> Result<usize> {
        let rest = self.rest()?;
        let room = out.len().min(rest);
        let out = out.get_mut(..room).unwrap_or_default();
        let read = self.content.read_at(self.position, out);
        self.went_on(read.as_ref().copied());
        read
    }

    /// What comes next, of the range's rest; nothing at its end.
    fn next_piece(&mut self) -> Result<Piece> {
        let rest = self.rest()?;
        let piece = self.content.piece_at(self.position, rest);
        self.went_on(piece.as_ref().map(|piece| piece.as_slice().len()));
        piece
    }

    /// Bytes of the range that are still to come.
    fn rest(&self) -> Result<usize> {
        match self.stopped {
            Some(stopped) => Err(stopped.error(&self.keys)),
            None => Ok(usize::try_from(self.end - self.position).unwrap_or(usize::MAX)),
        }
    }

    fn went_on(&mut self, read: std::result::Result<usize, &Error>) {
        match read {
            Ok(count) => self.position += count as u64,
            Err(error) => self.stopped = Some(Interruption::by(error)),
        }
    }
}

impl Read for Download {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.next_bytes(out).map_err(io::Error::other)
    }
}

impl Seek for Download {
    /// Positions count from the start of the range; one beyond its end reads as the end.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => (self.position - self.start).checked_add_signed(by),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
        };
        let target = target.ok_or(io::ErrorKind::InvalidInput)?.min(self.length());
        self.position = self.start + target;
        Ok(target)
    }
}

fn unwritable(error: io::Error) -> Error {
    let message = format!("the content could not be written: {error}");
    Error::new(ErrorKind::Io, "InvalidInput", 400, message)
        .hint("see to the place it is written to, then download again")
        .caused_by(error)
}
