//! The lease of a blob: while somebody holds it, nobody else changes or deletes the blob.

use super::Conditions;
use super::record::{BlobRecord, key};
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::Result;
use crate::lease::{LeaseReceipt, LeaseRequest};
use crate::names::BlobName;
use crate::operations::Operation;

impl Container {
    /// Acquires, renews, changes, releases or breaks the lease of a blob; snapshots and versions have none.
    /// Neither tag nor time of the blob change. Needs no key.
    ///
    /// ```no_run
    /// # fn example(container: &strongroom::Container) -> strongroom::Result<()> {
    /// use strongroom::{Conditions, LeaseDuration, LeaseRequest, UploadOptions};
    /// let name = "report.pdf".parse()?;
    /// let acquire = LeaseRequest::Acquire { duration: LeaseDuration::INFINITE, proposed: None };
    /// let lease = container.lease_blob(&name, acquire, &Conditions::default())?;
    /// if let Some(id) = lease.lease_id {
    ///     let conditions = Conditions::under_lease(id);
    ///     container.upload(&name, &b"mine"[..], UploadOptions { conditions, ..UploadOptions::default() })?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); 409 by the state of the lease: `LeaseAlreadyPresent`,
    /// `LeaseIdMismatchWithLeaseOperation`, `LeaseNotPresentWithLeaseOperation`,
    /// `LeaseIsBreakingAndCannotBeAcquired`, `LeaseIsBreakingAndCannotBeChanged`,
    /// `LeaseIsBrokenAndCannotBeRenewed`; `ConditionNotMet` (412) and the other errors of conditional writes.
    /// The lease of `conditions` is ignored: the request names the lease.
    pub fn lease_blob(
        &self,
        name: &BlobName,
        request: LeaseRequest,
        conditions: &Conditions,
    ) -> Result<LeaseReceipt> {
        let action = request.resolve(self.core.entropy.as_ref())?;
        let (core, container, name) = (self.core.clone(), self.name.clone(), name.clone());
        let conditions = conditions.clone();
        self.core.transact(move |txn| {
            let container = ContainerRecord::read(txn, &container)?;
            core.admit(Operation::LeaseBlob)?;
            let mut record = BlobRecord::read(txn, container.id, &name)?;
            let now = core.clock.now();
            record.check_there(now)?;
            conditions.check_write(Some(record.subject()))?;
            record.lease = record.lease.apply(action, now)?;
            record.write(txn, &key(container.id, &name))?;
            Ok::<_, Failure>(
                record
                    .lease
                    .receipt(action, now, (record.etag, record.last_modified)),
            )
        })
    }
}
