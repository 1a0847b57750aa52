//! How an encryption scope is stored: one record of the store's tree, under its account and its name. It is
//! never deleted but with its account.

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::keys::ScopeId;
use strongroom_engine::tree::{Tree, Txn};

use super::{EncryptionScopeName, EncryptionScopeState};
use crate::commit::Failure;
use crate::error::Result;
use crate::rooms;

/// Records read at a time.
const PAGE: usize = 256;

/// What is kept of an encryption scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScopeRecord {
    /// Random, and never used again.
    pub(crate) id: ScopeId,
    /// Id of the tree of the scope's envelope: random, and of no other use.
    pub(crate) envelope_tree: ScopeId,
    /// Fixed at creation: no other root key is ever used for this scope.
    pub(crate) root_commitment: [u8; 32],
    pub(crate) state: EncryptionScopeState,
    /// Whether everything under it is sealed twice. Fixed at creation.
    pub(crate) infrastructure: bool,
    pub(crate) created: Timestamp,
    pub(crate) last_modified: Timestamp,
}

impl Record for ScopeRecord {
    const NAME: &'static str = "encryption scope";
    const VERSION: u8 = 1;
}

impl ScopeRecord {
    /// The scope of that name, if there is one.
    pub(crate) fn find(tree: &Tree, account: ScopeId, name: &EncryptionScopeName) -> Result<Option<Self>> {
        let bytes = tree.get(&key(account, name))?;
        bytes.map(|bytes| Ok(decode(&bytes)?)).transpose()
    }

    /// The same inside a transaction.
    pub(crate) fn find_in(
        txn: &Txn<'_>,
        account: ScopeId,
        name: &EncryptionScopeName,
    ) -> Result<Option<Self>> {
        let bytes = txn.get(&key(account, name))?;
        bytes.map(|bytes| Ok(decode(&bytes)?)).transpose()
    }

    /// Stores the record.
    pub(crate) fn write(
        &self,
        txn: &mut Txn<'_>,
        (account, name): (ScopeId, &EncryptionScopeName),
    ) -> Result<(), Failure> {
        Ok(txn.put(&key(account, name), &encode(self)?)?)
    }

    /// The scopes of an account in order of their names.
    pub(crate) fn all(tree: &Tree, account: ScopeId) -> Result<Vec<(EncryptionScopeName, Self)>> {
        let prefix = rooms::key(rooms::ENCRYPTION_SCOPES, &[&account.0]);
        let mut range = KeyRange::prefix(&prefix);
        let mut scopes = Vec::new();
        loop {
            let page = tree.range(&range, Order::Ascending, PAGE)?;
            for (key, bytes) in &page {
                let name = key.get(prefix.len()..).unwrap_or_default();
                let name = String::from_utf8_lossy(name)
                    .parse()
                    .map_err(|_| super::damaged())?;
                scopes.push((name, decode(bytes)?));
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range.start = [last.as_slice(), &[0]].concat(),
                _ => return Ok(scopes),
            }
        }
    }

    /// Deletes the records of an account that is deleted in the same transaction.
    pub(crate) fn delete_all(txn: &mut Txn<'_>, account: ScopeId) -> Result<(), Failure> {
        let range = KeyRange::prefix(&rooms::key(rooms::ENCRYPTION_SCOPES, &[&account.0]));
        loop {
            let page = txn.range(&range, Order::Ascending, PAGE)?;
            for (key, _) in &page {
                txn.delete(key)?;
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }
}

fn key(account: ScopeId, name: &EncryptionScopeName) -> Vec<u8> {
    rooms::key(rooms::ENCRYPTION_SCOPES, &[&account.0, name.as_str().as_bytes()])
}
