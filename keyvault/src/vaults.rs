//! Vaults: create, read, update, delete, recover, purge, and their access policies.
//!
//! All of it belongs to the owner of the installation. A deleted vault keeps its name until it is purged.

use strongroom_engine::Timestamp;
use strongroom_engine::tree::Txn;

use crate::access::{AccessToken, active_vault};
use crate::audit::{self, AuditLine, AuditOperation, AuditVerdict};
use crate::error::VaultError;
use crate::ids::{ObjectId, Region, TenantId, VaultName, VaultUri};
use crate::permissions::KeyPermissions;
use crate::records::{DueRecord, FileId, PolicyRecord, TenantRecord, VaultId, VaultRecord};
use crate::rooms::{AUDIT_HEADS, DUE, DueKey, KEYS, POLICIES, Read, TENANTS, VAULTS, VERSIONS};
use crate::state::{Deletion, Life, LifeError, RETENTION_DAYS_MAX, RETENTION_DAYS_MIN, Retention};
use crate::store::{Changed, Event, VaultStore};

/// What a new vault is to be.
#[derive(Clone, Debug)]
pub struct NewVault {
    /// Its name, unique in the installation.
    pub name: VaultName,
    /// The tenant whose identities may use it.
    pub tenant: TenantId,
    /// Where it is; accounts that use its keys must be there too.
    pub region: Region,
    /// A label.
    pub resource_group: String,
    /// A label: accounts of other subscriptions may use the vault.
    pub subscription: String,
    /// What happens to deleted things. Default: soft delete for 90 days, no purge protection.
    pub retention: Retention,
}

impl NewVault {
    /// A vault with soft delete for 90 days and no purge protection.
    #[must_use]
    pub fn new(name: VaultName, tenant: TenantId, region: Region) -> Self {
        Self {
            name,
            tenant,
            region,
            resource_group: String::new(),
            subscription: String::new(),
            retention: Retention::Purgeable {
                days: RETENTION_DAYS_MAX,
            },
        }
    }
}

/// A change of a vault. What is `None` stays as it is; protections can only be switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VaultUpdate {
    /// Soft delete.
    pub soft_delete: Option<bool>,
    /// Purge protection.
    pub purge_protection: Option<bool>,
}

/// A vault as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultProperties {
    /// Its name.
    pub name: VaultName,
    /// Its address.
    pub uri: VaultUri,
    /// The tenant whose identities may use it.
    pub tenant: TenantId,
    /// Where it is.
    pub region: Region,
    /// A label.
    pub resource_group: String,
    /// A label.
    pub subscription: String,
    /// Deleted things can be recovered.
    pub soft_delete: bool,
    /// Nobody can purge them early.
    pub purge_protection: bool,
    /// How long they are kept, in days; 0 without soft delete.
    pub retention_days: u8,
    /// When it was made.
    pub created: Timestamp,
    /// Who may do what.
    pub access_policies: Vec<AccessPolicy>,
}

/// What one principal may do in a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    /// The principal.
    pub object_id: ObjectId,
    /// What it may do with keys.
    pub keys: KeyPermissions,
}

/// A vault in soft delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedVault {
    /// The vault as it was.
    pub vault: VaultProperties,
    /// When it was deleted.
    pub deleted: Timestamp,
    /// When it will be purged.
    pub scheduled_purge: Timestamp,
}

impl VaultStore {
    /// Makes a vault and gives its creator every permission on keys, as `az` does.
    ///
    /// # Errors
    /// [`VaultError::VaultAlreadyExists`], also for a name in soft delete; [`VaultError::BadParameter`] for a retention
    /// outside 7 to 90 days; [`VaultError::NotOwner`].
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

    /// Lets a principal do exactly this with the vault's keys, whatever it could do before.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`], [`VaultError::BadParameter`] for more than 1024 policies.
    pub fn set_policy(
        &self,
        token: &AccessToken,
        name: &VaultName,
        policy: AccessPolicy,
    ) -> Result<VaultProperties, VaultError> {
        let event = policy_event(name, policy.object_id);
        self.change_vault(token, event, move |txn, record, _| {
            let key = (record.id, policy.object_id);
            let known = POLICIES.get(txn, &key)?.is_some();
            if !known && POLICIES.all(txn, &record.id)?.len() >= POLICIES_MAX {
                return Err(VaultError::bad_parameter(format!(
                    "a vault has at most {POLICIES_MAX} access policies; delete one first"
                )));
            }
            let stored = PolicyRecord {
                object_id: policy.object_id,
                keys: policy.keys,
            };
            POLICIES.put(txn, &key, &stored)?;
            properties(txn, record)
        })
    }

