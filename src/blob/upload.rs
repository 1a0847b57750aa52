//! Upload: content from any reader, or written piece by piece, becomes a blob in one commit.
//!
//! Until the commit nothing is visible. An upload that is dropped, fails or is refused leaves nothing behind.
//! Every chunk and the commit itself ask the key guard, so a revocation stops an upload at its next chunk.

use std::io::Read;

use strongroom_engine::body::FinishedBody;

use super::Conditions;
use super::checksums::Expected;
use super::crc64::Crc64;
use super::history::History;
use super::intake::{Intake, TakenIn};
use super::md5::ContentMd5;
use super::properties::{BlobReceipt, BlobType, ContentHeaders};
use super::record::{BlobContent, BlobRecord, Extent, NewBlob, SealedMetadata, key};
use super::staged::Staging;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::encryption::DataKeys;
use crate::error::Result;
use crate::lease::Lease;
use crate::metadata::Metadata;
use crate::names::BlobName;
use crate::operations::Operation;
use crate::tags::Tags;

/// What an upload sets besides the content. The default replaces whatever is there and attaches nothing.
///
/// ```
/// use strongroom::{Conditions, UploadOptions};
/// let create_only = UploadOptions { conditions: Conditions::if_absent(), ..UploadOptions::default() };
/// ```
#[derive(Clone, Debug, Default)]
pub struct UploadOptions {
    /// Media type and the like.
    pub headers: ContentHeaders,
    /// User metadata.
    pub metadata: Metadata,
    /// What must hold of the blob that is there.
    pub conditions: Conditions,
    /// Which MD5 is kept.
    pub content_md5: ContentMd5,
    /// The CRC-64 that the content must have, if it is known; not together with a provided MD5.
    pub content_crc64: Option<Crc64>,
    /// Index tags.
    pub tags: Tags,
}

impl UploadOptions {
    fn expected(&self) -> Expected {
        Expected {
            md5: self.content_md5,
            crc64: self.content_crc64,
        }
    }
}

/// An upload under way. Memory: a few chunks, whatever the size.
#[must_use = "nothing is visible until `commit`; an upload that is dropped leaves nothing behind"]
pub struct Upload {
    container: Container,
    name: BlobName,
    options: UploadOptions,
    metadata: Option<SealedMetadata>,
    intake: Intake,
}

impl Container {
    /// Stores everything that `content` gives as a blob.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); the 403 of a revoked key; `BlobAlreadyExists` (409), `ConditionNotMet`
    /// (412) and the other errors of conditional writes; `InvalidHeaderValue`, `Md5Mismatch`,
    /// `Crc64Mismatch`, `BothCrc64AndMd5HeaderPresent` (400);
    /// `InvalidInput` (400) when the reader fails.
    pub fn upload(&self, name: &BlobName, content: impl Read, options: UploadOptions) -> Result<BlobReceipt> {
        let mut upload = self.begin_upload(name, options)?;
        upload.intake.read(content)?;
        upload.commit()
    }

    /// Begins an upload whose content is written piece by piece.
    ///
    /// # Errors
    /// As [`upload`](Self::upload), as far as they show already.
    pub fn begin_upload(&self, name: &BlobName, options: UploadOptions) -> Result<Upload> {
        let core = &self.core;
        let container = ContainerRecord::read(&core.tree, &self.name)?;
        core.admit(Operation::PutBlob)?;
        options.headers.check()?;
        let old = BlobRecord::find(&core.tree, container.id, name)?;
        let history = History::of(core, (container.id, name));
        BlobRecord::check_replace(old.as_ref(), &options.conditions, &history)?;
        let seal = |keys: &DataKeys| SealedMetadata::seal(core, keys, &options.metadata);
        let metadata = core.guard.with_keys(seal)??;
        Ok(Upload {
            container: self.clone(),
            name: name.clone(),
            metadata,
            intake: Intake::begin(core, options.expected(), u64::MAX)?,
            options,
        })
    }
}

impl Upload {
    /// Takes the next bytes of the content.
    ///
    /// # Errors
    /// The 403 of a revoked key, then and from then on; storage errors.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.intake.write(bytes)
    }

    /// Bytes of content taken so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.intake.length()
    }

    /// Makes the blob visible, durably, in place of whatever had its name. Uncommitted blocks of that name
    /// are discarded.
    ///
    /// # Errors
    /// As [`Container::upload`]; nothing of the upload is left then.
    pub fn commit(self) -> Result<BlobReceipt> {
        let TakenIn {
            body,
            length,
            content_md5,
            content_crc64,
        } = self.intake.finish()?;
        let draft = Draft {
            container: self.container,
            name: self.name,
            options: self.options,
            metadata: self.metadata,
            content_md5,
            length,
        };
        let receipt = draft.commit(&body)?;
        Ok(BlobReceipt {
            content_crc64: Some(content_crc64),
            ..receipt
        })
    }
}

/// Everything about a new blob but its body.
struct Draft {
    container: Container,
    name: BlobName,
    options: UploadOptions,
    metadata: Option<SealedMetadata>,
    content_md5: Option<[u8; 16]>,
    length: u64,
}

impl Draft {
    fn commit(self, body: &FinishedBody) -> Result<BlobReceipt> {
        let core = self.container.core.clone();
        let adopted = body.clone();
        core.transact_adopting(body, move |txn| {
            let core = &self.container.core;
            let container = ContainerRecord::read(txn, &self.container.name)?;
            core.admit_commit(Operation::PutBlob, txn)?;
            let old = BlobRecord::find(txn, container.id, &self.name)?;
            let history = History::of(core, (container.id, &self.name));
            let now = history.now;
            BlobRecord::check_replace(old.as_ref(), &self.options.conditions, &history)?;
            let gone = history.replace(txn, old.as_ref(), BlobType::BlockBlob)?;
            if let Some(old) = old.as_ref().filter(|_| gone) {
                old.content.release(txn)?;
            }
            Staging::discard(txn, container.id, &self.name)?;
            let extent = Extent {
                body: txn.adopt_body(&adopted)?,
                start: 0,
                length: self.length,
            };
            let record = BlobRecord::new(NewBlob {
                blob_type: BlobType::BlockBlob,
                created: old.as_ref().map_or(now, |old| old.created),
                last_modified: now.whole_seconds(),
                etag: match &old {
                    Some(old) => old.etag.next(&core.etags, now),
                    None => core.etags.first(now),
                },
                headers: self.options.headers.clone(),
                length: self.length,
                content: BlobContent::Own(vec![extent]),
            });
            let record = BlobRecord {
                content_md5: self.content_md5,
                metadata: self.metadata.clone(),
                lease: old.as_ref().map_or(Lease::None, |old| old.lease.after_write(now)),
                tags: self.options.tags.to_pairs(),
                version: history.new_version(txn)?,
                ..record
            };
            record.write(txn, &key(container.id, &self.name))?;
            Ok(BlobReceipt::of(&record))
        })
    }
}
