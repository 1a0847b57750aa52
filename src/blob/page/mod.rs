//! Page blobs: content in pages of 512 bytes, written in any order.
//!
//! Each write is one body, and the page map says which pages it holds: nothing is ever sealed again. Pages
//! that were never written read as zeros and take no room.

pub(crate) mod map;
mod ranges;
mod write;

pub use ranges::{ListPageRanges, PageRange, PageRanges};
pub use write::{PUT_PAGES_BYTES_MAX, PageReceipt, PutPagesOptions, SequenceConditions};

use std::sync::Arc;

use map::{PAGE_BYTES, View};
use strongroom_engine::tree::Txn;

use super::Conditions;
use super::properties::{BlobReceipt, BlobType};
use super::put::CreateBlobOptions;
use super::record::{BlobContent, BlobRecord, key};
use super::staged::Staging;
use super::tier;
use crate::account::AccountCore;
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::operations::{Operation, UserMetadata};

/// Bytes of a page blob at most: 8 TiB.
pub const PAGE_BLOB_BYTES_MAX: u64 = 8 << 40;
/// Highest sequence number: 2^63 - 1.
const SEQUENCE_MAX: u64 = i64::MAX as u64;

/// What becomes of a page blob's sequence number: `x-ms-sequence-number-action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SequenceNumberAction {
    /// The higher one of this and the present number.
    Max(u64),
    /// This one.
    Update(u64),
    /// The present number and one more.
    Increment,
}

impl Container {
    /// Makes a page blob of `length` bytes, all zero, in place of whatever had its name. Takes no room until
    /// pages are written.
    ///
    /// # Errors
    /// As [`upload`](Self::upload), as far as content plays no part; `InvalidHeaderValue` (400) unless the
    /// length is a multiple of 512 of at most 8 TiB and the sequence number below 2^63;
    /// `AccessTierNotSupportedForBlobType` (400), `BlobTierInadequateForContentLength` (409).
    pub fn create_page_blob(
        &self,
        name: &BlobName,
        (length, sequence_number): (u64, u64),
        options: &CreateBlobOptions,
    ) -> Result<BlobReceipt> {
        let (making, given) = options.prepare(self, name, BlobType::PageBlob)?;
        check_length(length)?;
        check_sequence_number(sequence_number)?;
        let core = Arc::clone(&self.core);
        self.core.transact(move |txn| {
            let replacing = making.begin(&core, txn)?;
            replacing.release_old(txn)?;
            Staging::discard(txn, replacing.container, &making.name)?;
            let content = BlobContent::pages(map::create(txn)?);
            let mut record = replacing.record(txn, (content, length), &given)?;
            record.sequence_number = sequence_number;
            replacing.write(txn, &record)?;
            Ok(BlobReceipt::of(&record))
        })
    }

    /// Gives a page blob another length; pages behind it are discarded. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); 409: `InvalidBlobType`,
    /// `BlobTierInadequateForContentLength`, `OperationNotAllowedOnIncrementalCopyBlob`;
    /// `InvalidHeaderValue` (400) unless the length is a multiple of 512 of at most 8 TiB; `ConditionNotMet`
    /// (412) and the other errors of conditional writes.
    pub fn resize_page_blob(
        &self,
        name: &BlobName,
        length: u64,
        conditions: &Conditions,
    ) -> Result<BlobReceipt> {
        check_length(length)?;
        self.change_page_blob(name, conditions, move |txn, record| {
            if let Some(tier) = record.tier.tier {
                tier::check_capacity(tier, length)?;
            }
            if length < record.length {
                let view = record.content.make_writable(txn)?;
                map::replace(txn, view, (length, record.length), None)?;
            }
            record.length = length;
            Ok(())
        })
    }

    /// Sets the sequence number of a page blob. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `InvalidBlobType`,
    /// `OperationNotAllowedOnIncrementalCopyBlob` (409); `InvalidHeaderValue` (400) for a number of 2^63 and
    /// more; `ConditionNotMet` (412) and the other errors of conditional writes.
    pub fn set_sequence_number(
        &self,
        name: &BlobName,
        action: SequenceNumberAction,
        conditions: &Conditions,
    ) -> Result<BlobReceipt> {
        self.change_page_blob(name, conditions, move |_, record| {
            let wanted = match action {
                SequenceNumberAction::Max(number) => number.max(record.sequence_number),
                SequenceNumberAction::Update(number) => number,
                SequenceNumberAction::Increment => record.sequence_number.saturating_add(1),
            };
            check_sequence_number(wanted)?;
            record.sequence_number = wanted;
            Ok(())
        })
    }

