//! `keyvault ...`: vaults, their protections and access policies.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::backup::BackupArgs;
use super::key::KeyCommand;
use super::values::boolean;

/// `keyvault VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Create a vault; its owner gets all key permissions.
    Create(CreateVault),
    /// Show a vault.
    Show(VaultName),
    /// List the vaults of this installation.
    List,
    /// Delete a vault; it can be recovered until its retention ends.
    Delete(VaultName),
    /// Recover a deleted vault with everything in it.
    Recover(VaultName),
    /// Destroy a deleted vault for good, unless purge protection forbids it.
    Purge(VaultName),
    /// List the deleted vaults.
    ListDeleted,
    /// Change the settings of a vault.
    Update(UpdateVault),
    /// Grant key permissions to a principal, replacing what it had.
    SetPolicy(SetPolicy),
    /// Take all permissions from a principal.
    DeletePolicy(DeletePolicy),
    /// Keys of a vault.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Copy all vaults, as they are at one moment, into a directory; nothing has to stop for it.
    Backup(BackupArgs),
    /// Make vaults again from a backup, in a new vault directory; the log of every vault tells of it.
    Restore(RestoreVaults),
    /// Print the audit log of a vault, or check its hash chain.
    Audit(AuditArgs),
}

/// Names one vault.
#[derive(Debug, Args)]
pub(crate) struct VaultName {
    /// Name of the vault: 3 to 24 letters, digits and single dashes.
    #[arg(long, short)]
    pub(crate) name: String,
    /// Accepted as in `az`; nothing is ever asked.
    #[arg(long, short, hide = true)]
    yes: bool,
}

/// `keyvault create`.
#[derive(Debug, Args)]
pub(crate) struct CreateVault {
    /// Name of the vault: 3 to 24 letters, digits and single dashes.
    #[arg(long, short)]
    pub(crate) name: String,
    /// Keep deleted vaults and keys for the retention days; cannot be switched off later [default: true]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) enable_soft_delete: Option<bool>,
    /// Let nobody purge before the retention ends; cannot be switched off later [default: false]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) enable_purge_protection: Option<bool>,
    /// Days a deleted vault or key stays recoverable: 7 to 90 [default: 90]
    #[arg(long, value_name = "DAYS")]
    pub(crate) retention_days: Option<u32>,
    /// `standard`, or `premium` where a hardware key provider is configured.
    #[arg(long, value_parser = ["standard", "premium"], ignore_case = true, hide = true)]
    sku: Option<String>,
}

/// `keyvault update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateVault {
    /// Name of the vault.
    #[arg(long, short)]
    pub(crate) name: String,
    /// Keep deleted vaults and keys; `false` is refused, as it cannot be switched off.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) enable_soft_delete: Option<bool>,
    /// Let nobody purge before the retention ends; `false` is refused, as it cannot be switched off.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) enable_purge_protection: Option<bool>,
}

/// `keyvault set-policy`.
#[derive(Debug, Args)]
pub(crate) struct SetPolicy {
    /// Name of the vault.
    #[arg(long, short)]
    pub(crate) name: String,
    /// Object id of the principal, as `storage account show --query identity.principalId` prints it.
    #[arg(long, value_name = "ID")]
    pub(crate) object_id: String,
    /// Permissions: `all`, or any of get list update create import delete recover backup restore decrypt
    /// encrypt unwrapKey wrapKey verify sign purge release rotate getrotationpolicy setrotationpolicy.
    #[arg(long, num_args = 0.., value_name = "PERMISSION", required = true)]
    pub(crate) key_permissions: Vec<String>,
}

/// `keyvault delete-policy`.
#[derive(Debug, Args)]
pub(crate) struct DeletePolicy {
    /// Name of the vault.
    #[arg(long, short)]
    pub(crate) name: String,
    /// Object id of the principal.
    #[arg(long, value_name = "ID")]
    pub(crate) object_id: String,
}

/// `keyvault restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreVaults {
    /// Directory of the backup; the vaults are made in that of `--vaults`.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
}

/// `keyvault audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Name of the vault.
    #[arg(long, short)]
    pub(crate) name: String,
    /// Check the hash chain instead of printing the records; exit 1 when it is broken.
    #[arg(long)]
    pub(crate) verify: bool,
}
