//! The keys that open the store and the vaults, read from their files.

use strongroom::{KeyFile, Passphrase, Store, StoreOptions};

use super::places::{Lock, Places};
use crate::output::error::Failure;

/// Options that open the store of these places.
pub(super) fn store(places: &Places) -> Result<StoreOptions, Failure> {
    Ok(match &places.host {
        Lock::Key(path) => Store::builder(&places.data, KeyFile::read(path)?),
        Lock::Passphrase(path) => Store::builder(&places.data, Passphrase::read(path)?),
    })
}
