//! Blobs: upload, download, properties, metadata, listing, deletion.
//!
//! Every operation checks in the same order: the container exists (404), the key can be used (403),
//! everything else. What a transaction decides on it reads inside that transaction, so of two racing writers
//! with a condition one loses.

mod address;
mod append;
mod assembly;
mod batch;
mod block;
mod block_list;
pub(crate) mod check;
mod checksums;
mod conditions;
mod content;
pub(crate) mod copy;
mod crc64;
mod delete;
pub(crate) mod doomed;
mod download;
mod entries;
pub(crate) mod expiry;
mod find;
mod hashing;
pub(crate) mod history;
pub(crate) mod ids;
pub(crate) mod immutability;
mod intake;
mod lease;
mod list;
pub(crate) mod manifest;
mod manifest_append;
mod md5;
pub(crate) mod page;
mod properties;
mod put;
mod range;
pub(crate) mod record;
mod shared;
mod snapshot;
pub(crate) mod source;
pub(crate) mod staged;
mod tags;
mod tier;
mod upload;
mod version;

pub use append::{APPEND_BLOCK_BYTES_MAX, APPENDED_BLOCKS_MAX, AppendBlockOptions, AppendReceipt};
pub use batch::{BATCH_PARTS_MAX, BatchOutcome, BlobBatch, DeletePart, TierPart};
pub use block::{BLOCK_BYTES_MAX, BlockReceipt, PutBlockOptions};
pub use block_list::{
    Block, BlockList, BlockListFilter, COMMITTED_BLOCKS_MAX, ListedBlock, PutBlockListOptions,
};
pub use check::ContentCheck;
pub(crate) use conditions::Subject;
pub use conditions::{Conditions, ETagMatch};
pub use copy::{CopyOptions, CopyReceipt, SYNCHRONOUS_COPY_BYTES_MAX, SourceTags};
pub use crc64::Crc64;
pub use delete::{DeleteBlobOptions, DeleteSnapshots};
pub use download::{Download, DownloadOptions, RangeCheck, RangeChecksum};
pub use entries::BlockId;
pub use expiry::BlobExpiry;
pub use find::{FindBlobs, FoundBlob, FoundPage};
pub use list::{BlobItem, BlobPage, ListBlobs, ListDetail, ListEntry, ListInclude};
pub use md5::{ContentMd5, MD5_BYTES_MAX};
pub use page::{
    ListPageRanges, PAGE_BLOB_BYTES_MAX, PUT_PAGES_BYTES_MAX, PageRange, PageRanges, PageReceipt,
    PutPagesOptions, SequenceConditions, SequenceNumberAction,
};
pub use properties::{BlobProperties, BlobReceipt, BlobType, ContentHeaders, SetMetadataOptions};
pub use put::CreateBlobOptions;
pub use range::ByteRange;
pub use record::{
    AccessTier, ArchiveStatus, CopyState, CopyStatus, EncryptionDetails, ImmutabilityMode,
    ImmutabilityPolicy, RehydratePriority,
};
pub use snapshot::{SnapshotOptions, SnapshotReceipt};
pub use source::BlobSource;
pub use tier::{SetTierOptions, TierChange};
pub use upload::{PUT_FROM_BYTES_MAX, Upload, UploadOptions};
pub use version::{BlobVersionRef, ReadOptions};

use strongroom_engine::body::BodyError;

use crate::encryption::BlobKeys;
use crate::error::{Error, ErrorKind};

/// What a failure of a body means to the caller.
fn body_error(keys: &BlobKeys, error: BodyError) -> Error {
    match error {
        BodyError::Revoked => keys.refusal(),
        BodyError::Tree(error) => error.into(),
        BodyError::Interrupted => Interruption::Failed.error(keys),
        BodyError::TooLarge => {
            let message = "the content is larger than a blob can be";
            Error::new(ErrorKind::Invalid, "RequestBodyTooLarge", 413, message)
                .hint("split the content over several blobs")
        }
        error => {
            let message = format!("the content is damaged: {error}");
            Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
                .hint("run scrub to see what is damaged, and restore it from a backup")
                .caused_by(error)
        }
    }
}

/// Why a stream stopped. It stays stopped, even when access is restored.
#[derive(Clone, Copy)]
enum Interruption {
    Revoked,
    Failed,
}

impl Interruption {
    fn by(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::KeyUnavailable => Self::Revoked,
            _ => Self::Failed,
        }
    }

    /// What every later call on the stream gets.
    fn error(self, keys: &BlobKeys) -> Error {
        let message = "the stream was interrupted by an earlier failure";
        match self {
            Self::Revoked => keys.refusal(),
            Self::Failed => Error::new(ErrorKind::Store, "InternalError", 500, message).hint("begin again"),
        }
    }
}
