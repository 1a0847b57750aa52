//! The control plane of encryption scopes: create, show, list, change the key's source, disable and enable.

use std::sync::Arc;

use strongroom_engine::entropy::random;
use strongroom_engine::keys::{RootKey, ScopeId};
use strongroom_keyvault::PublicKey;

use super::open::{OpenScope, unknown};
use super::{EncryptionScopeName, EncryptionScopeProperties, EncryptionScopeState, ScopeRecord};
use crate::account::{Account, AccountCore};
use crate::commit::Failure;
use crate::encryption::settings::EncryptionStatus;
use crate::encryption::{
    Custody, CustomerKey, KeyGuard, RecoverTo, RecoveryKey, RecoveryPrivateKey, forget, seal_first,
};
use crate::error::{Error, ErrorKind, Result};

/// What a new encryption scope is to be. The default is under a key of the platform.
#[derive(Clone, Debug, Default)]
pub struct NewEncryptionScope {
    /// The customer's key that is to hold its root key; the platform does if this is not given.
    pub key: Option<CustomerKey>,
    /// Whether everything under it is sealed twice. Always so where the account asks for it. Final.
    pub require_infrastructure_encryption: bool,
}

/// A handle to an encryption scope. Cheap to clone.
///
/// ```
/// # fn main() -> strongroom::Result<()> {
/// # let directory = tempfile::tempdir().unwrap();
/// # use strongroom::{AccountName, NewAccount, Passphrase, Store};
/// # let host_key = Passphrase::new("a long passphrase".to_owned())?;
/// # let store = Store::builder(directory.path().join("data"), host_key).init()?;
/// # let tenant = strongroom::keyvault::TenantId([7; 16]);
/// # let new = NewAccount::new("account".parse()?, tenant, "westus".parse().unwrap());
/// # let account = store.create_account(&new)?;
/// use strongroom::{EncryptionChoice, EncryptionScopeState, Metadata, NewEncryptionScope, UploadOptions};
/// let scope = account.create_encryption_scope(&"tenant-1".parse()?, &NewEncryptionScope::default())?;
/// let container = account.container(&"docs".parse()?);
/// container.create(&Metadata::new())?;
/// let options = UploadOptions {
///     encryption: EncryptionChoice::Scope(scope.name().clone()),
///     ..UploadOptions::default()
/// };
/// container.upload(&"hello".parse()?, b"hello".as_slice(), options)?;
/// scope.set_state(EncryptionScopeState::Disabled)?;
/// let refused = container.blob_properties(&"hello".parse()?, &strongroom::Conditions::default());
/// assert_eq!(refused.unwrap_err().status(), 403);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EncryptionScope {
    core: Arc<AccountCore>,
    name: EncryptionScopeName,
    open: Arc<OpenScope>,
}

impl Account {
    /// Creates an encryption scope. It is enabled and cannot be deleted.
    ///
    /// # Errors
    /// `EncryptionScopeAlreadyExists` (409); with a customer's key those of
    /// [`use_customer_key`](Account::use_customer_key). Nothing is left then.
    pub fn create_encryption_scope(
        &self,
        name: &EncryptionScopeName,
        new: &NewEncryptionScope,
    ) -> Result<EncryptionScope> {
        let core = &self.core;
        let _control = core.custody.control.lock();
        let store = &core.custody.store;
        let account = core.custody.record()?;
        if ScopeRecord::find(&store.tree, core.id, name)?.is_some() {
            return Err(taken(name));
        }
        let root = RootKey::generate(store.entropy.as_ref())?;
        let id = ScopeId(random(store.entropy.as_ref())?);
        let now = store.clock.now();
        let record = ScopeRecord {
            id,
            envelope_tree: ScopeId(random(store.entropy.as_ref())?),
            root_commitment: root.commitment(id),
            state: EncryptionScopeState::Enabled,
            infrastructure: account.infrastructure || new.require_infrastructure_encryption,
            created: now,
            last_modified: now,
        };
        let open = match self.prepare_scope(&record, &root, new.key.as_ref()) {
            Ok(open) => Arc::new(open),
            Err(error) => {
                discard(core, &record);
                return Err(error);
            }
        };
        let (written, key) = (record, (core.id, name.clone()));
        // Whoever finds the record must find this guard with it, and not make another one.
        let _opening = core.scopes.opening();
        store
            .tree
            .transact::<_, Failure, _>(move |txn| written.write(txn, (key.0, &key.1)))
            .map_err(|failure| core.explain(failure))?;
        core.scopes.insert(name, &open);
        Ok(EncryptionScope {
            core: Arc::clone(core),
            name: name.clone(),
            open,
        })
    }

