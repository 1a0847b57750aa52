//! Reading a source of another account: piece by piece, each sealed anew for the destination.
//!
//! A block stays a block. Content that is not made of blocks is cut where it suits; pages that were never
//! written are left out.

use std::sync::Arc;

use strongroom_engine::SecretBuffer;

use crate::account::AccountCore;
use crate::blob::checksums::Expected;
use crate::blob::content::Content;
use crate::blob::entries::BlockId;
use crate::blob::intake::{Intake, TakenIn};
use crate::blob::record::BlobRecord;
use crate::blob::source::{BlobSource, of_source};
use crate::blob::{BlobType, ContentMd5};
use crate::container::record::ContainerRecord;
use crate::encryption::{BlobKeys, KeyGuard};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::Metadata;
use crate::operations::Operation;

/// Bytes of a piece that is not a block.
pub(super) const PIECE_BYTES: u64 = 16 << 20;
/// Bytes read at once.
const READ_BYTES: usize = 256 << 10;
/// The source's are kept.
const NO_CHECKSUMS: Expected = Expected {
    md5: ContentMd5::None,
    crc64: None,
    length: None,
};

/// A source, as it was when it was opened. Every read asks its account's key guard.
pub(super) struct Reading {
    pub(super) record: BlobRecord,
    keys: BlobKeys,
    content: Content,
}

/// What is copied at once: one body of the destination.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) block: Option<BlockId>,
    pub(super) position: u64,
    pub(super) length: u64,
}

impl Piece {
    /// Where the next one may begin.
    pub(super) fn end(&self) -> u64 {
        self.position + self.length
    }
}

impl Reading {
    /// Opens the source if `check` agrees.
    pub(super) fn open(source: &BlobSource, check: impl FnOnce(&BlobRecord) -> Result<()>) -> Result<Self> {
        let core = &source.container.core;
        let found = || {
            let snapshot = core.tree.snapshot()?;
            let container = ContainerRecord::read(&snapshot, &source.container.name)?;
            let found = BlobRecord::read_state(&snapshot, (container.id, &source.name), source.which);
            let record = core.admit_blob(Operation::GetBlob, &container.encryption, found)?;
            Ok((snapshot, record))
        };
        let (snapshot, record) = found().map_err(|error| of_source(&error))?;
        check(&record)?;
        let opened = || {
            let keys = core.keys_of(&record.encryption, &source.encryption)?;
            Ok(Self {
                content: Content::open(core, snapshot, (&record, &keys))?,
                keys,
                record,
            })
        };
        opened().map_err(|error: Error| of_source(&error))
    }

    /// The guard that every read asks.
    pub(super) fn guard(&self) -> &Arc<KeyGuard> {
        &self.keys.guard
    }

    /// The user metadata in clear, for as long as it is needed.
    pub(super) fn metadata(&self) -> Result<Metadata> {
        let opened = self.keys.with_keys(|keys| self.record.metadata(keys));
        opened.flatten().map_err(|error| of_source(&error))
    }

    /// The piece at `position`, or of pages the next one that was written; `None` at the end.
    pub(super) fn piece(&self, position: u64) -> Result<Option<Piece>> {
        if position >= self.record.length {
            return Ok(None);
        }
        if self.record.blob_type == BlobType::PageBlob {
            let written = self.content.written_at(position, PIECE_BYTES);
            let written = written.map_err(|error| of_source(&error))?;
            return Ok(written.map(|(start, end)| Piece {
                block: None,
                position: start,
                length: end - start,
            }));
        }
        let block = self
            .content
            .block_at(position)
            .map_err(|error| of_source(&error))?;
        let (block, length) = match block {
            Some((block, length)) => (Some(block), length),
            None => (None, PIECE_BYTES.min(self.record.length - position)),
        };
        Ok(Some(Piece {
            block,
            position,
            length,
        }))
    }

    /// Seals a piece for the account of `core`, under these of its keys. Memory: a few chunks.
    pub(super) fn take(
        &self,
        (core, keys): (&Arc<AccountCore>, &BlobKeys),
        piece: &Piece,
    ) -> Result<TakenIn> {
        let mut intake = Intake::begin(core, keys, NO_CHECKSUMS, piece.length)?;
        let mut buffer = SecretBuffer::default();
        buffer.resize(READ_BYTES.min(usize::try_from(piece.length).unwrap_or(READ_BYTES)));
        while intake.length() < piece.length {
            let done = intake.length();
            let rest = usize::try_from(piece.length - done).unwrap_or(usize::MAX);
            let room = rest.min(buffer.len());
            let out = buffer.as_mut_slice().get_mut(..room).unwrap_or_default();
            let read = self.content.read_at(piece.position + done, out);
            let read = read.map_err(|error| of_source(&error))?;
            if read == 0 {
                return Err(ended_early());
            }
            intake.write(out.get(..read).unwrap_or_default())?;
        }
        intake.finish()
    }
}

fn ended_early() -> Error {
    let message = "the content of the source is shorter than its record says";
    of_source(&Error::new(ErrorKind::Corrupt, "InternalError", 500, message))
}
