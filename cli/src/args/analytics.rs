//! `storage logging ...` and `storage metrics ...`: what the Blob service keeps a record of.

use clap::{Args, Subcommand};

use super::AccountName;
use super::values::boolean;

/// `storage logging VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum LoggingCommand {
    /// Show which requests are logged.
    Show(AnalyticsOf),
    /// Say which requests are logged, and how long logs are kept.
    Update(UpdateLogging),
    /// Log nothing.
    Off(AnalyticsOf),
}

/// `storage metrics VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum MetricsCommand {
    /// Show which metrics are collected.
    Show(AnalyticsOf),
    /// Say which metrics are collected, and how long they are kept.
    Update(UpdateMetrics),
}

/// Whose settings they are.
#[derive(Debug, Args)]
pub(crate) struct AnalyticsOf {
    #[command(flatten)]
    pub(crate) account: AccountName,
    /// Services that are meant, of which there is (b)lob [default: b].
    #[arg(long, value_name = "b")]
    pub(crate) services: Option<String>,
}

/// `storage logging update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateLogging {
    #[command(flatten)]
    pub(crate) of: AnalyticsOf,
    /// Requests that are logged: (r)ead, (w)rite, (d)elete.
    #[arg(long, value_name = "rwd")]
    pub(crate) log: String,
    /// How long logs are kept: 1 to 365 days; 0 keeps them for ever.
    #[arg(long, value_name = "DAYS")]
    pub(crate) retention: u16,
}

/// `storage metrics update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateMetrics {
    #[command(flatten)]
    pub(crate) of: AnalyticsOf,
    /// Whether each operation has its own figures; needed where metrics are switched on.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) api: Option<bool>,
    /// Whether figures of each hour are collected.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) hour: Option<bool>,
    /// Whether figures of each minute are collected.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) minute: Option<bool>,
    /// How long figures are kept: 1 to 365 days; 0 keeps them for ever.
    #[arg(long, value_name = "DAYS")]
    pub(crate) retention: u16,
}
