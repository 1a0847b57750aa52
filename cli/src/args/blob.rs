//! `storage blob ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::AccountName;
use super::lease::{LeaseCommand, LeasedBlob};
use super::tag::{FilterBlobs, TagCommand};
use super::values::{NumResults, Pair, boolean, num_results, pair};

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
    Show(BlobId),
    /// Print whether a blob exists.
    Exists(BlobId),
    /// Delete a blob.
    Delete(DeleteBlob),
    /// Delete the blobs of a container, or those that match a pattern.
    DeleteBatch(DeleteBatch),
    /// Print the URL of a blob.
    Url(BlobId),
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
}

/// `storage blob metadata VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum MetadataCommand {
    /// Show the metadata.
    Show(BlobId),
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

/// Preconditions on the blob's tag.
#[derive(Debug, Args)]
pub(crate) struct IfTag {
    /// Only if the blob still has this tag.
    #[arg(long, value_name = "ETAG")]
    pub(crate) if_match: Option<String>,
    /// With `*`: only if there is no such blob.
    #[arg(long, value_name = "ETAG")]
    pub(crate) if_none_match: Option<String>,
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
    /// Content type [default: application/octet-stream].
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    #[command(flatten)]
    pub(crate) condition: IfTag,
    /// Only `block` exists so far.
    #[arg(long = "type", short = 't', hide = true, value_parser = ["block"], ignore_case = true)]
    blob_type: Option<String>,
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
    /// Content type of every blob [default: application/octet-stream].
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// Say what would be uploaded and upload nothing.
    #[arg(long)]
    pub(crate) dryrun: bool,
}

/// `storage blob download`.
#[derive(Debug, Args)]
pub(crate) struct DownloadBlob {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    /// File to write; it appears only when the whole download succeeded.
    #[arg(long, short)]
    pub(crate) file: PathBuf,
    /// First byte, counted from 0.
    #[arg(long, value_name = "N")]
    pub(crate) start_range: Option<u64>,
    /// Last byte, included.
    #[arg(long, value_name = "N")]
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
    /// What to include, by letter or word: m (metadata), s (snapshots), d (deleted), c (copy), t (tags), v
    /// (versions).
    #[arg(long, value_name = "m,s,...", value_delimiter = ',')]
    pub(crate) include: Vec<String>,
    /// At most this many, or `*` for all [default: 5000].
    #[arg(long, value_name = "N|*", value_parser = num_results)]
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
    pub(crate) blob: BlobId,
    #[command(flatten)]
    pub(crate) condition: IfTag,
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
    pub(crate) condition: IfTag,
}
