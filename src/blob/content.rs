//! Reading a blob's content: the extents of its record as one run of bytes.

use std::sync::Arc;

use strongroom_engine::body::BodyReader;
use strongroom_engine::tree::Snapshot;

use super::body_error;
use super::record::{BlobContent, BlobRecord};
use crate::account::AccountCore;
use crate::error::{Error, ErrorKind, Result};

/// Opens the content of one blob at any position.
pub(super) struct Content {
    core: Arc<AccountCore>,
    parts: Vec<Part>,
}

struct Part {
    /// Position in the blob.
    offset: u64,
    /// Position in the body.
    start: u64,
    length: u64,
    reader: BodyReader,
}

impl Content {
    /// Opens the content of `record`, read from `snapshot`. Its streams are stopped when access is revoked.
    pub(super) fn open(core: &Arc<AccountCore>, snapshot: &Snapshot, record: &BlobRecord) -> Result<Self> {
        let BlobContent::Own(extents) = &record.content else {
            return Err(super::shared::unreadable());
        };
        let mut parts = Vec::with_capacity(extents.len());
        let mut offset = 0u64;
        for extent in extents {
            let opened = core
                .guard
                .with_keys(|keys| BodyReader::open(&core.tree, snapshot, &extent.body, &keys.content))?;
            let reader = opened.map_err(|error| body_error(core, error))?;
            core.guard.register(Arc::downgrade(&reader.slot()))?;
            let end = extent.start.checked_add(extent.length);
            if end.is_none_or(|end| end > extent.body.length) {
                return Err(damaged());
            }
            parts.push(Part {
                offset,
                start: extent.start,
                length: extent.length,
                reader,
            });
            offset = offset.checked_add(extent.length).ok_or_else(damaged)?;
        }
        if offset != record.length {
            return Err(damaged());
        }
        Ok(Self {
            core: core.clone(),
            parts,
        })
    }

    /// Copies bytes from `position` on into `out`; 0 only at the end. Asks the key guard first.
    pub(super) fn read_at(&self, position: u64, out: &mut [u8]) -> Result<usize> {
        self.core.guard.check()?;
        let index = self
            .parts
            .partition_point(|part| part.offset + part.length <= position);
        let Some(part) = self.parts.get(index) else {
            return Ok(0);
        };
        let within = position.saturating_sub(part.offset);
        let rest = usize::try_from(part.length - within).unwrap_or(usize::MAX);
        let room = out.len().min(rest);
        let out = out.get_mut(..room).unwrap_or_default();
        part.reader
            .read_at(part.start + within, out)
            .map_err(|error| body_error(&self.core, error))
    }

    /// Opens every chunk once, also those that no extent needs whole.
    pub(super) fn check(&self) -> Result<u64> {
        let mut chunks = 0;
        for part in &self.parts {
            for index in 0..part.reader.chunks() {
                self.core.guard.check()?;
                let checked = part.reader.check_chunk(index);
                checked.map_err(|error| body_error(&self.core, error))?;
                chunks += 1;
            }
        }
        Ok(chunks)
    }
}

fn damaged() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "InternalError",
        500,
        "the extents of a blob do not add up to its length",
    )
}
