//! Block lists: committing blocks as a blob's content, and showing them.
//!
//! Committing rewrites no data: entries of the new manifest take over the references of staged blocks and of
//! the manifest they replace, and only blocks that others keep as well are counted up.

use std::sync::Arc;

use strongroom_engine::Timestamp;
use strongroom_engine::tree::Txn;

use super::assembly::Assembly;
use super::entries::{BlockId, Entry};
use super::manifest;
use super::properties::{BlobReceipt, BlobType, ContentHeaders};
use super::put::{Given, Making};
use super::record::{AccessTier, BlobContent, BlobRecord, ImmutabilityPolicy, SealedMetadata};
use super::staged::Staging;
use super::{BlobVersionRef, Conditions, ReadOptions};
use crate::account::AccountCore;
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::encryption::EncryptionChoice;
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::metadata::Metadata;
use crate::names::BlobName;
use crate::operations::{Operation, UserMetadata};
use crate::tags::Tags;

/// Blocks of one blob at most.
pub const COMMITTED_BLOCKS_MAX: usize = 50_000;

/// A block to commit, and where it is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListedBlock {
    /// Among the blob's committed blocks.
    Committed(BlockId),
    /// Among its uncommitted blocks.
    Uncommitted(BlockId),
    /// Among its uncommitted blocks, then among its committed ones.
    Latest(BlockId),
}

/// What a committed block list sets besides the content. The default replaces whatever is there and attaches
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct PutBlockListOptions {
    /// Media type and the like.
    pub headers: ContentHeaders,
    /// User metadata. Needs the customer's key, which the commit does not need otherwise.
    pub metadata: Metadata,
    /// What must hold of the blob that is there.
    pub conditions: Conditions,
    /// Kept as it is given; not compared with the content.
    pub content_md5: Option<[u8; 16]>,
    /// Index tags.
    pub tags: Tags,
    /// How readily the content can be read; the account's default, Hot, if it is not given.
    pub tier: Option<AccessTier>,
    /// What the blocks are sealed under, all of them.
    pub encryption: EncryptionChoice,
    /// Until when the blob may be neither changed nor deleted.
    pub immutability: Option<ImmutabilityPolicy>,
    /// Whether it may be neither changed nor deleted until the hold is lifted.
    pub legal_hold: bool,
}

/// A block and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// Its id.
    pub id: BlockId,
    /// Its bytes.
    pub length: u64,
}

/// Which blocks to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockListFilter {
    /// Those of the blob's content.
    #[default]
    Committed,
    /// Those that wait for a commit.
    Uncommitted,
    /// Both.
    All,
}

/// The blocks of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockList {
    /// In the order of the content; empty if not asked for.
    pub committed: Vec<Block>,
    /// In order of their ids; empty if not asked for.
    pub uncommitted: Vec<Block>,
    /// The blob's tag; `None` while only uncommitted blocks exist.
    pub etag: Option<ETag>,
    /// When the blob changed last; `None` while only uncommitted blocks exist.
    pub last_modified: Option<Timestamp>,
    /// Bytes of committed content.
    pub length: u64,
}

impl Container {
    /// Makes exactly these blocks, in this order, the content of the blob, and discards its uncommitted
    /// blocks. An empty list makes an empty blob. Rewrites no data.
    ///
    /// Works without the customer's key, except with new metadata.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); with metadata, the 403 of a revoked key; 400: `BlockListTooLong` beyond
    /// 50,000 blocks, `InvalidBlockList` if a block is not where it is looked for, `InvalidHeaderValue`;
    /// 409: `InvalidBlobType` if there is a blob of another type, `BlobArchived` or `BlobBeingRehydrated` if
    /// the list names committed blocks of an archived one, `BlobAlreadyExists`; `ConditionNotMet` (412) and
    /// the other errors of conditional writes.
    pub fn put_block_list(
        &self,
        name: &BlobName,
        blocks: &[ListedBlock],
        options: &PutBlockListOptions,
    ) -> Result<BlobReceipt> {
        let core = &self.core;
        let touched = UserMetadata::given(&options.metadata);
        let keys = core.keys_for_new(&self.name, &options.encryption)?;
        Operation::PutBlockList.admit(touched, &keys.guard)?;
        options.headers.check()?;
        options.conditions.check_write_form()?;
        if let Some(policy) = options.immutability {
            policy.check(core.clock.now())?;
        }
        if blocks.len() > COMMITTED_BLOCKS_MAX {
            return Err(too_long());
        }
        let metadata = SealedMetadata::seal(core, &keys, &options.metadata)?;
        let commit = Commit {
            core: Arc::clone(core),
            making: Making {
                container: self.name.clone(),
                name: name.clone(),
                blob_type: BlobType::BlockBlob,
                operation: Operation::PutBlockList,
                touched,
                conditions: options.conditions.clone(),
                keys,
                unchanged: None,
            },
            blocks: blocks.to_vec(),
            given: Given {
                headers: options.headers.clone(),
                metadata,
                tags: options.tags.clone(),
                content_md5: options.content_md5,
                tier: options.tier,
                immutability: options.immutability,
                legal_hold: options.legal_hold,
            },
        };
        core.transact(move |txn| commit.run(txn))
    }

