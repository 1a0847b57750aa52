//! Immutability policies and legal holds: until a time, or until it is lifted, a blob is neither changed nor
//! deleted.
//!
//! What is forbidden meanwhile is decided by the checks of the blob's record. Tags, tier and lease can
//! change; so can the policy, by its own rules, and holds. A container is not deleted while one of its blobs
//! is protected: the names of blobs that ever were are kept in a room of their own, which is all a deletion
//! has to look at.

use std::time::Duration;

use strongroom_engine::Timestamp;
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::Txn;

use super::Conditions;
use super::history::states;
use super::record::{BlobRecord, ImmutabilityMode, ImmutabilityPolicy, key};
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::{ContainerId, ContainerRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::operations::Operation;
use crate::rooms;

/// A policy reaches at most this many days into the future: 400 years.
const DAYS_MAX: u64 = 146_000;
/// Names that a deletion of a container looks at in one go.
const BATCH: usize = 64;

impl Container {
    /// Sets until when a blob is immutable, or changes it. An unlocked policy can be changed in any way; a
    /// locked one only be extended. Neither tag nor time of the blob change; no lease is needed, and no key.
    ///
    /// ```no_run
    /// # fn example(container: &strongroom::Container, until: strongroom::Timestamp) ->
    /// strongroom::Result<()> { use strongroom::{Conditions, ImmutabilityMode, ImmutabilityPolicy};
    /// let policy = ImmutabilityPolicy { until, mode: ImmutabilityMode::Unlocked };
    /// container.set_blob_immutability(&"contract.pdf".parse()?, policy, &Conditions::default())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `InvalidHeaderValue` (400) for a time that has passed or is
    /// more than 146,000 days ahead; `BlobImmutableDueToPolicy` (409) for shortening or unlocking a locked
    /// policy; `LeaseIdMismatchWithBlobOperation`, `LeaseNotPresentWithBlobOperation` (412);
    /// `ConditionNotMet` (412) and the other errors of conditional writes.
    pub fn set_blob_immutability(
        &self,
        name: &BlobName,
        policy: ImmutabilityPolicy,
        conditions: &Conditions,
    ) -> Result<()> {
        policy.check(self.core.clock.now())?;
        self.protect(
            Operation::SetBlobImmutabilityPolicy,
            name,
            conditions,
            move |record| {
                check_change(record.immutability, Some(policy))?;
                record.immutability = Some(policy);
                Ok(())
            },
        )
    }

    /// Takes the policy of a blob away; nothing happens if it has none. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `BlobImmutableDueToPolicy` (409) if the policy is locked;
    /// `LeaseIdMismatchWithBlobOperation`, `LeaseNotPresentWithBlobOperation` (412); `ConditionNotMet` (412)
    /// and the other errors of conditional writes.
    pub fn delete_blob_immutability(&self, name: &BlobName, conditions: &Conditions) -> Result<()> {
        let operation = Operation::DeleteBlobImmutabilityPolicy;
        self.protect(operation, name, conditions, |record| {
            check_change(record.immutability, None)?;
            record.immutability = None;
            Ok(())
        })
    }

    /// Sets or lifts the legal hold of a blob. Neither tag nor time of the blob change; no lease is needed,
    /// and no key.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `LeaseIdMismatchWithBlobOperation`,
    /// `LeaseNotPresentWithBlobOperation` (412); `ConditionNotMet` (412) and the other errors of conditional
    /// writes.
    pub fn set_blob_legal_hold(&self, name: &BlobName, hold: bool, conditions: &Conditions) -> Result<()> {
        self.protect(Operation::SetBlobLegalHold, name, conditions, move |record| {
            record.legal_hold = hold;
            Ok(())
        })
    }

    fn protect(
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
            record.check_unleased(&conditions, core.clock.now())?;
            change(&mut record)?;
            remember(txn, container.id, &name, &record)?;
            record.write(txn, &key(container.id, &name))
        })
    }
}

impl ImmutabilityPolicy {
    pub(super) fn check(self, now: Timestamp) -> Result<()> {
        let last = now.plus(Duration::from_secs(DAYS_MAX * 86_400));
        if now < self.until && self.until <= last {
            return Ok(());
        }
        let message = format!("a blob cannot be immutable until {}", self.until);
        Err(Error::invalid("InvalidHeaderValue", message)
            .hint("give a time in the future, at most 146,000 days ahead"))
    }
}

/// A locked policy can only be extended.
fn check_change(old: Option<ImmutabilityPolicy>, new: Option<ImmutabilityPolicy>) -> Result<()> {
    let Some(old) = old.filter(|old| old.mode == ImmutabilityMode::Locked) else {
        return Ok(());
    };
    let extends = |new: ImmutabilityPolicy| new.mode == ImmutabilityMode::Locked && new.until >= old.until;
    if new.is_some_and(extends) {
        return Ok(());
    }
    let message = "This operation is not permitted as the immutability policy of the blob is locked.";
    let error = Error::new(ErrorKind::Conflict, "BlobImmutableDueToPolicy", 409, message);
    Err(error.hint(format!(
        "a locked policy can only be extended beyond {}",
        old.until
    )))
}

/// Notes a blob that is protected, so that deleting its container looks at it.
pub(crate) fn remember(
    txn: &mut Txn<'_>,
    container: ContainerId,
    name: &BlobName,
    record: &BlobRecord,
) -> Result<(), Failure> {
    if record.legal_hold || record.immutability.is_some() {
        txn.put(&noted_key(container, name.as_str().as_bytes()), &[])?;
    }
    Ok(())
}

/// Fails if a blob of the container is protected now; forgets those that are not any more.
pub(crate) fn check_container(txn: &mut Txn<'_>, id: ContainerId, now: Timestamp) -> Result<(), Failure> {
    let prefix = noted_key(id, &[]);
    loop {
        let noted = txn.range(&KeyRange::prefix(&prefix), Order::Ascending, BATCH)?;
        if noted.is_empty() {
            return Ok(());
        }
        for (entry, _) in noted {
            let name = entry.get(prefix.len()..).unwrap_or_default();
            let name = std::str::from_utf8(name).ok().map(BlobName::parse);
            let name = name.and_then(Result::ok).ok_or_else(damaged)?;
            let past = states(txn, id, &name)?.into_iter().map(|state| state.record);
            for record in past.chain(BlobRecord::find(txn, id, &name)?) {
                record
                    .check_immutability(now)
                    .map_err(|error| in_container(&error))?;
            }
            txn.delete(&entry)?;
        }
    }
}

/// What the protection of a blob means to its container.
fn in_container(error: &Error) -> Error {
    let (code, what) = match error.code() {
        "BlobImmutableDueToLegalHold" => ("ContainerHasLegalHold", "legal hold"),
        _ => ("ContainerImmutabilityPolicyLocked", "immutability policy"),
    };
    let message = format!("The container holds a blob that is immutable due to a {what}.");
    Error::new(ErrorKind::Conflict, code, 409, message)
        .hint("wait until the policy has ended, or lift what can be lifted, then delete the container")
}

fn noted_key(container: ContainerId, name: &[u8]) -> Vec<u8> {
    rooms::key(rooms::PROTECTED_BLOBS, &[&container.0.to_be_bytes(), name])
}

fn damaged() -> Error {
    let message = "the key of a protected blob is damaged";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
}
