//! Vaults: create, read, update, delete, recover, purge, and their access policies.
//!
//! All of it belongs to the owner of the installation. A deleted vault keeps its name until it is purged.

mod ending;
mod log;
mod policies;
mod types;

pub(crate) use ending::remove_vault;
pub use policies::POLICIES_MAX;
pub(crate) use types::properties;
pub use types::{AccessPolicy, DeletedVault, NewVault, VaultProperties, VaultUpdate};

use strongroom_engine::Timestamp;
use strongroom_engine::tree::Txn;

use crate::access::{AccessToken, active_vault};
use crate::audit::AuditOperation;
use crate::error::VaultError;
use crate::ids::VaultName;
use crate::permissions::KeyPermissions;
use crate::records::{PolicyRecord, TenantRecord, VaultId, VaultRecord};
use crate::rooms::{POLICIES, TENANTS, VAULTS};
use crate::state::{Life, RETENTION_DAYS_MAX, RETENTION_DAYS_MIN, Retention};
use crate::store::{Changed, Event, VaultStore};

impl VaultStore {
    /// Makes a vault and gives its creator every permission on keys, as `az` does.
    ///
    /// # Errors
    /// [`VaultError::VaultAlreadyExists`], also for a name in soft delete; [`VaultError::BadParameter`] for a
    /// retention outside 7 to 90 days; [`VaultError::NotOwner`].
    pub fn create_vault(&self, token: &AccessToken, new: NewVault) -> Result<VaultProperties, VaultError> {
        check_retention(new.retention)?;
        let id = VaultId(strongroom_engine::entropy::random(self.entropy.as_ref())?);
        let access = self.access.clone();
        let event = vault_event(AuditOperation::VaultPut, &new.name);
        self.change(token, event, move |txn, call, principal| {
            access.authorize_owner(txn, principal, &new.name)?;
            if VAULTS.get(txn, &new.name)?.is_some() {
                return Err(VaultError::VaultAlreadyExists {
                    name: new.name.to_string(),
                });
            }
            let record = new_record(id, &new, call.now);
            VAULTS.put(txn, &new.name, &record)?;
            let policy = PolicyRecord {
                object_id: principal.object_id,
                keys: KeyPermissions::all(),
            };
            POLICIES.put(txn, &(id, principal.object_id), &policy)?;
            if TENANTS.get(txn, &new.tenant)?.is_none() {
                let tenant = TenantRecord {
                    id: new.tenant,
                    created: call.now,
                };
                TENANTS.put(txn, &new.tenant, &tenant)?;
            }
            Ok(Changed::to(properties(txn, &record)?))
        })
    }

    /// One vault.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`], [`VaultError::NotOwner`].
    pub fn show_vault(&self, token: &AccessToken, name: &VaultName) -> Result<VaultProperties, VaultError> {
        let access = self.access.clone();
        let event = vault_event(AuditOperation::VaultGet, name);
        self.read(token, event, move |txn, call, principal| {
            access.authorize_owner(txn, principal, &call.event.vault)?;
            let record = active_vault(txn, &call.event.vault)?;
            properties(txn, &record)
        })
    }

    /// Every vault that is not deleted, by name.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn list_vaults(&self) -> Result<Vec<VaultProperties>, VaultError> {
        let snapshot = self.tree.snapshot()?;
        let vaults = VAULTS.all(&snapshot, &())?;
        let active = vaults.iter().filter(|vault| vault.life == Life::Active);
        active.map(|vault| properties(&snapshot, vault)).collect()
    }

    /// Switches protections on.
    ///
    /// # Errors
    /// [`VaultError::BadParameter`] for switching one off, and for purge protection without soft delete.
    pub fn update_vault(
        &self,
        token: &AccessToken,
        name: &VaultName,
        update: VaultUpdate,
    ) -> Result<VaultProperties, VaultError> {
        let event = vault_event(AuditOperation::VaultPatch, name);
        self.change_vault(token, event, move |txn, record, _| {
            record.retention = strengthened(record.retention, update)?;
            properties(txn, record)
        })
    }

    /// Changes the record of a vault in use, as its owner.
    fn change_vault<T, F>(&self, token: &AccessToken, event: Event, mut body: F) -> Result<T, VaultError>
    where
        F: FnMut(&mut Txn<'_>, &mut VaultRecord, Timestamp) -> Result<T, VaultError> + Send + 'static,
        T: Send + 'static,
    {
        let access = self.access.clone();
        self.change(token, event, move |txn, call, principal| {
            access.authorize_owner(txn, principal, &call.event.vault)?;
            let mut record = active_vault(txn, &call.event.vault)?;
            record.updated = call.now;
            let value = body(txn, &mut record, call.now)?;
            VAULTS.put(txn, &call.event.vault, &record)?;
            Ok(Changed::to(value))
        })
    }
}

fn new_record(id: VaultId, new: &NewVault, now: Timestamp) -> VaultRecord {
    VaultRecord {
        id,
        name: new.name.to_string(),
        tenant: new.tenant,
        region: new.region.clone(),
        resource_group: new.resource_group.clone(),
        subscription: new.subscription.clone(),
        retention: new.retention,
        life: Life::Active,
        created: now,
        updated: now,
        next_sequence: 0,
    }
}

fn check_retention(retention: Retention) -> Result<(), VaultError> {
    match retention.days() {
        Some(days) if !(RETENTION_DAYS_MIN..=RETENTION_DAYS_MAX).contains(&days) => {
            Err(VaultError::bad_parameter(format!(
                "a retention of {days} days is not possible; use {RETENTION_DAYS_MIN} to {RETENTION_DAYS_MAX}"
            )))
        }
        _ => Ok(()),
    }
}

fn strengthened(now: Retention, update: VaultUpdate) -> Result<Retention, VaultError> {
    if update.soft_delete == Some(false) && now.soft_delete() {
        return Err(VaultError::bad_parameter(
            "soft delete cannot be switched off once it is on; leave \"enableSoftDelete\" as it is",
        ));
    }
    if update.purge_protection == Some(false) && now.purge_protection() {
        return Err(VaultError::bad_parameter(
            "purge protection cannot be switched off once it is on; leave \"enablePurgeProtection\" as it is",
        ));
    }
    let kept = match (now, update.soft_delete) {
        (Retention::None, Some(true)) => Retention::Purgeable {
            days: RETENTION_DAYS_MAX,
        },
        (now, _) => now,
    };
    match (kept, update.purge_protection) {
        (Retention::None, Some(true)) => Err(VaultError::bad_parameter(
            "purge protection needs soft delete; switch \"enableSoftDelete\" on as well",
        )),
        (Retention::Purgeable { days }, Some(true)) => Ok(Retention::Protected { days }),
        (kept, _) => Ok(kept),
    }
}

fn not_found(name: &VaultName) -> VaultError {
    VaultError::VaultNotFound {
        name: name.to_string(),
    }
}

fn vault_event(operation: AuditOperation, name: &VaultName) -> Event {
    Event {
        operation,
        vault: name.clone(),
        target: name.uri().to_string(),
    }
}
