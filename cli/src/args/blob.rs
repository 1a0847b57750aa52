//! `storage blob ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::AccountName;
use super::conditions::{BlobConditions, StateOfBlob};
use super::content::TransferArgs;
use super::copy::{CopyCommand, IncrementalCopyCommand, RewriteBlob};
use super::lease::{LeaseCommand, LeasedBlob};
use super::provided_key::ProvidedKey;
use super::service::ServiceCommand;
use super::state::{ImmutabilityCommand, SetExpiry, SetLegalHold, SetTier, SnapshotBlob, UpdateBlob};
use super::tag::{FilterBlobs, TagCommand};
use super::upload::{UploadBatch, UploadBlob};
use super::values::{NumResults, Pair, boolean, num_results, pair};

/// `storage blob VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum BlobCommand {
    /// Upload a file.
    Upload(Box<UploadBlob>),
    /// Upload the files of a directory.
    UploadBatch(Box<UploadBatch>),
    /// Download a blob, or a range of one, to a file or to standard output.
    Download(DownloadBlob),
    /// Download the blobs of a container into a directory.
    DownloadBatch(DownloadBatch),
    /// List the blobs of a container.
    List(ListBlobs),
    /// Show the properties and metadata of a blob.
    Show(ReadBlob),
    /// Print whether a blob exists.
    Exists(BlobAddress),
    /// Delete a blob.
    Delete(DeleteBlob),
    /// Delete the blobs of a container, or those that match a pattern.
    DeleteBatch(DeleteBatch),
    /// Make a block blob of the content of another blob, or put one under other keys.
    Rewrite(Box<RewriteBlob>),
    /// Print the URL of a blob.
    Url(BlobUrl),
    /// User metadata of a blob.
    #[command(subcommand)]
    Metadata(MetadataCommand),
    /// The lease of a blob.
    #[command(subcommand)]
    Lease(Box<LeaseCommand<LeasedBlob>>),
    /// Index tags of a blob.
    #[command(subcommand)]
    Tag(TagCommand),
    /// Find blobs by their tags.
    Filter(FilterBlobs),
    /// Take a snapshot of a blob; prints its time, which names it.
    Snapshot(SnapshotBlob),
    /// Restore a deleted blob and its deleted snapshots.
    Undelete(BlobId),
    /// Change the content headers of a blob.
    Update(UpdateBlob),
    /// Set when a blob goes away by itself.
    SetExpiry(SetExpiry),
    /// Set or lift the legal hold of a blob, which forbids changing and deleting it.
    SetLegalHold(SetLegalHold),
    /// Set how readily the content of a blob can be read.
    SetTier(SetTier),
    /// Until when a blob may be neither changed nor deleted.
    #[command(subcommand)]
    ImmutabilityPolicy(ImmutabilityCommand),
    /// Copies of blobs.
    #[command(subcommand)]
    Copy(CopyCommand),
    /// Page blobs that follow the snapshots of others.
    #[command(subcommand)]
    IncrementalCopy(IncrementalCopyCommand),
    /// Settings of the Blob service.
    #[command(subcommand)]
    ServiceProperties(ServiceCommand),
}

/// `storage blob metadata VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum MetadataCommand {
    /// Show the metadata.
    Show(ReadBlob),
    /// Replace the metadata.
    Update(UpdateMetadata),
}

/// Names one container of an account.
#[derive(Debug, Args)]
pub(crate) struct InContainer {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Name of the container.
    #[arg(long = "container-name", short, value_name = "CONTAINER")]
    pub(crate) container: String,
}

/// Names one blob.
#[derive(Debug, Args)]
pub(crate) struct BlobId {
    #[command(flatten)]
    pub(crate) place: InContainer,
    /// Name of the blob.
    #[arg(long, short)]
    pub(crate) name: String,
}

/// One state of a blob, under conditions.
#[derive(Debug, Args)]
pub(crate) struct BlobState {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    #[command(flatten)]
    pub(crate) which: StateOfBlob,
    #[command(flatten)]
    pub(crate) conditions: BlobConditions,
}

/// One state of a blob, and the key it is under.
#[derive(Debug, Args)]
pub(crate) struct ReadBlob {
    #[command(flatten)]
    pub(crate) state: BlobState,
    #[command(flatten)]
    pub(crate) key: ProvidedKey,
}

/// Names one state of a blob.
#[derive(Debug, Args)]
pub(crate) struct BlobAddress {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    #[command(flatten)]
    pub(crate) which: StateOfBlob,
}

