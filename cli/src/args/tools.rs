//! `tour`, `scrub`, `completions` and `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `tour`.
#[derive(Debug, Args)]
pub(crate) struct TourArgs {
    /// Files and directories [default: the current directory]; .gitignore is honoured, .git skipped
    #[arg(value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
}

/// `scrub`.
#[derive(Debug, Args)]
pub(crate) struct ScrubArgs {
    /// Only this account [default: all].
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account_name: Option<String>,
}

/// `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell to complete in.
    pub(crate) shell: Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Directory to write the pages into; created if absent.
    pub(crate) dir: PathBuf,
}
