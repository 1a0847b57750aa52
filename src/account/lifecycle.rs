//! How accounts come, open and go.
//!
//! An account is there from the moment its record is committed to the store's tree. What comes before (its
//! two trees, the first envelope, the one-time key) is an orphan until then, and what is removed after its
//! end is one again: open removes orphans. So nobody ever sees an account without an envelope.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use strongroom_engine::codec;
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::entropy::random;
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::tree::{Tree, TreeError};

use super::control::not_found;
use super::{Account, AccountCore, AccountName, AccountProperties, AccountRecord, NewAccount};
use crate::commit::Failure;
use crate::encryption::scope::{EncryptionScopeName, ScopeRecord, Scopes};
use crate::encryption::{self, Checked, Closed, Custody, EnvelopeTree, Holder, KeyGuard, KeyVersionCheck};
use crate::error::{Error, ErrorKind, Result};
use crate::rooms;
use crate::service::BlobServiceProperties;
use crate::store::StoreShared;

/// Records read at a time while listing.
const PAGE: usize = 256;

/// A holder of a root key: an account, or a scope in it.
type Whose<'a> = (&'a AccountName, Option<&'a EncryptionScopeName>);

/// The open accounts of a store.
pub(crate) struct Accounts {
    this: Weak<Self>,
    store: Arc<StoreShared>,
    open: Mutex<HashMap<AccountName, Arc<AccountCore>>>,
}

