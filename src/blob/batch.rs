//! Blob Batch: many deletions, or many changes of tier, in one call; each has a result of its own.

use super::delete::DeleteBlobOptions;
use super::record::AccessTier;
use super::tier::{SetTierOptions, TierChange};
use crate::account::Account;
use crate::error::{Error, Result};
use crate::names::{BlobName, ContainerName};
use crate::operations::Operation;

/// Parts of one batch at most.
pub const BATCH_PARTS_MAX: usize = 256;

/// A blob to delete.
#[derive(Clone, Debug)]
pub struct DeletePart {
    /// Where it is.
    pub container: ContainerName,
    /// What it is called.
    pub name: BlobName,
    /// Which state of it, and under which conditions.
    pub options: DeleteBlobOptions,
}

/// A blob whose tier is set.
#[derive(Clone, Debug)]
pub struct TierPart {
    /// Where it is.
    pub container: ContainerName,
    /// What it is called.
    pub name: BlobName,
    /// Which tier it gets.
    pub tier: AccessTier,
    /// Which state of it, and under which conditions.
    pub options: SetTierOptions,
}

/// What a part of a batch has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BatchOutcome {
    /// The blob was deleted: 202.
    Deleted,
    /// The tier was set, or will be.
    Tier(TierChange),
}

/// Parts of one kind; a batch mixes none.
///
/// ```
/// use strongroom::{BATCH_PARTS_MAX, BlobBatch};
/// assert!(BlobBatch::Delete(Vec::new()).is_empty());
/// assert_eq!(BATCH_PARTS_MAX, 256);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BlobBatch {
    /// Delete Blob.
    Delete(Vec<DeletePart>),
    /// Set Blob Tier.
    SetTier(Vec<TierPart>),
}

impl BlobBatch {
    /// Parts of the batch.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Delete(parts) => parts.len(),
            Self::SetTier(parts) => parts.len(),
        }
    }

    /// True if it has no part.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Account {
    /// Carries out the parts of a batch one after the other; their results in the same order. A part that
    /// fails keeps none of the others from happening. While access is revoked each part meets what its own
    /// operation meets: blobs are deleted, tiers are not set.
    ///
    /// # Errors
    /// 400: `InvalidInput` for a batch without parts, `ExceedsMaxBatchRequestCount` beyond
    /// [`BATCH_PARTS_MAX`]. Nothing happens then.
    pub fn blob_batch(&self, batch: &BlobBatch) -> Result<Vec<Result<BatchOutcome>>> {
        self.core.admit(Operation::BlobBatch)?;
        if batch.is_empty() {
            return Err(Error::invalid("InvalidInput", "a batch has at least one part"));
        }
        if batch.len() > BATCH_PARTS_MAX {
            let message = format!(
                "a batch has at most {BATCH_PARTS_MAX} parts, and this one {}",
                batch.len()
            );
            return Err(Error::invalid("ExceedsMaxBatchRequestCount", message).hint("split it"));
        }
        Ok(match batch {
            BlobBatch::Delete(parts) => parts.iter().map(|part| self.delete_part(part)).collect(),
            BlobBatch::SetTier(parts) => parts.iter().map(|part| self.tier_part(part)).collect(),
        })
    }

    fn delete_part(&self, part: &DeletePart) -> Result<BatchOutcome> {
        let container = self.container(&part.container);
        container.delete_blob(&part.name, &part.options)?;
        Ok(BatchOutcome::Deleted)
    }

    fn tier_part(&self, part: &TierPart) -> Result<BatchOutcome> {
        let container = self.container(&part.container);
        let change = container.set_blob_tier(&part.name, part.tier, &part.options)?;
        Ok(BatchOutcome::Tier(change))
    }
}