    /// Everything of a scope but its record.
    fn prepare_scope(
        &self,
        record: &ScopeRecord,
        root: &RootKey,
        key: Option<&CustomerKey>,
    ) -> Result<OpenScope> {
        let (core, store) = (&self.core, &self.core.custody.store);
        let tree = seal_first(store, (record.envelope_tree, record.id), root)?;
        let custody = Custody::new(store, record.holder(), tree, (core.id, &core.custody.name))?;
        let custody = Arc::new(custody);
        let guard = KeyGuard::platform(Arc::clone(&custody), root);
        if let Some(key) = key {
            custody.use_customer_key(&guard, key)?;
        }
        Ok(OpenScope { custody, guard })
    }

    /// The encryption scope of that name.
    ///
    /// # Errors
    /// `EncryptionScopeNotFound` (404).
    pub fn encryption_scope(&self, name: &EncryptionScopeName) -> Result<EncryptionScope> {
        Ok(EncryptionScope {
            open: self.core.scope(name)?,
            core: Arc::clone(&self.core),
            name: name.clone(),
        })
    }

    /// What is known of all encryption scopes, in order of their names. Does not ask the vault.
    ///
    /// # Errors
    /// Storage errors.
    pub fn encryption_scopes(&self) -> Result<Vec<EncryptionScopeProperties>> {
        let scopes = ScopeRecord::all(&self.core.custody.store.tree, self.core.id)?;
        let names = scopes.into_iter().map(|(name, _)| name);
        names
            .map(|name| self.encryption_scope(&name)?.properties())
            .collect()
    }
}

impl EncryptionScope {
    /// The scope's name.
    #[must_use]
    pub fn name(&self) -> &EncryptionScopeName {
        &self.name
    }

    /// What is known of the scope now. Does not ask the vault.
    ///
    /// # Errors
    /// `EncryptionScopeNotFound` (404) once its account was deleted.
    pub fn properties(&self) -> Result<EncryptionScopeProperties> {
        let store = &self.core.custody.store;
        let record = ScopeRecord::find(&store.tree, self.core.id, &self.name)?;
        let record = record.ok_or_else(|| unknown(&self.name))?;
        let keys = EncryptionStatus::of(&self.core.custody.record()?, &self.open.custody.envelope()?)?;
        Ok(EncryptionScopeProperties {
            name: self.name.clone(),
            state: record.state,
            key_source: keys.key_source,
            key_vault: keys.key_vault,
            recovery_key: self.recovery_key()?,
            require_infrastructure_encryption: record.infrastructure,
            created: record.created,
            last_modified: record.last_modified,
        })
    }

    /// Puts the scope's root key under a key of the customer's, or changes version, key, vault or identity.
    /// No data is rewritten; in force when this returns.
    ///
    /// # Errors
    /// As [`Account::use_customer_key`]. The old settings stay in force.
    pub fn use_customer_key(&self, key: &CustomerKey) -> Result<EncryptionScopeProperties> {
        self.open.custody.use_customer_key(&self.open.guard, key)?;
        self.touch(|_| ())
    }

    /// Puts the scope's root key back under a key of the platform. Needs the customer's key once more.
    ///
    /// # Errors
    /// 403 while access is revoked: restore it first. The settings stay as they are.
    pub fn use_platform_key(&self) -> Result<EncryptionScopeProperties> {
        self.open.custody.use_platform_key(&self.open.guard)?;
        self.touch(|_| ())
    }

