//! Append blobs: content that only grows, block by block.
//!
//! An appended block is one body. The first four blocks stand in the blob's record, further ones in a
//! manifest that grows in place, so that an append costs the same however long the blob is. Snapshots see the
//! entries that were there when they were taken.

use std::io::Read;
use std::sync::Arc;

use strongroom_engine::Timestamp;
use strongroom_engine::body::FinishedBody;
use strongroom_engine::tree::Txn;

use super::checksums::Expected;
use super::entries::Entry;
use super::intake::{Intake, TakenIn};
use super::md5::ContentMd5;
use super::properties::{BlobReceipt, BlobType};
use super::put::CreateBlobOptions;
use super::record::{BlobContent, BlobRecord, Extent, key};
use super::source::BlobSource;
use super::staged::Staging;
use super::{Conditions, Crc64, manifest, manifest_append};
use crate::account::AccountCore;
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::encryption::{BlobKeys, EncryptionChoice};
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::names::{BlobName, ContainerName};
use crate::operations::{Operation, UserMetadata};

/// Bytes of one appended block at most: 100 MiB.
pub const APPEND_BLOCK_BYTES_MAX: u64 = 100 << 20;
/// Blocks of one append blob at most.
pub const APPENDED_BLOCKS_MAX: u32 = 50_000;
/// Extents that stand in the record itself.
const OWN_EXTENTS_MAX: usize = 4;

/// What has to hold for an append. The default appends to whatever is there.
///
/// ```
/// use strongroom::AppendBlockOptions;
/// let only_first = AppendBlockOptions { position: Some(0), ..AppendBlockOptions::default() };
/// ```
#[derive(Clone, Debug, Default)]
pub struct AppendBlockOptions {
    /// What must hold of the blob.
    pub conditions: Conditions,
    /// Only if the blob has exactly this many bytes: `x-ms-blob-condition-appendpos`.
    pub position: Option<u64>,
    /// Only if the blob has at most this many bytes afterwards: `x-ms-blob-condition-maxsize`.
    pub length_max: Option<u64>,
    /// The MD5 that the block must have, if it is known.
    pub content_md5: Option<[u8; 16]>,
    /// The CRC-64 that the block must have, if it is known; not together with an MD5.
    pub content_crc64: Option<Crc64>,
    /// What the blob is sealed under.
    pub encryption: EncryptionChoice,
}

/// What is said of an appended block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendReceipt {
    /// The blob's new tag.
    pub etag: ETag,
    /// When it changed, in whole seconds.
    pub last_modified: Timestamp,
    /// Position of the block's first byte: `x-ms-blob-append-offset`.
    pub offset: u64,
    /// Blocks of the blob, this one included: `x-ms-blob-committed-block-count`.
    pub committed_block_count: u32,
    /// MD5 of the block, if it was given.
    pub content_md5: Option<[u8; 16]>,
    /// CRC-64 of the block.
    pub content_crc64: Crc64,
}

impl Container {
    /// Makes an empty append blob in place of whatever had its name.
    ///
    /// # Errors
    /// As [`upload`](Self::upload), as far as content plays no part.
    pub fn create_append_blob(&self, name: &BlobName, options: &CreateBlobOptions) -> Result<BlobReceipt> {
        let (making, given) = options.prepare(self, name, BlobType::AppendBlob)?;
        let core = Arc::clone(&self.core);
        self.core.transact(move |txn| {
            let replacing = making.begin(&core, txn)?;
            replacing.release_old(txn)?;
            Staging::discard(txn, replacing.container, &making.name)?;
            let record = replacing.record(txn, (BlobContent::empty(), 0), &given)?;
            replacing.write(txn, &record)?;
            Ok(BlobReceipt::of(&record))
        })
    }

    /// Adds what `content` gives to the end of an append blob, as one block.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); the 403 of a revoked key; 409: `InvalidBlobType`,
    /// `BlobIsSealed`, `BlockCountExceedsLimit` beyond 50,000 blocks; 412: `AppendPositionConditionNotMet`,
    /// `MaxBlobSizeConditionNotMet`, `ConditionNotMet` and the other errors of conditional writes; 400:
    /// `InvalidHeaderValue` for empty content, `Md5Mismatch`, `Crc64Mismatch`,
    /// `BothCrc64AndMd5HeaderPresent`, `InvalidInput` when the reader fails; `RequestBodyTooLarge` (413)
    /// beyond [`APPEND_BLOCK_BYTES_MAX`].
    pub fn append_block(
        &self,
        name: &BlobName,
        content: impl Read,
        options: &AppendBlockOptions,
    ) -> Result<AppendReceipt> {
        let appending = Appending::new(self, name, (Operation::AppendBlock, options));
        let keys = appending.check_before()?;
        appending.append(content, &keys)
    }

