//! The end of keys: delete, recover, purge, and what time does by itself.
//!
//! Whatever is decided here goes through [`crate::state`]; side files are destroyed after the commit that
//! dropped their records is durable.

use strongroom_engine::Timestamp;
use strongroom_engine::tree::Txn;

use crate::access::AccessToken;
use crate::audit::{self, AuditOperation, AuditResult};
use crate::error::VaultError;
use crate::ids::{KeyName, VaultName};
use crate::keys::{KeyBundle, active_key, bundle, key_event, key_not_found, remove_versions, version_of};
use crate::permissions::KeyPermission;
use crate::records::{DueRecord, FileId, KeyRecord, VaultRecord};
use crate::rooms::{DUE, DueKey, KEYS, Read, VAULTS};
use crate::state::{Deletion, Life, LifeError};
use crate::store::{Call, Changed, Event, VaultStore};
use crate::vaults::remove_vault;

/// A key in soft delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedKey {
    /// The current version as it was.
    pub bundle: KeyBundle,
    /// `https://VAULT.vault.azure.net/deletedkeys/NAME`.
    pub recovery_id: String,
    /// When it was deleted; `None` where there is no soft delete and the key is gone.
    pub deleted: Option<Timestamp>,
    /// When it will be purged.
    pub scheduled_purge: Option<Timestamp>,
}

impl VaultStore {
    /// Deletes a key with all versions: softly where the vault has soft delete, else for good.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`]; [`VaultError::AccessDenied`] without permission `delete`.
    pub fn delete_key(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        name: &KeyName,
    ) -> Result<DeletedKey, VaultError> {
        let access = self.access.clone();
        let name = name.clone();
        let event = key_event(AuditOperation::KeyDelete, vault, &name, None);
        self.change(token, event, move |txn, call, principal| {
            let vault = access.authorize(txn, principal, &call.event.vault, KeyPermission::Delete)?;
            let mut key = active_key(txn, &vault, &name)?;
            let deletion = key.life.delete(vault.retention, call.now);
            match deletion.map_err(|error| refused(error, &name))? {
                Deletion::Gone(_) => {
                    let value = deleted(txn, &vault, &key)?;
                    let doomed = remove_key(txn, &vault, &key)?;
                    Ok(Changed { value, doomed })
                }
                Deletion::Kept(life) => {
                    key.life = life;
                    schedule(txn, &vault, &key)?;
                    KEYS.put(txn, &(vault.id, name.clone()), &key)?;
                    Ok(Changed::to(deleted(txn, &vault, &key)?))
                }
            }
        })
    }

    /// The keys in soft delete, by name.
    ///
    /// # Errors
    /// [`VaultError::AccessDenied`] without permission `list`.
    pub fn list_deleted_keys(
        &self,
        token: &AccessToken,
        vault: &VaultName,
    ) -> Result<Vec<DeletedKey>, VaultError> {
        let access = self.access.clone();
        let event = Event {
            operation: AuditOperation::KeyListDeleted,
            vault: vault.clone(),
            target: format!("{}/deletedkeys", vault.uri()),
        };
        self.read(token, event, move |txn, call, principal| {
            let vault = access.authorize(txn, principal, &call.event.vault, KeyPermission::List)?;
            let keys = KEYS.all(txn, &vault.id)?;
            let waiting = keys.iter().filter(|key| is_waiting(key.life, call.now));
            waiting.map(|key| deleted(txn, &vault, key)).collect()
        })
    }

    /// One key in soft delete.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`]; [`VaultError::AccessDenied`] without permission `get`.
    pub fn get_deleted_key(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        name: &KeyName,
    ) -> Result<DeletedKey, VaultError> {
        let access = self.access.clone();
        let name = name.clone();
        let event = key_event(AuditOperation::KeyGetDeleted, vault, &name, None);
        self.read(token, event, move |txn, call, principal| {
            let vault = access.authorize(txn, principal, &call.event.vault, KeyPermission::Get)?;
            match KEYS.get(txn, &(vault.id, name.clone()))? {
                Some(key) if is_waiting(key.life, call.now) => deleted(txn, &vault, &key),
                _ => Err(key_not_found(&name, None)),
            }
        })
    }

    /// Brings a deleted key back, every version with the attributes it had.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`] unless it is in soft delete; [`VaultError::AccessDenied`] without
    /// `recover`.
    pub fn recover_key(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        name: &KeyName,
    ) -> Result<KeyBundle, VaultError> {
        let access = self.access.clone();
        let name = name.clone();
        let event = key_event(AuditOperation::KeyRecover, vault, &name, None);
        self.change(token, event, move |txn, call, principal| {
            let vault = access.authorize(txn, principal, &call.event.vault, KeyPermission::Recover)?;
            let mut key = any_key(txn, &vault, &name)?;
            unschedule(txn, &vault, &key)?;
            let life = key.life.recover(call.now);
            key.life = life.map_err(|error| refused(error, &name))?;
            KEYS.put(txn, &(vault.id, name.clone()), &key)?;
            let version = version_of(txn, &vault, &key, key.current)?;
            Ok(Changed::to(bundle(&vault, &key, &version)?))
        })
    }

    /// Ends a deleted key for good: what only it can unwrap is lost.
    ///
    /// # Errors
    /// [`VaultError::PurgeProtected`]; [`VaultError::KeyNotFound`] unless it is in soft delete;
    /// [`VaultError::AccessDenied`] without permission `purge`.
    pub fn purge_key(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        name: &KeyName,
    ) -> Result<(), VaultError> {
        let access = self.access.clone();
        let name = name.clone();
        let event = key_event(AuditOperation::KeyPurge, vault, &name, None);
        self.change(token, event, move |txn, call, principal| {
            let vault = access.authorize(txn, principal, &call.event.vault, KeyPermission::Purge)?;
            let key = any_key(txn, &vault, &name)?;
            let purged = key.life.purge(vault.retention, call.now);
            purged.map_err(|error| refused(error, &name))?;
            Ok(Changed {
                value: (),
                doomed: remove_key(txn, &vault, &key)?,
            })
        })
    }