    /// Takes every permission from a principal. One that had none is no error.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`].
    pub fn delete_policy(
        &self,
        token: &AccessToken,
        name: &VaultName,
        object_id: ObjectId,
    ) -> Result<VaultProperties, VaultError> {
        let event = policy_event(name, object_id);
        self.change_vault(token, event, move |txn, record, _| {
            POLICIES.delete(txn, &(record.id, object_id))?;
            properties(txn, record)
        })
    }

    /// Deletes a vault: softly where it has soft delete, else for good.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`].
    pub fn delete_vault(&self, token: &AccessToken, name: &VaultName) -> Result<(), VaultError> {
        let access = self.access.clone();
        let event = vault_event(AuditOperation::VaultDelete, name);
        self.change(token, event, move |txn, call, principal| {
            access.authorize_owner(txn, principal, &call.event.vault)?;
            let mut record = active_vault(txn, &call.event.vault)?;
            let deletion = record.life.delete(record.retention, call.now);
            match deletion.map_err(|error| refused(error, &record.name))? {
                Deletion::Gone(_) => Ok(Changed {
                    value: (),
                    doomed: remove_vault(txn, &record)?,
                }),
                Deletion::Kept(life) => {
                    record.life = life;
                    record.updated = call.now;
                    schedule(txn, &record)?;
                    Ok(Changed::to(VAULTS.put(txn, &call.event.vault, &record)?))
                }
            }
        })
    }

