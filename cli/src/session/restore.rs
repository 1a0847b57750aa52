//! A store made again from a backup, where none is yet.

use std::path::Path;

use strongroom::{BackupOptions, BackupReport, RestoreOptions, RestoreProgress, Store, Vaults};

use super::Session;
use super::keys;
use crate::output::error::Failure;

impl Session {
    /// Restores the backup into the data directory, with the key that opened the store it was made from.
    pub(crate) fn restore(
        &self,
        backup: &Path,
        options: &RestoreOptions,
        progress: impl FnMut(RestoreProgress),
    ) -> Result<BackupReport, Failure> {
        let to = Store::builder(&self.places.data, keys::read(&self.places.host)?);
        Ok(Store::restore(backup, to, options, progress)?)
    }

    /// Restores the backup into the directory of the vaults, with the key that opened them when it was made.
    pub(crate) fn restore_vaults(
        &self,
        backup: &Path,
        progress: impl FnMut(RestoreProgress),
    ) -> Result<BackupReport, Failure> {
        let to = Vaults::builder(&self.places.vaults, keys::read(&self.places.vault)?);
        Ok(Vaults::restore(backup, to, progress)?)
    }

    /// Copies the vaults.
    pub(crate) fn backup_vaults(
        &self,
        destination: &Path,
        progress: impl FnMut(&BackupReport),
    ) -> Result<BackupReport, Failure> {
        let vaults = self.open_vaults()?;
        Ok(vaults.backup(destination, &BackupOptions::default(), progress)?)
    }
}
