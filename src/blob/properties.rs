//! What is known of a blob, and the operations that read or change it without its content.

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;

use super::crc64::Crc64;
use super::history::History;
use super::record::{
    AccessTier, ArchiveStatus, BlobRecord, CopyState, EncryptionDetails, ImmutabilityPolicy,
    RehydratePriority, SealedMetadata, key,
};
use super::{BlobVersionRef, Conditions, ReadOptions};
use crate::commit::Failure;
use crate::container::record::ContainerRecord;
use crate::container::{Container, LeaseState, LeaseStatus};
use crate::encryption::EncryptionChoice;
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::lease::LeaseDuration;
use crate::metadata::Metadata;
use crate::names::BlobName;
use crate::operations::{Operation, UserMetadata};

/// Bytes of one content header at most.
const HEADER_BYTES_MAX: usize = 1024;

/// How a blob is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BlobType {
    /// Content of blocks, written whole.
    BlockBlob,
    /// Content that only grows.
    AppendBlob,
    /// Content in pages of 512 bytes, written in any order.
    PageBlob,
}

impl BlobType {
    /// As the REST interface writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlockBlob => "BlockBlob",
            Self::AppendBlob => "AppendBlob",
            Self::PageBlob => "PageBlob",
        }
    }
}

impl std::fmt::Display for BlobType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What HTTP calls the content's headers; kept as given, never interpreted.
///
/// ```
/// use strongroom::ContentHeaders;
/// assert_eq!(ContentHeaders::default().content_type, "application/octet-stream");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentHeaders {
    /// Media type; `application/octet-stream` unless given.
    pub content_type: String,
    /// Codings applied, as in `gzip`.
    pub content_encoding: Option<String>,
    /// Language, as in `de`.
    pub content_language: Option<String>,
    /// How to present it, as in `attachment; filename="a.txt"`.
    pub content_disposition: Option<String>,
    /// Caching rules, as in `no-cache`.
    pub cache_control: Option<String>,
}

impl Default for ContentHeaders {
    fn default() -> Self {
        Self {
            content_type: "application/octet-stream".to_owned(),
            content_encoding: None,
            content_language: None,
            content_disposition: None,
            cache_control: None,
        }
    }
}

impl ContentHeaders {
    /// Headers with that media type and nothing else.
    #[must_use]
    pub fn of_type(content_type: impl Into<String>) -> Self {
        Self {
            content_type: content_type.into(),
            ..Self::default()
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let optional = [
            &self.content_encoding,
            &self.content_language,
            &self.content_disposition,
            &self.cache_control,
        ];
        let all = optional.into_iter().flatten().chain([&self.content_type]);
        let wrong = |value: &&String| value.len() > HEADER_BYTES_MAX || value.chars().any(char::is_control);
        match all.into_iter().find(wrong) {
            Some(_) => {
                let message = "a content header is longer than 1024 bytes or contains a control character";
                Err(Error::new(ErrorKind::Invalid, "InvalidHeaderValue", 400, message)
                    .hint("shorten the value and leave control characters out"))
            }
            None => Ok(()),
        }
    }
}

/// What is known of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobProperties {
    /// How it is built.
    pub blob_type: BlobType,
    /// Changes with every change of the blob.
    pub etag: ETag,
    /// When a blob of that name was created.
    pub created: Timestamp,
    /// When it changed last, in whole seconds.
    pub last_modified: Timestamp,
    /// Bytes of content.
    pub length: u64,
    /// Media type and the like.
    pub headers: ContentHeaders,
    /// MD5 (RFC 1321) of the content, if it was computed or given. No protection against forgery: sealing is.
    pub content_md5: Option<[u8; 16]>,
    /// What the user attached to it; `None` in a listing that did not ask for it.
    pub metadata: Option<Metadata>,
    /// Whether somebody holds a lease.
    pub lease_state: LeaseState,
    /// Whether a lease forbids changes.
    pub lease_status: LeaseStatus,
    /// How long the lease was taken for, while somebody holds it.
    pub lease_duration: Option<LeaseDuration>,
    /// How many tags it has.
    pub tag_count: usize,
    /// Until when it may be neither changed nor deleted, if a policy says so.
    pub immutability: Option<ImmutabilityPolicy>,
    /// True while a legal hold forbids changing and deleting it.
    pub legal_hold: bool,
    /// When it goes away by itself.
    pub expires: Option<Timestamp>,
    /// Which version it is, if it was written while versions were kept.
    pub version_id: Option<Timestamp>,
    /// When it was deleted; `None` of what is there.
    pub deleted: Option<Timestamp>,
    /// Until when it can be restored, if it is deleted.
    pub restorable_until: Option<Timestamp>,
    /// How many more whole days it can be restored, if it is deleted.
    pub remaining_days: Option<u16>,
    /// How readily its content can be read; Hot for a block blob that was given none. Append blobs have none.
    pub tier: Option<AccessTier>,
    /// True if the tier was not set.
    pub tier_inferred: bool,
    /// When the tier was set last.
    pub tier_changed: Option<Timestamp>,
    /// Set while it is leaving the archive tier.
    pub archive_status: Option<ArchiveStatus>,
    /// How urgently it leaves the archive tier, while it does.
    pub rehydrate_priority: Option<RehydratePriority>,
    /// Of a page blob: its sequence number.
    pub sequence_number: Option<u64>,
    /// Of an append blob: blocks appended.
    pub committed_block_count: Option<u32>,
    /// Of an append blob: true once nothing more may be appended.
    pub is_sealed: bool,
    /// The copy that made it or is making it.
    pub copy: Option<CopyState>,
    /// True if only incremental copies may change it.
    pub is_incremental_copy: bool,
    /// Which keys seal it, beyond the account's own.
    pub encryption: EncryptionDetails,
}

