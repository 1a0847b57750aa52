//! `keyvault key encrypt|decrypt|sign|verify`: small values through a key.

use clap::{Args, ValueEnum};

use super::key::KeyVersionId;

/// `keyvault key encrypt` and `decrypt`.
#[derive(Debug, Args)]
pub(crate) struct CipherArgs {
    #[command(flatten)]
    pub(crate) key: KeyVersionId,
    /// RSA-OAEP-256, RSA-OAEP or `RSA1_5`.
    #[arg(long, short)]
    pub(crate) algorithm: String,
    /// The value: base64, or text with `--data-type plaintext`.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) value: String,
    /// What the plaintext is on the command line.
    #[arg(long, value_enum, ignore_case = true, default_value = "base64")]
    pub(crate) data_type: DataType,
}

/// How a plaintext is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataType {
    /// Base64 (RFC 4648).
    Base64,
    /// UTF-8 text.
    Plaintext,
}

/// `keyvault key sign`.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    pub(crate) key: KeyVersionId,
    /// RS256, RS384, RS512, PS256, PS384 or PS512.
    #[arg(long, short)]
    pub(crate) algorithm: String,
    /// The digest in base64.
    #[arg(long)]
    pub(crate) digest: String,
}

/// `keyvault key verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) sign: SignArgs,
    /// The signature in base64.
    #[arg(long)]
    pub(crate) signature: String,
}
