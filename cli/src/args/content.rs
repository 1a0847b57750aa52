//! What an upload says of the content besides the bytes.

use clap::Args;
use strongroom::EncryptionChoice;

use super::provided_key::ProvidedKey;
use super::values::boolean;
use crate::output::error::Failure;

/// Headers of the content, kept as they are given.
#[derive(Debug, Default, Args)]
pub(crate) struct ContentArgs {
    /// Content type [default for a new blob: application/octet-stream].
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// Codings applied to the content, as in gzip.
    #[arg(long, value_name = "CODING")]
    pub(crate) content_encoding: Option<String>,
    /// Language of the content, as in de.
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) content_language: Option<String>,
    /// How to present the content, as in `attachment; filename="a.txt"`.
    #[arg(long, value_name = "TEXT")]
    pub(crate) content_disposition: Option<String>,
    /// Caching rules of the content, as in no-cache.
    #[arg(long, alias = "content-cache", value_name = "TEXT")]
    pub(crate) content_cache_control: Option<String>,
}

/// What a new blob is to be under.
#[derive(Debug, Default, Args)]
pub(crate) struct EncryptionArgs {
    /// Encryption scope to put the blob under [default: the container's, else the account's key].
    #[arg(long, value_name = "SCOPE", conflicts_with = "encryption_key_file")]
    pub(crate) encryption_scope: Option<String>,
    #[command(flatten)]
    pub(crate) key: ProvidedKey,
}

impl EncryptionArgs {
    /// What the content is to be under.
    pub(crate) fn choice(&self) -> Result<EncryptionChoice, Failure> {
        match &self.encryption_scope {
            Some(name) => Ok(EncryptionChoice::Scope(name.parse()?)),
            None => self.key.choice(),
        }
    }
}

/// Accepted as in `az`: nothing is transferred over a network, and all content is authenticated anyway.
#[derive(Debug, Default, Args)]
pub(crate) struct TransferArgs {
    /// Connections that `az` would open.
    #[arg(long, value_name = "N", hide = true)]
    max_connections: Option<u32>,
    /// Whether `az` would compare checksums.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = boolean, hide = true)]
    validate_content: Option<bool>,
}