    /// Adds the bytes of another blob to the end of an append blob, as one block. The checksums of `options`
    /// are those of the bytes that the source gives.
    ///
    /// # Errors
    /// As [`append_block`](Self::append_block) and those of [`BlobSource`].
    pub fn append_block_from(
        &self,
        name: &BlobName,
        source: &BlobSource,
        options: &AppendBlockOptions,
    ) -> Result<AppendReceipt> {
        let appending = Appending::new(self, name, (Operation::AppendBlockFromUrl, options));
        let keys = appending.check_before()?;
        let content = source.open()?;
        if content.length() > APPEND_BLOCK_BYTES_MAX {
            return Err(super::intake::too_large(APPEND_BLOCK_BYTES_MAX));
        }
        let keys = keys.fed_by(content.guard());
        let result = appending.append(content, &keys);
        result.map_err(|error| keys.explain(source.explain(error)))
    }

    /// Ends an append blob: nothing can be appended any more. Needs no key. An ended one stays as it is.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `InvalidBlobType` (409); `AppendPositionConditionNotMet`
    /// (412) unless the blob has `position` bytes, if that is given; `ConditionNotMet` (412) and the other
    /// errors of conditional writes.
    pub fn seal_append_blob(
        &self,
        name: &BlobName,
        position: Option<u64>,
        conditions: &Conditions,
    ) -> Result<BlobReceipt> {
        let (core, container, name) = (Arc::clone(&self.core), self.name.clone(), name.clone());
        let conditions = conditions.clone();
        self.core.transact(move |txn| {
            let container = ContainerRecord::read(txn, &container)?.id;
            core.admit_commit(Operation::AppendBlobSeal, txn)?;
            let now = core.clock.now();
            let mut record = BlobRecord::read(txn, container, &name)?;
            record.require_type(BlobType::AppendBlob)?;
            record.check_write(&conditions, now)?;
            check_position(&record, position)?;
            if !record.append.sealed {
                record.append.sealed = true;
                record.touch(&core, now);
                record.write(txn, &key(container, &name))?;
            }
            Ok::<_, Failure>(BlobReceipt::of(&record))
        })
    }
}

/// A block on its way to the end of a blob.
#[derive(Clone)]
struct Appending {
    core: Arc<AccountCore>,
    container: ContainerName,
    name: BlobName,
    operation: Operation,
    options: AppendBlockOptions,
}

impl Appending {
    fn new(
        container: &Container,
        name: &BlobName,
        (operation, options): (Operation, &AppendBlockOptions),
    ) -> Self {
        Self {
            core: Arc::clone(&container.core),
            container: container.name.clone(),
            name: name.clone(),
            operation,
            options: options.clone(),
        }
    }

    /// What shows before the content has come; its length is not known yet.
    fn check_before(&self) -> Result<BlobKeys> {
        let core = &self.core;
        let container = ContainerRecord::read(&core.tree, &self.container)?;
        let found = BlobRecord::read(&core.tree, container.id, &self.name);
        let record = core.admit_blob(self.operation, &container.encryption, found)?;
        self.check(&record, 0, core.clock.now())?;
        core.keys_of(&record.encryption, &self.options.encryption)
    }

    fn append(self, content: impl Read, keys: &BlobKeys) -> Result<AppendReceipt> {
        let md5 = self.options.content_md5;
        let expected = Expected {
            md5: md5.map_or(ContentMd5::None, ContentMd5::Provided),
            crc64: self.options.content_crc64,
            length: None,
        };
        let mut intake = Intake::begin(&self.core, keys, expected, APPEND_BLOCK_BYTES_MAX)?;
        intake.read(content)?;
        if intake.length() == 0 {
            let message = "an appended block is not empty";
            return Err(Error::invalid("InvalidHeaderValue", message));
        }
        self.commit(intake.finish()?, keys.clone())
    }

