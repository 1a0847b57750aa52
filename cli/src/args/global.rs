//! Options that every command takes, before or after it.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

/// Where the store and its keys are, how to print, and the labels that `az` has.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// The store's directory [default: ./strongroom-data]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "STRONGROOM_DATA",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where")]
    pub(crate) data: Option<PathBuf>,
    /// Where the key vaults live: another disk, if you like [default: DATA/vaults]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "STRONGROOM_VAULTS",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where")]
    pub(crate) vaults: Option<PathBuf>,
    /// File with the key that opens the store [default: beside the data]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "STRONGROOM_HOST_KEY",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where")]
    pub(crate) host_key: Option<PathBuf>,
    /// File with a passphrase that opens the store, instead of a key file
    #[arg(long, global = true, value_name = "FILE", help_heading = "Where")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// File with the key that opens the vaults; must differ from the host key [default: beside the vaults]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "STRONGROOM_VAULT_KEY",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where")]
    pub(crate) vault_key: Option<PathBuf>,
    /// File with a passphrase that opens the vaults, instead of a key file
    #[arg(long, global = true, value_name = "FILE", help_heading = "Where")]
    pub(crate) vault_passphrase_file: Option<PathBuf>,
    /// File on other media that keeps the head of the store too, so that an old copy of it is found out
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "STRONGROOM_ANCHOR",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where")]
    pub(crate) anchor: Option<PathBuf>,
    /// File on other media that keeps the head of the vaults too, so that no old copy undoes a revocation
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "STRONGROOM_VAULT_ANCHOR",
        hide_env_values = true
    )]
    #[arg(help_heading = "Where")]
    pub(crate) vault_anchor: Option<PathBuf>,

    /// Output format [default: json]
    #[arg(
        long,
        short,
        global = true,
        value_name = "FORMAT",
        ignore_case = true,
        help_heading = "Output"
    )]
    pub(crate) output: Option<OutputFormat>,
    /// JMESPath query that picks from the result before it is printed
    #[arg(long, global = true, value_name = "JMESPATH", help_heading = "Output")]
    pub(crate) query: Option<String>,
    /// Print nothing but results and errors
    #[arg(
        long,
        global = true,
        alias = "only-show-errors",
        conflicts_with = "verbose",
        help_heading = "Output"
    )]
    #[arg(action = ArgAction::SetTrue)]
    pub(crate) quiet: bool,
    /// Say on standard error what is being done
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = "Output")]
    pub(crate) verbose: bool,
    /// No progress bars
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = "Output")]
    pub(crate) no_progress: bool,

    /// Tenant (directory) that accounts, identities and vaults belong to
    #[arg(long, global = true, value_name = "ID", help_heading = "Labels")]
    pub(crate) tenant: Option<String>,
    /// Subscription label
    #[arg(long, global = true, value_name = "ID", help_heading = "Labels")]
    pub(crate) subscription: Option<String>,
    /// Region of an account or vault; the two must be equal for customer keys
    #[arg(long, short, global = true, value_name = "REGION", help_heading = "Labels")]
    pub(crate) location: Option<String>,
    /// Resource group label
    #[arg(
        long,
        short = 'g',
        global = true,
        value_name = "NAME",
        help_heading = "Labels"
    )]
    pub(crate) resource_group: Option<String>,
}

/// The output formats of `az` that are supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// JSON, indented, keys in order.
    Json,
    /// JSON in colour when standard output is a terminal.
    Jsonc,
    /// A table of the top-level values.
    Table,
    /// Tab-separated values without a heading, for scripts.
    Tsv,
    /// Nothing.
    None,
}