    /// Wraps the scope's root key for a recovery key too. See [`Account::set_recovery_key`].
    ///
    /// # Errors
    /// 403 while access is revoked.
    pub fn set_recovery_key(&self, public: &PublicKey) -> Result<RecoveryKey> {
        self.open.custody.set_recovery_key(&self.open.guard, public)?;
        self.recovery_key()?.ok_or_else(|| unknown(&self.name))
    }

    /// The scope's recovery key, if there is one. Does not ask the vault.
    ///
    /// # Errors
    /// When the store fails.
    pub fn recovery_key(&self) -> Result<Option<RecoveryKey>> {
        self.open.custody.recovery_key()
    }

    /// Forgets the recovery key. See [`Account::remove_recovery_key`].
    ///
    /// # Errors
    /// 403 while access is revoked.
    pub fn remove_recovery_key(&self) -> Result<()> {
        self.open.custody.remove_recovery_key(&self.open.guard)
    }

    /// Takes the scope's root key back with the private part of its recovery key. See [`Account::recover`].
    ///
    /// # Errors
    /// As [`Account::recover`].
    pub fn recover(&self, private: &RecoveryPrivateKey, to: &RecoverTo) -> Result<EncryptionScopeProperties> {
        self.open.custody.recover(&self.open.guard, private, to)?;
        self.touch(|_| ())
    }

    /// Moves to the latest version of the key now, if the scope follows it; true if there was a newer one.
    ///
    /// # Errors
    /// As [`use_customer_key`](Self::use_customer_key).
    pub fn refresh_key_version(&self) -> Result<bool> {
        let checked = self.open.custody.refresh(&self.open.guard)?;
        Ok(checked.moved)
    }

    /// Disables or enables the scope. Once disabling returns, its keys are wiped from memory, and every
    /// operation that needs them fails with 403 `EncryptionScopeDisabled`, streams under way included.
    ///
    /// # Errors
    /// Storage errors.
    pub fn set_state(&self, state: EncryptionScopeState) -> Result<EncryptionScopeProperties> {
        let custody = &self.open.custody;
        let _control = custody.control.lock();
        let enabled = state == EncryptionScopeState::Enabled;
        if !enabled {
            // Before the commit: should it be in doubt, nothing is had.
            custody.set_enabled(false);
            self.open.guard.disable();
        }
        let properties = self.touch(move |record| record.state = state)?;
        if enabled {
            custody.set_enabled(true);
            self.open.guard.enable();
        }
        Ok(properties)
    }

    /// Changes the record, and the time of its last change.
    fn touch(&self, change: impl Fn(&mut ScopeRecord) + Send + 'static) -> Result<EncryptionScopeProperties> {
        let (account, name) = (self.core.id, self.name.clone());
        let store = &self.core.custody.store;
        let now = store.clock.now();
        let changed = store.tree.transact::<_, Failure, _>(move |txn| {
            let record = ScopeRecord::find_in(txn, account, &name)?;
            let mut record = record.ok_or_else(|| unknown(&name))?;
            change(&mut record);
            record.last_modified = now;
            record.write(txn, (account, &name))
        });
        changed.map_err(|failure| self.core.explain(failure))?;
        self.properties()
    }
}

/// Takes back what was made of a scope that did not come to be. What stays behind is removed at the next
/// open.
fn discard(core: &AccountCore, record: &ScopeRecord) {
    let store = &core.custody.store;
    let _ = store.trees.remove_tree(record.envelope_tree);
    let _ = forget(store, record.id);
}

fn taken(name: &EncryptionScopeName) -> Error {
    let message = format!("the encryption scope {name} exists already");
    let error = Error::new(
        ErrorKind::AlreadyExists,
        "EncryptionScopeAlreadyExists",
        409,
        message,
    );
    error.hint("choose another name, or change this one")
}
