//! What can be asked of an open account besides its data.

use super::{Account, AccountCore, AccountProperties, AccountRecord};
use crate::error::{Error, ErrorKind, Result};

impl Account {
    /// What is known of the account now.
    ///
    /// # Errors
    /// `ResourceNotFound` once it was deleted.
    pub fn properties(&self) -> Result<AccountProperties> {
        self.core.record()?.try_into()
    }
}

impl AccountCore {
    /// The account record as committed.
    pub(crate) fn record(&self) -> Result<AccountRecord> {
        let name = self.name.parse()?;
        match self.store.tree.get(&AccountRecord::key(&name))? {
            Some(bytes) => AccountRecord::decode(&bytes).and_then(|record| self.same(record)),
            None => Err(not_found(&self.name)),
        }
    }

    /// A later account of the same name is another one.
    fn same(&self, record: AccountRecord) -> Result<AccountRecord> {
        if record.id == self.id {
            Ok(record)
        } else {
            Err(not_found(&self.name))
        }
    }
}

pub(crate) fn not_found(name: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        "ResourceNotFound",
        404,
        format!("The Resource 'Microsoft.Storage/storageAccounts/{name}' was not found."),
    )
    .hint("list the accounts of the store, or create this one")
}
