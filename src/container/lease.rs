//! The lease of a container: while somebody holds it, nobody else deletes the container.

use super::Container;
use super::record::ContainerRecord;
use crate::blob::Conditions;
use crate::commit::Failure;
use crate::error::Result;
use crate::lease::{LeaseReceipt, LeaseRequest};
use crate::operations::Operation;

impl Container {
    /// Acquires, renews, changes, releases or breaks the lease of the container. Neither tag nor time of the
    /// container change. Needs no key.
    ///
    /// ```no_run
    /// # fn example(container: &strongroom::Container) -> strongroom::Result<()> {
    /// use strongroom::{Conditions, LeaseDuration, LeaseRequest};
    /// let acquire = LeaseRequest::Acquire { duration: LeaseDuration::new(30)?, proposed: None };
    /// let lease = container.lease(acquire, &Conditions::default())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ContainerNotFound` (404); 409 by the state of the lease: `LeaseAlreadyPresent`,
    /// `LeaseIdMismatchWithLeaseOperation`, `LeaseNotPresentWithLeaseOperation`,
    /// `LeaseIsBreakingAndCannotBeAcquired`, `LeaseIsBreakingAndCannotBeChanged`,
    /// `LeaseIsBrokenAndCannotBeRenewed`; `ConditionNotMet` (412) and the other errors of conditional writes.
    /// The lease of `conditions` is ignored: the request names the lease.
    pub fn lease(&self, request: LeaseRequest, conditions: &Conditions) -> Result<LeaseReceipt> {
        self.core.admit(Operation::LeaseContainer)?;
        conditions.check_write_form()?;
        let action = request.resolve(self.core.entropy.as_ref())?;
        let (core, name, conditions) = (self.core.clone(), self.name.clone(), conditions.clone());
        self.core.transact(move |txn| {
            let mut record = ContainerRecord::read(txn, &name)?;
            conditions.check_write(Some(record.subject()))?;
            let now = core.clock.now();
            record.lease = record.lease.apply(action, now)?;
            record.write(txn, &name)?;
            Ok::<_, Failure>(
                record
                    .lease
                    .receipt(action, now, (record.etag, record.last_modified)),
            )
        })
    }
}
