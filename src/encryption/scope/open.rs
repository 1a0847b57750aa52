//! The open encryption scopes of an account. One is opened when it is first used and stays open.
//!
//! Opening reads another tree and may not be done inside a transaction, nor be waited for there: whoever
//! removes a tree keeps others from being opened while it waits for transactions. So whoever is about to run
//! one has looked at the blob before; a transaction finds only scopes that are open, under a lock that nobody
//! holds for longer than a look.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::{EncryptionScopeName, EncryptionScopeState, ScopeRecord};
use crate::account::AccountCore;
use crate::encryption::{Closed, Custody, EnvelopeTree, Holder, KeyGuard, open_guard};
use crate::error::{Error, ErrorKind, Result};

/// What operations on data under a scope work with.
pub(crate) struct OpenScope {
    pub(crate) custody: Arc<Custody>,
    pub(crate) guard: Arc<KeyGuard>,
}

/// The open scopes of one account.
#[derive(Default)]
pub(crate) struct Scopes {
    /// One is opened at a time. Held while another tree is read; never taken inside a transaction.
    opening: Mutex<()>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    scopes: HashMap<EncryptionScopeName, Arc<OpenScope>>,
    /// The account is closed: a scope that was being opened meanwhile gives its keys up.
    closed: Option<Closed>,
}

impl Scopes {
    /// All that are open.
    pub(crate) fn open(&self) -> Vec<Arc<OpenScope>> {
        self.open.lock().scopes.values().cloned().collect()
    }

    /// The scope, if it is open.
    pub(crate) fn find(&self, name: &EncryptionScopeName) -> Option<Arc<OpenScope>> {
        self.open.lock().scopes.get(name).cloned()
    }

    /// Nobody else opens a scope while this is held, so that none is ever open twice.
    pub(super) fn opening(&self) -> MutexGuard<'_, ()> {
        self.opening.lock()
    }

    pub(super) fn insert(&self, name: &EncryptionScopeName, scope: &Arc<OpenScope>) {
        let closed = {
            let mut open = self.open.lock();
            open.scopes.insert(name.clone(), Arc::clone(scope));
            open.closed
        };
        if let Some(why) = closed {
            scope.guard.close(why);
        }
    }

    /// Takes the keys of all open scopes away: the account closes.
    pub(crate) fn close(&self, why: Closed) {
        let scopes = {
            let mut open = self.open.lock();
            open.closed = Some(why);
            std::mem::take(&mut open.scopes)
        };
        scopes.into_values().for_each(|scope| scope.guard.close(why));
    }
}

impl AccountCore {
    /// The scope of that name, opened if it was not open. Never inside a transaction.
    pub(crate) fn scope(&self, name: &EncryptionScopeName) -> Result<Arc<OpenScope>> {
        if let Some(scope) = self.scopes.find(name) {
            return Ok(scope);
        }
        let _opening = self.scopes.opening();
        if let Some(scope) = self.scopes.find(name) {
            return Ok(scope);
        }
        let store = &self.custody.store;
        let record = ScopeRecord::find(&store.tree, self.id, name)?.ok_or_else(|| unknown(name))?;
        let tree = EnvelopeTree::open(store, record.envelope_tree, record.id)?;
        let custody = Custody::new(store, record.holder(), tree, (self.id, &self.custody.name))?;
        custody.set_enabled(record.state == EncryptionScopeState::Enabled);
        let custody = Arc::new(custody);
        let guard = open_guard(&custody)?;
        let scope = Arc::new(OpenScope { custody, guard });
        self.scopes.insert(name, &scope);
        Ok(scope)
    }
}

impl ScopeRecord {
    pub(super) fn holder(&self) -> Holder {
        Holder {
            id: self.id,
            commitment: self.root_commitment,
            infrastructure: self.infrastructure,
        }
    }
}

pub(super) fn unknown(name: &EncryptionScopeName) -> Error {
    let message = format!("there is no encryption scope {name}");
    let error = Error::new(ErrorKind::NotFound, "EncryptionScopeNotFound", 404, message);
    error.hint("list the account's encryption scopes, or create this one")
}
