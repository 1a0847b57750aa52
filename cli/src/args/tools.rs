//! `init`, `tour`, `scrub`, `completions` and `man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;
use strongroom::EngineKind;

/// `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// What keeps the records of a new store; one that is there keeps to its own.
    #[arg(long, value_enum, default_value = "sled")]
    pub(crate) engine: EngineName,
}

/// The engines by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    /// sled, a log-structured tree.
    Sled,
    /// fjall, a log-structured merge tree.
    #[cfg(feature = "fjall")]
    Fjall,
}

impl From<EngineName> for EngineKind {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Sled => Self::Sled,
            #[cfg(feature = "fjall")]
            EngineName::Fjall => Self::Fjall,
        }
    }
}

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
