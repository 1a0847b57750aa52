//! Opens what a command needs, when it needs it: the store, the vaults, an account.

mod anchors;
mod init;
mod keys;
mod labels;
mod places;
mod restore;

use std::cell::OnceCell;
use strongroom::keyvault::{AccessToken, TenantId, VaultStore};
use strongroom::{Account, AccountName, Store, Vaults};

use crate::args::GlobalArgs;
use crate::output::error::Failure;
use crate::progress::Progress;

pub(crate) use anchors::Anchors;
pub(crate) use labels::Labels;
pub(crate) use places::Places;

/// What one command works with.
pub(crate) struct Session {
    places: Places,
    labels: Labels,
    progress: Progress,
    store: OnceCell<Store>,
    vaults: OnceCell<Vaults>,
    anchors: OnceCell<Anchors>,
}

impl Session {
    /// Resolves the options; opens nothing.
    pub(crate) fn new(global: &GlobalArgs) -> Result<Self, Failure> {
        Ok(Self {
            places: Places::new(global)?,
            labels: Labels::new(global),
            progress: Progress::new(global),
            store: OnceCell::new(),
            vaults: OnceCell::new(),
            anchors: OnceCell::new(),
        })
    }

    /// Where everything is.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// The labels of the command.
    pub(crate) fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Makes the bars of the command.
    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    /// The store, opened at the first call, with the vaults if there are any.
    ///
    /// Without vaults everything that needs no customer key still works.
    pub(crate) fn store(&self) -> Result<&Store, Failure> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let key = keys::read(&self.places.host)
            // Without a store the key is not what is missing.
            .map_err(|unread| self.store_is_missing().map_or(unread, Failure::from))?;
        let mut options = self.anchored_store(Store::builder(&self.places.data, key));
        if self.vaults_are_missing().is_none() {
            options = options.vaults(self.open_vaults()?);
        }
        let store = options.open()?;
        Ok(self.store.get_or_init(|| store))
    }

    /// The vaults, opened at the first call.
    pub(crate) fn vaults(&self) -> Result<&VaultStore, Failure> {
        Ok(self.open_vaults()?.store())
    }

    fn open_vaults(&self) -> Result<&Vaults, Failure> {
        if let Some(vaults) = self.vaults.get() {
            return Ok(vaults);
        }
        let key = keys::read(&self.places.vault)
            .map_err(|unread| self.vaults_are_missing().map_or(unread, Failure::from))?;
        let vaults = self
            .anchored_vaults(Vaults::builder(&self.places.vaults, key))
            .open()?;
        Ok(self.vaults.get_or_init(|| vaults))
    }

    /// The vaults, and the owner's token for them.
    pub(crate) fn vaults_as_owner(&self) -> Result<(&VaultStore, AccessToken), Failure> {
        let vaults = self.vaults()?;
        Ok((vaults, vaults.owner_token()?))
    }

    /// The tenant named, or the one of this installation.
    pub(crate) fn tenant(&self) -> Result<TenantId, Failure> {
        match self.labels.tenant()? {
            Some(tenant) => Ok(tenant),
            None => Ok(self.vaults()?.default_tenant()),
        }
    }

    /// An account of the store.
    pub(crate) fn account(&self, name: &str) -> Result<Account, Failure> {
        let name: AccountName = name.parse()?;
        Ok(self.store()?.account(&name)?)
    }
}
