//! Copying blobs, within an account, between accounts, at once or by and by.
//!
//! Within an account a copy refers to the same content as its source and moves no data. Between accounts, and
//! from one encryption scope to another, the content is opened under the one root key and sealed under the
//! other, piece by piece: at once, or in steps of the maintenance while the destination shows how far it is.

mod copied;
mod incremental;
mod job;
mod reading;
#[cfg(test)]
mod tests;
mod whole;
mod within;

pub(crate) use job::step;

use std::sync::Arc;

use strongroom_engine::Timestamp;
use strongroom_engine::entropy::random;
use uuid::Uuid;

use super::address;
use super::put::{Given, Making};
use super::record::{
    AccessTier, BlobRecord, CopyState, CopyStatus, ImmutabilityPolicy, RehydratePriority, SealedMetadata,
    TierState, key,
};
use super::source::{BlobSource, of_source};
use super::{BlobType, Conditions};
use crate::account::AccountCore;
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::encryption::{BlobKeys, EncryptionChoice};
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::lease::Leasable;
use crate::metadata::Metadata;
use crate::names::{BlobName, ContainerName};
use crate::operations::{Operation, UserMetadata};
use crate::tags::Tags;

/// Bytes that [`Container::copy_blob`] copies at most: 256 MiB.
pub const SYNCHRONOUS_COPY_BYTES_MAX: u64 = 256 << 20;
/// Bytes of the address of a source at most: 2 KiB.
const URL_BYTES_MAX: usize = 2 << 10;

/// Where the tags of a copy come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceTags {
    /// From the options: `REPLACE`.
    #[default]
    Replace,
    /// From the source: `COPY`.
    Copy,
}

/// What a copy has that its source has not. The default: metadata as the source's, no tags, the account's
/// default tier, in place of whatever is there.
#[derive(Clone, Debug, Default)]
pub struct CopyOptions {
    /// User metadata in place of the source's; the source's if this is empty.
    pub metadata: Metadata,
    /// Index tags; none together with [`SourceTags::Copy`].
    pub tags: Tags,
    /// Whether the source's tags are copied instead.
    pub source_tags: SourceTags,
    /// How readily the content can be read. Needed for an archived source.
    pub tier: Option<AccessTier>,
    /// How urgently a copy of an archived blob leaves the archive tier.
    pub priority: RehydratePriority,
    /// What must hold of the blob that is there.
    pub conditions: Conditions,
    /// What to show as [`CopyState::source`]; by default the path of the source. Of its parameters only
    /// `snapshot` and `versionid` are kept: others may be a signature.
    pub source_url: Option<String>,
    /// Until when the blob may be neither changed nor deleted.
    pub immutability: Option<ImmutabilityPolicy>,
    /// Whether it may be neither changed nor deleted until the hold is lifted.
    pub legal_hold: bool,
    /// Whether a copied append blob is ended: nothing can be appended to the copy.
    pub seal: bool,
    /// What the copy is under. A source in the same account that a provided key seals is copied under that
    /// key, unless this names an encryption scope.
    pub encryption: EncryptionChoice,
}

/// What is said of a copy that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyReceipt {
    /// The destination's new tag.
    pub etag: ETag,
    /// When it changed, in whole seconds.
    pub last_modified: Timestamp,
    /// The id of the new version, if versions are kept.
    pub version_id: Option<Timestamp>,
    /// Names the copy: `x-ms-copy-id`.
    pub id: Uuid,
    /// Whether it is done already.
    pub status: CopyStatus,
    /// MD5 of the content, if it is kept.
    pub content_md5: Option<[u8; 16]>,
}

