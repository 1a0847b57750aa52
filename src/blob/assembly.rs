//! Assembling content from blocks: where each block comes from, and who keeps which reference to its body.
//!
//! A staged block gives its reference to the first entry that names it. Where the content that is replaced
//! goes away with this commit, its references are given to the entries that name its blocks. Only what is
//! named more often, or stays with others, is counted up.

use std::collections::{BTreeMap, HashMap};

use strongroom_engine::Timestamp;
use strongroom_engine::body::{BodyId, BodyRef};
use strongroom_engine::tree::Txn;

use super::block_list::{ListedBlock, committed};
use super::doomed::{Doomed, doom};
use super::entries::{BlockId, Entry};
use super::manifest;
use super::record::{BlobContent, BlobRecord, EncryptionDetails, Extent};
use super::staged::Staging;
use crate::commit::Failure;
use crate::container::record::ContainerId;
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;

/// Entries released within the commit; more are left to the maintenance.
const RELEASED_AT_ONCE: u64 = manifest::PART_ENTRIES as u64;

/// A block list being carried out inside a transaction.
pub(super) struct Assembly {
    container: ContainerId,
    name: BlobName,
    entries: Vec<Entry>,
    staging: Option<Staging>,
    /// Staged blocks that an entry has taken already.
    taken: HashMap<BlockId, Extent>,
    /// The replaced content, if it goes away; else nothing.
    gone: BlobContent,
    committed: HashMap<BlockId, Extent>,
    /// Whose the committed blocks are.
    old: Option<BlobRecord>,
    now: Timestamp,
    /// References that the replaced content gives away; empty if it stays.
    spare: Spare,
}

impl Assembly {
    /// Begins with the content that is replaced, if there is any, and whether it goes away.
    pub(super) fn begin(
        txn: &mut Txn<'_>,
        (container, name): (ContainerId, &BlobName),
        (old, now): (Option<(&BlobRecord, bool)>, Timestamp),
    ) -> Result<Self, Failure> {
        let mut staging = Staging::find(txn, container, name)?;
        if let Some(over) = staging.take_if(|staging| staging.is_over(now)) {
            over.drop_all(txn, container, name)?;
        }
        let blocks = old.map_or_else(|| Ok(Vec::new()), |(old, _)| committed(txn, &old.content))?;
        let gone = old.and_then(|(old, gone)| gone.then(|| old.content.clone()));
        let gone = gone.unwrap_or_else(BlobContent::empty);
        let spare = match &gone {
            BlobContent::Manifest { id, .. } if manifest::others(txn, *id)? == 0 => Spare::of(&blocks),
            _ => Spare::default(),
        };
        let named = |entry: Entry| Some((entry.block?, entry.extent));
        Ok(Self {
            container,
            name: name.clone(),
            entries: Vec::new(),
            staging,
            taken: HashMap::new(),
            gone,
            committed: blocks.into_iter().filter_map(named).collect(),
            old: old.map(|(old, _)| old.clone()),
            now,
            spare,
        })
    }

    /// Adds the block, which must be sealed under the key of `given`, behind those added before.
    pub(super) fn add(
        &mut self,
        txn: &mut Txn<'_>,
        block: &ListedBlock,
        given: &EncryptionDetails,
    ) -> Result<(), Failure> {
        let (id, extent) = match block {
            ListedBlock::Committed(id) => (id, self.committed(txn, id, given)?),
            ListedBlock::Uncommitted(id) => (id, self.uncommitted(txn, id, given)?),
            ListedBlock::Latest(id) => match self.uncommitted(txn, id, given)? {
                Some(extent) => (id, Some(extent)),
                None => (id, self.committed(txn, id, given)?),
            },
        };
        self.entries.push(Entry {
            block: Some(id.clone()),
            extent: extent.ok_or_else(|| unknown(id))?,
        });
        Ok(())
    }

    /// Discards what was not taken, and the replaced content; the entries with a reference each.
    pub(super) fn finish(self, txn: &mut Txn<'_>) -> Result<Vec<Entry>, Failure> {
        if let Some(staging) = &self.staging {
            staging.drop_all(txn, self.container, &self.name)?;
        }
        match self.gone {
            BlobContent::Manifest { id, entries, .. } if self.spare.used => {
                manifest::forget_parts(txn, id, entries)?;
                self.spare.release(txn)?;
            }
            gone => gone.release(txn)?,
        }
        Ok(self.entries)
    }

    fn uncommitted(
        &mut self,
        txn: &mut Txn<'_>,
        id: &BlockId,
        given: &EncryptionDetails,
    ) -> Result<Option<Extent>, Failure> {
        if let Some(extent) = self.taken.get(id) {
            txn.add_reference(&extent.body)?;
            return Ok(Some(extent.clone()));
        }
        let Some(staging) = &mut self.staging else {
            return Ok(None);
        };
        let block = staging.take(txn, id)?;
        if let Some(block) = &block {
            staging.check_encryption(given)?;
            self.taken.insert(id.clone(), block.extent.clone());
        }
        Ok(block.map(|block| block.extent))
    }

    fn committed(
        &mut self,
        txn: &mut Txn<'_>,
        id: &BlockId,
        given: &EncryptionDetails,
    ) -> Result<Option<Extent>, Failure> {
        let Some(extent) = self.committed.get(id) else {
            return Ok(None);
        };
        if let Some(old) = &self.old {
            old.check_online(self.now)?;
            old.encryption.check_same(given)?;
        }
        if !self.spare.take(&extent.body) {
            txn.add_reference(&extent.body)?;
        }
        Ok(Some(extent.clone()))
    }
}

/// References to give away.
#[derive(Default)]
struct Spare {
    bodies: BTreeMap<BodyId, (Extent, u64)>,
    /// True once one was taken.
    used: bool,
}

impl Spare {
    fn of(entries: &[Entry]) -> Self {
        let mut spare = Self::default();
        for Entry { extent, .. } in entries {
            let known = spare.bodies.entry(extent.body.id);
            known.or_insert_with(|| (extent.clone(), 0)).1 += 1;
        }
        spare
    }

    /// True if there was one to take.
    fn take(&mut self, body: &BodyRef) -> bool {
        match self.bodies.get_mut(&body.id) {
            Some((_, count @ 1..)) => {
                *count -= 1;
                self.used = true;
                true
            }
            _ => false,
        }
    }

    /// Gives up what nobody took: at once if it is little, else as a manifest that is doomed from the start.
    fn release(self, txn: &mut Txn<'_>) -> Result<(), Failure> {
        let left: u64 = self.bodies.values().map(|(_, count)| count).sum();
        let extents = self.bodies.into_values().flat_map(|(extent, count)| {
            std::iter::repeat_n(extent, usize::try_from(count).unwrap_or_default())
        });
        if left <= RELEASED_AT_ONCE {
            for extent in extents {
                txn.release_body(&extent.body)?;
            }
            return Ok(());
        }
        let entries: Vec<Entry> = extents.map(|extent| Entry { block: None, extent }).collect();
        let id = manifest::write(txn, &entries)?;
        doom(txn, id, Doomed::Manifest)
    }
}

fn unknown(id: &BlockId) -> Error {
    let message = format!("The specified block list is invalid: there is no block {id} where the list says.");
    Error::new(ErrorKind::Invalid, "InvalidBlockList", 400, message)
}
