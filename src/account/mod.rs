//! Accounts: what they are called, what is known of them, and how they come and go.

mod control;
mod identity;
mod lifecycle;
mod name;
mod record;

use std::sync::{Arc, Weak};

use strongroom_engine::keys::ScopeId;
use strongroom_engine::tree::Tree;
use strongroom_engine::{Clock, Entropy};

pub(crate) use control::not_found;
pub(crate) use lifecycle::{Accounts, open_tree, records, remove_orphans};
pub use name::AccountName;
pub(crate) use record::AccountRecord;
pub use record::{AccountProperties, Identity, KeyType, NewAccount};

use crate::encryption::scope::Scopes;
use crate::encryption::{Custody, KeyGuard};
use crate::etag::ETagSource;

/// What every operation on an account's data works with. Shared by the handles of one account.
pub(crate) struct AccountCore {
    pub(crate) id: ScopeId,
    pub(crate) name: String,
    pub(crate) tree: Tree,
    pub(crate) guard: Arc<KeyGuard>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Entity tags handed out since the account was opened.
    pub(crate) etags: ETagSource,
    /// Plaintext bytes of a chunk of new bodies.
    pub(crate) chunk_bytes: u32,
    /// Where the root key is kept: the account's record, envelope and settings.
    pub(crate) custody: Arc<Custody>,
    /// Root keys beside the account's.
    pub(crate) scopes: Scopes,
    /// The accounts of the store: where the sources of copies are.
    pub(crate) siblings: Weak<Accounts>,
    pub(crate) protection: parking_lot::RwLock<crate::protection::DataProtection>,
}

/// A handle to one account. Cheap to clone.
#[derive(Clone)]
pub struct Account {
    pub(crate) core: Arc<AccountCore>,
}

impl Account {
    /// The account's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.core.name
    }
}
