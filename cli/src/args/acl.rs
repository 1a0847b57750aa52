//! `storage container show-permission|set-permission|policy`: who may do what with a container.

use clap::{Args, Subcommand};
use strongroom::Timestamp;

use super::blob::InContainer;
use super::conditions::ContainerConditions;
use super::container::ContainerId;
use super::values::time;

/// `storage container set-permission`.
#[derive(Debug, Args)]
pub(crate) struct SetPermission {
    #[command(flatten)]
    pub(crate) id: ContainerId,
    /// What anonymous callers may read [default: off].
    #[arg(long, value_name = "off|blob|container", value_parser = ["off", "blob", "container"])]
    #[arg(hide_possible_values = true)]
    pub(crate) public_access: Option<String>,
    #[command(flatten)]
    pub(crate) conditions: ContainerConditions,
}

/// `storage container policy VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Add a policy to a container: 5 at most.
    Create(WritePolicy),
    /// List the policies of a container.
    List(ListPolicies),
    /// Show a policy.
    Show(PolicyId),
    /// Change what is given of a policy, and leave the rest.
    Update(WritePolicy),
    /// Delete a policy.
    Delete(PolicyId),
}

/// `storage container policy list`.
#[derive(Debug, Args)]
pub(crate) struct ListPolicies {
    #[command(flatten)]
    pub(crate) place: InContainer,
    #[command(flatten)]
    pub(crate) conditions: ContainerConditions,
}

/// Names a policy.
#[derive(Debug, Args)]
pub(crate) struct PolicyId {
    #[command(flatten)]
    pub(crate) place: InContainer,
    /// Name of the policy: 1 to 64 characters.
    #[arg(long, short, value_name = "POLICY")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) conditions: ContainerConditions,
}

/// `storage container policy create` and `update`.
#[derive(Debug, Args)]
pub(crate) struct WritePolicy {
    #[command(flatten)]
    pub(crate) id: PolicyId,
    /// When it begins to be valid, in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) start: Option<Timestamp>,
    /// When it ends to be valid, in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) expiry: Option<Timestamp>,
    /// What it permits: letters of racwdxyltfmeopi.
    #[arg(long, value_name = "LETTERS")]
    pub(crate) permissions: Option<String>,
}
