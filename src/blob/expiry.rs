//! Expiry: a blob that goes away by itself.
//!
//! From its time on every operation on the blob finds none, and its name is free; the maintenance removes it,
//! and until then a listing can still show it. Azure knows expiry in accounts with a hierarchical namespace
//! only; here every account has it.

use std::time::Duration;

use strongroom_engine::Timestamp;
use strongroom_engine::tree::Txn;

use super::Conditions;
use super::record::{BlobRecord, key};
use crate::agenda::{self, Task};
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::{ContainerId, ContainerRecord};
use crate::error::{Error, Result};
use crate::names::BlobName;
use crate::operations::Operation;

/// How long the maintenance waits before it looks again at a blob that a policy or a hold protects.
const PROTECTED_AGAIN: Duration = Duration::from_secs(86_400);

/// When a blob goes away, as `x-ms-expiry-option` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlobExpiry {
    /// Not by itself: `NeverExpire`.
    Never,
    /// This long after it was created: `RelativeToCreation`.
    AfterCreation(Duration),
    /// This long from now: `RelativeToNow`.
    FromNow(Duration),
    /// Then: `Absolute`.
    At(Timestamp),
}

impl BlobExpiry {
    fn time(self, created: Timestamp, now: Timestamp) -> Result<Option<Timestamp>> {
        let time = match self {
            Self::Never => return Ok(None),
            Self::AfterCreation(life) => created.plus(life),
            Self::FromNow(life) => now.plus(life),
            Self::At(time) => time,
        };
        if time <= now {
            let message = format!("a blob cannot expire at {time}, which has passed");
            return Err(Error::invalid("InvalidHeaderValue", message).hint("give a time in the future"));
        }
        Ok(Some(time))
    }
}

impl Container {
    /// Sets when a blob goes away by itself, in place of what was set before. Overwriting the blob forgets
    /// it. Neither tag nor time of the blob change. A blob that is immutable then stays until it is not any
    /// more. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `InvalidHeaderValue` (400) for a time that has passed;
    /// `LeaseIdMissing`, `LeaseIdMismatchWithBlobOperation`, `LeaseNotPresentWithBlobOperation` (412);
    /// `ConditionNotMet` (412) and the other errors of conditional writes.
    pub fn set_blob_expiry(
        &self,
        name: &BlobName,
        expiry: BlobExpiry,
        conditions: &Conditions,
    ) -> Result<Option<Timestamp>> {
        let (core, container, name) = (self.core.clone(), self.name.clone(), name.clone());
        let conditions = conditions.clone();
        self.core.transact(move |txn| {
            let container = ContainerRecord::read(txn, &container)?.id;
            core.admit_commit(Operation::SetBlobExpiry, txn)?;
            let mut record = BlobRecord::read(txn, container, &name)?;
            let now = core.clock.now();
            record.check_note(&conditions, now)?;
            let task = task(container, &name);
            if let Some(before) = record.expires {
                agenda::cancel(txn, before, &task)?;
            }
            record.expires = expiry.time(record.created, now)?;
            if let Some(time) = record.expires {
                agenda::schedule(txn, time, &task)?;
            }
            record.lease = record.lease.after_write(now);
            record.write(txn, &key(container, &name))?;
            Ok::<_, Failure>(record.expires)
        })
    }
}

impl BlobRecord {
    /// True once it counts as deleted. An immutable blob does not.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|time| time <= now) && self.check_immutability(now).is_ok()
    }
}

/// Removes a blob whose time has come; true if it did. A lease does not keep it.
pub(crate) fn expire(
    txn: &mut Txn<'_>,
    (container, name): (ContainerId, &BlobName),
    now: Timestamp,
) -> Result<bool, Failure> {
    let Some(record) = BlobRecord::find(txn, container, name)? else {
        return Ok(false);
    };
    if record.is_expired(now) {
        record.content.release(txn)?;
        txn.delete(&key(container, name))?;
        return Ok(true);
    }
    if record.expires.is_some_and(|time| time <= now) {
        agenda::schedule(txn, now.plus(PROTECTED_AGAIN), &task(container, name))?;
    }
    Ok(false)
}

fn task(container: ContainerId, name: &BlobName) -> Task {
    Task::ExpireBlob {
        container,
        name: name.to_string(),
    }
}
