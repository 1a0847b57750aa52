//! `storage blob upload` and `storage blob upload-batch`: what becomes of files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use strongroom::AccessTier;

use super::AccountName;
use super::blob::InContainer;
use super::conditions::BlobConditions;
use super::content::{ContentArgs, EncryptionArgs, TransferArgs};
use super::values::{Pair, boolean, pair, tier};

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
    /// Base64 of the MD5 that the content must have, and that is kept.
    #[arg(long, value_name = "BASE64")]
    pub(crate) content_md5: Option<String>,
    #[command(flatten)]
    pub(crate) each: UploadArgs,
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
    #[command(flatten)]
    pub(crate) each: UploadArgs,
    /// Say what would be uploaded and upload nothing.
    #[arg(long)]
    pub(crate) dryrun: bool,
}

/// What becomes of each file.
#[derive(Debug, Args)]
pub(crate) struct UploadArgs {
    /// User metadata.
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
    pub(crate) metadata: Vec<Pair>,
    /// Replace a blob that is there [default: false].
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) overwrite: Option<bool>,
    #[command(flatten)]
    pub(crate) content: ContentArgs,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArgs,
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
    /// Of an append blob: only if it has at most this many bytes afterwards [default: any number].
    #[arg(long, value_name = "BYTES")]
    pub(crate) maxsize_condition: Option<u64>,
    /// How readily the content can be read: Hot, Cool, Cold or Archive of a block blob, P4 to P80 of a page
    /// blob [default: Hot of a block blob].
    #[arg(long, value_name = "TIER", value_parser = tier)]
    pub(crate) tier: Option<AccessTier>,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
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