    /// Every vault in soft delete, by name.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn list_deleted_vaults(&self) -> Result<Vec<DeletedVault>, VaultError> {
        let snapshot = self.tree.snapshot()?;
        let now = self.clock.now();
        let vaults = VAULTS.all(&snapshot, &())?;
        let deleted = vaults.iter().filter(|vault| vault.life.expire(now).is_none());
        deleted
            .filter_map(|vault| match vault.life {
                Life::Active => None,
                Life::Deleted { since, purge_at } => Some(properties(&snapshot, vault).map(|vault| DeletedVault {
                    vault,
                    deleted: since,
                    scheduled_purge: purge_at,
                })),
            })
            .collect()
    }

    /// Brings a deleted vault back with everything in it.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`] unless it is in soft delete.
    pub fn recover_vault(&self, token: &AccessToken, name: &VaultName) -> Result<VaultProperties, VaultError> {
        let access = self.access.clone();
        let event = vault_event(AuditOperation::VaultRecover, name);
        self.change(token, event, move |txn, call, principal| {
            access.authorize_owner(txn, principal, &call.event.vault)?;
            let mut record = any_vault(txn, &call.event.vault)?;
            unschedule(txn, &record)?;
            record.life = record
                .life
                .recover(call.now)
                .map_err(|error| refused(error, &record.name))?;
            record.updated = call.now;
            VAULTS.put(txn, &call.event.vault, &record)?;
            Ok(Changed::to(properties(txn, &record)?))
        })
    }

    /// Ends a deleted vault with every key in it, for good.
    ///
    /// # Errors
    /// [`VaultError::PurgeProtected`]; [`VaultError::VaultNotFound`] unless it is in soft delete.
    pub fn purge_vault(&self, token: &AccessToken, name: &VaultName) -> Result<(), VaultError> {
        let access = self.access.clone();
        let event = vault_event(AuditOperation::VaultPurge, name);
        self.change(token, event, move |txn, call, principal| {
            access.authorize_owner(txn, principal, &call.event.vault)?;
            let record = any_vault(txn, &call.event.vault)?;
            let purged = record.life.purge(record.retention, call.now);
            purged.map_err(|error| refused(error, &record.name))?;
            Ok(Changed {
                value: (),
                doomed: remove_vault(txn, &record)?,
            })
        })
    }

    /// At most `limit` lines of the vault's audit log from line `from` on. Works for purged vaults too.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`] for a name that never was a vault; [`VaultError::NotOwner`].
    pub fn audit(
        &self,
        token: &AccessToken,
        name: &VaultName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<AuditLine>, VaultError> {
        self.enter_audit(token, name)?;
        audit::page(&self.tree.snapshot()?, name, from, limit)
    }

    /// Checks the vault's audit log from its first line to its end.
    ///
    /// # Errors
    /// As [`audit`](Self::audit); a broken log is no error but a verdict.
    pub fn verify_audit(&self, token: &AccessToken, name: &VaultName) -> Result<AuditVerdict, VaultError> {
        self.enter_audit(token, name)?;
        audit::verify(&self.tree.snapshot()?, name)
    }

    fn enter_audit(&self, token: &AccessToken, name: &VaultName) -> Result<(), VaultError> {
        let principal = self.access.authenticate(token, self.clock.now())?;
        self.access.authorize_owner(&self.tree, &principal, name)?;
        self.flush_refusals(true)?;
        match AUDIT_HEADS.get(&self.tree, name)? {
            Some(_) => Ok(()),
            None => Err(not_found(name)),
        }
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

pub(crate) fn properties(read: &impl Read, record: &VaultRecord) -> Result<VaultProperties, VaultError> {
    let name = record.name()?;
    let policies = POLICIES.all(read, &record.id)?;
    Ok(VaultProperties {
        uri: name.uri(),
        name,
        tenant: record.tenant,
        region: record.region.clone(),
        resource_group: record.resource_group.clone(),
        subscription: record.subscription.clone(),
        soft_delete: record.retention.soft_delete(),
        purge_protection: record.retention.purge_protection(),
        retention_days: record.retention.days().unwrap_or(0),
        created: record.created,
        access_policies: policies
            .into_iter()
            .map(|policy| AccessPolicy {
                object_id: policy.object_id,
                keys: policy.keys,
            })
            .collect(),
    })
}

/// Removes every record of a vault and returns the side files of its keys.
pub(crate) fn remove_vault(txn: &mut Txn<'_>, vault: &VaultRecord) -> Result<Vec<FileId>, VaultError> {
    let versions = VERSIONS.all(txn, &vault.id)?;
    unschedule(txn, vault)?;
    for key in KEYS.all(txn, &vault.id)? {
        if let Life::Deleted { purge_at, .. } = key.life {
            DUE.delete(
                txn,
                &DueKey {
                    ticks: purge_at.ticks(),
                    vault: vault.id,
                    key: Some(key.name()?),
                },
            )?;
        }
    }
    for range in [POLICIES.under(&vault.id), KEYS.under(&vault.id), VERSIONS.under(&vault.id)] {
        for (key, _) in txn.entries(&range, usize::MAX)? {
            txn.delete(&key)?;
        }
    }
    VAULTS.delete(txn, &vault.name()?)?;
    Ok(versions.into_iter().map(|version| version.file).collect())
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

fn schedule(txn: &mut Txn<'_>, vault: &VaultRecord) -> Result<(), VaultError> {
    let Some(key) = due(vault) else {
        return Ok(());
    };
    let record = DueRecord {
        ticks: key.ticks,
        vault: vault.id,
        vault_name: vault.name.clone(),
        key: None,
    };
    DUE.put(txn, &key, &record)
}

fn unschedule(txn: &mut Txn<'_>, vault: &VaultRecord) -> Result<(), VaultError> {
    if let Some(key) = due(vault) {
        DUE.delete(txn, &key)?;
    }
    Ok(())
}

fn due(vault: &VaultRecord) -> Option<DueKey> {
    match vault.life {
        Life::Active => None,
        Life::Deleted { purge_at, .. } => Some(DueKey {
            ticks: purge_at.ticks(),
            vault: vault.id,
            key: None,
        }),
    }
}

fn any_vault(read: &impl Read, name: &VaultName) -> Result<VaultRecord, VaultError> {
    VAULTS.get(read, name)?.ok_or_else(|| not_found(name))
}

fn not_found(name: &VaultName) -> VaultError {
    VaultError::VaultNotFound {
        name: name.to_string(),
    }
}

fn refused(error: LifeError, name: &str) -> VaultError {
    match error {
        LifeError::Protected(_) => VaultError::PurgeProtected,
        LifeError::NotDeleted => VaultError::Conflict {
            what: format!("The vault '{name}' is not deleted; delete it first."),
        },
        LifeError::AlreadyDeleted | LifeError::Ended => VaultError::VaultNotFound { name: name.to_owned() },
    }
}

fn vault_event(operation: AuditOperation, name: &VaultName) -> Event {
    Event {
        operation,
        vault: name.clone(),
        target: name.uri().to_string(),
    }
}

fn policy_event(name: &VaultName, object_id: ObjectId) -> Event {
    Event {
        operation: AuditOperation::VaultAccessPolicyChanged,
        vault: name.clone(),
        target: format!("{}/accessPolicies/{object_id}", name.uri()),
    }
}

/// Most access policies of one vault.
pub const POLICIES_MAX: usize = 1024;