/// What a write says of the blob it made or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobReceipt {
    /// The blob's new tag.
    pub etag: ETag,
    /// When it changed, in whole seconds.
    pub last_modified: Timestamp,
    /// Bytes of content.
    pub length: u64,
    /// MD5 of the content, if it is kept.
    pub content_md5: Option<[u8; 16]>,
    /// CRC-64 of the content, if this write brought all of it. It is not kept.
    pub content_crc64: Option<Crc64>,
    /// The id of the new version, if versions are kept.
    pub version_id: Option<Timestamp>,
}

/// What has to hold for a change of user metadata. The default has no conditions.
#[derive(Clone, Debug, Default)]
pub struct SetMetadataOptions {
    /// What must hold of the blob.
    pub conditions: Conditions,
    /// What its content is sealed under.
    pub encryption: EncryptionChoice,
}

impl From<&Conditions> for SetMetadataOptions {
    fn from(conditions: &Conditions) -> Self {
        Self {
            conditions: conditions.clone(),
            ..Self::default()
        }
    }
}

impl BlobReceipt {
    pub(crate) fn of(record: &BlobRecord) -> Self {
        Self {
            etag: record.etag,
            last_modified: record.last_modified,
            length: record.length,
            content_md5: record.content_md5,
            content_crc64: None,
            version_id: record.version,
        }
    }
}

impl Container {
    /// What is known of a blob, with its metadata.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); the 403 of a revoked key; `ConditionNotMet` (412, 304) and
    /// the other errors of conditional reads.
    pub fn blob_properties(
        &self,
        name: &BlobName,
        options: impl Into<ReadOptions>,
    ) -> Result<BlobProperties> {
        let ReadOptions {
            which,
            conditions,
            encryption,
        } = options.into();
        let record = self.read_blob(Operation::GetBlobProperties, name, which)?;
        let now = self.core.clock.now();
        record.check_read(&conditions, now)?;
        record.check_encryption(&encryption)?;
        let keys = self.core.keys_of(&record.encryption, &encryption)?;
        let metadata = keys.with_keys(|keys| record.metadata(keys))??;
        Ok(record.properties(Some(metadata), now))
    }

