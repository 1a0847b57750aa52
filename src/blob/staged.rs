//! Uncommitted blocks: the staging area of a blob.
//!
//! A blob with uncommitted blocks has one head record, under its name, and one record per block, under the
//! area's id. Discarding all blocks deletes the head and leaves a long area to the maintenance.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::Txn;

use super::doomed::{Doomed, doom};
use super::entries::BlockId;
use super::ids::ContentId;
use super::record::{EncryptionDetails, Extent};
use crate::agenda::{self, Task};
use crate::commit::Failure;
use crate::container::record::{ContainerId, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::rooms;

/// Uncommitted blocks of one blob at most.
pub(crate) const BLOCKS_MAX: u32 = 100_000;
/// Uncommitted blocks are dropped this long after the last one was uploaded.
const LIFE: Duration = Duration::from_secs(7 * 86_400);
/// Blocks discarded within the commit that discards them; more are left to the maintenance.
const DISCARDED_AT_ONCE: u32 = 64;

/// What is known of the uncommitted blocks of one blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Staging {
    pub(crate) id: ContentId,
    /// When the first block was uploaded.
    pub(crate) created: Timestamp,
    /// When the last block was uploaded.
    pub(crate) last: Timestamp,
    pub(crate) kind: BlockKind,
    /// How many blocks there are.
    pub(crate) count: u32,
    /// When the maintenance looks at it.
    pub(crate) due: Timestamp,
}

/// What all uncommitted blocks of one blob have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockKind {
    /// Bytes of every block id.
    pub(crate) id_bytes: u8,
    /// What their content is sealed under.
    pub(crate) encryption: EncryptionDetails,
}

impl Record for Staging {
    const NAME: &'static str = "staging area";
    const VERSION: u8 = 2;
    const OLDEST: u8 = 2;
}

/// An uncommitted block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StagedBlock {
    pub(crate) extent: Extent,
}

impl Record for StagedBlock {
    const NAME: &'static str = "uncommitted block";
    const VERSION: u8 = 2;
    const OLDEST: u8 = 2;
}

impl Staging {
    /// The staging area of a blob, if it has one.
    pub(crate) fn find(
        source: &impl Source,
        container: ContainerId,
        name: &BlobName,
    ) -> Result<Option<Self>> {
        let bytes = source.value(&head_key(container, name))?;
        bytes.map(|bytes| decode(&bytes).map_err(Error::from)).transpose()
    }

    /// Fails unless the blocks are sealed under the key that `given` stands for.
    pub(crate) fn check_encryption(&self, given: &EncryptionDetails) -> Result<()> {
        self.kind.encryption.check_same(given)
    }

