//! Put Block: bytes become an uncommitted block of a block blob.

use std::io::Read;
use std::sync::Arc;

use super::checksums::Expected;
use super::crc64::Crc64;
use super::entries::BlockId;
use super::history::History;
use super::intake::{Intake, TakenIn};
use super::manifest;
use super::md5::ContentMd5;
use super::properties::BlobType;
use super::record::{BlobContent, BlobRecord, Extent};
use super::source::BlobSource;
use super::staged::{BlockKind, StagedBlock, Staging};
use strongroom_engine::Timestamp;

use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::{ContainerId, ContainerRecord, Source};
use crate::encryption::{BlobKeys, EncryptionChoice};
use crate::error::{Error, ErrorKind, Result};
use crate::lease::{Leasable, Lease, LeaseId};
use crate::names::BlobName;
use crate::operations::{Operation, UserMetadata};

/// Bytes of one block at most: 4000 MiB.
pub const BLOCK_BYTES_MAX: u64 = 4000 << 20;

/// What a new block comes with.
#[derive(Clone, Debug, Default)]
pub struct PutBlockOptions {
    /// The MD5 its content must have, if it is known.
    pub content_md5: Option<[u8; 16]>,
    /// The CRC-64 its content must have, if it is known; not together with an MD5.
    pub content_crc64: Option<Crc64>,
    /// The lease of the blob, if there is one.
    pub lease: Option<LeaseId>,
    /// What the block is sealed under; the same for all uncommitted blocks of a blob.
    pub encryption: EncryptionChoice,
}

/// What is said of a new block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockReceipt {
    /// Bytes of the block.
    pub length: u64,
    /// MD5 of its content, if it was given.
    pub content_md5: Option<[u8; 16]>,
    /// CRC-64 of its content.
    pub content_crc64: Crc64,
}

impl Container {
    /// Stores what `content` gives as an uncommitted block of the blob `name`, in place of an uncommitted
    /// block of the same id. The blob itself changes only when a block list is committed.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); the 403 of a revoked key; `LeaseIdMissing`,
    /// `LeaseIdMismatchWithBlobOperation`, `LeaseNotPresentWithBlobOperation` (412); 409: `InvalidBlobType`
    /// if there is a blob of another type, `BlockCountExceedsLimit` beyond 100,000 uncommitted blocks; 400:
    /// `InvalidBlobOrBlock` if other blocks of the blob have ids of another length, `InvalidHeaderValue` for
    /// empty content, `Md5Mismatch`, `Crc64Mismatch`, `BothCrc64AndMd5HeaderPresent`, `InvalidInput` when the
    /// reader fails; `RequestBodyTooLarge` (413) beyond
    /// [`BLOCK_BYTES_MAX`].
    pub fn put_block(
        &self,
        name: &BlobName,
        id: &BlockId,
        content: impl Read,
        options: &PutBlockOptions,
    ) -> Result<BlockReceipt> {
        let keys = self.check_block(name, (id, options), Operation::PutBlock)?;
        self.take_block((name, id), content, (Operation::PutBlock, options, &keys))
    }

    /// Stores the bytes of another blob, or a range of them, as an uncommitted block of the blob `name`. The
    /// checksums of `options` are those of the bytes that the source gives.
    ///
    /// # Errors
    /// As [`put_block`](Self::put_block) and those of [`BlobSource`].
    pub fn put_block_from(
        &self,
        name: &BlobName,
        id: &BlockId,
        source: &BlobSource,
        options: &PutBlockOptions,
    ) -> Result<BlockReceipt> {
        let operation = Operation::PutBlockFromUrl;
        let keys = self.check_block(name, (id, options), operation)?;
        let content = source.open()?;
        if content.length() > BLOCK_BYTES_MAX {
            return Err(super::intake::too_large(BLOCK_BYTES_MAX));
        }
        let keys = keys.fed_by(content.guard());
        let taken = self.take_block((name, id), content, (operation, options, &keys));
        taken.map_err(|error| keys.explain(source.explain(error)))
    }

    /// What shows before the content has come.
    fn check_block(
        &self,
        name: &BlobName,
        (id, options): (&BlockId, &PutBlockOptions),
        operation: Operation,
    ) -> Result<BlobKeys> {
        let core = &self.core;
        let container = ContainerRecord::read(&core.tree, &self.name)?;
        let keys = core.keys_of(
            &container.encryption.details(&options.encryption)?,
            &options.encryption,
        )?;
        operation.admit(UserMetadata::Untouched, &keys.guard)?;
        let now = core.clock.now();
        let block = NewBlock::of(id, (options, &keys));
        block.check(&core.tree, (container.id, name), now)?;
        Ok(keys)
    }

