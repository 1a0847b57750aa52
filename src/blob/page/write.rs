//! Put Page: writing and clearing pages.

use std::io::Read;
use std::sync::Arc;

use strongroom_engine::Timestamp;

use super::super::checksums::Expected;
use super::super::intake::{Intake, TakenIn};
use super::super::md5::ContentMd5;
use super::super::record::BlobRecord;
use super::super::source::BlobSource;
use super::super::{Conditions, Crc64};
use super::PageBlob;
use super::map::{self, PAGE_BYTES};
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::encryption::{BlobKeys, EncryptionChoice};
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::names::BlobName;
use crate::operations::Operation;

/// Bytes of one write of pages at most: 4 MiB. Clearing has no limit.
pub const PUT_PAGES_BYTES_MAX: u64 = 4 << 20;

/// What must hold of the sequence number: `x-ms-if-sequence-number-*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SequenceConditions {
    /// Only if it is at most this.
    pub at_most: Option<u64>,
    /// Only if it is less than this.
    pub less_than: Option<u64>,
    /// Only if it is this.
    pub equal: Option<u64>,
}

impl SequenceConditions {
    fn check(self, number: u64) -> Result<()> {
        let holds = self.at_most.is_none_or(|most| number <= most)
            && self.less_than.is_none_or(|past| number < past)
            && self.equal.is_none_or(|wanted| number == wanted);
        if holds {
            return Ok(());
        }
        let message = "The sequence number condition specified was not met.";
        let error = Error::new(
            ErrorKind::Precondition,
            "SequenceNumberConditionNotMet",
            412,
            message,
        );
        Err(error.hint(format!("the sequence number is {number}")))
    }
}

/// What has to hold for a write of pages. The default has no conditions.
#[derive(Clone, Debug, Default)]
pub struct PutPagesOptions {
    /// What must hold of the blob.
    pub conditions: Conditions,
    /// What must hold of its sequence number.
    pub sequence: SequenceConditions,
    /// The MD5 that the pages must have, if it is known.
    pub content_md5: Option<[u8; 16]>,
    /// The CRC-64 that the pages must have, if it is known; not together with an MD5.
    pub content_crc64: Option<Crc64>,
    /// What the blob is sealed under.
    pub encryption: EncryptionChoice,
}

/// What is said of a write of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageReceipt {
    /// The blob's new tag.
    pub etag: ETag,
    /// When it changed, in whole seconds.
    pub last_modified: Timestamp,
    /// The blob's sequence number.
    pub sequence_number: u64,
    /// MD5 of the pages, if it was given.
    pub content_md5: Option<[u8; 16]>,
    /// CRC-64 of the pages; `None` where they were cleared.
    pub content_crc64: Option<Crc64>,
}

impl PageReceipt {
    fn of(record: &BlobRecord) -> Self {
        Self {
            etag: record.etag,
            last_modified: record.last_modified,
            sequence_number: record.sequence_number,
            content_md5: None,
            content_crc64: None,
        }
    }
}

impl Container {
    /// Writes what `content` gives, exactly `length` bytes, from byte `offset` on.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); the 403 of a revoked key; 409: `InvalidBlobType`,
    /// `OperationNotAllowedOnIncrementalCopyBlob`; `InvalidPageRange` (416) unless offset and length are
    /// multiples of 512 within the blob; `RequestBodyTooLarge` (413) beyond [`PUT_PAGES_BYTES_MAX`]; 412:
    /// `SequenceNumberConditionNotMet`, `ConditionNotMet` and the other errors of conditional writes; 400:
    /// `InvalidHeaderValue` if the content has another length, `Md5Mismatch`, `Crc64Mismatch`,
    /// `BothCrc64AndMd5HeaderPresent`, `InvalidInput` when the reader fails.
    pub fn put_pages(
        &self,
        name: &BlobName,
        (offset, length): (u64, u64),
        content: impl Read,
        options: &PutPagesOptions,
    ) -> Result<PageReceipt> {
        let writing = Writing::new(self, name, (offset, length), options);
        let keys = writing.check_before(Operation::PutPage)?;
        writing.put((Operation::PutPage, &keys), content)
    }

    /// Writes the bytes of another blob from byte `offset` on.
    ///
    /// # Errors
    /// As [`put_pages`](Self::put_pages) and those of [`BlobSource`].
    pub fn put_pages_from(
        &self,
        name: &BlobName,
        offset: u64,
        source: &BlobSource,
        options: &PutPagesOptions,
    ) -> Result<PageReceipt> {
        let operation = Operation::PutPageFromUrl;
        // The pages that are meant show when the source is open; everything else shows before.
        Writing::new(self, name, (offset, 0), options).check_before(operation)?;
        let content = source.open()?;
        let writing = Writing::new(self, name, (offset, content.length()), options);
        let keys = writing.check_before(operation)?.fed_by(content.guard());
        writing
            .put((operation, &keys), content)
            .map_err(|error| keys.explain(source.explain(error)))
    }

