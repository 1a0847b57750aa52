//! Opens what a command needs, when it needs it: the store, the vaults, an account.

mod places;

use strongroom::Account;

use crate::args::GlobalArgs;
use crate::output::error::{Exit, Failure};
use crate::progress::Progress;

pub(crate) use places::{Lock, Places};

/// What one command works with.
pub(crate) struct Session {
    places: Places,
    progress: Progress,
}

impl Session {
    /// Resolves the options; opens nothing.
    pub(crate) fn new(global: &GlobalArgs) -> Result<Self, Failure> {
        Ok(Self {
            places: Places::new(global)?,
            progress: Progress::new(global),
        })
    }

    /// Makes the bars of the command.
    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    /// An account of the store.
    pub(crate) fn account(&self, name: &str) -> Result<Account, Failure> {
        Err(Failure::new(
            Exit::Failed,
            "NotBound",
            format!("no library yet {name}"),
        ))
    }
}