impl Accounts {
    pub(crate) fn new(store: Arc<StoreShared>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            store,
            open: Mutex::new(HashMap::new()),
        })
    }

    pub(crate) fn create(&self, new: &NewAccount) -> Result<Account> {
        // Held to the end, so that two creations of one name cannot both leave a tree behind.
        let mut open = self.open.lock();
        if self.store.tree.get(&AccountRecord::key(&new.name))?.is_some() {
            return Err(taken(&new.name));
        }
        let id = ScopeId(random(self.store.entropy.as_ref())?);
        let root = RootKey::generate(self.store.entropy.as_ref())?;
        let record = self.record(new, id, &root)?;
        let tree = self
            .store
            .trees
            .create_tree(id, self.store.with_root(|root| root.purpose(Purpose::Tree, id))?)?;
        let envelope_tree = encryption::seal_first(&self.store, (record.envelope_tree, id), &root)?;
        self.commit_record(&new.name, &record)?;
        let custody = Custody::new(&self.store, holder(&record), envelope_tree, (id, &new.name))?;
        let custody = Arc::new(custody);
        let core = self.core(tree, &custody, KeyGuard::platform(custody.clone(), &root))?;
        open.insert(new.name.clone(), core.clone());
        Ok(Account { core })
    }

    pub(crate) fn get(&self, name: &AccountName) -> Result<Account> {
        let mut open = self.open.lock();
        if let Some(core) = open.get(name) {
            return Ok(Account { core: core.clone() });
        }
        let bytes = self
            .store
            .tree
            .get(&AccountRecord::key(name))?
            .ok_or_else(|| not_found(name.as_str()))?;
        let record = AccountRecord::decode(&bytes)?;
        let tree = open_tree(&self.store, record.id)?;
        let envelope_tree = EnvelopeTree::open(&self.store, record.envelope_tree, record.id)?;
        let custody = Custody::new(&self.store, holder(&record), envelope_tree, (record.id, name))?;
        let custody = Arc::new(custody);
        let guard = encryption::open_guard(&custody)?;
        let core = self.core(tree, &custody, guard)?;
        open.insert(name.clone(), core.clone());
        Ok(Account { core })
    }

    pub(crate) fn list(&self) -> Result<Vec<AccountProperties>> {
        records(&self.store.tree)?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }

    pub(crate) fn delete(&self, name: &AccountName) -> Result<()> {
        let core = self.get(name)?.core;
        let _control = core.custody.control.lock();
        let identity = core.custody.record()?.system_identity;
        let mut open = self.open.lock();
        let (key, id) = (AccountRecord::key(name), core.id);
        let scopes = ScopeRecord::all(&self.store.tree, id)?;
        let mut holders: Vec<ScopeId> = scopes.iter().map(|(_, scope)| scope.id).collect();
        holders.push(id);
        let deleted = self.store.tree.transact::<_, Failure, _>(move |txn| {
            txn.delete(&key)?;
            for holder in &holders {
                encryption::delete_recovery_key(txn, *holder)?;
            }
            ScopeRecord::delete_all(txn, id)
        });
        deleted.map_err(|failure| core.explain(failure))?;
        open.remove(name);
        drop(open);
        core.guard.close(Closed::AccountDeleted);
        core.scopes.close(Closed::AccountDeleted);
        // Envelopes go first: without them nobody opens what is still there if this is cut short.
        let trees = &self.store.trees;
        trees.remove_tree(core.custody.envelope_tree.tree().id())?;
        for (_, scope) in &scopes {
            trees.remove_tree(scope.envelope_tree)?;
            encryption::forget(&self.store, scope.id)?;
        }
        trees.remove_tree(core.id)?;
        encryption::forget(&self.store, core.id)?;
        core.custody.forget_identity(identity);
        Ok(())
    }

    /// Looks for newer key versions of every account that follows them and was not looked at for a day. One
    /// that cannot be read does not keep the others from being looked after.
    pub(crate) fn daily_check(&self) -> Result<Vec<KeyVersionCheck>> {
        let mut checks = Vec::new();
        for record in records(&self.store.tree)? {
            let name: AccountName = record.name.parse()?;
            let core = match self.get(&name) {
                Ok(account) => account.core,
                Err(error) => {
                    checks.push(stays((&name, None), error));
                    continue;
                }
            };
            checks.extend(check((&name, None), &core.custody, &core.guard));
            for (scope, _) in ScopeRecord::all(&self.store.tree, core.id)? {
                match core.scope(&scope) {
                    Ok(open) => checks.extend(check((&name, Some(&scope)), &open.custody, &open.guard)),
                    Err(error) => checks.push(stays((&name, Some(&scope)), error)),
                }
            }
        }
        Ok(checks)
    }

    /// Takes the keys of all open accounts away: the store closes.
    pub(crate) fn close(&self) {
        for (_, core) in self.open.lock().drain() {
            core.guard.close(Closed::Store);
            core.scopes.close(Closed::Store);
        }
    }

    fn record(&self, new: &NewAccount, id: ScopeId, root: &RootKey) -> Result<AccountRecord> {
        Ok(AccountRecord {
            id,
            envelope_tree: ScopeId(random(self.store.entropy.as_ref())?),
            name: new.name.to_string(),
            tenant: new.tenant,
            region: new.region.clone(),
            subscription: new.subscription.clone(),
            resource_group: new.resource_group.clone(),
            created: self.store.clock.now(),
            queue: new.queue,
            table: new.table,
            root_commitment: root.commitment(id),
            system_identity: None,
            user_identities: Vec::new(),
            infrastructure: new.require_infrastructure_encryption,
        })
    }

    fn commit_record(&self, name: &AccountName, record: &AccountRecord) -> Result<()> {
        let (key, bytes, name) = (AccountRecord::key(name), codec::encode(record)?, name.clone());
        self.store.tree.transact(move |txn| {
            if txn.get(&key)?.is_some() {
                return Err(taken(&name));
            }
            Ok(txn.put(&key, &bytes)?)
        })
    }

    fn core(&self, tree: Tree, custody: &Arc<Custody>, guard: Arc<KeyGuard>) -> Result<Arc<AccountCore>> {
        let protection = BlobServiceProperties::read(&tree)?.protection();
        Ok(Arc::new(AccountCore {
            id: custody.id(),
            name: custody.name.to_string(),
            tree,
            guard,
            clock: self.store.clock.clone(),
            entropy: self.store.entropy.clone(),
            etags: crate::etag::ETagSource::default(),
            chunk_bytes: self.store.settings.chunk_bytes,
            custody: custody.clone(),
            scopes: Scopes::default(),
            siblings: self.this.clone(),
            protection: parking_lot::RwLock::new(protection),
        }))
    }
}