    /// Makes the bytes from `offset` on zero and gives up their room. A range of any length.
    ///
    /// # Errors
    /// As [`put_pages`](Self::put_pages), as far as content plays no part.
    pub fn clear_pages(
        &self,
        name: &BlobName,
        (offset, length): (u64, u64),
        options: &PutPagesOptions,
    ) -> Result<PageReceipt> {
        let writing = Writing::new(self, name, (offset, length), options);
        writing.check_before(Operation::PutPage)?;
        let container = self.clone();
        self.core.transact(move |txn| {
            let mut page_blob = writing.find(txn, Operation::PutPage)?;
            let record = &mut page_blob.record;
            let view = record.content.make_writable(txn)?;
            map::replace(txn, view, (offset, offset + length), None)?;
            page_blob.write(&container.core, txn)?;
            Ok::<_, Failure>(PageReceipt::of(&page_blob.record))
        })
    }
}

/// Pages about to be written.
#[derive(Clone)]
struct Writing {
    container: Container,
    name: BlobName,
    offset: u64,
    length: u64,
    options: PutPagesOptions,
}

impl Writing {
    fn new(
        container: &Container,
        name: &BlobName,
        (offset, length): (u64, u64),
        options: &PutPagesOptions,
    ) -> Self {
        Self {
            container: container.clone(),
            name: name.clone(),
            offset,
            length,
            options: options.clone(),
        }
    }

    /// What shows before the content has come.
    fn check_before(&self, operation: Operation) -> Result<BlobKeys> {
        let core = &self.container.core;
        let container = ContainerRecord::read(&core.tree, &self.container.name)?;
        let found = BlobRecord::read(&core.tree, container.id, &self.name);
        let record = core.admit_blob(operation, &container.encryption, found)?;
        record.check_page_write(&self.options.conditions, core.clock.now())?;
        self.check(&record)?;
        core.keys_of(&record.encryption, &self.options.encryption)
    }

    fn check(&self, record: &BlobRecord) -> Result<()> {
        record.check_encryption(&self.options.encryption)?;
        self.options.sequence.check(record.sequence_number)?;
        let end = self.offset.checked_add(self.length);
        let whole = self.offset.is_multiple_of(PAGE_BYTES) && self.length.is_multiple_of(PAGE_BYTES);
        if whole && end.is_some_and(|end| end <= record.length) {
            return Ok(());
        }
        let message = "The page range specified is invalid.";
        let error = Error::new(ErrorKind::Invalid, "InvalidPageRange", 416, message);
        Err(error.hint(format!(
            "give multiples of 512 within the blob's {} bytes",
            record.length
        )))
    }

    fn find(
        &self,
        txn: &mut strongroom_engine::tree::Txn<'_>,
        operation: Operation,
    ) -> Result<PageBlob, Failure> {
        let target = (&self.container.name, &self.name);
        let asked = (operation, &self.options.conditions);
        let page_blob = PageBlob::find(&self.container.core, txn, target, asked)?;
        self.check(&page_blob.record)?;
        Ok(page_blob)
    }

    fn put(self, (operation, keys): (Operation, &BlobKeys), content: impl Read) -> Result<PageReceipt> {
        if self.length > PUT_PAGES_BYTES_MAX {
            return Err(super::super::intake::too_large(PUT_PAGES_BYTES_MAX));
        }
        let core = Arc::clone(&self.container.core);
        let expected = Expected {
            md5: self
                .options
                .content_md5
                .map_or(ContentMd5::None, ContentMd5::Provided),
            crc64: self.options.content_crc64,
            length: None,
        };
        let mut intake = Intake::begin(&core, keys, expected, self.length)?;
        intake.read(content)?;
        if intake.length() != self.length || self.length == 0 {
            let message = format!("{} bytes were given for {}", intake.length(), self.length);
            return Err(Error::invalid("InvalidHeaderValue", message)
                .hint("give as many bytes as the range has, at least 512"));
        }
        let TakenIn {
            body,
            content_md5,
            content_crc64,
            ..
        } = intake.finish()?;
        let (adopted, keys) = (body.clone(), keys.clone());
        let receipt = core.transact_adopting(&body, move |txn| {
            let mut page_blob = self.find(txn, operation)?;
            let record = &mut page_blob.record;
            record.encryption.check_same(&keys.details)?;
            keys.through_source(txn)?;
            let view = record.content.make_writable(txn)?;
            let body = txn.adopt_body(&adopted)?;
            map::replace(txn, view, (self.offset, self.offset + self.length), Some(&body))?;
            page_blob.write(&self.container.core, txn)?;
            Ok(PageReceipt::of(&page_blob.record))
        })?;
        Ok(PageReceipt {
            content_md5,
            content_crc64: Some(content_crc64),
            ..receipt
        })
    }
}