    fn take_block(
        &self,
        (name, id): (&BlobName, &BlockId),
        content: impl Read,
        (operation, options, keys): (Operation, &PutBlockOptions, &BlobKeys),
    ) -> Result<BlockReceipt> {
        let core = &self.core;
        let md5 = options.content_md5.map_or(ContentMd5::None, ContentMd5::Provided);
        let expected = Expected {
            md5,
            crc64: options.content_crc64,
            length: None,
        };
        let mut intake = Intake::begin(core, keys, expected, BLOCK_BYTES_MAX)?;
        intake.read(content)?;
        if intake.length() == 0 {
            let message = "a block is not empty";
            return Err(Error::new(ErrorKind::Invalid, "InvalidHeaderValue", 400, message));
        }
        let taken = intake.finish()?;
        let receipt = BlockReceipt {
            length: taken.length,
            content_md5: taken.content_md5,
            content_crc64: taken.content_crc64,
        };
        self.stage(name, NewBlock::of(id, (options, keys)), (operation, taken))?;
        Ok(receipt)
    }

    fn stage(
        &self,
        name: &BlobName,
        block: NewBlock,
        (operation, taken): (Operation, TakenIn),
    ) -> Result<()> {
        let (core, container) = (Arc::clone(&self.core), self.name.clone());
        let name = name.clone();
        let TakenIn { body, length, .. } = taken;
        let adopted = body.clone();
        self.core.transact_adopting(&body, move |txn| {
            let container = ContainerRecord::read(txn, &container)?;
            block
                .keys
                .admit_commit((operation, UserMetadata::Untouched), txn)?;
            container.encryption.permit(&block.keys.details)?;
            let container = container.id;
            let now = core.clock.now();
            let staging = match block.check(txn, (container, &name), now)? {
                Some(staging) if staging.is_over(now) => {
                    staging.drop_all(txn, container, &name)?;
                    None
                }
                staging => staging,
            };
            let mut staging = match staging {
                Some(staging) => staging,
                None => {
                    let history = History::of(&core, (container, &name));
                    if BlobRecord::find(txn, container, &name)?.is_none() {
                        history.before_create(txn, BlobType::BlockBlob)?;
                    }
                    Staging::start(txn, (container, &name), (now, block.kind()))?
                }
            };
            let extent = Extent {
                body: txn.adopt_body(&adopted)?,
                start: 0,
                length,
            };
            staging.last = now;
            staging.add(txn, (container, &name), (&block.id, &StagedBlock { extent }))?;
            Ok::<_, Failure>(())
        })
    }
}

/// A block to be stored, without its content.
struct NewBlock {
    id: BlockId,
    lease: Option<LeaseId>,
    keys: BlobKeys,
}

impl NewBlock {
    fn of(id: &BlockId, (options, keys): (&PutBlockOptions, &BlobKeys)) -> Self {
        Self {
            id: id.clone(),
            lease: options.lease,
            keys: keys.clone(),
        }
    }

    /// What all uncommitted blocks beside it have in common.
    fn kind(&self) -> BlockKind {
        BlockKind {
            id_bytes: u8::try_from(self.id.as_bytes().len()).unwrap_or(u8::MAX),
            encryption: self.keys.details.clone(),
        }
    }

    /// Fails unless the blob can have this uncommitted block; its staging area.
    fn check(
        &self,
        source: &impl Source,
        (container, name): (ContainerId, &BlobName),
        now: Timestamp,
    ) -> Result<Option<Staging>> {
        let record = BlobRecord::find(source, container, name)?;
        let held = record.as_ref().map_or(Lease::None, |record| record.lease);
        held.check_write(self.lease, now, Leasable::Blob)?;
        if let Some(record) = &record {
            record.require_type(BlobType::BlockBlob)?;
        }
        let staging = Staging::find(source, container, name)?;
        let known = match (&staging, &record) {
            (Some(staging), _) => Some(usize::from(staging.kind.id_bytes)),
            (None, Some(record)) => committed_id_bytes(source, &record.content)?,
            (None, None) => None,
        };
        if let Some(bytes) = known.filter(|bytes| *bytes != self.id.as_bytes().len()) {
            return Err(other_length(bytes));
        }
        if let Some(staging) = staging.as_ref().filter(|staging| !staging.is_over(now)) {
            staging.check_encryption(&self.keys.details)?;
        }
        Ok(staging)
    }
}

/// Bytes of the ids of committed blocks, if there are any.
fn committed_id_bytes(source: &impl Source, content: &BlobContent) -> Result<Option<usize>> {
    match content {
        BlobContent::Manifest {
            id,
            entries,
            blocks: 1..,
        } => {
            let part = manifest::part(source, *id, (0, *entries))?;
            let block = part.entries.first().and_then(|entry| entry.block.as_ref());
            Ok(block.map(|block| block.as_bytes().len()))
        }
        _ => Ok(None),
    }
}

fn other_length(bytes: usize) -> Error {
    let message = "The specified blob or block content is invalid: all block ids of a blob have one length.";
    Error::new(ErrorKind::Invalid, "InvalidBlobOrBlock", 400, message)
        .hint(format!("use ids of {bytes} bytes, or commit an empty list first"))
}
