//! A store made again from a backup, where none is yet.

use std::path::Path;

use strongroom::{BackupReport, RestoreOptions, RestoreProgress, Store};

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
}
