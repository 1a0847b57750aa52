//! Identities of an account, and moving it to another tenant.
//!
//! A system-assigned identity belongs to one account and one tenant: assigned again it is another one, with
//! another object id that no policy knows yet.

use strongroom_engine::codec;
use strongroom_keyvault::{Directory, ObjectId, TenantId, VaultError};

use super::{Account, AccountName, AccountRecord, Identity, not_found};
use crate::encryption::Custody;
use crate::error::{Error, ErrorKind, Result};

impl Account {
    /// Gives the account a system-assigned identity, or returns the one it has.
    ///
    /// # Errors
    /// `KeyVaultNotConfigured` when the store was opened without vaults.
    pub fn assign_identity(&self) -> Result<Identity> {
        let _control = self.core.custody.control.lock();
        let record = self.core.custody.record()?;
        if let Some(identity) = record.system_identity {
            return Ok(identity);
        }
        let resource = format!("Microsoft.Storage/storageAccounts/{}", record.name);
        let made = self
            .core
            .custody
            .directory()?
            .create_system_identity(record.tenant, &resource)
            .map_err(directory_failed)?;
        let identity = Identity {
            principal_id: made.principal_id,
            tenant_id: made.tenant_id,
        };
        self.update(move |record| record.system_identity = Some(identity))?;
        Ok(identity)
    }

    /// Takes the system-assigned identity away, for good. Data under a customer's key that it asked for is
    /// out of reach from then on (403), until the account has an identity again that may use the key.
    ///
    /// # Errors
    /// When the directory or the store fails.
    pub fn remove_identity(&self) -> Result<()> {
        let _control = self.core.custody.control.lock();
        let before = self.core.custody.record()?.system_identity;
        self.update(|record| record.system_identity = None)?;
        self.core.custody.forget_identity(before);
        Ok(())
    }

    /// Lets the account use a user-assigned identity of the directory.
    ///
    /// # Errors
    /// `ManagedServiceIdentityNotFound` if the directory does not have it,
    /// `ManagedServiceIdentityNotFoundOnTenant` if it is of another tenant.
    pub fn assign_user_identity(&self, principal: ObjectId) -> Result<Identity> {
        let _control = self.core.custody.control.lock();
        let record = self.core.custody.record()?;
        let known = self
            .core
            .custody
            .directory()?
            .identity(principal)
            .map_err(directory_failed)?
            .ok_or_else(|| {
                Error::invalid(
                    "ManagedServiceIdentityNotFound",
                    format!("the directory has no identity {principal}"),
                )
                .hint("create the identity first")
            })?;
        if known.tenant_id != record.tenant {
            return Err(Error::invalid(
                "ManagedServiceIdentityNotFoundOnTenant",
                format!(
                    "the identity {principal} is not in the account's tenant {}",
                    record.tenant
                ),
            )
            .hint("use an identity of the account's tenant"));
        }
        let identity = Identity {
            principal_id: known.principal_id,
            tenant_id: known.tenant_id,
        };
        self.update(move |record| {
            record
                .user_identities
                .retain(|known| known.principal_id != principal);
            record.user_identities.push(identity);
        })?;
        Ok(identity)
    }

    /// Takes a user-assigned identity away from the account; it stays in the directory.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_user_identity(&self, principal: ObjectId) -> Result<()> {
        let _control = self.core.custody.control.lock();
        self.update(move |record| {
            record
                .user_identities
                .retain(|known| known.principal_id != principal);
        })
    }

    /// Moves the account to another tenant. Its identities stay behind, as they do in Azure: data under a
    /// customer's key is out of reach until it has an identity again that may use the key.
    ///
    /// # Errors
    /// When the directory or the store fails.
    pub fn move_to_tenant(&self, tenant: TenantId) -> Result<()> {
        let _control = self.core.custody.control.lock();
        let before = self.core.custody.record()?;
        if before.tenant == tenant {
            return Ok(());
        }
        self.update(move |record| {
            record.tenant = tenant;
            record.system_identity = None;
            record.user_identities.clear();
        })?;
        self.core.custody.forget_identity(before.system_identity);
        Ok(())
    }

    /// Changes the account record in one commit, then has the guard look again.
    fn update(&self, change: impl Fn(&mut AccountRecord) + Send + 'static) -> Result<()> {
        let custody = &self.core.custody;
        update_record(custody, change)?;
        self.core.guard.identity_changed();
        let scopes = self.core.scopes.open();
        scopes.iter().for_each(|scope| scope.guard.identity_changed());
        Ok(())
    }
}

fn update_record(custody: &Custody, change: impl Fn(&mut AccountRecord) + Send + 'static) -> Result<()> {
    let (name, id): (AccountName, _) = (custody.name.clone(), custody.account);
    let key = AccountRecord::key(&name);
    custody.store.tree.transact(move |txn| {
        let bytes = txn.get(&key)?.ok_or_else(|| not_found(name.as_str()))?;
        let mut record = AccountRecord::decode(&bytes)?;
        if record.id != id {
            return Err(not_found(name.as_str()));
        }
        change(&mut record);
        Ok(txn.put(&key, &codec::encode(&record)?)?)
    })
}

impl Custody {
    /// Removes an identity from the directory. The account does not have it any more, so failing does no
    /// harm.
    pub(crate) fn forget_identity(&self, identity: Option<Identity>) {
        let (Some(identity), Some(keys)) = (identity, &self.store.keys) else {
            return;
        };
        if let Err(error) = keys.directory.remove_identity(identity.principal_id) {
            let account = self.name.as_str();
            tracing::warn!(account, %error, "an identity without an account stays in the directory");
        }
    }

    fn directory(&self) -> Result<&dyn Directory> {
        Ok(self.key_services()?.directory.as_ref())
    }
}

fn directory_failed(error: VaultError) -> Error {
    Error::new(
        ErrorKind::Store,
        "CannotFetchManagedIdentityCredentials",
        503,
        format!("the directory could not be asked: {error}"),
    )
    .hint("see to the key vaults, then try again")
    .caused_by(error)
}
