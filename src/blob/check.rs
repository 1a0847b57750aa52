//! Checking a blob's content: every chunk opened, nothing handed out; or, without the key, every checksum.

use std::sync::Arc;

use strongroom_engine::body::{BodyRef, Location};
use strongroom_engine::chunks::ChunkId;
use strongroom_engine::codec::{FrameKind, decode, unframe};
use strongroom_engine::tree::{Snapshot, Tree, TreeError};

use super::content::Content;
use super::record::{BlobRecord, key};
use super::staged::StagedBlock;
use crate::account::AccountCore;
use crate::container::Container;
use crate::container::record::{ContainerRecord, Source as _};
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::operations::Operation;

/// What a check of one blob went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentCheck {
    /// Bytes of content.
    pub length: u64,
    /// Chunks opened.
    pub chunks: u64,
}

impl Container {
    /// Opens every chunk and the metadata of a blob and tells what it went through.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); the 403 of a revoked key;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) when anything is missing, damaged or forged.
    pub fn content_check(&self, name: &BlobName) -> Result<ContentCheck> {
        let container = ContainerRecord::read(&self.core.tree.snapshot()?, &self.name)?;
        open_all(&self.core, &key(container.id, name))
    }
}

/// Opens every chunk and the metadata of the state of a blob whose record is at `key`.
pub(crate) fn open_all(core: &Arc<AccountCore>, key: &[u8]) -> Result<ContentCheck> {
    let snapshot = core.tree.snapshot()?;
    core.admit(Operation::GetBlob)?;
    let record = record_at(&snapshot, key)?;
    core.guard.with_keys(|keys| record.metadata(keys))??;
    let length = record.length;
    let chunks = Content::open(core, snapshot, &record)?.check()?;
    Ok(ContentCheck { length, chunks })
}

/// Compares the checksum of every chunk, which needs no key: finds what the medium has damaged, and no
/// forgery. Metadata is part of the record, which its page authenticates.
pub(crate) fn checksums(core: &AccountCore, key: &[u8]) -> Result<ContentCheck> {
    let snapshot = core.tree.snapshot()?;
    let record = record_at(&snapshot, key)?;
    let mut chunks = 0;
    record.content.for_each_extent(&snapshot, |extent| {
        chunks += body_checksums(&core.tree, &snapshot, &extent.body)?;
        Ok(())
    })?;
    Ok(ContentCheck {
        length: record.length,
        chunks,
    })
}

/// As [`checksums`], of an uncommitted block.
pub(crate) fn staged_checksums(core: &AccountCore, key: &[u8]) -> Result<ContentCheck> {
    let snapshot = core.tree.snapshot()?;
    let bytes = snapshot.value(key)?.ok_or_else(BlobRecord::not_found)?;
    let extent = decode::<StagedBlock>(&bytes)?.extent;
    let chunks = body_checksums(&core.tree, &snapshot, &extent.body)?;
    Ok(ContentCheck {
        length: extent.length,
        chunks,
    })
}

fn record_at(snapshot: &Snapshot, key: &[u8]) -> Result<BlobRecord> {
    let bytes = snapshot.value(key)?.ok_or_else(BlobRecord::not_found)?;
    Ok(decode(&bytes)?)
}

fn body_checksums(tree: &Tree, snapshot: &Snapshot, body: &BodyRef) -> Result<u64> {
    let _pin = snapshot.pin_body(body.id);
    if let Location::Small(location) = &body.location {
        let chunk = tree.small_body(location)?.ok_or_else(|| missing(0))?;
        unframe(FrameKind::Chunk, &chunk)?;
        return Ok(1);
    }
    let chunks = body.length.div_ceil(body.chunk_bytes.max(1).into()).max(1);
    for index in 0..u32::try_from(chunks).map_err(|_| missing(0))? {
        let id = ChunkId {
            body: tree.body_key(body.id),
            index,
        };
        let chunk = tree.chunks().get(id).map_err(TreeError::from)?;
        unframe(FrameKind::Chunk, &chunk.ok_or_else(|| missing(index))?)?;
    }
    Ok(chunks)
}

fn missing(index: u32) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "InternalError",
        500,
        format!("chunk {index} of the content is missing"),
    )
}