    /// True if its blocks are to be dropped.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.last.plus(LIFE) <= now
    }

    /// Starts an empty staging area and has it looked at when it may be over.
    pub(crate) fn start(
        txn: &mut Txn<'_>,
        (container, name): (ContainerId, &BlobName),
        (now, kind): (Timestamp, BlockKind),
    ) -> Result<Self, Failure> {
        let due = now.plus(LIFE);
        agenda::schedule(txn, due, &task(container, name))?;
        Ok(Self {
            id: ContentId::take(txn)?,
            created: now,
            last: now,
            kind,
            count: 0,
            due,
        })
    }

    /// Adds a block, in place of an uncommitted one of the same id.
    pub(crate) fn add(
        &mut self,
        txn: &mut Txn<'_>,
        (container, name): (ContainerId, &BlobName),
        (id, block): (&BlockId, &StagedBlock),
    ) -> Result<(), Failure> {
        match self.take(txn, id)? {
            Some(old) => txn.release_body(&old.extent.body)?,
            None if self.count >= BLOCKS_MAX => return Err(too_many().into()),
            None => {}
        }
        txn.put(&self.block_key(id), &encode(block)?)?;
        self.count += 1;
        Ok(txn.put(&head_key(container, name), &encode(self)?)?)
    }

    /// The uncommitted block of that id, if there is one.
    pub(crate) fn block(&self, source: &impl Source, id: &BlockId) -> Result<Option<StagedBlock>> {
        let bytes = source.value(&self.block_key(id))?;
        bytes.map(|bytes| decode(&bytes).map_err(Error::from)).transpose()
    }

    /// Takes a block out; its reference goes to the caller. The head has to be written or discarded
    /// afterwards.
    pub(crate) fn take(&mut self, txn: &mut Txn<'_>, id: &BlockId) -> Result<Option<StagedBlock>, Failure> {
        let block = self.block(txn, id)?;
        if block.is_some() {
            txn.delete(&self.block_key(id))?;
            self.count = self.count.saturating_sub(1);
        }
        Ok(block)
    }

    /// All uncommitted blocks, in order of their ids.
    pub(crate) fn blocks(&self, source: &impl Source) -> Result<Vec<(BlockId, StagedBlock)>> {
        let prefix = self.id.prefix(rooms::STAGED);
        let mut range = KeyRange::prefix(&prefix);
        let mut blocks = Vec::new();
        loop {
            let page = source.values(&range, 256)?;
            for (key, value) in &page {
                let id = BlockId::new(key.get(prefix.len()..).unwrap_or_default());
                blocks.push((id.map_err(|_| damaged())?, decode(value)?));
            }
            match page.last() {
                Some((last, _)) => range = range.after(last),
                None => return Ok(blocks),
            }
        }
    }

    /// Drops the blocks that are left, and the area with them.
    pub(crate) fn drop_all(
        &self,
        txn: &mut Txn<'_>,
        container: ContainerId,
        name: &BlobName,
    ) -> Result<(), Failure> {
        txn.delete(&head_key(container, name))?;
        agenda::cancel(txn, self.due, &task(container, name))?;
        match self.count {
            0 => Ok(()),
            1..=DISCARDED_AT_ONCE => take_apart(txn, self.id).map(drop),
            _ => doom(txn, self.id, Doomed::Staging),
        }
    }

    /// Drops all uncommitted blocks of a blob, if it has any.
    pub(crate) fn discard(txn: &mut Txn<'_>, container: ContainerId, name: &BlobName) -> Result<(), Failure> {
        match Self::find(txn, container, name)? {
            Some(staging) => staging.drop_all(txn, container, name),
            None => Ok(()),
        }
    }

    /// Drops the uncommitted blocks of at most `limit` blobs of a container that is deleted; how many blobs.
    pub(crate) fn drop_some(
        txn: &mut Txn<'_>,
        container: ContainerId,
        limit: usize,
    ) -> Result<usize, Failure> {
        let prefix = heads_prefix(container);
        let heads = txn.range(&KeyRange::prefix(&prefix), Order::Ascending, limit)?;
        for (key, value) in &heads {
            let name = key.get(prefix.len()..).and_then(rooms::unescape);
            let (name, _) = name.ok_or_else(damaged)?;
            let name = BlobName::parse(&name).map_err(|_| damaged())?;
            decode::<Self>(value)?.drop_all(txn, container, &name)?;
        }
        Ok(heads.len())
    }

    /// What is due: drops blocks nobody has added to for seven days, else looks again later.
    pub(crate) fn expire(
        txn: &mut Txn<'_>,
        (container, name): (ContainerId, &BlobName),
        now: Timestamp,
    ) -> Result<u32, Failure> {
        match Self::find(txn, container, name)? {
            Some(staging) if staging.is_over(now) => {
                staging.drop_all(txn, container, name)?;
                Ok(staging.count)
            }
            Some(mut staging) => {
                staging.due = staging.last.plus(LIFE);
                agenda::schedule(txn, staging.due, &task(container, name))?;
                txn.put(&head_key(container, name), &encode(&staging)?)?;
                Ok(0)
            }
            None => Ok(0),
        }
    }

    fn block_key(&self, id: &BlockId) -> Vec<u8> {
        [self.id.prefix(rooms::STAGED).as_slice(), id.as_bytes()].concat()
    }
}

/// Releases up to 64 blocks of an area that has no head any more; false when there was none left.
pub(crate) fn take_apart(txn: &mut Txn<'_>, id: ContentId) -> Result<bool, Failure> {
    let range = KeyRange::prefix(&id.prefix(rooms::STAGED));
    let blocks = txn.range(&range, Order::Ascending, DISCARDED_AT_ONCE as usize)?;
    for (key, value) in &blocks {
        txn.release_body(&decode::<StagedBlock>(value)?.extent.body)?;
        txn.delete(key)?;
    }
    Ok(!blocks.is_empty())
}

fn task(container: ContainerId, name: &BlobName) -> Task {
    Task::StagedBlocks {
        container,
        name: name.as_str().to_owned(),
    }
}

/// What the heads of a container's staging areas begin with; the escaped name follows.
pub(crate) fn heads_prefix(container: ContainerId) -> Vec<u8> {
    rooms::key(rooms::STAGING, &[&container.0.to_be_bytes()])
}

fn head_key(container: ContainerId, name: &BlobName) -> Vec<u8> {
    let mut key = heads_prefix(container);
    key.extend(rooms::escape(name.as_str()));
    key
}

fn too_many() -> Error {
    let message = "The number of uncommitted blocks exceeds the limit of 100,000.";
    Error::new(ErrorKind::Conflict, "BlockCountExceedsLimit", 409, message)
        .hint("commit a block list, or write the blob with fewer, larger blocks")
}

fn damaged() -> Error {
    let message = "the key of an uncommitted block is damaged";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
}
