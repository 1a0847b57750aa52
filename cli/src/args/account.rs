//! `storage account ...`: accounts, identities, encryption settings.

use clap::{Args, Subcommand, ValueEnum};

use super::encryption_scope::EncryptionScopeCommand;
use super::recovery_key::RecoveryKeyCommand;
use super::service::AccountServiceCommand;
use super::values::{Pair, boolean, pair};

/// `storage account VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Create an account under platform-managed keys.
    Create(CreateAccount),
    /// Assign an identity, or change who manages the encryption key.
    Update(Box<UpdateAccount>),
    /// Show an account.
    Show(AccountId),
    /// List the accounts of this store.
    List,
    /// Delete an account with everything in it.
    Delete(AccountId),
    /// Move an account to another tenant (`--tenant`), which drops its identity.
    Move(AccountId),
    /// Root keys beside the account's, for single containers and blobs.
    #[command(subcommand)]
    EncryptionScope(EncryptionScopeCommand),
    /// A second key, kept offline, that takes the root key back when the vault is lost.
    #[command(subcommand)]
    RecoveryKey(RecoveryKeyCommand),
    /// Settings of the account's Blob service that protect data.
    #[command(subcommand)]
    BlobServiceProperties(AccountServiceCommand),
}

/// Names one account.
#[derive(Debug, Args)]
pub(crate) struct AccountId {
    /// Name of the account: 3 to 24 lower-case letters and digits.
    #[arg(long, short)]
    pub(crate) name: String,
    /// Accepted as in `az`; nothing is ever asked.
    #[arg(long, short, hide = true)]
    yes: bool,
}

/// `storage account create`.
#[derive(Debug, Args)]
pub(crate) struct CreateAccount {
    /// Name of the account: 3 to 24 lower-case letters and digits.
    #[arg(long, short)]
    pub(crate) name: String,
    /// Which key protects queues; cannot be changed later [default: Service].
    #[arg(long, value_name = "Account|Service")]
    #[arg(value_enum, ignore_case = true, hide_possible_values = true, short = 'q')]
    pub(crate) encryption_key_type_for_queue: Option<KeyScope>,
    /// Which key protects tables; cannot be changed later [default: Service].
    #[arg(long, value_name = "Account|Service")]
    #[arg(value_enum, ignore_case = true, hide_possible_values = true, short = 't')]
    pub(crate) encryption_key_type_for_table: Option<KeyScope>,
    /// Seal everything a second time, under a key of the platform; cannot be changed later [default: false].
    #[arg(long, short = 'i', num_args = 0..=1, default_missing_value = "true")]
    #[arg(value_name = "true|false", value_parser = boolean)]
    pub(crate) require_infrastructure_encryption: Option<bool>,
    /// Give the account an identity at once.
    #[arg(long)]
    pub(crate) assign_identity: bool,
    /// Refused: customer keys can be enabled only on an account that exists.
    #[arg(long, hide = true)]
    pub(crate) encryption_key_source: Option<String>,
    /// Accepted as in `az`; has no effect here.
    #[arg(long, hide = true)]
    sku: Option<String>,
    /// Accepted as in `az`; every account is of kind `StorageV2`.
    #[arg(long, hide = true, value_parser = ["StorageV2"])]
    kind: Option<String>,
    /// Tags of the account.
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair, hide = true)]
    tags: Vec<Pair>,
}

/// The key that protects queues or tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyScope {
    /// The account's root key, which a customer key can protect.
    Account,
    /// A key of the platform.
    Service,
}

/// `storage account update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateAccount {
    /// Name of the account.
    #[arg(long, short)]
    pub(crate) name: String,
    /// Give the account an identity.
    #[arg(long)]
    pub(crate) assign_identity: bool,
    /// Give the account an identity, or take it away.
    #[arg(long, value_name = "None|SystemAssigned", conflicts_with = "assign_identity")]
    #[arg(value_enum, ignore_case = true, hide_possible_values = true)]
    pub(crate) identity_type: Option<IdentityType>,
    /// Who manages the key that wraps the root key.
    #[arg(long, value_name = "Microsoft.Keyvault|Microsoft.Storage")]
    #[arg(value_enum, ignore_case = true, hide_possible_values = true)]
    pub(crate) encryption_key_source: Option<KeySource>,
    /// URI of the vault, as `keyvault show --query properties.vaultUri` prints it.
    #[arg(long, value_name = "URI")]
    pub(crate) encryption_key_vault: Option<String>,
    /// Name of the key in the vault.
    #[arg(long, value_name = "KEY")]
    pub(crate) encryption_key_name: Option<String>,
    /// Version of the key; empty or absent follows the newest version.
    #[arg(long, value_name = "VERSION")]
    pub(crate) encryption_key_version: Option<String>,
    /// Refused: the choice is made at creation.
    #[arg(long, value_enum, ignore_case = true, hide = true, short = 'q')]
    pub(crate) encryption_key_type_for_queue: Option<KeyScope>,
    /// Refused: the choice is made at creation.
    #[arg(long, value_enum, ignore_case = true, hide = true, short = 't')]
    pub(crate) encryption_key_type_for_table: Option<KeyScope>,
}

/// Whether an account has an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IdentityType {
    /// No identity.
    #[value(name = "None")]
    None,
    /// One that lives and dies with the account.
    #[value(name = "SystemAssigned")]
    SystemAssigned,
}

/// Who manages the key that wraps the root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeySource {
    /// The customer, in a key vault.
    #[value(name = "Microsoft.Keyvault")]
    Keyvault,
    /// The platform.
    #[value(name = "Microsoft.Storage")]
    Storage,
}
