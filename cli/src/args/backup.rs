//! `backup` and `restore`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use strongroom::Placement;

use super::tools::EngineName;

/// `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Directory of the backup: a new one, or an empty one.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
}

/// `restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// Directory of the backup.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// What keeps the records of the restored store [default: as the backup's store had it].
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineName>,
    /// Where its large bodies are [default: where they were].
    #[arg(long, value_enum)]
    pub(crate) placement: Option<PlacementName>,
}

/// The placements by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlacementName {
    /// Among the records of the engine.
    Engine,
    /// In files of their own.
    Files,
}

impl From<PlacementName> for Placement {
    fn from(name: PlacementName) -> Self {
        match name {
            PlacementName::Engine => Self::Engine,
            PlacementName::Files => Self::Files,
        }
    }
}