fn holder(record: &AccountRecord) -> Holder {
    Holder {
        id: record.id,
        commitment: record.root_commitment,
        infrastructure: record.infrastructure,
    }
}

/// Looks for a newer key version of one holder, if that is due. One that nothing opens is told of each time.
fn check(whose: Whose<'_>, custody: &Custody, guard: &Arc<KeyGuard>) -> Option<KeyVersionCheck> {
    match custody.is_check_due() {
        Ok(false) => guard.damage().map(|error| stays(whose, error)),
        Ok(true) => Some(match custody.refresh(guard) {
            Ok(Checked { moved }) => looked_at(whose, Ok(moved)),
            Err(error) => stays(whose, error),
        }),
        Err(error) => Some(stays(whose, error)),
    }
}

fn stays((account, scope): Whose<'_>, error: Error) -> KeyVersionCheck {
    let shown = scope.map(EncryptionScopeName::as_str);
    tracing::warn!(%account, scope = shown, %error, "the key version stays as it is");
    looked_at((account, scope), Err(error))
}

fn looked_at((account, scope): Whose<'_>, outcome: Result<bool>) -> KeyVersionCheck {
    KeyVersionCheck {
        account: account.clone(),
        scope: scope.cloned(),
        outcome,
    }
}

/// All account records, in order of name.
pub(crate) fn records(tree: &Tree) -> Result<Vec<AccountRecord>> {
    let mut records = Vec::new();
    let mut range = KeyRange::prefix(&[rooms::ACCOUNTS]);
    loop {
        let page = tree.range(&range, Order::Ascending, PAGE)?;
        for (_, bytes) in &page {
            records.push(AccountRecord::decode(bytes)?);
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => range.start = [last.as_slice(), &[0]].concat(),
            _ => return Ok(records),
        }
    }
}

/// Removes what a crash left of accounts and scopes that were never finished or are gone. The holders of root
/// keys, with the ids of their envelope trees.
pub(crate) fn remove_orphans(store: &StoreShared) -> Result<HashMap<ScopeId, ScopeId>> {
    let (mut holders, mut known) = (HashMap::new(), HashSet::from([store.tree.id()]));
    for record in records(&store.tree)? {
        known.insert(record.id);
        holders.insert(record.id, record.envelope_tree);
        let scopes = ScopeRecord::all(&store.tree, record.id)?.into_iter();
        holders.extend(scopes.map(|(_, scope)| (scope.id, scope.envelope_tree)));
    }
    known.extend(holders.values());
    for id in store.trees.tree_ids()? {
        if !known.contains(&id) {
            tracing::info!(
                tree = hex::encode(id.0),
                "removing what is left of an unfinished or deleted account or encryption scope"
            );
            store.trees.remove_tree(id)?;
        }
    }
    Ok(holders)
}

pub(crate) fn open_tree(store: &StoreShared, id: ScopeId) -> Result<Tree> {
    let key = store.with_root(|root| root.purpose(Purpose::Tree, id))?;
    store.trees.open_tree(id, key).map_err(|error| match error {
        TreeError::NotFound(_) => Error::new(
            ErrorKind::Corrupt,
            "InternalError",
            500,
            "the account is registered but a tree of it is missing",
        )
        .hint("restore a backup; part of the directory was lost"),
        error => error.into(),
    })
}

fn taken(name: &AccountName) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "StorageAccountAlreadyTaken",
        409,
        format!("The storage account named {name} is already taken."),
    )
    .hint("choose another name")
}
