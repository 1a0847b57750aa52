//! Makes what is not there yet: directories and keys. Nothing that exists is changed.

use strongroom::Store;

use super::Session;
use super::keys::{self, NoKey};
use crate::output::error::Failure;

impl Session {
    /// Makes the store unless it is there; a key is made only for a store that is made.
    pub(crate) fn init(&self) -> Result<Made, Failure> {
        let store = self.store_is_missing().is_some();
        if store {
            let opened = Store::builder(&self.places.data, keys::read_or_make(&self.places.host)?).init()?;
            let _ = self.store.set(opened);
        }
        self.store()?;
        Ok(Made { store, vaults: false })
    }

    /// The refusal that says there is no store here; `None` when there is one.
    pub(super) fn store_is_missing(&self) -> Option<strongroom::Error> {
        let probe = Store::builder(&self.places.data, NoKey).open();
        probe.err().filter(|error| error.code() == "NotInitialised")
    }
}

/// What `init` made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// The store and, if absent, its key.
    pub(crate) store: bool,
    /// The vaults and, if absent, their key.
    pub(crate) vaults: bool,
}
