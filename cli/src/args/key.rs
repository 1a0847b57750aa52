//! `keyvault key ...`: keys, versions, attributes and rotation.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use strongroom::Timestamp;

use super::key_crypto::{CipherArgs, SignArgs, VerifyArgs};
use super::values::{Pair, boolean, pair, time};

/// `keyvault key VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create a key, or a new version of one.
    Create(CreateKey),
    /// Import a private key from a file, as a new key or a new version of one.
    Import(ImportKey),
    /// List the keys of a vault.
    List(KeyVaultName),
    /// List the versions of a key, oldest first.
    ListVersions(KeyId),
    /// List the deleted keys of a vault.
    ListDeleted(KeyVaultName),
    /// Show a key: its newest version, or the one named.
    Show(KeyVersionId),
    /// Show a deleted key.
    ShowDeleted(KeyId),
    /// Delete a key with all its versions.
    Delete(KeyId),
    /// Recover a deleted key with all its versions.
    Recover(KeyId),
    /// Destroy a deleted key for good, unless purge protection forbids it.
    Purge(KeyId),
    /// Create a new version by the key's rotation policy.
    Rotate(KeyId),
    /// Write a sealed backup of all versions of a key to a file.
    Backup(KeyToFile),
    /// Restore a key with all its versions from a backup file.
    Restore(RestoreKey),
    /// Write the public part of a key to a file.
    Download(DownloadKey),
    /// Enable or disable a version, or change its dates.
    SetAttributes(SetAttributes),
    /// The rotation policy of a key.
    #[command(subcommand)]
    RotationPolicy(RotationPolicyCommand),
    /// Encrypt a small value with the public part.
    Encrypt(CipherArgs),
    /// Decrypt a small value with the private part.
    Decrypt(CipherArgs),
    /// Sign a digest.
    Sign(SignArgs),
    /// Verify the signature of a digest.
    Verify(VerifyArgs),
}

/// Names a vault where `--name` is taken by the key.
#[derive(Debug, Args)]
pub(crate) struct KeyVaultName {
    /// Name of the vault.
    #[arg(long, value_name = "VAULT")]
    pub(crate) vault_name: String,
}

/// Names a key: by `--vault-name` and `--name`, or by `--id`.
#[derive(Debug, Args)]
pub(crate) struct KeyId {
    /// Name of the vault; required without `--id`.
    #[arg(long, value_name = "VAULT", required_unless_present = "id")]
    pub(crate) vault_name: Option<String>,
    /// Name of the key; required without `--id`.
    #[arg(long, short, value_name = "KEY", required_unless_present = "id")]
    pub(crate) name: Option<String>,
    /// Identifier of the key: `https://VAULT.vault.azure.net/keys/KEY`.
    #[arg(long, value_name = "KID", conflicts_with_all = ["vault_name", "name"])]
    pub(crate) id: Option<String>,
}

/// Names a key, and a version where it matters; without one the newest is meant.
#[derive(Debug, Args)]
pub(crate) struct KeyVersionId {
    #[command(flatten)]
    pub(crate) key: KeyId,
    /// Version, 32 hexadecimal digits [default: the newest].
    #[arg(long, short, value_name = "VERSION", conflicts_with = "id")]
    pub(crate) version: Option<String>,
}

/// Attributes given at creation or import.
#[derive(Debug, Args)]
pub(crate) struct NewKey {
    /// Name of the vault.
    #[arg(long, value_name = "VAULT")]
    pub(crate) vault_name: String,
    /// Name of the key: 1 to 127 letters, digits and dashes.
    #[arg(long, short, value_name = "KEY")]
    pub(crate) name: String,
    /// Operations the key may be used for [default: all].
    #[arg(long, num_args = 1.., value_name = "OPERATION")]
    pub(crate) ops: Vec<String>,
    /// After this UTC time the version wraps no more; it still unwraps.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) expires: Option<Timestamp>,
    /// Before this UTC time the version wraps nothing.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) not_before: Option<Timestamp>,
    /// Create the version disabled.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) disabled: Option<bool>,
    /// Tags of the version.
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
    pub(crate) tags: Vec<Pair>,
    /// Where the private key is kept; `hsm` needs a hardware key provider.
    #[arg(long, short, value_enum, ignore_case = true)]
    pub(crate) protection: Option<Protection>,
}

/// Where a private key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protection {
    /// Sealed in the vault's directory.
    Software,
    /// In a hardware security module.
    Hsm,
}

/// `keyvault key create`.
#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    #[command(flatten)]
    pub(crate) new: NewKey,
    /// Key type: RSA or RSA-HSM [default: RSA].
    #[arg(long, value_name = "TYPE")]
    pub(crate) kty: Option<String>,
    /// Size in bits: 2048, 3072 or 4096 [default: 2048].
    #[arg(long, value_name = "BITS")]
    pub(crate) size: Option<u32>,
}

/// `keyvault key import`.
#[derive(Debug, Args)]
pub(crate) struct ImportKey {
    #[command(flatten)]
    pub(crate) new: NewKey,
    /// File with the private key: PEM or DER, PKCS#1 or PKCS#8, or a JWK.
    #[arg(long, value_name = "FILE")]
    pub(crate) pem_file: PathBuf,
}

/// A key and the file its backup goes to.
#[derive(Debug, Args)]
pub(crate) struct KeyToFile {
    #[command(flatten)]
    pub(crate) key: KeyId,
    /// File to create; an existing one is not overwritten.
    #[arg(long, short)]
    pub(crate) file: PathBuf,
}

/// `keyvault key restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreKey {
    #[command(flatten)]
    pub(crate) vault: KeyVaultName,
    /// Backup file.
    #[arg(long, short)]
    pub(crate) file: PathBuf,
}

/// `keyvault key download`.
#[derive(Debug, Args)]
pub(crate) struct DownloadKey {
    #[command(flatten)]
    pub(crate) key: KeyVersionId,
    /// File to create; an existing one is not overwritten.
    #[arg(long, short)]
    pub(crate) file: PathBuf,
    /// Encoding of the public key.
    #[arg(long, short, value_enum, ignore_case = true, default_value = "pem")]
    pub(crate) encoding: PublicEncoding,
}

/// How a public key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PublicEncoding {
    /// Base64 between two lines (RFC 7468).
    Pem,
    /// Binary.
    Der,
}

/// `keyvault key set-attributes`.
#[derive(Debug, Args)]
pub(crate) struct SetAttributes {
    #[command(flatten)]
    pub(crate) key: KeyVersionId,
    /// Whether the version may be used; disabling it revokes access.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) enabled: Option<bool>,
    /// After this UTC time the version wraps no more; it still unwraps.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) expires: Option<Timestamp>,
    /// Before this UTC time the version wraps nothing.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) not_before: Option<Timestamp>,
    /// Operations the version may be used for.
    #[arg(long, num_args = 1.., value_name = "OPERATION")]
    pub(crate) ops: Vec<String>,
    /// Tags of the version, replacing what it had.
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
    pub(crate) tags: Vec<Pair>,
}

/// `keyvault key rotation-policy VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum RotationPolicyCommand {
    /// Show the rotation policy.
    Show(KeyId),
    /// Replace the rotation policy.
    Update(UpdateRotationPolicy),
}

/// `keyvault key rotation-policy update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateRotationPolicy {
    #[command(flatten)]
    pub(crate) key: KeyId,
    /// The policy as JSON, or a file with it.
    #[arg(long, value_name = "JSON|FILE")]
    pub(crate) value: String,
}
