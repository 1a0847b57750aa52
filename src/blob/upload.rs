//! Upload: content from any reader, or written piece by piece, becomes a blob in one commit.
//!
//! Until the commit nothing is visible. An upload that is dropped, fails or is refused leaves nothing behind.
//! Every chunk and the commit itself ask the key guard, so a revocation stops an upload at its next chunk.

use std::io::{ErrorKind as IoErrorKind, Read};
use std::sync::Arc;

use strongroom_engine::body::{BodyWriter, FinishedBody};

use super::md5::{ContentMd5, Md5Stream};
use super::properties::{BlobReceipt, BlobType, ContentHeaders};
use super::record::{BlobRecord, Extent, SealedMetadata, key};
use super::{Conditions, body_error};
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::Metadata;
use crate::names::BlobName;
use crate::operations::Operation;

/// Bytes read at once from the caller's reader.
const READ_BYTES: usize = 1 << 20;

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
}

/// An upload under way. Memory: a few chunks, whatever the size.
#[must_use = "nothing is visible until `commit`; an upload that is dropped leaves nothing behind"]
pub struct Upload {
    container: Container,
    name: BlobName,
    options: UploadOptions,
    writer: BodyWriter,
    metadata: Option<SealedMetadata>,
    md5: Md5Stream,
    /// Set by the first failure: a stream that was interrupted stays so, even when access is restored.
    failed: bool,
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
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let read = (&mut content).take(READ_BYTES as u64).read_to_end(&mut buffer);
            match read {
                Ok(0) => return upload.commit(),
                Ok(_) => upload.write(&buffer)?,
                Err(error) if error.kind() == IoErrorKind::Interrupted => upload.write(&buffer)?,
                Err(error) => return Err(unreadable(error)),
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
        let state = BlobRecord::find(&core.tree, container.id, name)?.map(|record| record.state());
        options.conditions.check_put(state)?;
        let (writer, metadata) = core.guard.with_keys(|keys| {
            let metadata = SealedMetadata::seal(core, keys, &options.metadata)?;
            let writer = BodyWriter::new(&core.tree, &keys.content, core.chunk_bytes, core.entropy.as_ref());
            Ok::<_, Error>((writer.map_err(|error| body_error(core, error))?, metadata))
        })??;
        core.guard.register(Arc::downgrade(&writer.slot()))?;
        Ok(Upload {
            container: self.clone(),
            name: name.clone(),
            md5: Md5Stream::new(options.content_md5),
            options,
            writer,
            metadata,
            failed: false,
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
            if self.failed {
                return Err(self.container.core.guard.refusal());
            }
            self.write_piece(piece).inspect_err(|_| self.failed = true)?;
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
        if self.failed {
            return Err(core.guard.refusal());
        }
        let content_md5 = self.md5.finish()?;
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
        draft.commit(body)
    }

    fn write_piece(&mut self, piece: &[u8]) -> Result<()> {
        let core = &self.container.core;
        core.guard.check()?;
        self.md5.update(piece);
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
    fn commit(self, body: FinishedBody) -> Result<BlobReceipt> {
        let core = self.container.core.clone();
        let adopted = body.clone();
        core.transact_adopting(&body, move |txn| {
            let core = &self.container.core;
            let container = ContainerRecord::read(txn, &self.container.name)?;
            core.admit_commit(Operation::PutBlob, txn)?;
            let old = BlobRecord::find(txn, container.id, &self.name)?;
            self.options
                .conditions
                .check_put(old.as_ref().map(BlobRecord::state))?;
            if let Some(old) = &old {
                old.release(txn)?;
            }
            let now = core.clock.now();
            let extent = Extent {
                body: txn.adopt_body(&adopted)?,
                start: 0,
                length: self.length,
            };
            let record = BlobRecord {
                blob_type: BlobType::BlockBlob,
                created: old.as_ref().map_or(now, |old| old.created),
                last_modified: now.whole_seconds(),
                etag: match &old {
                    Some(old) => old.etag.next(&core.etags, now),
                    None => core.etags.first(now),
                },
                headers: self.options.headers.clone(),
                content_md5: self.content_md5,
                length: self.length,
                content: vec![extent],
                metadata: self.metadata.clone(),
            };
            record.write(txn, &key(container.id, &self.name))?;
            Ok(BlobReceipt::of(&record))
        })
    }
}

fn unreadable(error: std::io::Error) -> Error {
    let message = format!("the content could not be read: {error}");
    Error::new(ErrorKind::Io, "InvalidInput", 400, message).caused_by(error)
}
