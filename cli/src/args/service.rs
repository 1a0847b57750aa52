//! Settings of the Blob service of an account: `storage blob service-properties`, `storage account
//! blob-service-properties` and `storage cors`.

use clap::{Args, Subcommand};

use super::AccountName;
use super::values::boolean;

/// `storage blob service-properties VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Show the settings.
    Show(AccountName),
    /// Change what is given, and leave the rest.
    Update(UpdateService),
    /// How long deleted blobs are kept.
    #[command(subcommand)]
    DeletePolicy(DeletePolicyCommand),
}

/// `storage blob service-properties update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateService {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Keep deleted blobs for a while.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) delete_retention: Option<bool>,
    /// How long: 1 to 365 days.
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    pub(crate) delete_retention_period: Option<u16>,
    /// Serve the container $web as a website.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) static_website: Option<bool>,
    /// What a folder of the website shows, as in index.html.
    #[arg(long, value_name = "NAME")]
    pub(crate) index_document: Option<String>,
    /// What every folder of the website shows, as in index.html, in place of an index document [default: as
    /// it is].
    #[arg(long, value_name = "PATH", conflicts_with = "index_document")]
    pub(crate) default_index_path: Option<String>,
    /// What the website shows when there is nothing, as in errors/404.html.
    #[arg(long = "404-document", value_name = "PATH")]
    pub(crate) not_found_document: Option<String>,
}

/// `storage blob service-properties delete-policy VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum DeletePolicyCommand {
    /// Show how long deleted blobs are kept.
    Show(AccountName),
    /// Keep deleted blobs, or do not.
    Update {
        #[command(flatten)]
        account: AccountName,
        /// Whether deleted blobs are kept.
        #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
        enable: Option<bool>,
        /// How long: 1 to 365 days.
        #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
        days_retained: Option<u16>,
    },
}

/// `storage account blob-service-properties VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountServiceCommand {
    /// Show the settings that protect data.
    Show(ServiceOf),
    /// Change what is given, and leave the rest.
    Update(UpdateAccountService),
}

/// Names the account whose service it is.
#[derive(Debug, Args)]
pub(crate) struct ServiceOf {
    /// Name of the storage account.
    #[arg(
        long,
        short = 'n',
        value_name = "ACCOUNT",
        env = "AZURE_STORAGE_ACCOUNT",
        hide_env = true
    )]
    pub(crate) account_name: String,
}

/// `storage account blob-service-properties update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateAccountService {
    #[command(flatten)]
    pub(crate) account: ServiceOf,
    /// Keep what a write replaces as a previous version.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) enable_versioning: Option<bool>,
    /// Keep deleted blobs for a while.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) enable_delete_retention: Option<bool>,
    /// How long blobs are kept: 1 to 365 days.
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    pub(crate) delete_retention_days: Option<u16>,
    /// Keep deleted containers for a while.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) enable_container_delete_retention: Option<bool>,
    /// How long containers are kept: 1 to 365 days.
    #[arg(
        long,
        alias = "container-days",
        value_name = "DAYS",
        allow_negative_numbers = true
    )]
    pub(crate) container_delete_retention_days: Option<u16>,
    /// Let deleted snapshots and versions be removed for good before their time.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) allow_permanent_delete: Option<bool>,
    /// Version of the protocol for requests that name none, as in 2019-12-12.
    #[arg(long, value_name = "DATE")]
    pub(crate) default_service_version: Option<String>,
}

/// `storage cors VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum CorsCommand {
    /// Let foreign web pages send requests: 5 rules at most, the first that fits decides.
    Add(AddCors),
    /// List the rules.
    List(CorsOf),
    /// Remove all rules.
    Clear(CorsOf),
}

/// Whose rules they are.
#[derive(Debug, Args)]
pub(crate) struct CorsOf {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Services of the rules, of which there is (b)lob [default: b].
    #[arg(long, value_name = "b")]
    pub(crate) services: Option<String>,
}

/// `storage cors add`.
#[derive(Debug, Args)]
pub(crate) struct AddCors {
    #[command(flatten)]
    pub(crate) of: CorsOf,
    /// Methods that are allowed: DELETE GET HEAD MERGE OPTIONS PATCH POST PUT.
    #[arg(long, num_args = 1.., required = true, value_name = "METHOD", value_delimiter = ',', ignore_case = true)]
    #[arg(value_parser = ["DELETE", "GET", "HEAD", "MERGE", "OPTIONS", "PATCH", "POST", "PUT"])]
    #[arg(hide_possible_values = true)]
    pub(crate) methods: Vec<String>,
    /// Origins that are allowed, as in `https://www.example.com`, or * for all.
    #[arg(long, num_args = 1.., required = true, value_name = "ORIGIN", value_delimiter = ',')]
    pub(crate) origins: Vec<String>,
    /// Headers that requests may have.
    #[arg(long, num_args = 1.., value_name = "HEADER", value_delimiter = ',')]
    pub(crate) allowed_headers: Vec<String>,
    /// Headers of responses that pages may see.
    #[arg(long, num_args = 1.., value_name = "HEADER", value_delimiter = ',')]
    pub(crate) exposed_headers: Vec<String>,
    /// How long a browser may remember the answer to a preflight request [default: 0].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) max_age: Option<u32>,
}
