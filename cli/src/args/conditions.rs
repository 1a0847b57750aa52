//! What must hold of a blob or container for a command to happen, and which state of a blob is meant.

use clap::Args;
use strongroom::Timestamp;

use super::values::time;

/// Conditions on the time of the last change.
#[derive(Debug, Default, Args)]
pub(crate) struct IfTime {
    /// Only if changed after this UTC time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) if_modified_since: Option<Timestamp>,
    /// Only if not changed after this UTC time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

/// Conditions on a blob, whoever holds its lease.
#[derive(Debug, Default, Args)]
pub(crate) struct IfBlob {
    /// Only if the blob still has this etag.
    #[arg(long, value_name = "ETAG")]
    pub(crate) if_match: Option<String>,
    /// Only if the blob has another etag; where one is written, `*`: only if there is no such blob.
    #[arg(long, value_name = "ETAG")]
    pub(crate) if_none_match: Option<String>,
    #[command(flatten)]
    pub(crate) time: IfTime,
    /// Only if the blob's tags are so, as in `"Status" = 'done'`.
    #[arg(long, value_name = "QUERY")]
    pub(crate) tags_condition: Option<String>,
}

/// Conditions on a blob, and the lease that is held on it.
#[derive(Debug, Default, Args)]
pub(crate) struct BlobConditions {
    #[command(flatten)]
    pub(crate) blob: IfBlob,
    #[command(flatten)]
    pub(crate) lease: Lease,
}

/// Conditions on a container, and the lease that is held on it.
#[derive(Debug, Default, Args)]
pub(crate) struct ContainerConditions {
    #[command(flatten)]
    pub(crate) time: IfTime,
    #[command(flatten)]
    pub(crate) lease: Lease,
}

/// The lease that the caller holds.
#[derive(Debug, Default, Args)]
pub(crate) struct Lease {
    /// The lease that you hold.
    #[arg(long, value_name = "GUID")]
    pub(crate) lease_id: Option<String>,
}

/// Which state of a blob.
#[derive(Debug, Default, Args)]
pub(crate) struct StateOfBlob {
    /// The snapshot, as `snapshot` and `list --include s` print it.
    #[arg(long, value_name = "TIME", conflicts_with = "version_id")]
    pub(crate) snapshot: Option<Timestamp>,
    /// The version, as `list --include v` prints it.
    #[arg(long, value_name = "ID")]
    pub(crate) version_id: Option<Timestamp>,
}
