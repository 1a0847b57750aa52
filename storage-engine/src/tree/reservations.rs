//! Reservations: body ids handed out in blocks, so that chunks of bodies that were never adopted can be
//! found.
//!
//! A block's record is durable before the first of its ids is used; it is deleted, with a commit, once each
//! of its ids was adopted or given up. What opening finds in the chunk store under an unfinished block and
//! without a reference in the tree belongs to nobody.

use std::collections::{BTreeMap, HashSet};

use super::TreeError;
use super::core::Core;
use super::pages::Pages;
use super::read;
use super::state::{TreeState, Version};
use super::work::large_reference_key;
use crate::body::BodyId;
use crate::chunks::BodyKey;
use crate::engine::{BATCH_OPERATIONS_MAX, Batch, Durability, KeyRange, Space};
use crate::entropy::random;
use crate::keys::ScopeId;

/// Ids in one block.
const BLOCK_IDS: u32 = 1024;

type BlockId = [u8; 8];

/// The blocks of one tree that this process opened.
#[derive(Default)]
pub(super) struct Reservations {
    /// The block that new ids come from, and how many it has left.
    current: Option<(BlockId, u32)>,
    /// Ids in use by no commit, by block.
    blocks: BTreeMap<BlockId, HashSet<BodyId>>,
    /// Ids that a running commit adopts.
    adopting: HashSet<BodyId>,
}

impl Reservations {
    pub(super) fn is_outstanding(&self, id: BodyId) -> bool {
        self.blocks
            .get(&block_of(id))
            .is_some_and(|ids| ids.contains(&id))
    }

    /// Nothing is given up while a commit that adopts it is under way; false when that has happened already.
    pub(super) fn begin_adoption(&mut self, ids: &[BodyId]) -> bool {
        self.adopting.extend(ids);
        ids.iter().all(|id| self.is_outstanding(*id))
    }

    pub(super) fn cancel_adoption(&mut self, ids: &[BodyId]) {
        for id in ids {
            self.adopting.remove(id);
        }
    }

    pub(super) fn finish_adoption(&mut self, ids: &[BodyId]) {
        self.cancel_adoption(ids);
        for id in ids {
            self.forget(*id);
        }
    }

    fn forget(&mut self, id: BodyId) {
        if let Some(ids) = self.blocks.get_mut(&block_of(id)) {
            ids.remove(&id);
        }
    }

    /// At most `limit` blocks that hand out no more ids and have none outstanding.
    pub(super) fn ended(&self, limit: usize) -> Vec<BlockId> {
        let current = self.current.map(|(block, _)| block);
        let ended = self
            .blocks
            .iter()
            .filter(|(block, ids)| ids.is_empty() && current != Some(**block));
        ended.map(|(block, _)| *block).take(limit).collect()
    }

    pub(super) fn forget_blocks(&mut self, blocks: &[BlockId]) {
        for block in blocks {
            self.blocks.remove(block);
        }
    }

    /// Hands out no more ids of the current block, so that it can end.
    pub(super) fn retire_current(&mut self) {
        self.current = None;
    }
}

impl TreeState {
    /// An id of the current block, or of a new one.
    pub(super) fn reserve(&self, unique: [u8; 16]) -> Result<BodyId, TreeError> {
        let mut reservations = self.reservations.lock();
        // Under the lock: a tree that is being removed has no record of a block written after it is erased.
        self.check_open()?;
        let core = &self.pages.core;
        core.check_writable()?;
        let (block, left) = match reservations.current {
            Some((block, left @ 1..)) => (block, left),
            _ => {
                let block: BlockId = random(core.entropy.as_ref())?;
                let record = block_key(self.pages.tree, block);
                let batch = Batch::new().put(Space::RESERVATIONS, record, Vec::new());
                core.apply(batch, Durability::Synced)?;
                (block, BLOCK_IDS)
            }
        };
        let id = BodyId::in_block(block, unique);
        reservations.blocks.entry(block).or_default().insert(id);
        reservations.current = (left > 1).then_some((block, left - 1));
        Ok(id)
    }

    /// Deletes the chunks of a body that nothing adopted.
    pub(super) fn abandon(&self, id: BodyId) -> Result<(), TreeError> {
        let core = &self.pages.core;
        core.check_writable()?;
        let mut reservations = self.reservations.lock();
        if reservations.is_outstanding(id) && !reservations.adopting.contains(&id) {
            core.latch(core.chunks.delete(&[body_key(self.pages.tree, id)]))?;
            reservations.forget(id);
        }
        Ok(())
    }
}

/// Deletes what unfinished blocks left behind. Only at open, before anything is reserved.
pub(super) fn recover(pages: &Pages, version: &Version) -> Result<(), TreeError> {
    let core = &pages.core;
    let range = KeyRange::prefix(&pages.tree.0);
    core.keys(Space::RESERVATIONS, range, |records| {
        let mut batch = Batch::new();
        for record in records {
            delete_unreferenced(pages, version, &record)?;
            // What the process that was interrupted deleted must not come back when the record is gone.
            core.chunks.cover(&record)?;
            batch = batch.delete(Space::RESERVATIONS, record);
        }
        sync_chunks(core)?;
        core.apply(batch, Durability::Buffered)?;
        Ok(true)
    })
}

fn delete_unreferenced(pages: &Pages, version: &Version, prefix: &[u8]) -> Result<(), TreeError> {
    let core = &pages.core;
    let root = version.root();
    let mut after = None;
    loop {
        let bodies = core.chunks.list(prefix, after, BATCH_OPERATIONS_MAX)?;
        let Some(last) = bodies.last() else { return Ok(()) };
        after = Some(*last);
        for body in bodies {
            let id = body.0.last_chunk().map(|id| BodyId(*id));
            let referenced = match id {
                Some(id) => read::find(pages, root.as_ref(), &large_reference_key(id))?.is_some(),
                None => true,
            };
            if !referenced {
                core.check_writable()?;
                core.latch(core.chunks.delete(&[body]))?;
            }
        }
    }
}

/// Makes chunks written or deleted so far durable, or, where they are records of an ordered engine, durable
/// before anything that is written later.
pub(super) fn sync_chunks(core: &Core) -> Result<(), TreeError> {
    core.latch(core.chunks.sync())?;
    core.order()
}

fn block_of(id: BodyId) -> BlockId {
    id.0.first_chunk().copied().unwrap_or_default()
}

/// The engine's key of a block's record, which has no value.
pub(super) fn block_key(tree: ScopeId, block: BlockId) -> Vec<u8> {
    [tree.0.as_slice(), &block].concat()
}

/// The chunk store's name of a body.
pub(super) fn body_key(tree: ScopeId, id: BodyId) -> BodyKey {
    let mut key = [0; BodyKey::BYTES];
    for (to, from) in key.iter_mut().zip(tree.0.iter().chain(&id.0)) {
        *to = *from;
    }
    BodyKey(key)
}
