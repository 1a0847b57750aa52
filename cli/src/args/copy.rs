//! `storage blob copy ...` and `storage blob incremental-copy ...`.

use clap::{Args, Subcommand};
use strongroom::{AccessTier, RehydratePriority, Timestamp};

use super::AccountName;
use super::blob::BlobId;
use super::conditions::{BlobConditions, Lease};
use super::content::EncryptionArgs;
use super::provided_key::SourceKey;
use super::values::{Pair, boolean, pair, priority, tier, time};

/// `storage blob copy VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum CopyCommand {
    /// Copy a blob, within its account or from another one of the store; returns when it is done.
    Start(Box<StartCopy>),
    /// Copy the blobs of a container, or those that match a pattern.
    StartBatch(StartCopyBatch),
    /// Stop a copy that is under way.
    Cancel(CancelCopy),
}

/// `storage blob incremental-copy VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum IncrementalCopyCommand {
    /// Make a page blob what a snapshot of another one is, and take a snapshot of it.
    Start(Box<StartIncrementalCopy>),
    /// Stop a copy that is under way.
    Cancel(CancelCopy),
}

/// The blob that is copied.
#[derive(Debug, Args)]
pub(crate) struct CopySource {
    /// Address of the source: `https://ACCOUNT.blob.HOST/CONTAINER/BLOB`, with `?snapshot=` or `?versionid=`.
    #[arg(long, short = 'u', value_name = "URL", conflicts_with_all = ["source_container", "source_blob"])]
    pub(crate) source_uri: Option<String>,
    /// Account of the source [default: that of the destination].
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "source_uri")]
    pub(crate) source_account_name: Option<String>,
    /// Container of the source.
    #[arg(long, value_name = "CONTAINER", requires = "source_blob")]
    pub(crate) source_container: Option<String>,
    /// Name of the source.
    #[arg(long, value_name = "BLOB", requires = "source_container")]
    pub(crate) source_blob: Option<String>,
    /// The snapshot of the source.
    #[arg(long, value_name = "TIME", conflicts_with = "source_uri")]
    pub(crate) source_snapshot: Option<Timestamp>,
    /// Only if the source still has this etag.
    #[arg(long, value_name = "ETAG")]
    pub(crate) source_if_match: Option<String>,
    /// Only if the source has another etag.
    #[arg(long, value_name = "ETAG")]
    pub(crate) source_if_none_match: Option<String>,
    /// Only if the source changed after this UTC time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) source_if_modified_since: Option<Timestamp>,
    /// Only if the source did not change after this UTC time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) source_if_unmodified_since: Option<Timestamp>,
    /// Only if the source's tags are so, as in `"Status" = 'done'`.
    #[arg(long, value_name = "QUERY")]
    pub(crate) source_tags_condition: Option<String>,
    /// Only if the source is leased under this id.
    #[arg(long, value_name = "GUID")]
    pub(crate) source_lease_id: Option<String>,
}

/// The blob that is made.
#[derive(Debug, Args)]
pub(crate) struct CopyDestination {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Container of the copy.
    #[arg(long, short = 'c', value_name = "CONTAINER")]
    pub(crate) destination_container: String,
    /// Name of the copy.
    #[arg(long, short = 'b', value_name = "BLOB")]
    pub(crate) destination_blob: String,
    /// Only if the blob that is there still has this etag.
    #[arg(long, value_name = "ETAG")]
    pub(crate) destination_if_match: Option<String>,
    /// Only if the blob that is there has another etag; `*`: only if there is none.
    #[arg(long, value_name = "ETAG")]
    pub(crate) destination_if_none_match: Option<String>,
    /// Only if the blob that is there changed after this UTC time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) destination_if_modified_since: Option<Timestamp>,
    /// Only if the blob that is there did not change after this UTC time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) destination_if_unmodified_since: Option<Timestamp>,
    /// The lease that you hold on the blob that is there.
    #[arg(long, value_name = "GUID")]
    pub(crate) destination_lease_id: Option<String>,
    /// Only if the tags of the blob that is there are so, as in `"Status" = 'done'`.
    #[arg(long, value_name = "QUERY")]
    pub(crate) destination_tags_condition: Option<String>,
}