/// `storage blob download`.
#[derive(Debug, Args)]
pub(crate) struct DownloadBlob {
    #[command(flatten)]
    pub(crate) read: ReadBlob,
    /// File to write; it appears only when the whole download succeeded. `-` is standard output [default: -].
    #[arg(long, short)]
    pub(crate) file: Option<PathBuf>,
    /// First byte, counted from 0.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) start_range: Option<u64>,
    /// Last byte, included.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) end_range: Option<u64>,
    /// Replace an existing file [default: true].
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) overwrite: Option<bool>,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
}

/// `storage blob download-batch`.
#[derive(Debug, Args)]
pub(crate) struct DownloadBatch {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Container to download from.
    #[arg(long, short, value_name = "CONTAINER")]
    pub(crate) source: String,
    /// Directory to download into.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) destination: PathBuf,
    /// Only blobs whose name matches: `*`, `?`, `[a-z]`.
    #[arg(long, value_name = "GLOB")]
    pub(crate) pattern: Option<String>,
    /// Replace existing files [default: false].
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) overwrite: Option<bool>,
    #[command(flatten)]
    pub(crate) key: ProvidedKey,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
    /// Say what would be downloaded and download nothing.
    #[arg(long)]
    pub(crate) dryrun: bool,
}

/// `storage blob list`.
#[derive(Debug, Args)]
pub(crate) struct ListBlobs {
    #[command(flatten)]
    pub(crate) place: InContainer,
    /// Only names that begin with this.
    #[arg(long)]
    pub(crate) prefix: Option<String>,
    /// Collapse names at this character into directories.
    #[arg(long)]
    pub(crate) delimiter: Option<String>,
    /// What to include, by letter or word: m (metadata), s (snapshots), d (deleted), v (versions), t (tags),
    /// u (uncommittedblobs), deletedwithversions; c (copy), i (immutabilitypolicy) and l (legalhold) are
    /// shown without.
    #[arg(long, value_name = "m,s,...", value_delimiter = ',')]
    pub(crate) include: Vec<String>,
    /// At most this many, or `*` for all [default: 5000].
    #[arg(long, value_name = "N|*", value_parser = num_results, allow_hyphen_values = true)]
    pub(crate) num_results: Option<NumResults>,
    /// Where the previous listing stopped.
    #[arg(long)]
    pub(crate) marker: Option<String>,
    /// Append the marker of the next page to the output.
    #[arg(long)]
    pub(crate) show_next_marker: bool,
}

/// `storage blob delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteBlob {
    #[command(flatten)]
    pub(crate) state: BlobState,
    #[command(flatten)]
    pub(crate) snapshots: SnapshotsToDelete,
    /// Remove a deleted snapshot or version before its time, if the account allows that [default: false].
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) permanent: Option<bool>,
}

/// What happens to the snapshots of blobs that are deleted.
#[derive(Debug, Args)]
pub(crate) struct SnapshotsToDelete {
    /// Delete the snapshots with the blob, or them only; without it there must be none.
    #[arg(
        long,
        short,
        value_name = "include|only",
        value_enum,
        hide_possible_values = true
    )]
    pub(crate) delete_snapshots: Option<WhichSnapshots>,
}

/// What `--delete-snapshots` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhichSnapshots {
    /// The blob and its snapshots.
    Include,
    /// The snapshots.
    Only,
}

/// `storage blob delete-batch`.
#[derive(Debug, Args)]
pub(crate) struct DeleteBatch {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Container to delete from.
    #[arg(long, short, value_name = "CONTAINER")]
    pub(crate) source: String,
    /// Only blobs whose name matches: `*`, `?`, `[a-z]`.
    #[arg(long, value_name = "GLOB")]
    pub(crate) pattern: Option<String>,
    #[command(flatten)]
    pub(crate) snapshots: SnapshotsToDelete,
    #[command(flatten)]
    pub(crate) conditions: BlobConditions,
    /// Say what would be deleted and delete nothing.
    #[arg(long)]
    pub(crate) dryrun: bool,
}

/// `storage blob metadata update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateMetadata {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    /// The new metadata; none clears it.
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
    pub(crate) metadata: Vec<Pair>,
    #[command(flatten)]
    pub(crate) conditions: BlobConditions,
    #[command(flatten)]
    pub(crate) key: ProvidedKey,
}

/// `storage blob url`.
#[derive(Debug, Args)]
pub(crate) struct BlobUrl {
    #[command(flatten)]
    pub(crate) address: BlobAddress,
    /// Protocol of the address: http or https [default: https].
    #[arg(long, value_name = "PROTOCOL", value_parser = ["http", "https"], hide_possible_values = true)]
    pub(crate) protocol: Option<String>,
}
