//! What nothing refers to any more and is too large to take apart in one commit: taken apart step by step.
//!
//! A record of this room is written with the commit that drops the last reference and deleted with the step
//! that finds nothing left, so a crash in between loses nothing.

use serde::{Deserialize, Serialize};
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::Txn;

use super::ids::ContentId;
use super::{manifest, page, staged};
use crate::account::AccountCore;
use crate::commit::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::rooms;

/// What is to be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Doomed {
    /// A manifest.
    Manifest,
    /// The uncommitted blocks of a blob.
    Staging,
    /// What nobody sees any more of a page map: changes from this generation and span on.
    Pages(u64, u64),
}

impl Record for Doomed {
    const NAME: &'static str = "doomed content";
    const VERSION: u8 = 1;
}

/// Leaves `id` to the maintenance. Nothing may refer to it any more.
pub(crate) fn doom(txn: &mut Txn<'_>, id: ContentId, what: Doomed) -> Result<(), Failure> {
    Ok(txn.put(&id.prefix(rooms::DOOMED), &encode(&what)?)?)
}

/// Leaves the changes of a page map from `generation` on to the maintenance, and those that wait already.
pub(crate) fn doom_pages(txn: &mut Txn<'_>, map: ContentId, generation: u64) -> Result<(), Failure> {
    let from = match txn.get(&map.prefix(rooms::DOOMED))? {
        Some(bytes) => match decode(&bytes)? {
            Doomed::Pages(waiting, span) if waiting < generation => (waiting, span),
            _ => (generation, 0),
        },
        None => (generation, 0),
    };
    doom(txn, map, Doomed::Pages(from.0, from.1))
}

/// Takes one step, in one commit of at most 64 entries; false when there was nothing to do.
pub(crate) fn step(core: &AccountCore) -> Result<bool> {
    let range = KeyRange::prefix(&[rooms::DOOMED]);
    if core.tree.range(&range, Order::Ascending, 1)?.is_empty() {
        return Ok(false);
    }
    core.transact(move |txn| {
        let first = txn.range(&range, Order::Ascending, 1)?;
        let Some((key, bytes)) = first.first() else {
            return Ok(false);
        };
        let id = id_of(key)?;
        let more = match decode(bytes)? {
            Doomed::Manifest => manifest::take_apart(txn, id)?,
            Doomed::Staging => staged::take_apart(txn, id)?,
            Doomed::Pages(generation, span) => match page::map::sweep(txn, id, (generation, span))? {
                Some((generation, span)) => {
                    doom(txn, id, Doomed::Pages(generation, span))?;
                    true
                }
                None => false,
            },
        };
        if !more {
            txn.delete(key)?;
        }
        Ok(true)
    })
}

fn id_of(key: &[u8]) -> Result<ContentId> {
    let id = key.get(1..).and_then(|id| id.try_into().ok());
    id.map(|id| ContentId(u64::from_be_bytes(id))).ok_or_else(|| {
        let message = "the key of doomed content is damaged";
        Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
    })
}
