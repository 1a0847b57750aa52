//! The agenda: what is to be done when a moment has come.
//!
//! An entry is a key, time first, so that what is due is what comes first. Each task looks again at what it
//! is about: an entry that has been overtaken does nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::Txn;

use crate::account::AccountCore;
use crate::blob::expiry;
use crate::blob::history::{self, History};
use crate::blob::staged::Staging;
use crate::commit::Failure;
use crate::container::record::ContainerId;
use crate::error::{Error, ErrorKind, Result};
use crate::maintenance::Maintained;
use crate::names::BlobName;
use crate::protection::DataProtection;
use crate::rooms;

/// Tasks carried out in one commit at most.
const TASKS_PER_STEP: usize = 16;

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Drop the uncommitted blocks of a blob, if nobody adds to them any more.
    StagedBlocks { container: ContainerId, name: String },
    /// Remove a deleted state, if it cannot be restored any more.
    DeletedState {
        container: ContainerId,
        name: String,
        time: Timestamp,
        kind: u8,
    },
    /// Remove a blob, if it still expires then.
    ExpireBlob { container: ContainerId, name: String },
}

impl Record for Task {
    const NAME: &'static str = "agenda entry";
    const VERSION: u8 = 1;
}

/// Has `task` carried out at `when` or later.
pub(crate) fn schedule(txn: &mut Txn<'_>, when: Timestamp, task: &Task) -> Result<(), Failure> {
    Ok(txn.put(&key(when, task)?, &[])?)
}

/// Takes a task off the agenda; nothing happens if it is not there.
pub(crate) fn cancel(txn: &mut Txn<'_>, when: Timestamp, task: &Task) -> Result<(), Failure> {
    txn.delete(&key(when, task)?)?;
    Ok(())
}

/// Entries that cannot be carried out, because they or what they are about is damaged. They stay where they
/// are; the others are carried out.
#[derive(Default)]
pub(crate) struct Damaged {
    keys: BTreeSet<Vec<u8>>,
    first: Option<Error>,
}

impl Damaged {
    fn note(&mut self, key: Vec<u8>, error: Error) {
        tracing::warn!(%error, "an entry of the agenda cannot be carried out; the others are");
        self.keys.insert(key);
        self.first.get_or_insert(error);
    }

    /// Why the first of them could not be carried out.
    pub(crate) fn into_error(self) -> Option<Error> {
        self.first
    }
}

/// Carries out a few tasks that are due, in one commit; what they did, or `None` if none was due but damaged
/// ones.
pub(crate) fn step(core: &Arc<AccountCore>, damaged: &mut Damaged) -> Result<Option<Maintained>> {
    let now = core.clock.now();
    let keys = due(core, (now, damaged))?;
    if keys.is_empty() {
        return Ok(None);
    }
    match carry_out_all(core, (keys.clone(), now)) {
        Err(error) if error.kind() == ErrorKind::Corrupt => {}
        done => return done.map(Some),
    }
    // One of them is damaged: each on its own.
    let mut total = Maintained::default();
    for key in keys {
        match carry_out_all(core, (vec![key.clone()], now)) {
            Ok(done) => total.add(done),
            Err(error) if error.kind() == ErrorKind::Corrupt => damaged.note(key, error),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(total))
}

/// The keys of the first entries that are due, without those that are known to be damaged.
fn due(core: &AccountCore, (now, damaged): (Timestamp, &Damaged)) -> Result<Vec<Vec<u8>>> {
    let end = now.ticks().saturating_add(1).to_be_bytes();
    let range = KeyRange {
        start: vec![rooms::AGENDA],
        end: Some(rooms::key(rooms::AGENDA, &[&end])),
    };
    let limit = TASKS_PER_STEP + damaged.keys.len();
    let entries = core.tree.range(&range, Order::Ascending, limit)?.into_iter();
    let keys = entries
        .map(|(key, _)| key)
        .filter(|key| !damaged.keys.contains(key));
    Ok(keys.take(TASKS_PER_STEP).collect())
}

fn carry_out_all(core: &AccountCore, (keys, now): (Vec<Vec<u8>>, Timestamp)) -> Result<Maintained> {
    core.transact(move |txn| {
        let mut done = Maintained::default();
        for key in &keys {
            // Taken off meanwhile.
            if !txn.delete(key)? {
                continue;
            }
            let task = decode(key.get(9..).unwrap_or_default())?;
            carry_out(txn, (&task, now), &mut done)?;
        }
        Ok(done)
    })
}

fn carry_out(
    txn: &mut Txn<'_>,
    (task, now): (&Task, Timestamp),
    done: &mut Maintained,
) -> Result<(), Failure> {
    match task {
        Task::StagedBlocks { container, name } => {
            let name = stored_name(name)?;
            done.uncommitted_blocks += u64::from(Staging::expire(txn, (*container, &name), now)?);
        }
        Task::ExpireBlob { container, name } => {
            let name = stored_name(name)?;
            done.expiries += u64::from(expiry::expire(txn, (*container, &name), now)?);
        }
        Task::DeletedState {
            container,
            name,
            time,
            kind,
        } => {
            let history = History {
                container: *container,
                name: &stored_name(name)?,
                protection: DataProtection::default(),
                now,
            };
            let kind = history::kind_of(*kind).ok_or_else(damaged)?;
            if history.expire(txn, (*time, kind))? {
                done.expired_blobs += 1;
            }
        }
    }
    Ok(())
}

fn stored_name(name: &str) -> Result<BlobName> {
    BlobName::parse(name).map_err(|_| damaged())
}

fn damaged() -> Error {
    let message = "an entry of the agenda is damaged";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
}

fn key(when: Timestamp, task: &Task) -> Result<Vec<u8>> {
    Ok(rooms::key(
        rooms::AGENDA,
        &[&when.ticks().to_be_bytes(), &encode(task)?],
    ))
}

#[cfg(test)]
mod tests;
