//! Strongroom: a storage account that lives inside an application.
//!
//! A [`Store`] is a directory that one process opens with a host key. It holds [`Account`]s, these hold
//! [`Container`]s, and these hold blobs. Every byte is encrypted; content and user metadata of blobs
//! are under the account's root key. [`Vaults`] hold customers' keys. Once
//! [`Account::use_customer_key`] has put the root key under one of them, the host alone opens no
//! content, and whoever takes access to the key away has locked the account before the call returns.
//! docs/KEYS.md says who can open what.

mod account;
mod agenda;
mod blob;
mod commit;
mod container;
mod encryption;
mod error;
mod etag;
#[cfg(feature = "testing")]
pub mod fuzzing;
mod lease;
mod maintenance;
mod metadata;
mod names;
mod operations;
mod paging;
mod protection;
mod rooms;
mod service;
mod store;
mod tags;

pub use account::{Account, AccountName, AccountProperties, Identity, KeyType, NewAccount};
pub use blob::{
    APPEND_BLOCK_BYTES_MAX, APPENDED_BLOCKS_MAX, AccessTier, AppendBlockOptions, AppendReceipt,
    ArchiveStatus, BATCH_PARTS_MAX, BLOCK_BYTES_MAX, BatchOutcome, BlobBatch, BlobExpiry, BlobItem, BlobPage,
    BlobProperties, BlobReceipt, BlobSource, BlobType, BlobVersionRef, Block, BlockId, BlockList,
    BlockListFilter, BlockReceipt, ByteRange, COMMITTED_BLOCKS_MAX, Conditions, ContentCheck, ContentHeaders,
    ContentMd5, CopyOptions, CopyReceipt, CopyState, CopyStatus, Crc64, CreateBlobOptions, DeleteBlobOptions,
    DeletePart, DeleteSnapshots, Download, DownloadOptions, ETagMatch, EncryptionDetails, FindBlobs,
    FoundBlob, FoundPage, ImmutabilityMode, ImmutabilityPolicy, ListBlobs, ListDetail, ListEntry,
    ListInclude, ListPageRanges, ListedBlock, MD5_BYTES_MAX, PAGE_BLOB_BYTES_MAX, PUT_FROM_BYTES_MAX,
    PUT_PAGES_BYTES_MAX, PageRange, PageRanges, PageReceipt, PutBlockListOptions, PutBlockOptions,
    PutPagesOptions, RangeCheck, RangeChecksum, ReadOptions, RehydratePriority, SYNCHRONOUS_COPY_BYTES_MAX,
    SequenceConditions, SequenceNumberAction, SetMetadataOptions, SetTierOptions, SnapshotOptions,
    SnapshotReceipt, SourceTags, TierChange, TierPart, Upload, UploadOptions,
};
pub use container::{
    Container, ContainerAcl, ContainerEncryption, ContainerItem, ContainerPage, ContainerProperties,
    ContainerVersion, CreateContainerOptions, DeletedContainer, ListContainers, PublicAccess, Reaped,
    StoredAccessPolicy,
};
pub use encryption::{
    CustomerKey, CustomerProvidedKey, EncryptionChoice, EncryptionScope, EncryptionScopeName,
    EncryptionScopeProperties, EncryptionScopeState, EncryptionStatus, KeyIdentity, KeySizes, KeySource,
    KeyVaultProperties, KeyVersionCheck, NewEncryptionScope, RecoverTo, RecoveryKey, RecoveryPrivateKey,
};
pub use error::{Error, ErrorKind, Result};
pub use etag::ETag;
pub use lease::{BreakPeriod, LeaseDuration, LeaseId, LeaseReceipt, LeaseRequest, LeaseState, LeaseStatus};
pub use maintenance::Maintained;
pub use metadata::{METADATA_BYTES_MAX, Metadata};
pub use names::{BlobName, ContainerName};
pub use operations::{Basis, Operation, WhileRevoked};
pub use paging::{Marker, PageSize};
pub use service::{
    AccountInformation, AccountKind, BlobServiceProperties, CorsMethod, CorsRule, GeoReplicationStatus,
    Logging, Metrics, RetentionDays, ServiceStats, SkuName, StaticWebsite,
};
pub use store::{
    AccountStats, BackupOptions, BackupReport, Damage, KeyFile, Passphrase, Placement, PlatformKey,
    PlatformKeyError, RestoreOptions, RestoreProgress, RollbackRecord, ScrubReport, Settings, Store,
    StoreOptions, StoreStats, VaultOptions, Vaults,
};
pub use tags::{TagCondition, TagQuery, Tags};

pub use strongroom_engine::Timestamp;
pub use strongroom_engine::anchor::{
    AnchorError, AnchorMode, AnchoredHead, FileAnchor, HeadAnchor, NotAHead,
};
pub use strongroom_engine::engine::EngineKind;

pub use strongroom_engine as engine;
pub use strongroom_keyvault as keyvault;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
