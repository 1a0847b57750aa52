//! `storage blob ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use strongroom::AccessTier;

use super::AccountName;
use super::conditions::{BlobConditions, StateOfBlob};
use super::content::{ContentArgs, EncryptionArgs};
use super::copy::{CopyCommand, IncrementalCopyCommand};
use super::lease::{LeaseCommand, LeasedBlob};
use super::service::ServiceCommand;
use super::state::{ImmutabilityCommand, SetExpiry, SetLegalHold, SetTier, SnapshotBlob, UpdateBlob};
use super::tag::{FilterBlobs, TagCommand};
use super::values::{NumResults, Pair, boolean, num_results, pair, tier};

/// `storage blob VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum BlobCommand {
    /// Upload a file.
    Upload(Box<UploadBlob>),
    /// Upload the files of a directory.
    UploadBatch(UploadBatch),
    /// Download a blob, or a range of one, to a file.
    Download(DownloadBlob),
    /// Download the blobs of a container into a directory.
    DownloadBatch(DownloadBatch),
    /// List the blobs of a container.
    List(ListBlobs),
    /// Show the properties and metadata of a blob.
    Show(BlobState),
    /// Print whether a blob exists.
    Exists(BlobAddress),
    /// Delete a blob.
    Delete(DeleteBlob),
    /// Delete the blobs of a container, or those that match a pattern.
    DeleteBatch(DeleteBatch),
    /// Print the URL of a blob.
    Url(BlobAddress),
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
    Show(BlobState),
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

/// Names one state of a blob.
#[derive(Debug, Args)]
pub(crate) struct BlobAddress {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    #[command(flatten)]
    pub(crate) which: StateOfBlob,
}

/// `storage blob upload`.
#[derive(Debug, Args)]
pub(crate) struct UploadBlob {
    #[command(flatten)]
    pub(crate) place: InContainer,
    /// Name of the blob [default: the file's name].
    #[arg(long, short)]
    pub(crate) name: Option<String>,
    /// File to upload.
    #[arg(long, short)]
    pub(crate) file: PathBuf,
    /// User metadata.
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
    pub(crate) metadata: Vec<Pair>,
    /// Replace an existing blob [default: false].
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) overwrite: Option<bool>,
    #[command(flatten)]
    pub(crate) content: ContentArgs,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArgs,
    /// Base64 of the MD5 that the content must have, and that is kept.
    #[arg(long, value_name = "BASE64")]
    pub(crate) content_md5: Option<String>,
    /// Index tags: at most 10.
    #[arg(long, num_args = 0.., value_name = "K=V", value_parser = pair)]
    pub(crate) tags: Vec<Pair>,
    #[command(flatten)]
    pub(crate) conditions: BlobConditions,
    /// Which type of blob. `append` adds the file to the end of an append blob that is there, unless
    /// `--overwrite` begins it again [default: block].
    #[arg(
        long = "type",
        short = 't',
        value_name = "block|append|page",
        value_enum,
        ignore_case = true
    )]
    #[arg(hide_possible_values = true)]
    pub(crate) blob_type: Option<UploadType>,
    /// Of an append blob: only if it has at most this many bytes afterwards.
    #[arg(long, value_name = "BYTES")]
    pub(crate) maxsize_condition: Option<u64>,
    /// How readily the content of a block blob can be read: Hot, Cool, Cold or Archive [default: Hot].
    #[arg(long, value_name = "TIER", value_parser = tier)]
    pub(crate) tier: Option<AccessTier>,
}

/// What an upload makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum UploadType {
    /// A block blob.
    #[default]
    Block,
    /// An append blob, or more of one.
    Append,
    /// A page blob.
    Page,
}

/// `storage blob upload-batch`.
#[derive(Debug, Args)]
pub(crate) struct UploadBatch {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Container to upload to.
    #[arg(long, short, value_name = "CONTAINER")]
    pub(crate) destination: String,
    /// Directory inside the container to put the blobs under.
    #[arg(long, value_name = "PATH")]
    pub(crate) destination_path: Option<String>,
    /// Directory to upload.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) source: PathBuf,
    /// Only files whose path below the directory matches: `*`, `?`, `[a-z]`.
    #[arg(long, value_name = "GLOB")]
    pub(crate) pattern: Option<String>,
    /// User metadata of every blob.
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
    pub(crate) metadata: Vec<Pair>,
    /// Replace existing blobs [default: false].
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) overwrite: Option<bool>,
    #[command(flatten)]
    pub(crate) content: ContentArgs,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArgs,
    /// Index tags of every blob: at most 10.
    #[arg(long, num_args = 0.., value_name = "K=V", value_parser = pair)]
    pub(crate) tags: Vec<Pair>,
    /// How readily the content can be read: Hot, Cool, Cold or Archive [default: Hot].
    #[arg(long, value_name = "TIER", value_parser = tier)]
    pub(crate) tier: Option<AccessTier>,
    #[command(flatten)]
    pub(crate) conditions: BlobConditions,
    /// Say what would be uploaded and upload nothing.
    #[arg(long)]
    pub(crate) dryrun: bool,
}

/// `storage blob download`.
#[derive(Debug, Args)]
pub(crate) struct DownloadBlob {
    #[command(flatten)]
    pub(crate) state: BlobState,
    /// File to write; it appears only when the whole download succeeded.
    #[arg(long, short)]
    pub(crate) file: PathBuf,
    /// First byte, counted from 0.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) start_range: Option<u64>,
    /// Last byte, included.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) end_range: Option<u64>,
    /// Replace an existing file [default: true].
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) overwrite: Option<bool>,
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
}
