//! `storage blob lease ...` and `storage container lease ...`.

use clap::{Args, Subcommand};

use super::blob::InContainer;
use super::conditions::{IfBlob, IfTime};

/// `storage blob lease VERB`, where a blob is named, and `storage container lease VERB`, where none is.
#[derive(Debug, Subcommand)]
pub(crate) enum LeaseCommand<T: Args> {
    /// Take a lease; prints its id.
    Acquire {
        #[command(flatten)]
        target: T,
        /// 15 to 60 seconds, or -1 for a lease without end.
        #[arg(long, default_value_t = -1, allow_negative_numbers = true, value_name = "SECONDS")]
        lease_duration: i64,
        /// The id it gets [default: a random one].
        #[arg(long, value_name = "GUID")]
        proposed_lease_id: Option<String>,
    },
    /// Begin the time of a lease anew; prints its id.
    Renew {
        #[command(flatten)]
        target: T,
        /// The lease.
        #[arg(long, value_name = "GUID")]
        lease_id: String,
    },
    /// Give a lease another id; prints it.
    Change {
        #[command(flatten)]
        target: T,
        /// The lease.
        #[arg(long, value_name = "GUID")]
        lease_id: String,
        /// The id it gets.
        #[arg(long, value_name = "GUID")]
        proposed_lease_id: String,
    },
    /// End a lease at once.
    Release {
        #[command(flatten)]
        target: T,
        /// The lease.
        #[arg(long, value_name = "GUID")]
        lease_id: String,
    },
    /// End a lease without knowing its id; prints the seconds it still has.
    Break {
        #[command(flatten)]
        target: T,
        /// 0 to 60 seconds [default: the time that is left; a lease without end ends at once].
        #[arg(long, value_name = "SECONDS")]
        lease_break_period: Option<i64>,
    },
}

/// The blob that is leased.
#[derive(Debug, Args)]
pub(crate) struct LeasedBlob {
    #[command(flatten)]
    pub(crate) place: InContainer,
    /// Name of the blob.
    #[arg(long, short)]
    pub(crate) blob_name: String,
    #[command(flatten)]
    pub(crate) conditions: IfBlob,
}

/// The container that is leased.
#[derive(Debug, Args)]
pub(crate) struct LeasedContainer {
    #[command(flatten)]
    pub(crate) place: InContainer,
    #[command(flatten)]
    pub(crate) conditions: IfTime,
}
