//! Incremental Copy Blob: a page blob that follows the snapshots of another one. Every step leaves a snapshot
//! of the destination, and moves no data.

use std::sync::Arc;

use strongroom_engine::Timestamp;
use strongroom_engine::tree::Txn;

use super::{Changed, CopyOptions, CopyReceipt, Copying, Distance};
use crate::blob::history::{History, Kind};
use crate::blob::record::{BlobContent, BlobRecord, CopyStatus, key};
use crate::blob::{BlobSource, BlobType, BlobVersionRef, Conditions};
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::lease::Lease;
use crate::names::BlobName;
use crate::operations::{Operation, UserMetadata};

/// Between the path of a source and the time of its snapshot.
const SNAPSHOT: &str = "?snapshot=";

impl Container {
    /// Makes a page blob what a snapshot of another one is, and takes a snapshot of it, which
    /// [`CopyState::destination_snapshot`](crate::CopyState::destination_snapshot) names. The destination is
    /// made by the first step; nothing but further steps, from later snapshots of the same blob, changes it.
    /// Moves no data; done when this returns.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); the 403 of a revoked key; `CopyAcrossAccountsNotSupported` (400) unless the
    /// source is in the same account and under the same keys; 409: `IncrementalCopySourceMustBeSnapshot`,
    /// `InvalidSourceBlobType` unless it is a page blob, `IncrementalCopyBlobMismatch` if there is a blob
    /// that is no incremental copy of that source, `IncrementalCopyOfEarlierVersionSnapshotNotAllowed`;
    /// `ConditionNotMet` (412) and the other errors of conditional writes; those of [`BlobSource`].
    pub fn incremental_copy(
        &self,
        name: &BlobName,
        source: &BlobSource,
        conditions: &Conditions,
    ) -> Result<CopyReceipt> {
        let BlobVersionRef::Snapshot(time) = source.which else {
            return Err(conflict(
                "IncrementalCopySourceMustBeSnapshot",
                "The source for incremental copy request must be a snapshot.",
            ));
        };
        let options = CopyOptions {
            conditions: conditions.clone(),
            ..CopyOptions::default()
        };
        let asked = (Operation::IncrementalCopyBlob, &options);
        let copying = Copying::prepare((self, name), source, asked)?;
        if copying.distance != Distance::Shared {
            let message = "The copy source account and destination account must be the same.";
            return Err(Error::invalid("CopyAcrossAccountsNotSupported", message)
                .hint("copy within one account, between blobs under the same keys"));
        }
        let core = Arc::clone(&copying.core);
        core.transact(move |txn| copying.follow(txn, time))
    }
}

impl Copying {
    fn follow(&self, txn: &mut Txn<'_>, time: Timestamp) -> Changed<CopyReceipt> {
        ContainerRecord::read(txn, &self.container)?;
        self.keys
            .admit_commit((self.operation, UserMetadata::Untouched), txn)?;
        let now = self.core.clock.now();
        let (mut source, place) = self.find_source(txn)?;
        self.check_source(&source, now)?;
        source.encryption.check_same(&self.keys.details)?;
        if source.blob_type != BlobType::PageBlob {
            let message = "only a page blob can be copied incrementally";
            return Err(conflict("InvalidSourceBlobType", message).into());
        }
        let content = source.content.share(txn)?.borrowed();
        source.write(txn, &place)?;

        let making = self.making(BlobType::PageBlob);
        let container = ContainerRecord::read(txn, &self.container)?;
        let history = History::of(&self.core, (container.id, &self.name));
        let made = match BlobRecord::find(txn, container.id, &self.name)? {
            Some(mut old) if !old.is_expired(now) => {
                container.encryption.permit(&self.keys.details)?;
                self.check_follower(&old, time)?;
                old.check_change(&self.options.conditions, &history)?;
                history.before_change(txn, &mut old)?;
                old.check_write(&self.options.conditions, now)?;
                old.content.release(txn)?;
                let mut made = self.followed(old, (&source, content));
                made.touch(&self.core, now);
                made
            }
            _ => {
                let replacing = making.begin(&self.core, txn)?;
                replacing.release_old(txn)?;
                let given = self.given(&source, source.metadata.clone())?;
                replacing.record(txn, (content, source.length), &given)?
            }
        };
        let snapshot = history.fresh_time(txn)?;
        let mut record = self.finish(made, &source, (CopyStatus::Success, now))?;
        record.is_incremental_copy = true;
        if let Some(copy) = &mut record.copy {
            copy.destination_snapshot = Some(snapshot);
        }
        let state = BlobRecord {
            content: record.content.share(txn)?,
            version: None,
            lease: Lease::None,
            ..record.clone()
        };
        record.write(txn, &key(container.id, &self.name))?;
        history.put(txn, (snapshot, Kind::Snapshot), &state)?;
        Ok(self.receipt(&record))
    }

    /// The follower with what the source has now, the keys included: what is shared stays under them.
    fn followed(&self, old: BlobRecord, (source, content): (&BlobRecord, BlobContent)) -> BlobRecord {
        BlobRecord {
            content,
            length: source.length,
            headers: source.headers.clone(),
            metadata: source.metadata.clone(),
            content_md5: source.content_md5,
            encryption: self.keys.details.clone(),
            ..old
        }
    }

    /// Fails unless the blob that is there is an incremental copy of the source, of no later snapshot.
    fn check_follower(&self, old: &BlobRecord, time: Timestamp) -> Result<()> {
        let before = old.copy.as_ref().filter(|_| old.is_incremental_copy);
        let before = before.and_then(|copy| copy.source.rsplit_once(SNAPSHOT));
        let now = self.source.path();
        let (Some((blob, last)), Some((wanted, _))) = (before, now.rsplit_once(SNAPSHOT)) else {
            return Err(mismatch());
        };
        if blob != wanted {
            return Err(mismatch());
        }
        let last: Timestamp = last.parse().map_err(|_| mismatch())?;
        if time < last {
            return Err(conflict(
                "IncrementalCopyOfEarlierVersionSnapshotNotAllowed",
                "The specified snapshot is earlier than the last snapshot copied into the incremental copy blob.",
            ));
        }
        Ok(())
    }
}

fn mismatch() -> Error {
    conflict(
        "IncrementalCopyBlobMismatch",
        "The specified source blob is different than the copy source of the existing incremental copy blob.",
    )
}

fn conflict(code: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::Conflict, code, 409, message)
}
