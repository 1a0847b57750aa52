//! `storage account encryption-scope ...`.

use clap::{Args, Subcommand, ValueEnum};

use super::AccountName;
use super::account::KeySource;
use super::values::boolean;

/// `storage account encryption-scope VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum EncryptionScopeCommand {
    /// Create an encryption scope. It cannot be deleted.
    Create(CreateScope),
    /// List the encryption scopes of an account.
    List(AccountName),
    /// Show an encryption scope.
    Show(ScopeId),
    /// Change the source of a scope's key, disable it or enable it.
    Update(UpdateScope),
}

/// Names one encryption scope.
#[derive(Debug, Args)]
pub(crate) struct ScopeId {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Name of the scope: 3 to 63 lower-case letters, digits and single dashes.
    #[arg(long, short)]
    pub(crate) name: String,
}

/// Who manages the key that wraps the scope's root key.
#[derive(Debug, Args)]
pub(crate) struct ScopeKey {
    /// Who manages the key that wraps the scope's root key [default: Microsoft.Storage].
    #[arg(long, short = 's', value_name = "Microsoft.KeyVault|Microsoft.Storage")]
    #[arg(value_enum, ignore_case = true, hide_possible_values = true)]
    pub(crate) key_source: Option<KeySource>,
    /// Address of the key, as `keyvault key show --query key.kid` prints it; without a version it follows the
    /// newest one.
    #[arg(long, short = 'u', value_name = "URI")]
    pub(crate) key_uri: Option<String>,
}

/// `storage account encryption-scope create`.
#[derive(Debug, Args)]
pub(crate) struct CreateScope {
    #[command(flatten)]
    pub(crate) id: ScopeId,
    #[command(flatten)]
    pub(crate) key: ScopeKey,
    /// Seal everything a second time, under a key of the platform; cannot be changed later [default: as the
    /// account].
    #[arg(long, short = 'i', num_args = 0..=1, default_missing_value = "true")]
    #[arg(value_name = "true|false", value_parser = boolean)]
    pub(crate) require_infrastructure_encryption: Option<bool>,
}

/// `storage account encryption-scope update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateScope {
    #[command(flatten)]
    pub(crate) id: ScopeId,
    #[command(flatten)]
    pub(crate) key: ScopeKey,
    /// Whether data under the scope can be had.
    #[arg(long, value_name = "Enabled|Disabled", value_enum, ignore_case = true)]
    #[arg(hide_possible_values = true)]
    pub(crate) state: Option<ScopeState>,
}

/// Whether data under a scope can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeState {
    /// Yes.
    Enabled,
    /// No: 403.
    Disabled,
}