    fn change_page_blob(
        &self,
        name: &BlobName,
        conditions: &Conditions,
        change: impl Fn(&mut Txn<'_>, &mut BlobRecord) -> Result<(), Failure> + Send + 'static,
    ) -> Result<BlobReceipt> {
        let (core, container, name) = (Arc::clone(&self.core), self.name.clone(), name.clone());
        let conditions = conditions.clone();
        self.core.transact(move |txn| {
            let mut page_blob = PageBlob::find(
                &core,
                txn,
                (&container, &name),
                (Operation::SetBlobProperties, &conditions),
            )?;
            change(txn, &mut page_blob.record)?;
            page_blob.write(&core, txn)?;
            Ok::<_, Failure>(BlobReceipt::of(&page_blob.record))
        })
    }
}

/// A page blob about to be changed, after every check that all changes share.
struct PageBlob {
    record: BlobRecord,
    key: Vec<u8>,
}

impl PageBlob {
    fn find(
        core: &AccountCore,
        txn: &mut Txn<'_>,
        (container, name): (&crate::names::ContainerName, &BlobName),
        (operation, conditions): (Operation, &Conditions),
    ) -> Result<Self, Failure> {
        let container = ContainerRecord::read(txn, container)?.id;
        let asked = (operation, UserMetadata::Untouched);
        let record = core.admit_blob_commit(asked, BlobRecord::read(txn, container, name), txn)?;
        record.check_page_write(conditions, core.clock.now())?;
        Ok(Self {
            record,
            key: key(container, name),
        })
    }

    fn write(&mut self, core: &AccountCore, txn: &mut Txn<'_>) -> Result<(), Failure> {
        self.record.touch(core, core.clock.now());
        self.record.write(txn, &self.key)
    }
}

impl BlobRecord {
    /// Fails unless the pages of the blob may be changed.
    fn check_page_write(&self, conditions: &Conditions, now: strongroom_engine::Timestamp) -> Result<()> {
        self.require_type(BlobType::PageBlob)?;
        self.check_write(conditions, now)?;
        self.check_not_incremental()
    }

    /// Fails if the blob follows another one and is changed by that alone.
    pub(crate) fn check_not_incremental(&self) -> Result<()> {
        if self.is_incremental_copy {
            let message = "The specified operation is not allowed on an incremental copy blob.";
            return Err(Error::new(
                ErrorKind::Conflict,
                "OperationNotAllowedOnIncrementalCopyBlob",
                409,
                message,
            ));
        }
        Ok(())
    }
}

impl BlobContent {
    /// The pages of a map.
    pub(crate) fn pages(view: View) -> Self {
        Self::Pages {
            map: view.map,
            generation: view.generation,
            borrowed: false,
        }
    }

    /// Has the content be one that nobody else sees; the view to write to.
    fn make_writable(&mut self, txn: &mut Txn<'_>) -> Result<View, Failure> {
        let borrowed = matches!(self, Self::Pages { borrowed: true, .. });
        let view = map::writable(txn, self.view()?, borrowed)?;
        *self = Self::pages(view);
        Ok(view)
    }

    /// The view of a page blob's content.
    pub(crate) fn view(&self) -> Result<View> {
        match self {
            Self::Pages { map, generation, .. } => Ok(View {
                map: *map,
                generation: *generation,
            }),
            _ => {
                let message = "a page blob without a page map";
                Err(Error::new(ErrorKind::Corrupt, "InternalError", 500, message))
            }
        }
    }
}

fn check_length(length: u64) -> Result<()> {
    if length <= PAGE_BLOB_BYTES_MAX && length.is_multiple_of(PAGE_BYTES) {
        return Ok(());
    }
    let message = format!("a page blob cannot have {length} bytes");
    Err(Error::invalid("InvalidHeaderValue", message).hint("give a multiple of 512 of at most 8 TiB"))
}

fn check_sequence_number(number: u64) -> Result<()> {
    if number <= SEQUENCE_MAX {
        return Ok(());
    }
    let message = format!("{number} is no sequence number");
    Err(Error::invalid("InvalidHeaderValue", message).hint("give a number from 0 to 2^63 - 1"))
}
