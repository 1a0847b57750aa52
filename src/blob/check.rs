//! Checking a blob's content: every chunk opened, nothing handed out.

use super::content::Content;
use super::record::BlobRecord;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::Result;
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
        let snapshot = self.core.tree.snapshot()?;
        let container = ContainerRecord::read(&snapshot, &self.name)?;
        self.core.admit(Operation::GetBlob)?;
        let record = BlobRecord::read(&snapshot, container.id, name)?;
        self.core.guard.with_keys(|keys| record.metadata(keys))??;
        let chunks = Content::open(&self.core, snapshot, &record)?.check()?;
        Ok(ContentCheck {
            length: record.length,
            chunks,
        })
    }
}