impl Container {
    /// Begins to copy a blob, snapshot or version, whatever its range says, with its headers and its list of
    /// blocks.
    ///
    /// Within an account it is done when this returns, and no data was moved. Between accounts of a store the
    /// destination is an empty blob until the maintenance ([`Account::maintain`](crate::Account::maintain))
    /// has copied the content; its properties show how far that is, and nothing else may change or replace it
    /// meanwhile. If the source changes, or access to either key is revoked, the copy fails and says so
    /// there. From an account of another store, onto the source itself, and where a provided key is needed,
    /// everything is copied before this returns.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); the 403 of a revoked key; 400: `InvalidHeaderValue`,
    /// `BothUserTagsAndSourceTagsCopyPresentException`, `AccessTierNotSupportedForBlobType`; 409:
    /// `PendingCopyOperation`, `InvalidBlobType` if there is a blob of another type, `BlobArchived` for an
    /// archived source without a tier or of another account, `BlobBeingRehydrated`; `ConditionNotMet` (412)
    /// and the other errors of conditional writes; those of [`BlobSource`].
    pub fn start_copy(
        &self,
        name: &BlobName,
        source: &BlobSource,
        options: &CopyOptions,
    ) -> Result<CopyReceipt> {
        let copying = Copying::prepare((self, name), source, (Operation::CopyBlob, options))?;
        match copying.distance {
            Distance::Shared => copying.within_account(),
            Distance::Store => copying.begin_job(),
            Distance::Process => copying.whole(),
        }
    }

    /// Copies a block blob of at most [`SYNCHRONOUS_COPY_BYTES_MAX`] bytes; it is done when this returns, or
    /// nothing has changed.
    ///
    /// # Errors
    /// As [`start_copy`](Self::start_copy); `InvalidSourceBlobType` (409) if the source is no block blob,
    /// `RequestBodyTooLarge` (413) if it is too large.
    pub fn copy_blob(
        &self,
        name: &BlobName,
        source: &BlobSource,
        options: &CopyOptions,
    ) -> Result<CopyReceipt> {
        let copying = Copying::prepare((self, name), source, (Operation::CopyBlobFromUrl, options))?;
        match copying.distance {
            Distance::Shared => copying.within_account(),
            Distance::Store | Distance::Process => copying.whole(),
        }
    }

    /// Stops a copy that is under way; an empty blob stays. Needs no key. Of the conditions only the lease
    /// counts.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); 409: `NoPendingCopyOperation`, `CopyIdMismatch`;
    /// `LeaseIdMissing` and the other errors of leases (412).
    pub fn abort_copy(&self, name: &BlobName, id: Uuid, conditions: &Conditions) -> Result<()> {
        let (core, container, name) = (Arc::clone(&self.core), self.name.clone(), name.clone());
        let lease = conditions.lease;
        self.core.transact(move |txn| {
            let container = ContainerRecord::read(txn, &container)?.id;
            core.admit_commit(Operation::AbortCopyBlob, txn)?;
            let now = core.clock.now();
            let mut record = BlobRecord::read(txn, container, &name)?;
            record.check_there(now)?;
            record.lease.check_write(lease, now, Leasable::Blob)?;
            match &mut record.copy {
                Some(copy) if copy.status == CopyStatus::Pending && copy.id == id => {
                    copy.status = CopyStatus::Aborted;
                    copy.completed = Some(now);
                }
                Some(copy) if copy.status == CopyStatus::Pending => return Err(other_copy(copy.id).into()),
                _ => return Err(nothing_pending().into()),
            }
            record.touch(&core, now);
            record.write(txn, &key(container, &name))?;
            job::drop_job(txn, id)
        })
    }
}

/// How far a copy has to go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Distance {
    /// Nowhere: the content is under the right keys already.
    Shared,
    /// Within the store, under other keys.
    Store,
    /// To another store of the process.
    Process,
}

/// A copy about to happen.
#[derive(Clone)]
struct Copying {
    core: Arc<AccountCore>,
    container: ContainerName,
    name: BlobName,
    operation: Operation,
    source: BlobSource,
    options: CopyOptions,
    /// In place of the source's.
    metadata: Option<SealedMetadata>,
    keys: BlobKeys,
    distance: Distance,
    id: Uuid,
    /// The source's tag, if it is copied onto itself.
    unchanged: Option<ETag>,
}