    /// The blocks of a blob, or of one that has only uncommitted blocks; a snapshot or version has committed
    /// ones. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `InvalidBlobType` (409); `ConditionNotMet` (412, 304) and
    /// the other errors of conditional reads.
    pub fn block_list(
        &self,
        name: &BlobName,
        filter: BlockListFilter,
        options: impl Into<ReadOptions>,
    ) -> Result<BlockList> {
        let ReadOptions {
            which, conditions, ..
        } = options.into();
        let snapshot = self.core.tree.snapshot()?;
        let container = ContainerRecord::read(&snapshot, &self.name)?.id;
        self.core.admit(Operation::GetBlockList)?;
        let record = match BlobRecord::read_state(&snapshot, (container, name), which) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            record => Some(record?),
        };
        let now = self.core.clock.now();
        let staging = match which {
            BlobVersionRef::Base => Staging::find(&snapshot, container, name)?,
            BlobVersionRef::Snapshot(_) | BlobVersionRef::Version(_) => None,
        };
        let staging = staging.filter(|staging| !staging.is_over(now));
        let mut list = BlockList {
            committed: Vec::new(),
            uncommitted: Vec::new(),
            etag: None,
            last_modified: None,
            length: 0,
        };
        match &record {
            Some(record) => {
                record.require_type(BlobType::BlockBlob)?;
                record.check_read(&conditions, now)?;
                list.etag = Some(record.etag);
                list.last_modified = Some(record.last_modified);
                list.length = record.length;
                if filter != BlockListFilter::Uncommitted {
                    let entries = committed(&snapshot, &record.content)?;
                    list.committed = entries.into_iter().filter_map(shown).collect();
                }
            }
            None if staging.is_none() => return Err(BlobRecord::not_found()),
            None => {}
        }
        if let (Some(staging), true) = (&staging, filter != BlockListFilter::Committed) {
            let block = |(id, block): (BlockId, super::staged::StagedBlock)| Block {
                id,
                length: block.extent.length,
            };
            list.uncommitted = staging.blocks(&snapshot)?.into_iter().map(block).collect();
        }
        Ok(list)
    }
}

fn shown(entry: Entry) -> Option<Block> {
    Some(Block {
        id: entry.block?,
        length: entry.extent.length,
    })
}

/// The entries of content that is made of blocks.
pub(super) fn committed(
    source: &impl crate::container::record::Source,
    content: &BlobContent,
) -> Result<Vec<Entry>> {
    match content {
        BlobContent::Manifest {
            id,
            entries,
            blocks: 1..,
        } => manifest::entries(source, *id, *entries),
        _ => Ok(Vec::new()),
    }
}

/// A block list on its way into the tree.
struct Commit {
    core: Arc<AccountCore>,
    making: Making,
    blocks: Vec<ListedBlock>,
    given: Given,
}

impl Commit {
    fn run(&self, txn: &mut Txn<'_>) -> Result<BlobReceipt, Failure> {
        let replacing = self.making.begin(&self.core, txn)?;
        let now = replacing.history.now;
        let old_content = replacing.old.as_ref().map(|old| (old, replacing.gone));
        let target = (replacing.container, &self.making.name);
        let mut assembly = Assembly::begin(txn, target, (old_content, now))?;
        for block in &self.blocks {
            assembly.add(txn, block, &self.making.keys.details)?;
        }
        let entries = assembly.finish(txn)?;
        let length = entries.iter().map(|entry| entry.extent.length).sum();
        let content = content_of(txn, &entries)?;
        let record = replacing.record(txn, (content, length), &self.given)?;
        replacing.write(txn, &record)?;
        Ok(BlobReceipt::of(&record))
    }
}

fn content_of(txn: &mut Txn<'_>, entries: &[Entry]) -> Result<BlobContent, Failure> {
    if entries.is_empty() {
        return Ok(BlobContent::empty());
    }
    Ok(BlobContent::Manifest {
        id: manifest::write(txn, entries)?,
        entries: entries.len() as u64,
        blocks: u32::try_from(entries.len()).map_err(|_| too_long())?,
    })
}

fn too_long() -> Error {
    let message = "The block list may not contain more than 50,000 blocks.";
    Error::new(ErrorKind::Invalid, "BlockListTooLong", 400, message)
}
