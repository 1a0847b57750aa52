//! Ids of what holds content beside the blob's record: manifests, staging areas, page maps. Never used again.

use serde::{Deserialize, Serialize};
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::tree::Txn;

use crate::commit::Failure;
use crate::error::{Error, ErrorKind};
use crate::rooms;

/// Names a manifest, a staging area or a page map within its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ContentId(pub(crate) u64);

/// The id that the next one gets.
#[derive(Serialize, Deserialize)]
struct NextId(u64);

impl Record for NextId {
    const NAME: &'static str = "content id";
    const VERSION: u8 = 1;
}

impl ContentId {
    /// An id that nothing of this account had.
    pub(crate) fn take(txn: &mut Txn<'_>) -> Result<Self, Failure> {
        let counter = rooms::key(rooms::CONTENT_IDS, &[]);
        let id = match txn.get(&counter)? {
            Some(bytes) => decode::<NextId>(&bytes)?.0,
            None => 1,
        };
        let next = id.checked_add(1).ok_or_else(|| {
            let message = "content ids are used up";
            Error::new(ErrorKind::Store, "InternalError", 500, message)
        })?;
        txn.put(&counter, &encode(&NextId(next))?)?;
        Ok(Self(id))
    }

    /// What the keys of its records in `room` begin with.
    pub(crate) fn prefix(self, room: u8) -> Vec<u8> {
        rooms::key(room, &[&self.0.to_be_bytes()])
    }
}