    /// True if the blob exists. Reads its properties, so needs the key.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); the 403 of a revoked key.
    pub fn blob_exists(&self, name: &BlobName) -> Result<bool> {
        match self.read_blob(Operation::GetBlobProperties, name, BlobVersionRef::Base) {
            Ok(_) => Ok(true),
            Err(error) if error.code() == "BlobNotFound" => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The user metadata of a blob.
    ///
    /// # Errors
    /// As [`blob_properties`](Self::blob_properties).
    pub fn blob_metadata(&self, name: &BlobName, options: impl Into<ReadOptions>) -> Result<Metadata> {
        let ReadOptions {
            which,
            conditions,
            encryption,
        } = options.into();
        let record = self.read_blob(Operation::GetBlobMetadata, name, which)?;
        record.check_read(&conditions, self.core.clock.now())?;
        record.check_encryption(&encryption)?;
        let keys = self.core.keys_of(&record.encryption, &encryption)?;
        keys.with_keys(|keys| record.metadata(keys))?
    }

    /// Replaces all user metadata of a blob.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); the 403 of a revoked key; `ConditionNotMet` (412) and the
    /// other errors of conditional writes.
    pub fn set_blob_metadata(
        &self,
        name: &BlobName,
        metadata: &Metadata,
        options: impl Into<SetMetadataOptions>,
    ) -> Result<BlobReceipt> {
        let SetMetadataOptions {
            conditions,
            encryption,
        } = options.into();
        let found = self.read_blob(Operation::SetBlobMetadata, name, BlobVersionRef::Base)?;
        conditions.check_write_form()?;
        let keys = self.core.keys_of(&found.encryption, &encryption)?;
        let sealed = SealedMetadata::seal(&self.core, &keys, metadata)?;
        self.change_blob(Operation::SetBlobMetadata, name, &conditions, move |record| {
            record.check_encryption(&encryption)?;
            record.encryption.check_same(&keys.details)?;
            record.metadata.clone_from(&sealed);
            Ok(())
        })
    }

    /// Replaces all content headers of a blob. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `InvalidHeaderValue` (400); `ConditionNotMet` (412) and the
    /// other errors of conditional writes.
    pub fn set_blob_headers(
        &self,
        name: &BlobName,
        headers: &ContentHeaders,
        conditions: &Conditions,
    ) -> Result<BlobReceipt> {
        headers.check()?;
        let headers = headers.clone();
        self.change_blob(Operation::SetBlobProperties, name, conditions, move |record| {
            record.headers.clone_from(&headers);
            Ok(())
        })
    }

    /// Container, then key, then blob: a revoked account tells nothing about blobs.
    pub(super) fn read_blob(
        &self,
        operation: Operation,
        name: &BlobName,
        which: BlobVersionRef,
    ) -> Result<BlobRecord> {
        let snapshot = self.core.tree.snapshot()?;
        let container = ContainerRecord::read(&snapshot, &self.name)?;
        let found = BlobRecord::read_state(&snapshot, (container.id, name), which);
        let record = self.core.admit_blob(operation, &container.encryption, found)?;
        record.check_there(self.core.clock.now())?;
        Ok(record)
    }

    fn change_blob(
        &self,
        operation: Operation,
        name: &BlobName,
        conditions: &Conditions,
        change: impl Fn(&mut BlobRecord) -> Result<()> + Send + 'static,
    ) -> Result<BlobReceipt> {
        let (core, container, name) = (self.core.clone(), self.name.clone(), name.clone());
        let conditions = conditions.clone();
        self.core.transact(move |txn| {
            let container = ContainerRecord::read(txn, &container)?;
            let asked = (operation, UserMetadata::Untouched);
            let found = BlobRecord::read(txn, container.id, &name);
            let mut record = core.admit_blob_commit(asked, found, txn)?;
            let history = History::of(&core, (container.id, &name));
            record.check_change(&conditions, &history)?;
            if operation == Operation::SetBlobMetadata || record.blob_type == BlobType::BlockBlob {
                history.before_change(txn, &mut record)?;
            }
            let now = core.clock.now();
            record.check_write(&conditions, now)?;
            if operation == Operation::SetBlobMetadata {
                record.check_online(now)?;
            }
            change(&mut record)?;
            record.touch(&core, now);
            record.write(txn, &key(container.id, &name))?;
            Ok::<_, Failure>(BlobReceipt::of(&record))
        })
    }
}
