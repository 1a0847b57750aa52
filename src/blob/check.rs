//! Checking a blob's content: every chunk opened, nothing handed out; or, without the key, every checksum.

use std::sync::Arc;

use strongroom_engine::Timestamp;
use strongroom_engine::body::{BodyRef, Location};
use strongroom_engine::chunks::ChunkId;
use strongroom_engine::codec::{FrameKind, unframe};
use strongroom_engine::tree::{Snapshot, Tree, TreeError};

use super::content::Content;
use super::history::{self, Kind};
use super::record::BlobRecord;
use crate::account::AccountCore;
use crate::container::record::{ContainerId, ContainerRecord};
use crate::container::{Container, ContainerEncryption};
use crate::encryption::EncryptionChoice;
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
    /// `BlobUsesCustomerSpecifiedEncryption` (409): such content opens only with its key;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) when anything is missing, damaged or forged.
    pub fn content_check(&self, name: &BlobName) -> Result<ContentCheck> {
        let container = ContainerRecord::read(&self.core.tree.snapshot()?, &self.name)?;
        open_all(&self.core, container.id, (name, Place::Base))
    }
}

/// Where the record of a state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Base,
    Past(Timestamp, Kind),
}

impl Place {
    fn read(self, source: &Snapshot, container: ContainerId, name: &BlobName) -> Result<BlobRecord> {
        match self {
            Self::Base => BlobRecord::read(source, container, name),
            Self::Past(time, kind) => {
                let record = history::record(source, (container, name), (time, kind))?;
                record.ok_or_else(BlobRecord::not_found)
            }
        }
    }
}

/// Opens every chunk and the metadata of a state.
pub(crate) fn open_all(
    core: &Arc<AccountCore>,
    container: ContainerId,
    (name, place): (&BlobName, Place),
) -> Result<ContentCheck> {
    let snapshot = core.tree.snapshot()?;
    let found = place.read(&snapshot, container, name);
    let record = core.admit_blob(Operation::GetBlob, &ContainerEncryption::default(), found)?;
    record.check_encryption(&EncryptionChoice::Default)?;
    let keys = core.keys_of(&record.encryption, &EncryptionChoice::Default)?;
    keys.with_keys(|keys| record.metadata(keys))??;
    let length = record.length;
    let chunks = Content::open(core, snapshot, (&record, &keys))?.check()?;
    Ok(ContentCheck { length, chunks })
}

/// Compares the checksum of every chunk, which needs no key: finds what the medium has damaged, and no
/// forgery. Metadata is part of the record, which its page authenticates.
pub(crate) fn checksums(
    core: &AccountCore,
    container: ContainerId,
    (name, place): (&BlobName, Place),
) -> Result<ContentCheck> {
    let snapshot = core.tree.snapshot()?;
    let record = place.read(&snapshot, container, name)?;
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
