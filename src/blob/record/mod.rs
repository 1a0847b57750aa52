//! How a blob is stored: one record under its container's number and its name, readable without the
//! customer's key.
//!
//! Content and user metadata are sealed under the account root key; the record names their items and holds
//! what opens them except the key. Item ids are random and salts fresh, so no item is bound to a container or
//! a name.

mod checks;
mod content;
mod metadata;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use content::{BlobContent, Extent};
pub(crate) use metadata::SealedMetadata;
pub use state::{
    AccessTier, ArchiveStatus, CopyState, CopyStatus, EncryptionDetails, ImmutabilityMode,
    ImmutabilityPolicy, RehydratePriority,
};
pub(crate) use state::{AppendState, Deleted, TierState};

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::{Record, decode, encode, whole};
use strongroom_engine::tree::Txn;

use super::properties::{BlobProperties, BlobType, ContentHeaders};
use crate::commit::Failure;
use crate::container::record::{ContainerId, Source};
use crate::encryption::DataKeys;
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::lease::Lease;
use crate::metadata::Metadata;
use crate::names::BlobName;
use crate::service::days_left;

/// What is kept of one state of a blob: the base, a snapshot, a version, or a deleted one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlobRecord {
    pub(crate) blob_type: BlobType,
    pub(crate) created: Timestamp,
    pub(crate) last_modified: Timestamp,
    pub(crate) etag: ETag,
    pub(crate) headers: ContentHeaders,
    #[serde(with = "whole")]
    pub(crate) content_md5: Option<[u8; 16]>,
    pub(crate) length: u64,
    /// The content, in order; the lengths add up to `length`.
    pub(crate) content: BlobContent,
    /// `None` when there is no user metadata.
    pub(crate) metadata: Option<SealedMetadata>,
    /// Which keys seal content and metadata.
    pub(crate) encryption: EncryptionDetails,
    /// Names and values in order of the names.
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) lease: Lease,
    pub(crate) tier: TierState,
    /// Of a page blob.
    pub(crate) sequence_number: u64,
    /// Of an append blob.
    pub(crate) append: AppendState,
    /// The copy that made it or is making it.
    pub(crate) copy: Option<CopyState>,
    pub(crate) is_incremental_copy: bool,
    pub(crate) immutability: Option<ImmutabilityPolicy>,
    pub(crate) legal_hold: bool,
    /// When it is to be deleted.
    pub(crate) expires: Option<Timestamp>,
    /// Which version this is; `None` if it was written without versioning.
    pub(crate) version: Option<Timestamp>,
    /// Set while it is deleted and can still be restored.
    pub(crate) deleted: Option<Deleted>,
}

impl Record for BlobRecord {
    const NAME: &'static str = "blob record";
    const VERSION: u8 = 4;
    const OLDEST: u8 = 4;
}

/// What every state of a blob has; [`BlobRecord::new`] leaves the rest empty.
pub(crate) struct NewBlob {
    pub(crate) blob_type: BlobType,
    pub(crate) created: Timestamp,
    pub(crate) last_modified: Timestamp,
    pub(crate) etag: ETag,
    pub(crate) headers: ContentHeaders,
    pub(crate) length: u64,
    pub(crate) content: BlobContent,
}

impl BlobRecord {
    /// A blob that no feature has touched yet.
    pub(crate) fn new(new: NewBlob) -> Self {
        Self {
            blob_type: new.blob_type,
            created: new.created,
            last_modified: new.last_modified,
            etag: new.etag,
            headers: new.headers,
            content_md5: None,
            length: new.length,
            content: new.content,
            metadata: None,
            encryption: EncryptionDetails::default(),
            tags: Vec::new(),
            lease: Lease::None,
            tier: TierState::default(),
            sequence_number: 0,
            append: AppendState::default(),
            copy: None,
            is_incremental_copy: false,
            immutability: None,
            legal_hold: false,
            expires: None,
            version: None,
            deleted: None,
        }
    }

    /// The blob of that name, or `BlobNotFound`.
    pub(crate) fn read(source: &impl Source, container: ContainerId, name: &BlobName) -> Result<Self> {
        Self::find(source, container, name)?.ok_or_else(Self::not_found)
    }

    /// What is said of a blob that does not exist.
    pub(crate) fn not_found() -> Error {
        let message = "The specified blob does not exist.";
        Error::new(ErrorKind::NotFound, "BlobNotFound", 404, message)
    }

    /// Fails unless the blob is of this type.
    pub(crate) fn require_type(&self, wanted: BlobType) -> Result<()> {
        if self.blob_type == wanted {
            return Ok(());
        }
        let message = format!(
            "The blob type is invalid for this operation: it is a {}, not a {wanted}.",
            self.blob_type
        );
        Err(Error::new(ErrorKind::Conflict, "InvalidBlobType", 409, message))
    }

    /// The blob of that name, if there is one.
    pub(crate) fn find(
        source: &impl Source,
        container: ContainerId,
        name: &BlobName,
    ) -> Result<Option<Self>> {
        source
            .value(&key(container, name))?
            .map(|bytes| decode(&bytes).map_err(Error::from))
            .transpose()
    }

    /// Stores the record.
    pub(crate) fn write(&self, txn: &mut Txn<'_>, key: &[u8]) -> Result<(), Failure> {
        Ok(txn.put(key, &encode(self)?)?)
    }

    /// The user metadata in clear.
    pub(crate) fn metadata(&self, keys: &DataKeys) -> Result<Metadata> {
        let damaged = || {
            let message =
                "the metadata of a blob did not authenticate: it was altered or sealed under another key";
            Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
        };
        match &self.metadata {
            Some(sealed) => sealed.open(keys).ok_or_else(damaged),
            None => Ok(Metadata::new()),
        }
    }

    /// What callers see of the record at `now`; user metadata is given apart.
    pub(crate) fn properties(self, metadata: Option<Metadata>, now: Timestamp) -> BlobProperties {
        let tier = self.tier.at(now);
        let default_tier = (self.blob_type == BlobType::BlockBlob).then_some(AccessTier::Hot);
        BlobProperties {
            blob_type: self.blob_type,
            etag: self.etag,
            created: self.created,
            last_modified: self.last_modified,
            length: self.length,
            headers: self.headers,
            content_md5: self.content_md5,
            metadata,
            version_id: self.version,
            deleted: self.deleted.map(|deleted| deleted.when),
            restorable_until: self.deleted.map(|deleted| deleted.until),
            remaining_days: self.deleted.map(|deleted| days_left(deleted.until, now)),
            lease_state: self.lease.state(now),
            lease_status: self.lease.status(now),
            lease_duration: self.lease.duration(now),
            tag_count: self.tags.len(),
            immutability: self.immutability,
            legal_hold: self.legal_hold,
            expires: self.expires,
            tier: tier.tier.or(default_tier),
            tier_inferred: tier.tier.is_none() && default_tier.is_some(),
            tier_changed: tier.changed,
            archive_status: tier.archive,
            rehydrate_priority: tier.priority,
            sequence_number: (self.blob_type == BlobType::PageBlob).then_some(self.sequence_number),
            committed_block_count: (self.blob_type == BlobType::AppendBlob).then_some(self.append.blocks),
            is_sealed: self.append.sealed,
            copy: self.copy,
            is_incremental_copy: self.is_incremental_copy,
            encryption: self.encryption,
        }
    }
}

/// The key of a blob's record.
pub(crate) fn key(container: ContainerId, name: &BlobName) -> Vec<u8> {
    let mut key = container.blobs_prefix();
    key.extend_from_slice(name.as_str().as_bytes());
    key
}
