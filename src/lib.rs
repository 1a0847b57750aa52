//! Strongroom: a storage account that lives inside an application.

mod account;
mod blob;
mod container;
mod encryption;
mod error;
mod rooms;
mod store;

pub use account::Account;
pub use error::{Error, ErrorKind, Result};
