//! Emptying deleted containers: bounded steps, each one commit, resumable after a crash because each is
//! complete.

use strongroom_engine::codec::decode;
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::Txn;

use super::kept;
use super::record::ContainerId;
use crate::account::{Account, AccountCore};
use crate::blob::history;
use crate::blob::record::BlobRecord;
use crate::blob::staged::Staging;
use crate::commit::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::rooms;

/// Blobs removed by one step at most.
const BLOBS_PER_STEP: usize = 64;

/// What one step of emptying deleted containers did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reaped {
    /// Blobs removed.
    pub blobs: usize,
    /// True when nothing is left to do.
    pub done: bool,
}

impl Account {
    /// Removes up to 64 blobs of deleted containers that cannot be restored any more; call it until
    /// [`Reaped::done`]. Works without the customer's key.
    ///
    /// # Errors
    /// Storage errors.
    pub fn reap_deleted_containers(&self) -> Result<Reaped> {
        kept::give_up(&self.core)?;
        step(&self.core)
    }
}

/// One step for callers that know what it means; `None` when nothing is left.
pub(crate) fn reap_step(core: &AccountCore) -> Result<Option<u64>> {
    if kept::give_up(core)? > 0 {
        return Ok(Some(0));
    }
    let deleted = KeyRange::prefix(&rooms::key(rooms::DELETED_CONTAINERS, &[]));
    if core.tree.range(&deleted, Order::Ascending, 1)?.is_empty() {
        return Ok(None);
    }
    step(core).map(|reaped| Some(reaped.blobs as u64))
}

pub(super) fn step(core: &AccountCore) -> Result<Reaped> {
    let deleted = KeyRange::prefix(&rooms::key(rooms::DELETED_CONTAINERS, &[]));
    if core.tree.range(&deleted, Order::Ascending, 1)?.is_empty() {
        return Ok(Reaped { blobs: 0, done: true });
    }
    core.transact(move |txn| {
        let mut blobs = 0;
        for (key, _) in txn.range(&deleted, Order::Ascending, BLOBS_PER_STEP)? {
            let id = deleted_id(&key)?;
            blobs += empty(txn, id, BLOBS_PER_STEP - blobs)?;
            if blobs == BLOBS_PER_STEP {
                break;
            }
            txn.delete(&key)?;
        }
        let done = txn.range(&deleted, Order::Ascending, 1)?.is_empty();
        Ok(Reaped { blobs, done })
    })
}

/// Removes blobs, their past, and those of uncommitted blocks, at most `limit`; fewer only when none is left.
fn empty(txn: &mut Txn<'_>, id: ContainerId, limit: usize) -> Result<usize, Failure> {
    let blobs = KeyRange::prefix(&id.blobs_prefix());
    let entries = txn.range(&blobs, Order::Ascending, limit)?;
    for (key, value) in &entries {
        decode::<BlobRecord>(value)?.content.release(txn)?;
        txn.delete(key)?;
    }
    let past = history::drop_some(txn, id, limit - entries.len())?;
    let staged = Staging::drop_some(txn, id, limit - entries.len() - past)?;
    Ok(entries.len() + past + staged)
}

fn deleted_id(key: &[u8]) -> Result<ContainerId> {
    key.get(1..)
        .and_then(|id| id.try_into().ok())
        .map(|id| ContainerId(u64::from_be_bytes(id)))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Corrupt,
                "InternalError",
                500,
                "the key of a deleted container is damaged",
            )
        })
}
