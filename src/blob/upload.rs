//! Upload: content from any reader, or written piece by piece, becomes a blob in one commit.
//!
//! Until the commit nothing is visible. An upload that is dropped, fails or is refused leaves nothing behind.
//! Every chunk and the commit itself ask the key guard, so a revocation stops an upload at its next chunk.

use std::io::{ErrorKind as IoErrorKind, Read};
use std::sync::Arc;

use strongroom_engine::SecretBuffer;
use strongroom_engine::body::{BodyWriter, FinishedBody};
use strongroom_engine::slot::{Revocable, Slot};

use super::md5::{ContentMd5, Md5Stream};
use super::properties::{BlobReceipt, BlobType, ContentHeaders};
use super::record::{BlobContent, BlobRecord, Extent, NewBlob, SealedMetadata, key};
use super::{Conditions, Interruption, body_error};
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::lease::Lease;
use crate::metadata::Metadata;
use crate::names::BlobName;
use crate::operations::Operation;
use crate::tags::Tags;

/// Bytes read at once from the caller's reader, at first: enough for small content without the price of more.
const READ_BYTES_MIN: usize = 16 << 10;
/// Bytes read at once once the content has shown to be larger.
const READ_BYTES_MAX: usize = 256 << 10;

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
    /// Index tags.
    pub tags: Tags,
}

/// An upload under way. Memory: a few chunks, whatever the size.
#[must_use = "nothing is visible until `commit`; an upload that is dropped leaves nothing behind"]
pub struct Upload {
    container: Container,
    name: BlobName,
    options: UploadOptions,
    writer: BodyWriter,
    metadata: Option<SealedMetadata>,
    /// In a slot, because it remembers up to 63 bytes of content.
    md5: Arc<Slot<Md5Stream>>,
    stopped: Option<Interruption>,
}

impl Container {
    /// Stores everything that `content` gives as a blob.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); the 403 of a revoked key; `BlobAlreadyExists` (409), `ConditionNotMet`
    /// (412) and the other errors of conditional writes; `InvalidHeaderValue`, `Md5Mismatch` (400);
    /// `InvalidInput` (400) when the reader fails.
    pub fn upload(
        &self,
        name: &BlobName,
        mut content: impl Read,
        options: UploadOptions,
    ) -> Result<BlobReceipt> {
        let mut upload = self.begin_upload(name, options)?;
        let mut buffer = SecretBuffer::default();
        buffer.resize(READ_BYTES_MIN);
        loop {
            // What was read is sealed and wiped before the next read: a reader that blocks holds no plaintext
            // here.
            match content.read(buffer.as_mut_slice()) {
                Ok(0) => return upload.commit(),
                Ok(count) => {
                    let (bytes, _) = buffer
                        .as_mut_slice()
                        .split_at_mut_checked(count)
                        .ok_or_else(overrun)?;
                    upload.write(bytes)?;
                    bytes.fill(0);
                }
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
            if upload.length() >= buffer.len() as u64 {
                buffer.resize(READ_BYTES_MAX);
            }
        }
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
        BlobRecord::check_put(old.as_ref(), &options.conditions, core.clock.now())?;
        let (writer, metadata) = core.guard.with_keys(|keys| {
            let metadata = SealedMetadata::seal(core, keys, &options.metadata)?;
            let writer = BodyWriter::new(&core.tree, &keys.content, core.chunk_bytes, core.entropy.as_ref());
            Ok::<_, Error>((writer.map_err(|error| body_error(core, error))?, metadata))
        })??;
        core.guard.register(Arc::downgrade(&writer.slot()))?;
        let md5 = Arc::new(Slot::new(Md5Stream::new(options.content_md5)));
        let md5_slot: Arc<dyn Revocable> = md5.clone();
        core.guard.register(Arc::downgrade(&md5_slot))?;
        Ok(Upload {
            container: self.clone(),
            name: name.clone(),
            md5,
            options,
            writer,
            metadata,
            stopped: None,
        })
    }
}

impl Upload {
    /// Takes the next bytes of the content.
    ///
    /// # Errors
    /// The 403 of a revoked key, then and from then on; storage errors.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let chunk_bytes = self.container.core.chunk_bytes.max(1) as usize;
        for piece in bytes.chunks(chunk_bytes) {
            if let Some(stopped) = self.stopped {
                return Err(stopped.error(&self.container.core));
            }
            self.write_piece(piece)
                .inspect_err(|error| self.stopped = Some(Interruption::by(error)))?;
        }
        Ok(())
    }

    /// Bytes of content taken so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.writer.length()
    }

    /// Makes the blob visible, durably, in place of whatever had its name.
    ///
    /// # Errors
    /// As [`Container::upload`]; nothing of the upload is left then.
    pub fn commit(self) -> Result<BlobReceipt> {
        let core = self.container.core.clone();
        if let Some(stopped) = self.stopped {
            return Err(stopped.error(&core));
        }
        let content_md5 = self
            .md5
            .with(Md5Stream::finish)
            .ok_or_else(|| core.guard.refusal())??;
        let length = self.writer.length();
        let body = self.writer.finish().map_err(|error| body_error(&core, error))?;
        let draft = Draft {
            container: self.container,
            name: self.name,
            options: self.options,
            metadata: self.metadata,
            content_md5,
            length,
        };
        draft.commit(&body)
    }

    fn write_piece(&mut self, piece: &[u8]) -> Result<()> {
        let core = &self.container.core;
        core.guard.check()?;
        let hashed = self.md5.with(|md5| md5.update(piece));
        hashed.ok_or_else(|| core.guard.refusal())?;
        self.writer.write(piece).map_err(|error| body_error(core, error))
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
            let now = core.clock.now();
            BlobRecord::check_put(old.as_ref(), &self.options.conditions, now)?;
            if let Some(old) = &old {
                old.content.release(txn)?;
            }
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
                ..record
            };
            record.write(txn, &key(container.id, &self.name))?;
            Ok(BlobReceipt::of(&record))
        })
    }
}

fn overrun() -> Error {
    let message = "the reader claims to have read more than there was room for";
    Error::new(ErrorKind::Io, "InvalidInput", 400, message)
}

fn unreadable(error: std::io::Error) -> Error {
    let message = format!("the content could not be read: {error}");
    Error::new(ErrorKind::Io, "InvalidInput", 400, message).caused_by(error)
}