impl Copying {
    /// Everything that shows before the source has been looked at.
    fn prepare(
        (container, name): (&Container, &BlobName),
        source: &BlobSource,
        (operation, options): (Operation, &CopyOptions),
    ) -> Result<Self> {
        let core = &container.core;
        let keys = core.keys_for_new(&container.name, &options.encryption)?;
        operation.admit(UserMetadata::Touched, &keys.guard)?;
        options.check()?;
        if let Some(policy) = options.immutability {
            policy.check(core.clock.now())?;
        }
        let mut copying = Self {
            core: Arc::clone(core),
            container: container.name.clone(),
            name: name.clone(),
            operation,
            source: source.clone(),
            options: options.clone(),
            metadata: None,
            keys,
            distance: Distance::Process,
            id: uuid::Builder::from_random_bytes(random(core.entropy.as_ref())?).into_uuid(),
            unchanged: None,
        };
        copying.settle()?;
        copying.metadata = SealedMetadata::seal(core, &copying.keys, &options.metadata)?;
        copying.making(BlobType::BlockBlob).check(core)?;
        Ok(copying)
    }

    /// Finds how far the copy has to go, and under which keys.
    fn settle(&mut self) -> Result<()> {
        let (core, source) = (&self.core, &self.source.container.core);
        if !Arc::ptr_eq(core, source) {
            let same_store = Arc::ptr_eq(&core.custody.store, &source.custody.store);
            if same_store {
                self.distance = Distance::Store;
            }
            return Ok(());
        }
        self.distance = Distance::Shared;
        let Ok(container) = ContainerRecord::read(&core.tree, &self.source.container.name) else {
            return Ok(()); // The transaction says what is missing.
        };
        let found = BlobRecord::read_state(&core.tree, (container.id, &self.source.name), self.source.which);
        let Ok(found) = found else {
            return Ok(());
        };
        let is_provided = found.encryption.customer_key_sha256.is_some();
        if is_provided && self.options.encryption == EncryptionChoice::Default {
            self.keys = core.keys_of(&found.encryption, &self.source.encryption)?;
        } else if found.encryption != self.keys.details {
            self.distance = Distance::Store;
        }
        Ok(())
    }

    fn making(&self, blob_type: BlobType) -> Making {
        Making {
            container: self.container.clone(),
            name: self.name.clone(),
            blob_type,
            operation: self.operation,
            touched: UserMetadata::Touched,
            conditions: self.options.conditions.clone(),
            keys: self.keys.clone(),
            unchanged: self.unchanged,
        }
    }

    /// What must hold of the source.
    fn check_source(&self, source: &BlobRecord, now: Timestamp) -> Result<()> {
        let checked = source.check_read(&self.source.conditions, now);
        checked
            .and_then(|()| source.check_settled())
            .and_then(|()| source.check_encryption(&self.source.encryption))
            .map_err(|error| of_source(&error))?;
        if !self.may_be_archived() || source.tier.at(now).archive.is_some() {
            source.check_online(now).map_err(|error| of_source(&error))?;
        }
        if self.operation != Operation::CopyBlobFromUrl {
            return Ok(());
        }
        if source.blob_type != BlobType::BlockBlob {
            let message = format!(
                "only a block blob can be copied at once, and the source is a {}",
                source.blob_type
            );
            return Err(Error::new(
                ErrorKind::Conflict,
                "InvalidSourceBlobType",
                409,
                message,
            ));
        }
        if source.length > SYNCHRONOUS_COPY_BYTES_MAX {
            return Err(super::intake::too_large(SYNCHRONOUS_COPY_BYTES_MAX)
                .hint("start an asynchronous copy instead"));
        }
        Ok(())
    }

    /// True if an archived source will do.
    fn may_be_archived(&self) -> bool {
        self.distance == Distance::Shared && self.options.tier.is_some()
    }

