//! Strongroom: a storage account that lives inside an application.

mod account;
mod blob;
mod container;
mod encryption;
mod error;
mod rooms;
mod store;

pub use account::{Account, AccountName, AccountProperties, Identity, KeyType, NewAccount};
pub use error::{Error, ErrorKind, Result};
pub use store::{KeyFile, Passphrase, PlatformKey, PlatformKeyError, Settings, Store, StoreOptions};

pub use strongroom_engine as engine;
pub use strongroom_keyvault as keyvault;
