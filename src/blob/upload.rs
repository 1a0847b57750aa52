//! Upload: content from any reader, or written piece by piece, becomes a blob in one commit.
//!
//! Until the commit nothing is visible. An upload that is dropped, fails or is refused leaves nothing behind.
//! Every chunk and the commit itself ask the key guard, so a revocation stops an upload at its next chunk.

use std::io::Read;
use std::sync::Arc;

use super::checksums::Expected;
use super::crc64::Crc64;
use super::intake::{Intake, TakenIn};
use super::md5::ContentMd5;
use super::properties::{BlobReceipt, BlobType, ContentHeaders};
use super::put::{Given, Making};
use super::record::{AccessTier, BlobContent, Extent, ImmutabilityPolicy, SealedMetadata};
use super::source::BlobSource;
use super::staged::Staging;
use super::{BlobVersionRef, Conditions};
use crate::account::AccountCore;
use crate::container::Container;
use crate::encryption::EncryptionChoice;
use crate::error::Result;
use crate::metadata::Metadata;
use crate::names::BlobName;
use crate::operations::{Operation, UserMetadata};
use crate::tags::Tags;

/// Bytes that [`Container::put_blob_from`] takes at most: 5000 MiB.
pub const PUT_FROM_BYTES_MAX: u64 = 5000 << 20;

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
    /// How many bytes there are, if that is known: content of another length is refused, and of content
    /// beyond [`MD5_BYTES_MAX`](super::MD5_BYTES_MAX) no MD5 is begun that would have to be given up.
    pub content_length: Option<u64>,
    /// Index tags.
    pub tags: Tags,
    /// How readily the content can be read; the account's default, Hot, if it is not given.
    pub tier: Option<AccessTier>,
    /// What the content is sealed under.
    pub encryption: EncryptionChoice,
    /// Until when the blob may be neither changed nor deleted.
    pub immutability: Option<ImmutabilityPolicy>,
    /// Whether it may be neither changed nor deleted until the hold is lifted.
    pub legal_hold: bool,
}

impl UploadOptions {
    fn expected(&self) -> Expected {
        Expected {
            md5: self.content_md5,
            crc64: self.content_crc64,
            length: self.content_length,
        }
    }
}

/// An upload under way. Memory: a few chunks, whatever the size.
#[must_use = "nothing is visible until `commit`; an upload that is dropped leaves nothing behind"]
pub struct Upload {
    core: Arc<AccountCore>,
    making: Making,
    given: Given,
    intake: Intake,
}

impl Container {
    /// Stores everything that `content` gives as a blob.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); the 403 of a revoked key; `BlobAlreadyExists` (409), `ConditionNotMet`
    /// (412) and the other errors of conditional writes; `InvalidHeaderValue`, `Md5Mismatch`,
    /// `Crc64Mismatch`, `BothCrc64AndMd5HeaderPresent` (400), `InvalidHeaderValue` also for content of
    /// another length than was said; `InvalidInput` (400) when the reader fails.
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
        let making = self.making(name, (Operation::PutBlob, &options))?;
        self.begin_put(making, options)
    }

    /// Stores the bytes of another blob, or a range of them, as a new block blob. The source gives its bytes
    /// and, if `options` have the default ones, its headers; metadata and tags are those of `options`. The
    /// bytes are sealed anew; [`start_copy`](Self::start_copy) moves none within an account.
    ///
    /// # Errors
    /// As [`upload`](Self::upload) and those of [`BlobSource`]; `RequestBodyTooLarge` (413) beyond
    /// [`PUT_FROM_BYTES_MAX`].
    pub fn put_blob_from(
        &self,
        name: &BlobName,
        source: &BlobSource,
        mut options: UploadOptions,
    ) -> Result<BlobReceipt> {
        let making = self.making(name, (Operation::PutBlobFromUrl, &options))?;
        making.check(&self.core)?;
        let content = source.open()?;
        if content.length() > PUT_FROM_BYTES_MAX {
            return Err(super::intake::too_large(PUT_FROM_BYTES_MAX));
        }
        if options.headers == ContentHeaders::default() {
            options.headers = content.properties().headers.clone();
        }
        options.content_length = options.content_length.or(Some(content.length()));
        let is_itself = source.which == BlobVersionRef::Base && source.is_of(&self.core, (&self.name, name));
        let making = Making {
            keys: making.keys.fed_by(content.guard()),
            unchanged: is_itself.then(|| content.properties().etag),
            ..making
        };
        let keys = making.keys.clone();
        let mut upload = self.begin_put(making, options)?;
        let read = upload.intake.read(content);
        read.map_err(|error| keys.explain(source.explain(error)))?;
        upload.commit().map_err(|error| keys.explain(error))
    }

    fn making(&self, name: &BlobName, (operation, options): (Operation, &UploadOptions)) -> Result<Making> {
        Ok(Making {
            container: self.name.clone(),
            name: name.clone(),
            blob_type: BlobType::BlockBlob,
            operation,
            touched: UserMetadata::given(&options.metadata),
            conditions: options.conditions.clone(),
            keys: self.core.keys_for_new(&self.name, &options.encryption)?,
            unchanged: None,
        })
    }

    fn begin_put(&self, making: Making, options: UploadOptions) -> Result<Upload> {
        let core = &self.core;
        making.check(core)?;
        options.headers.check()?;
        if let Some(policy) = options.immutability {
            policy.check(core.clock.now())?;
        }
        if let Some(tier) = options.tier {
            tier.check_type(BlobType::BlockBlob)?;
        }
        let metadata = SealedMetadata::seal(core, &making.keys, &options.metadata)?;
        Ok(Upload {
            core: Arc::clone(core),
            intake: Intake::begin(core, &making.keys, options.expected(), u64::MAX)?,
            making,
            given: Given {
                headers: options.headers,
                metadata,
                tags: options.tags,
                content_md5: None,
                tier: options.tier,
                immutability: options.immutability,
                legal_hold: options.legal_hold,
            },
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
        let (core, making) = (self.core, self.making);
        let given = Given {
            content_md5,
            ..self.given
        };
        let (adopting, adopted) = (core.clone(), body.clone());
        let receipt = core.transact_adopting(&body, move |txn| {
            let replacing = making.begin(&adopting, txn)?;
            replacing.release_old(txn)?;
            Staging::discard(txn, replacing.container, &making.name)?;
            let extent = Extent {
                body: txn.adopt_body(&adopted)?,
                start: 0,
                length,
            };
            let record = replacing.record(txn, (BlobContent::Own(vec![extent]), length), &given)?;
            replacing.write(txn, &record)?;
            Ok(BlobReceipt::of(&record))
        })?;
        Ok(BlobReceipt {
            content_crc64: Some(content_crc64),
            ..receipt
        })
    }
}