    /// What the copy is given, besides its content.
    fn given(&self, source: &BlobRecord, metadata: Option<SealedMetadata>) -> Result<Given> {
        let tags = match self.options.source_tags {
            SourceTags::Replace => self.options.tags.clone(),
            SourceTags::Copy => Tags::from_pairs(&source.tags)?,
        };
        Ok(Given {
            headers: source.headers.clone(),
            metadata: self.metadata.clone().or(metadata),
            tags,
            content_md5: source.content_md5,
            tier: self.options.tier,
            immutability: self.options.immutability,
            legal_hold: self.options.legal_hold,
        })
    }

    /// The record of a copy that has all of its content, as `made` says, or that will have it.
    fn finish(
        &self,
        made: BlobRecord,
        source: &BlobRecord,
        (status, now): (CopyStatus, Timestamp),
    ) -> Result<BlobRecord> {
        let pending = status == CopyStatus::Pending;
        let tier = match self.options.tier {
            Some(tier) if source.tier.is_archived(now) => {
                TierState::out_of_archive(tier, (self.options.priority, now))?
            }
            _ => made.tier,
        };
        Ok(BlobRecord {
            append: super::record::AppendState {
                blocks: if pending { 0 } else { source.append.blocks },
                sealed: self.options.seal && source.blob_type == BlobType::AppendBlob,
            },
            // An empty blob has not the checksum of what will be there.
            content_md5: made.content_md5.filter(|_| !pending),
            sequence_number: source.sequence_number,
            tier,
            copy: Some(CopyState {
                id: self.id,
                source: self.source_text(),
                status,
                copied: if pending { 0 } else { source.length },
                total: source.length,
                completed: (!pending).then_some(now),
                description: None,
                destination_snapshot: None,
            }),
            ..made
        })
    }

    fn source_text(&self) -> String {
        match &self.options.source_url {
            Some(url) => address::without_secrets(url),
            None => self.source.path(),
        }
    }

    fn receipt(&self, record: &BlobRecord) -> CopyReceipt {
        CopyReceipt {
            etag: record.etag,
            last_modified: record.last_modified,
            version_id: record.version,
            id: self.id,
            status: record
                .copy
                .as_ref()
                .map_or(CopyStatus::Success, |copy| copy.status),
            content_md5: record.content_md5,
        }
    }
}

impl CopyOptions {
    fn check(&self) -> Result<()> {
        self.conditions.check_write_form()?;
        if self.source_tags == SourceTags::Copy && !self.tags.is_empty() {
            let message = "tags are either given or copied from the source";
            return Err(Error::invalid(
                "BothUserTagsAndSourceTagsCopyPresentException",
                message,
            ));
        }
        match &self.source_url {
            Some(url) if url.len() > URL_BYTES_MAX => {
                let message = "the address of a source has at most 2 KiB";
                Err(Error::invalid("InvalidHeaderValue", message))
            }
            _ => Ok(()),
        }
    }
}

impl BlobRecord {
    /// Fails while a copy to the blob is under way.
    pub(crate) fn check_settled(&self) -> Result<()> {
        match &self.copy {
            Some(copy) if copy.status == CopyStatus::Pending => {
                let message = "There is currently a pending copy operation.";
                let error = Error::new(ErrorKind::Conflict, "PendingCopyOperation", 409, message);
                Err(error.hint("wait until it is done, or abort it"))
            }
            _ => Ok(()),
        }
    }
}

fn other_copy(id: Uuid) -> Error {
    let message = "The specified copy ID did not match the copy ID for the pending copy operation.";
    let error = Error::new(ErrorKind::Conflict, "CopyIdMismatch", 409, message);
    error.hint(format!("the copy under way is {id}"))
}

fn nothing_pending() -> Error {
    let message = "There is currently no pending copy operation.";
    Error::new(ErrorKind::Conflict, "NoPendingCopyOperation", 409, message)
}

/// What a change of the destination comes to.
type Changed<T> = Result<T, Failure>;