    /// Purges what has reached the end of its retention, and returns how many vaults and keys that were.
    ///
    /// Every managing call does this first; a long-running host calls it now and then.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn carry_out_due(&self) -> Result<usize, VaultError> {
        let mut ended = 0;
        while self.next_due()?.is_some() {
            ended += self.end_next()?;
        }
        Ok(ended)
    }

    fn next_due(&self) -> Result<Option<DueRecord>, VaultError> {
        let first = DUE.page(&self.tree, &DUE.under(&()), 1)?.into_iter().next();
        let now = self.clock.now().ticks();
        Ok(first.filter(|due| due.ticks <= now))
    }

    fn end_next(&self) -> Result<usize, VaultError> {
        let Some(due) = self.next_due()? else {
            return Ok(0);
        };
        let vault: VaultName = due.vault_name.parse()?;
        let event = match &due.key {
            Some(key) => key_event(AuditOperation::KeyPurge, &vault, &key.parse()?, None),
            None => Event {
                operation: AuditOperation::VaultPurge,
                target: vault.uri().to_string(),
                vault,
            },
        };
        let call = self.call(event)?;
        self.apply(move |txn| {
            let doomed = end(txn, &due, &call)?;
            Ok(Changed { value: 1, doomed })
        })
    }
}

/// Carries out one entry of the schedule; an entry whose object went another way is only removed.
fn end(txn: &mut Txn<'_>, due: &DueRecord, call: &Call) -> Result<Vec<FileId>, VaultError> {
    let key_name: Option<KeyName> = due.key.as_deref().map(str::parse).transpose()?;
    DUE.delete(
        txn,
        &DueKey {
            ticks: due.ticks,
            vault: due.vault,
            key: key_name.clone(),
        },
    )?;
    let vault = VAULTS
        .get(txn, &call.event.vault)?
        .filter(|vault| vault.id == due.vault);
    let doomed = match (vault, key_name) {
        (Some(vault), None) if vault.life.expire(call.now).is_some() => remove_vault(txn, &vault)?,
        (Some(vault), Some(name)) => match KEYS.get(txn, &(vault.id, name))? {
            Some(key) if key.life.expire(call.now).is_some() => remove_key(txn, &vault, &key)?,
            _ => return Ok(Vec::new()),
        },
        _ => return Ok(Vec::new()),
    };
    audit::append(
        txn,
        &call.event.vault,
        call.record(AuditResult::Success, call.now),
    )?;
    Ok(doomed)
}

fn is_waiting(life: Life, now: Timestamp) -> bool {
    life != Life::Active && life.expire(now).is_none()
}

fn any_key(read: &impl Read, vault: &VaultRecord, name: &KeyName) -> Result<KeyRecord, VaultError> {
    KEYS.get(read, &(vault.id, name.clone()))?
        .ok_or_else(|| key_not_found(name, None))
}

/// Removes every record of a key and returns the side files of its versions.
fn remove_key(txn: &mut Txn<'_>, vault: &VaultRecord, key: &KeyRecord) -> Result<Vec<FileId>, VaultError> {
    let name = key.name()?;
    unschedule(txn, vault, key)?;
    let versions = remove_versions(txn, vault, &name)?;
    KEYS.delete(txn, &(vault.id, name))?;
    Ok(versions.into_iter().map(|version| version.file).collect())
}

fn deleted(read: &impl Read, vault: &VaultRecord, key: &KeyRecord) -> Result<DeletedKey, VaultError> {
    let version = version_of(read, vault, key, key.current)?;
    let bundle = bundle(vault, key, &version)?;
    let (deleted, scheduled_purge) = match key.life {
        Life::Active => (None, None),
        Life::Deleted { since, purge_at } => (Some(since), Some(purge_at)),
    };
    Ok(DeletedKey {
        recovery_id: format!("{}/deletedkeys/{}", bundle.id.vault, bundle.id.name),
        bundle,
        deleted,
        scheduled_purge,
    })
}

fn schedule(txn: &mut Txn<'_>, vault: &VaultRecord, key: &KeyRecord) -> Result<(), VaultError> {
    let Some(due) = due(vault, key)? else {
        return Ok(());
    };
    let record = DueRecord {
        ticks: due.ticks,
        vault: vault.id,
        vault_name: vault.name.clone(),
        key: Some(key.name.clone()),
    };
    DUE.put(txn, &due, &record)
}

fn unschedule(txn: &mut Txn<'_>, vault: &VaultRecord, key: &KeyRecord) -> Result<(), VaultError> {
    if let Some(due) = due(vault, key)? {
        DUE.delete(txn, &due)?;
    }
    Ok(())
}

fn due(vault: &VaultRecord, key: &KeyRecord) -> Result<Option<DueKey>, VaultError> {
    Ok(match key.life {
        Life::Active => None,
        Life::Deleted { purge_at, .. } => Some(DueKey {
            ticks: purge_at.ticks(),
            vault: vault.id,
            key: Some(key.name()?),
        }),
    })
}

fn refused(error: LifeError, name: &KeyName) -> VaultError {
    match error {
        LifeError::Protected(_) => VaultError::PurgeProtected,
        LifeError::NotDeleted => VaultError::Conflict {
            what: format!("The key '{name}' is not deleted; delete it first."),
        },
        LifeError::AlreadyDeleted | LifeError::Ended => key_not_found(name, None),
    }
}
