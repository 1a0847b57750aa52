//! Snapshot Blob: a state of the blob that stays as it is. Copies no data.

use std::sync::Arc;

use strongroom_engine::Timestamp;

use super::Conditions;
use super::history::{History, Kind};
use super::record::{BlobRecord, SealedMetadata, key};
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::encryption::{BlobKeys, EncryptionChoice};
use crate::error::Result;
use crate::etag::ETag;
use crate::lease::Lease;
use crate::metadata::Metadata;
use crate::names::BlobName;
use crate::operations::{Operation, UserMetadata};

/// What a snapshot sets besides what the blob has.
#[derive(Clone, Debug, Default)]
pub struct SnapshotOptions {
    /// User metadata of the snapshot in place of the blob's; that of the blob if this is empty. Needs the
    /// customer's key, which a snapshot does not need otherwise.
    pub metadata: Metadata,
    /// What must hold of the blob.
    pub conditions: Conditions,
    /// What the blob is sealed under; the snapshot stays under the same key.
    pub encryption: EncryptionChoice,
}

/// What is said of a new snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotReceipt {
    /// Names the snapshot, to the tick.
    pub snapshot: Timestamp,
    /// The snapshot's tag.
    pub etag: ETag,
    /// When the snapshot's content or metadata changed last, in whole seconds.
    pub last_modified: Timestamp,
    /// The id of the blob's new current version, if versions are kept.
    pub version_id: Option<Timestamp>,
}

impl Container {
    /// Takes a snapshot of a blob: content, headers, metadata and tags as they are, without a lease. Costs
    /// the same whatever the blob's length.
    ///
    /// Works without the customer's key, except with metadata of its own. Where versions are kept, a new
    /// version begins with it.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); with metadata, the 403 of a revoked key; `BlobArchived`
    /// (409), `OperationNotAllowedOnIncrementalCopyBlob` (409), whose snapshots only its copies take;
    /// `ConditionNotMet` (412) and the other errors of conditional writes.
    pub fn snapshot_blob(&self, name: &BlobName, options: &SnapshotOptions) -> Result<SnapshotReceipt> {
        let core = Arc::clone(&self.core);
        let touched = UserMetadata::given(&options.metadata);
        let keys = self.keys_for_snapshot(name, options)?;
        options.conditions.check_write_form()?;
        let metadata = match &keys {
            None => None,
            Some(keys) => SealedMetadata::seal(&core, keys, &options.metadata)?,
        };
        let (container, name, options) = (self.name.clone(), name.clone(), options.clone());
        self.core.transact(move |txn| {
            let container = ContainerRecord::read(txn, &container)?.id;
            let asked = (Operation::SnapshotBlob, touched);
            let mut base = core.admit_blob_commit(asked, BlobRecord::read(txn, container, &name), txn)?;
            let now = core.clock.now();
            base.check_unleased(&options.conditions, now)?;
            base.check_encryption(&options.encryption)?;
            if let Some(keys) = &keys {
                base.encryption.check_same(&keys.details)?;
            }
            base.check_online(now)?;
            base.check_not_incremental()?;
            let history = History::of(&core, (container, &name));
            history.before_change(txn, &mut base)?;
            let mut snapshot = BlobRecord {
                content: base.content.share(txn)?,
                version: None,
                lease: Lease::None,
                ..base.clone()
            };
            if let Some(metadata) = &metadata {
                snapshot.metadata = Some(metadata.clone());
                snapshot.etag = base.etag.next(&core.etags, now);
                snapshot.last_modified = now.whole_seconds();
            }
            base.write(txn, &key(container, &name))?;
            let time = base.version.map_or_else(|| history.fresh_time(txn), Ok)?;
            let receipt = SnapshotReceipt {
                snapshot: time,
                etag: snapshot.etag,
                last_modified: snapshot.last_modified,
                version_id: base.version,
            };
            history.put(txn, (time, Kind::Snapshot), &snapshot)?;
            Ok::<_, Failure>(receipt)
        })
    }

    /// The keys for the metadata, if there is some. They are those of the blob.
    fn keys_for_snapshot(&self, name: &BlobName, options: &SnapshotOptions) -> Result<Option<BlobKeys>> {
        let core = &self.core;
        let container = ContainerRecord::read(&core.tree, &self.name)?;
        if options.metadata.is_empty() {
            return Ok(None);
        }
        let found = BlobRecord::read(&core.tree, container.id, name);
        let details = match &found {
            Ok(record) => record.encryption.clone(),
            Err(_) => container.encryption.details(&EncryptionChoice::Default)?,
        };
        let keys = core.keys_of(&details, &options.encryption)?;
        Operation::SnapshotBlob.admit(UserMetadata::Touched, &keys.guard)?;
        found.map(|_| Some(keys))
    }
}
