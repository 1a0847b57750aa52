//! `storage container ...`.

use clap::{Args, Subcommand};

use super::AccountName;
use super::acl::{PolicyCommand, SetPermission};
use super::conditions::ContainerConditions;
use super::lease::{LeaseCommand, LeasedContainer};
use super::values::{NumResults, Pair, boolean, num_results, pair};

/// `storage container VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum ContainerCommand {
    /// Create a container; prints whether it was created.
    Create(CreateContainer),
    /// Delete a container with everything in it.
    Delete(ContainerTarget),
    /// List the containers of an account.
    List(ListContainers),
    /// Show a container.
    Show(ContainerTarget),
    /// Print whether a container exists.
    Exists(ContainerId),
    /// The lease of a container.
    #[command(subcommand)]
    Lease(LeaseCommand<LeasedContainer>),
    /// Restore a deleted container with everything in it.
    Restore(RestoreContainer),
    /// Metadata of a container.
    #[command(subcommand)]
    Metadata(ContainerMetadataCommand),
    /// Show what anonymous callers may read.
    ShowPermission(ContainerTarget),
    /// Say what anonymous callers may read.
    SetPermission(SetPermission),
    /// Stored access policies of a container.
    #[command(subcommand)]
    Policy(PolicyCommand),
}

/// Names one container.
#[derive(Debug, Args)]
pub(crate) struct ContainerId {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Name of the container: 3 to 63 lower-case letters, digits and single dashes.
    #[arg(long, short)]
    pub(crate) name: String,
    /// Accepted as in `az`; nothing is ever asked.
    #[arg(long, short, hide = true)]
    yes: bool,
}

/// One container under conditions.
#[derive(Debug, Args)]
pub(crate) struct ContainerTarget {
    #[command(flatten)]
    pub(crate) id: ContainerId,
    #[command(flatten)]
    pub(crate) conditions: ContainerConditions,
}

/// `storage container metadata VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum ContainerMetadataCommand {
    /// Show the metadata.
    Show(ContainerTarget),
    /// Replace the metadata.
    Update {
        #[command(flatten)]
        target: ContainerTarget,
        /// The new metadata; none clears it.
        #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
        metadata: Vec<Pair>,
    },
}

/// `storage container restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreContainer {
    #[command(flatten)]
    pub(crate) id: ContainerId,
    /// Which deleted container of that name, as `list --include-deleted` shows it.
    #[arg(long, value_name = "VERSION")]
    pub(crate) deleted_version: String,
}

/// `storage container create`.
#[derive(Debug, Args)]
pub(crate) struct CreateContainer {
    #[command(flatten)]
    pub(crate) id: ContainerId,
    /// Metadata of the container.
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
    pub(crate) metadata: Vec<Pair>,
    /// What anonymous callers may read [default: off].
    #[arg(long, value_name = "off|blob|container", value_parser = ["off", "blob", "container"])]
    #[arg(hide_possible_values = true)]
    pub(crate) public_access: Option<String>,
    /// Encryption scope of blobs that name none; cannot be changed later [default: the account's key].
    #[arg(long, short, value_name = "SCOPE")]
    pub(crate) default_encryption_scope: Option<String>,
    /// Refuse blobs that name another encryption scope; cannot be changed later [default: false].
    #[arg(
        long,
        short = 'p',
        alias = "deny-encryption-scope-override",
        requires = "default_encryption_scope"
    )]
    #[arg(num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) prevent_encryption_scope_override: Option<bool>,
    /// Fail if the container exists.
    #[arg(long)]
    pub(crate) fail_on_exist: bool,
}

/// `storage container list`.
#[derive(Debug, Args)]
pub(crate) struct ListContainers {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Only names that begin with this.
    #[arg(long)]
    pub(crate) prefix: Option<String>,
    /// Include the containers' metadata.
    #[arg(long)]
    pub(crate) include_metadata: bool,
    /// Include deleted containers that can be restored.
    #[arg(long)]
    pub(crate) include_deleted: bool,
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
