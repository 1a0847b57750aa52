//! `storage blob tag ...` and `storage blob filter`.

use clap::{Args, Subcommand};

use super::AccountName;
use super::blob::{BlobId, BlobState};
use super::conditions::BlobConditions;
use super::values::{NumResults, Pair, num_results, pair};

/// `storage blob tag VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum TagCommand {
    /// Show the tags of a blob.
    List(BlobState),
    /// Replace the tags of a blob.
    Set {
        #[command(flatten)]
        blob: BlobId,
        /// The tags: at most 10; none removes them all.
        #[arg(long, num_args = 0.., required = true, value_name = "K=V", value_parser = pair)]
        tags: Vec<Pair>,
        #[command(flatten)]
        conditions: BlobConditions,
    },
}

/// `storage blob filter`.
#[derive(Debug, Args)]
pub(crate) struct FilterBlobs {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Only blobs of this container.
    #[arg(long, short, value_name = "CONTAINER")]
    pub(crate) container_name: Option<String>,
    /// What the tags must be, as in `Status = 'done' AND "Year" >= '2026'`.
    #[arg(long, value_name = "QUERY")]
    pub(crate) tag_filter: String,
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
