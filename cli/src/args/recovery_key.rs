//! `storage account recovery-key ...`: a second, offline key that can take a root key back.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::account::KeySource;

/// `storage account recovery-key VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum RecoveryKeyCommand {
    /// Forget the recovery key. Needs the account's key.
    Remove(Holder),
    /// Wrap the root key for a public key too. Needs the account's key; a revocation does not stop who has
    /// the private part.
    Set(SetRecoveryKey),
    /// Show the recovery key; empty if there is none.
    Show(Holder),
    /// Take the root key back with the private part, when the vault or its key is lost.
    Use(Box<UseRecoveryKey>),
}

/// Names an account, or an encryption scope in one.
#[derive(Debug, Args)]
pub(crate) struct Holder {
    /// Name of the account.
    #[arg(long, short)]
    pub(crate) name: String,
    /// The encryption scope whose root key it is about [default: the account's own].
    #[arg(long, value_name = "SCOPE")]
    pub(crate) encryption_scope: Option<String>,
}

/// `storage account recovery-key set`.
#[derive(Debug, Args)]
pub(crate) struct SetRecoveryKey {
    #[command(flatten)]
    pub(crate) holder: Holder,
    /// File with the RSA public key: PEM, DER or JWK.
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key_file: PathBuf,
}

/// `storage account recovery-key use`.
#[derive(Debug, Args)]
pub(crate) struct UseRecoveryKey {
    #[command(flatten)]
    pub(crate) holder: Holder,
    /// File or pipe with the RSA private key: PEM, DER or JWK; nobody else may be able to read it.
    #[arg(long, value_name = "FILE")]
    pub(crate) private_key_file: PathBuf,
    /// Who manages the key that wraps the root key from then on.
    #[arg(long, value_name = "Microsoft.Keyvault|Microsoft.Storage")]
    #[arg(value_enum, ignore_case = true, hide_possible_values = true)]
    pub(crate) encryption_key_source: KeySource,
    /// Address of the customer's key, as `keyvault key show --query key.kid` prints it; without a version it
    /// follows the newest one.
    #[arg(long, value_name = "URI")]
    pub(crate) key_uri: Option<String>,
}
