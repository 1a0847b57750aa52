//! The end of vaults: delete, recover, purge.

use strongroom_engine::tree::Txn;

use crate::access::{AccessToken, active_vault};
use crate::audit::AuditOperation;
use crate::error::VaultError;
use crate::ids::VaultName;
use crate::records::{DueRecord, FileId, VaultRecord};
use crate::rooms::{DUE, DueKey, KEYS, POLICIES, Read, VAULTS, VERSIONS};
use crate::state::{Deletion, Life, LifeError};
use crate::store::{Changed, VaultStore};

use super::types::{DeletedVault, VaultProperties, properties};
use super::{not_found, vault_event};

impl VaultStore {
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
                Life::Deleted { since, purge_at } => {
                    Some(properties(&snapshot, vault).map(|vault| DeletedVault {
                        vault,
                        deleted: since,
                        scheduled_purge: purge_at,
                    }))
                }
            })
            .collect()
    }

    /// Brings a deleted vault back with everything in it.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`] unless it is in soft delete.
    pub fn recover_vault(
        &self,
        token: &AccessToken,
        name: &VaultName,
    ) -> Result<VaultProperties, VaultError> {
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
    for range in [
        POLICIES.under(&vault.id),
        KEYS.under(&vault.id),
        VERSIONS.under(&vault.id),
    ] {
        for (key, _) in txn.entries(&range, usize::MAX)? {
            txn.delete(&key)?;
        }
    }
    VAULTS.delete(txn, &vault.name()?)?;
    Ok(versions.into_iter().map(|version| version.file).collect())
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

fn refused(error: LifeError, name: &str) -> VaultError {
    match error {
        LifeError::Protected(_) => VaultError::PurgeProtected,
        LifeError::NotDeleted => VaultError::Conflict {
            what: format!("The vault '{name}' is not deleted; delete it first."),
        },
        LifeError::AlreadyDeleted | LifeError::Ended => VaultError::VaultNotFound {
            name: name.to_owned(),
        },
    }
}