    fn commit(self, taken: TakenIn, keys: BlobKeys) -> Result<AppendReceipt> {
        let core = Arc::clone(&self.core);
        let TakenIn { body, length, .. } = taken;
        let adopted = body.clone();
        let (record, offset) =
            core.transact_adopting(&body, move |txn| self.run(txn, (&adopted, length), &keys))?;
        Ok(AppendReceipt {
            etag: record.etag,
            last_modified: record.last_modified,
            offset,
            committed_block_count: record.append.blocks,
            content_md5: taken.content_md5,
            content_crc64: taken.content_crc64,
        })
    }

    fn run(
        &self,
        txn: &mut Txn<'_>,
        (body, length): (&FinishedBody, u64),
        keys: &BlobKeys,
    ) -> Result<(BlobRecord, u64), Failure> {
        let container = ContainerRecord::read(txn, &self.container)?.id;
        let now = self.core.clock.now();
        let found = BlobRecord::read(txn, container, &self.name);
        let asked = (self.operation, UserMetadata::Untouched);
        let mut record = self.core.admit_blob_commit(asked, found, txn)?;
        record.encryption.check_same(&keys.details)?;
        keys.through_source(txn)?;
        self.check(&record, length, now)?;
        let extent = Extent {
            body: txn.adopt_body(body)?,
            start: 0,
            length,
        };
        let offset = record.length;
        record.content = grow(txn, record.content, extent)?;
        record.length = offset.checked_add(length).ok_or_else(too_long)?;
        record.append.blocks += 1;
        record.touch(&self.core, now);
        record.write(txn, &key(container, &self.name))?;
        Ok((record, offset))
    }

    /// Everything that must hold for `length` more bytes.
    fn check(&self, record: &BlobRecord, length: u64, now: Timestamp) -> Result<()> {
        record.require_type(BlobType::AppendBlob)?;
        record.check_write(&self.options.conditions, now)?;
        record.check_encryption(&self.options.encryption)?;
        if record.append.sealed {
            let message = "The specified blob is sealed and its contents can't be modified unless the blob is \
                           re-created after a delete.";
            return Err(Error::new(ErrorKind::Conflict, "BlobIsSealed", 409, message));
        }
        if record.append.blocks >= APPENDED_BLOCKS_MAX {
            let message = "The committed block count cannot exceed the maximum limit of 50,000 blocks.";
            return Err(Error::new(
                ErrorKind::Conflict,
                "BlockCountExceedsLimit",
                409,
                message,
            ));
        }
        check_position(record, self.options.position)?;
        let after = record.length.saturating_add(length);
        if self.options.length_max.is_some_and(|most| after > most) {
            let message = "The max blob size condition specified was not met.";
            return Err(Error::new(
                ErrorKind::Precondition,
                "MaxBlobSizeConditionNotMet",
                412,
                message,
            ));
        }
        Ok(())
    }
}

fn check_position(record: &BlobRecord, position: Option<u64>) -> Result<()> {
    if position.is_none_or(|position| position == record.length) {
        return Ok(());
    }
    let message = "The append position condition specified was not met.";
    let error = Error::new(
        ErrorKind::Precondition,
        "AppendPositionConditionNotMet",
        412,
        message,
    );
    Err(error.hint(format!("the blob has {} bytes", record.length)))
}

/// Content with one more extent at its end.
fn grow(txn: &mut Txn<'_>, content: BlobContent, extent: Extent) -> Result<BlobContent, Failure> {
    let entry = |extent| Entry { block: None, extent };
    match content {
        BlobContent::Own(mut extents) if extents.len() < OWN_EXTENTS_MAX => {
            extents.push(extent);
            Ok(BlobContent::Own(extents))
        }
        BlobContent::Own(mut extents) => {
            extents.push(extent);
            let entries: Vec<_> = extents.into_iter().map(entry).collect();
            Ok(BlobContent::Manifest {
                id: manifest::write(txn, &entries)?,
                entries: entries.len() as u64,
                blocks: 0,
            })
        }
        BlobContent::Manifest { id, entries, blocks } => Ok(BlobContent::Manifest {
            id: manifest_append::append(txn, (id, entries), entry(extent))?,
            entries: entries + 1,
            blocks,
        }),
        BlobContent::Pages { .. } => Err(super::shared::unreadable().into()),
    }
}

fn too_long() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "RequestBodyTooLarge",
        413,
        "the blob would be too long",
    )
}
