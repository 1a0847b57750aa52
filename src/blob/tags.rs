//! Getting and setting the tags of a blob.

use super::record::{BlobRecord, key};
use super::{Conditions, ReadOptions};
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::Result;
use crate::names::BlobName;
use crate::operations::Operation;
use crate::tags::Tags;

impl Container {
    /// The tags of a blob, or of a snapshot or version. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `LeaseIdMismatchWithBlobOperation`,
    /// `LeaseNotPresentWithBlobOperation` (412); `ConditionNotMet` (412, 304) and the other errors of
    /// conditional reads.
    pub fn blob_tags(&self, name: &BlobName, options: impl Into<ReadOptions>) -> Result<Tags> {
        let ReadOptions {
            which, conditions, ..
        } = options.into();
        let record = self.read_blob(Operation::GetBlobTags, name, which)?;
        record.check_read(&conditions, self.core.clock.now())?;
        Tags::from_pairs(&record.tags)
    }

    /// Replaces all tags of a blob; none removes them. Neither tag nor time of the blob change, and
    /// immutability does not forbid it. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `LeaseIdMissing`, `LeaseIdMismatchWithBlobOperation`,
    /// `LeaseNotPresentWithBlobOperation` (412); `ConditionNotMet` (412) and the other errors of conditional
    /// writes.
    pub fn set_blob_tags(&self, name: &BlobName, tags: &Tags, conditions: &Conditions) -> Result<()> {
        let tags = tags.to_pairs();
        self.note(Operation::SetBlobTags, name, conditions, move |record| {
            record.tags.clone_from(&tags);
            Ok(())
        })
    }

    /// Changes something of a blob that moves neither tag nor time and that immutability allows.
    pub(super) fn note(
        &self,
        operation: Operation,
        name: &BlobName,
        conditions: &Conditions,
        change: impl Fn(&mut BlobRecord) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let (core, container, name) = (self.core.clone(), self.name.clone(), name.clone());
        let conditions = conditions.clone();
        self.core.transact(move |txn| {
            let container = ContainerRecord::read(txn, &container)?;
            core.admit_commit(operation, txn)?;
            let mut record = BlobRecord::read(txn, container.id, &name)?;
            let now = core.clock.now();
            record.check_note(&conditions, now)?;
            change(&mut record)?;
            record.lease = record.lease.after_write(now);
            record.write(txn, &key(container.id, &name))?;
            Ok::<_, Failure>(())
        })
    }
}
