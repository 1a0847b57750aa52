//! Deleted containers that can still be restored: soft delete.
//!
//! While the service's container retention is on, deleting a container moves its record here, with the moment
//! from which on it is gone. What it holds stays untouched under the container's number, so restoring it is
//! moving the record back. Whether the moment has come is decided by the clock; that the content is removed
//! then is left to the maintenance.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::Txn;

use super::record::{ContainerId, ContainerRecord};
use super::{ContainerProperties, already_exists};
use crate::account::{Account, AccountCore};
use crate::commit::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::lease::Lease;
use crate::names::ContainerName;
use crate::operations::Operation;
use crate::rooms;
use crate::service::RetentionDays;

/// Ends the name in a key; in no container's name.
const END: u8 = 0;
/// Containers given up by one step at most.
const CONTAINERS_PER_STEP: usize = 64;

/// Tells deleted containers of one name apart: 16 hexadecimal digits.
///
/// ```
/// use strongroom::ContainerVersion;
/// let version: ContainerVersion = "000000000000002A".parse()?;
/// assert_eq!(version.to_string(), "000000000000002A");
/// assert_eq!("2A".parse::<ContainerVersion>().unwrap_err().code(), "InvalidHeaderValue");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerVersion(u64);

impl fmt::Display for ContainerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl FromStr for ContainerVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parsed = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        parsed.map(Self).ok_or_else(|| {
            let message = format!("{text:?} is no version of a deleted container");
            Error::invalid("InvalidHeaderValue", message).hint("list the containers with deleted ones")
        })
    }
}

/// A deleted container, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptContainer {
    pub(super) record: ContainerRecord,
    pub(super) deleted: Timestamp,
    /// From then on it is gone, whether the maintenance has removed it or not.
    pub(super) until: Timestamp,
}

impl Record for KeptContainer {
    const NAME: &'static str = "deleted container record";
    const VERSION: u8 = 1;
}

impl KeptContainer {
    pub(super) fn version(&self) -> ContainerVersion {
        ContainerVersion(self.record.id.0)
    }
}

impl Account {
    /// Restores a deleted container with everything in it, under its name. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound` (404) if there is no such deleted container or its retention is over;
    /// `ContainerAlreadyExists` (409) if the name is in use again.
    pub fn restore_container(
        &self,
        name: &ContainerName,
        version: ContainerVersion,
    ) -> Result<ContainerProperties> {
        self.core.admit(Operation::RestoreContainer)?;
        let (core, name) = (self.core.clone(), name.clone());
        let now = core.clock.now();
        let record = self.core.transact(move |txn| {
            let id = ContainerId(version.0);
            let kept = txn.get(&key(&name, id))?;
            let kept = kept.map(|bytes| decode::<KeptContainer>(&bytes)).transpose()?;
            let kept = kept.filter(|kept| now < kept.until).ok_or_else(not_found)?;
            if ContainerRecord::find(txn, &name)?.is_some() {
                return Err(Failure::Refused(already_exists()));
            }
            txn.delete(&key(&name, id))?;
            txn.delete(&due_key(kept.until, &name, id))?;
            kept.record.write(txn, &name)?;
            Ok(kept.record)
        })?;
        ContainerProperties::of(&record, now)
    }
}

/// Keeps the record of a container that was just deleted. Its lease ends with it.
pub(super) fn keep(
    txn: &mut Txn<'_>,
    name: &ContainerName,
    record: ContainerRecord,
    (deleted, retention): (Timestamp, RetentionDays),
) -> Result<(), Failure> {
    let (id, until) = (record.id, retention.end(deleted));
    let lease = Lease::None;
    let kept = KeptContainer {
        record: ContainerRecord { lease, ..record },
        deleted,
        until,
    };
    txn.put(&key(name, id), &encode(&kept)?)?;
    Ok(txn.put(&due_key(until, name, id), &[])?)
}

/// Gives up containers whose retention is over, at most 64 in one commit; how many.
pub(super) fn give_up(core: &AccountCore) -> Result<usize> {
    let due = KeyRange {
        start: rooms::key(rooms::KEPT_CONTAINERS_DUE, &[]),
        end: Some(rooms::key(
            rooms::KEPT_CONTAINERS_DUE,
            &[&core.clock.now().ticks().saturating_add(1).to_be_bytes()],
        )),
    };
    if core.tree.range(&due, Order::Ascending, 1)?.is_empty() {
        return Ok(0);
    }
    core.transact(move |txn| {
        let entries = txn.range(&due, Order::Ascending, CONTAINERS_PER_STEP)?;
        for (entry, _) in &entries {
            // Room and time come before what the other key has after its room.
            let rest = entry.get(9..).unwrap_or_default();
            let id = id_of(rest).ok_or_else(damaged)?;
            txn.delete(&rooms::key(rooms::KEPT_CONTAINERS, &[rest]))?;
            txn.put(&id.deleted_key(), &[])?;
            txn.delete(entry)?;
        }
        Ok(entries.len())
    })
}

/// The name in the key of a kept container, without its room.
pub(super) fn name_of(rest: &[u8]) -> Option<ContainerName> {
    let end = rest.len().checked_sub(9)?;
    let name = std::str::from_utf8(rest.get(..end)?).ok()?;
    ContainerName::parse(name).ok()
}

fn id_of(rest: &[u8]) -> Option<ContainerId> {
    let id = rest.get(rest.len().checked_sub(8)?..)?;
    Some(ContainerId(u64::from_be_bytes(id.try_into().ok()?)))
}

fn key(name: &ContainerName, id: ContainerId) -> Vec<u8> {
    let parts = [name.as_str().as_bytes(), &[END], &id.0.to_be_bytes()];
    rooms::key(rooms::KEPT_CONTAINERS, &parts)
}

fn due_key(until: Timestamp, name: &ContainerName, id: ContainerId) -> Vec<u8> {
    let (until, id) = (until.ticks().to_be_bytes(), id.0.to_be_bytes());
    let parts = [&until[..], name.as_str().as_bytes(), &[END], &id];
    rooms::key(rooms::KEPT_CONTAINERS_DUE, &parts)
}

fn not_found() -> Error {
    Error::new(
        ErrorKind::NotFound,
        "ContainerNotFound",
        404,
        "The specified container does not exist.",
    )
    .hint("list the containers with deleted ones")
}

fn damaged() -> Error {
    let message = "the key of a deleted container is damaged";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
}