/// `storage blob copy start`.
#[derive(Debug, Args)]
pub(crate) struct StartCopy {
    #[command(flatten)]
    pub(crate) to: CopyDestination,
    #[command(flatten)]
    pub(crate) from: CopySource,
    /// User metadata in place of the source's.
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
    pub(crate) metadata: Vec<Pair>,
    /// Index tags: at most 10.
    #[arg(long, num_args = 0.., value_name = "K=V", value_parser = pair)]
    pub(crate) tags: Vec<Pair>,
    /// How readily the content can be read; needed for an archived source.
    #[arg(long, value_name = "TIER", value_parser = tier)]
    pub(crate) tier: Option<AccessTier>,
    /// How urgently a copy of an archived blob leaves the archive tier: Standard or High [default: Standard].
    #[arg(long, short = 'r', value_name = "PRIORITY", value_parser = priority)]
    pub(crate) rehydrate_priority: Option<RehydratePriority>,
    /// Copy a block blob of at most 256 MiB in one step, or not at all [default: false].
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) requires_sync: Option<bool>,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArgs,
    #[command(flatten)]
    pub(crate) source_key: SourceKey,
}

/// `storage blob rewrite`.
#[derive(Debug, Args)]
pub(crate) struct RewriteBlob {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    #[command(flatten)]
    pub(crate) from: CopySource,
    #[command(flatten)]
    pub(crate) source_key: SourceKey,
    /// User metadata; the source's is not kept [default: none].
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
    pub(crate) metadata: Vec<Pair>,
    /// Index tags: at most 10; the source's are not kept [default: none].
    #[arg(long, num_args = 0.., value_name = "K=V", value_parser = pair)]
    pub(crate) tags: Vec<Pair>,
    /// How readily the content can be read: Hot, Cool, Cold or Archive [default: Hot].
    #[arg(long, value_name = "TIER", value_parser = tier)]
    pub(crate) tier: Option<AccessTier>,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArgs,
    #[command(flatten)]
    pub(crate) conditions: BlobConditions,
}

/// `storage blob copy start-batch`.
#[derive(Debug, Args)]
pub(crate) struct StartCopyBatch {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Container of the copies.
    #[arg(long, value_name = "CONTAINER")]
    pub(crate) destination_container: String,
    /// Directory inside the container to put the copies under.
    #[arg(long, value_name = "PATH")]
    pub(crate) destination_path: Option<String>,
    /// Account of the sources [default: that of the destination].
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) source_account_name: Option<String>,
    /// Container of the sources.
    #[arg(long, value_name = "CONTAINER")]
    pub(crate) source_container: String,
    /// Only blobs whose names match: `*`, `?`, `[a-z]`.
    #[arg(long, value_name = "GLOB")]
    pub(crate) pattern: Option<String>,
    /// Say what would be copied and copy nothing.
    #[arg(long)]
    pub(crate) dryrun: bool,
}

/// `storage blob incremental-copy start`.
#[derive(Debug, Args)]
pub(crate) struct StartIncrementalCopy {
    #[command(flatten)]
    pub(crate) to: CopyDestination,
    #[command(flatten)]
    pub(crate) from: CopySource,
}

/// `storage blob copy cancel`.
#[derive(Debug, Args)]
pub(crate) struct CancelCopy {
    #[command(flatten)]
    pub(crate) blob: CancelledBlob,
    /// The copy, as `copy start` and `show` print it.
    #[arg(long, value_name = "ID")]
    pub(crate) copy_id: String,
    #[command(flatten)]
    pub(crate) lease: Lease,
}

/// The destination of a copy that is stopped.
#[derive(Debug, Args)]
pub(crate) struct CancelledBlob {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Container of the copy.
    #[arg(long, short = 'c', value_name = "CONTAINER")]
    pub(crate) destination_container: String,
    /// Name of the copy.
    #[arg(long, short = 'b', value_name = "BLOB")]
    pub(crate) destination_blob: String,
}
