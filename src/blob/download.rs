//! Download: a blob's content to any writer, or as a stream that can seek.
//!
//! A download reads the state it was opened on, whatever others write meanwhile. It asks the key guard at
//! every chunk; once interrupted by a revocation it stays so.

use std::io::{self, Read, Seek, SeekFrom, Write};

use strongroom_engine::SecretBuffer;

use super::content::Content;
use super::properties::BlobProperties;
use super::range::ByteRange;
use super::record::BlobRecord;
use super::{BlobVersionRef, Conditions, Interruption};
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::operations::Operation;

/// Bytes given to the caller's writer at once.
const WRITE_BYTES: usize = 64 << 10;

/// What to download. The default is the whole blob without conditions.
#[derive(Clone, Debug, Default)]
pub struct DownloadOptions {
    /// Which bytes.
    pub range: ByteRange,
    /// Which state of the blob.
    pub which: BlobVersionRef,
    /// What must hold of it.
    pub conditions: Conditions,
}

/// An open blob or range of one: reads and seeks within the range. Memory: one chunk.
///
/// Errors of `Read` and `Seek` carry an [`Error`] inside.
pub struct Download {
    container: Container,
    content: Content,
    properties: BlobProperties,
    start: u64,
    end: u64,
    /// Between `start` and `end`.
    position: u64,
    stopped: Option<Interruption>,
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
        let mut buffer = SecretBuffer::default();
        buffer.resize(
            usize::try_from(download.length())
                .unwrap_or(usize::MAX)
                .clamp(1, WRITE_BYTES),
        );
        loop {
            let read = download.next_bytes(buffer.as_mut_slice())?;
            if read == 0 {
                return Ok(download.properties);
            }
            out.write_all(buffer.as_slice().get(..read).unwrap_or_default())
                .map_err(unwritable)?;
        }
    }

    /// Opens a blob, or a range of it, for reading and seeking.
    ///
    /// # Errors
    /// As [`download`](Self::download).
    pub fn open_blob(&self, name: &BlobName, options: &DownloadOptions) -> Result<Download> {
        let snapshot = self.core.tree.snapshot()?;
        let container = ContainerRecord::read(&snapshot, &self.name)?;
        self.core.admit(Operation::GetBlob)?;
        let record = BlobRecord::read_state(&snapshot, (container.id, name), options.which)?;
        let (etag, modified) = record.state();
        options.conditions.check_read(etag, modified)?;
        let (start, end) = options.range.resolve(record.length)?;
        let content = Content::open(&self.core, snapshot, &record)?;
        let metadata = self.core.guard.with_keys(|keys| record.metadata(keys))??;
        Ok(Download {
            container: self.clone(),
            content,
            properties: record.properties(Some(metadata)),
            start,
            end,
            position: start,
            stopped: None,
        })
    }
}

impl Download {
    /// What is known of the blob.
    #[must_use]
    pub fn properties(&self) -> &BlobProperties {
        &self.properties
    }

    /// Bytes of the range.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.end - self.start
    }

    /// `Read::read` with this crate's error.
    fn next_bytes(&mut self, out: &mut [u8]) -> Result<usize> {
        if let Some(stopped) = self.stopped {
            return Err(stopped.error(&self.container.core));
        }
        let rest = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let room = out.len().min(rest);
        let out = out.get_mut(..room).unwrap_or_default();
        let read = self.content.read_at(self.position, out);
        match &read {
            Ok(count) => self.position += *count as u64,
            Err(error) => self.stopped = Some(Interruption::by(error)),
        }
        read
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
