//! Makes what is not there yet: directories and keys. Nothing that exists is changed.

use strongroom::{EngineKind, Settings, Store, Vaults};

use super::Session;
use super::keys::{self, NoKey};
use crate::output::error::{Exit, Failure};

impl Session {
    /// Makes the vaults and the store, on this engine, unless they are there; a key is made only for what is
    /// made.
    pub(crate) fn init(&self, engine: EngineKind) -> Result<Made, Failure> {
        if self.places.host.path() == self.places.vault.path() {
            let message = format!(
                "{} cannot open both the store and the vaults",
                self.places.host.path().display()
            );
            return Err(Failure::new(Exit::Failed, "SamePlatformKey", message)
                .hint("Name two files: with one key the host alone could undo every revocation."));
        }
        let vaults = self.vaults_are_missing().is_some();
        if vaults {
            let key = keys::read_or_make(&self.places.vault)?;
            let made = self
                .anchored_vaults(Vaults::builder(&self.places.vaults, key))
                .init()?;
            // The cell is empty: nothing was there to be opened before.
            let _ = self.vaults.set(made);
        }
        let store = self.store_is_missing().is_some();
        if store {
            let key = keys::read_or_make(&self.places.host)?;
            let mut settings = Settings::default();
            settings.engine = engine;
            let made = self
                .anchored_store(Store::builder(&self.places.data, key))
                .vaults(self.open_vaults()?)
                .settings(settings)
                .init()?;
            let _ = self.store.set(made);
        }
        self.store()?;
        Ok(Made { store, vaults })
    }

    /// The refusal that says there is no store here; `None` when there is one.
    pub(super) fn store_is_missing(&self) -> Option<strongroom::Error> {
        missing(Store::builder(&self.places.data, NoKey).open().err())
    }

    /// The refusal that says there are no vaults here; `None` when there are.
    pub(super) fn vaults_are_missing(&self) -> Option<strongroom::Error> {
        if self.vaults.get().is_some() {
            return None;
        }
        missing(Vaults::builder(&self.places.vaults, NoKey).open().err())
    }
}

fn missing(refusal: Option<strongroom::Error>) -> Option<strongroom::Error> {
    refusal.filter(|error| error.code() == "NotInitialised")
}

/// What `init` made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// The store and, if absent, its key.
    pub(crate) store: bool,
    /// The vaults and, if absent, their key.
    pub(crate) vaults: bool,
}
