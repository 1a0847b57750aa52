//! The grammar of the command line: nouns, verbs and options as in `az`, and nothing else.
//!
//! Nothing here touches a store: a command line that parses has been checked for form only.

pub(crate) mod account;
pub(crate) mod acl;
pub(crate) mod analytics;
pub(crate) mod anchor;
pub(crate) mod backup;
pub(crate) mod blob;
pub(crate) mod conditions;
pub(crate) mod container;
pub(crate) mod content;
pub(crate) mod copy;
pub(crate) mod encryption_scope;
pub(crate) mod global;
pub(crate) mod key;
pub(crate) mod key_crypto;
pub(crate) mod keyvault;
pub(crate) mod lease;
pub(crate) mod provided_key;
pub(crate) mod recovery_key;
pub(crate) mod service;
pub(crate) mod state;
pub(crate) mod tag;
pub(crate) mod tools;
pub(crate) mod upload;
pub(crate) mod values;

use clap::{Args, Parser, Subcommand};

pub(crate) use global::GlobalArgs;

/// An encrypted storage account on this machine, under a key that only your key vault can use.
#[derive(Debug, Parser)]
#[command(
    name = "strongroom",
    version,
    propagate_version = false,
    disable_help_subcommand = true
)]
#[command(after_help = "Start with `strongroom tour FILE...`: the whole story, on your own files.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The first word of a command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create the data and vault directories and, if absent, their two keys.
    Init(tools::InitArgs),
    /// Live the whole story on real files: encrypt, rotate, revoke, restore, verify.
    Tour(tools::TourArgs),
    /// Key vaults, their access policies, their keys and their audit log.
    #[command(subcommand)]
    Keyvault(keyvault::VaultCommand),
    /// Storage accounts, containers and blobs.
    #[command(subcommand)]
    Storage(StorageCommand),
    /// Heads of the store and of the vaults kept elsewhere: an old copy put in their place is found out.
    #[command(subcommand)]
    Anchor(anchor::AnchorCommand),
    /// Verify everything that can be verified with the keys at hand; exit 1 when there is damage.
    Scrub(tools::ScrubArgs),
    /// Copy the store, as it is at one moment, into a directory; nothing has to stop for it.
    Backup(backup::BackupArgs),
    /// Make a store again from a backup, in a new data directory, with the host key of that time.
    Restore(backup::RestoreArgs),
    /// Do what has become due: expiries, copies under way, space of what was deleted, newer key versions.
    Maintain,
    /// What is stored, live and on disk, and which key version protects what.
    Stats,
    /// Print the completion script of a shell.
    Completions(tools::CompletionsArgs),
    /// Write the manual pages into a directory.
    Man(tools::ManArgs),
}

/// `storage ...`.
#[derive(Debug, Subcommand)]
pub(crate) enum StorageCommand {
    /// Storage accounts and their encryption settings.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Containers of an account.
    #[command(subcommand)]
    Container(container::ContainerCommand),
    /// Blobs of a container.
    #[command(subcommand)]
    Blob(Box<blob::BlobCommand>),
    /// Which foreign web pages may send requests.
    #[command(subcommand)]
    Cors(service::CorsCommand),
    /// Which requests are logged.
    #[command(subcommand)]
    Logging(analytics::LoggingCommand),
    /// Which metrics are collected.
    #[command(subcommand)]
    Metrics(analytics::MetricsCommand),
}

/// The account a data command works on.
#[derive(Debug, Args)]
pub(crate) struct AccountName {
    /// Name of the storage account.
    #[arg(
        long = "account-name",
        value_name = "ACCOUNT",
        env = "AZURE_STORAGE_ACCOUNT",
        hide_env = true
    )]
    pub(crate) account: String,
    /// Accepted as in `az`; the command line always acts as the owner of the installation.
    #[arg(long, value_parser = ["key", "login"], hide = true)]
    pub(crate) auth_mode: Option<String>,
    /// Accepted as in `az`; there is no server to wait for.
    #[arg(long, value_name = "SECONDS", hide = true)]
    pub(crate) timeout: Option<u64>,
}
