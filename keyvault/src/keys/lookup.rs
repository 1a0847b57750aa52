//! Finding keys and versions in a state of the tree, and turning records into what others see.

use strongroom_engine::tree::Txn;

use crate::audit::AuditOperation;
use crate::error::VaultError;
use crate::ids::{KeyId, KeyName, KeyReference, KeyVersion, VaultName};
use crate::jwk::PublicKey;
use crate::records::{KeyRecord, VaultRecord, VersionRecord};
use crate::rooms::{KEYS, Read, VERSIONS};
use crate::state::{Life, Retention};
use crate::store::Event;

use super::types::{KeyAttributes, KeyBundle, KeyItem};

/// The key of that name, if it is in use.
pub(crate) fn active_key(
    read: &impl Read,
    vault: &VaultRecord,
    name: &KeyName,
) -> Result<KeyRecord, VaultError> {
    match KEYS.get(read, &(vault.id, name.clone()))? {
        Some(key) if key.life == Life::Active => Ok(key),
        _ => Err(key_not_found(name, None)),
    }
}

/// The key of that name, if it is in use, and the version asked for or the current one.
pub(crate) fn active_version(
    read: &impl Read,
    vault: &VaultRecord,
    name: &KeyName,
    version: Option<KeyVersion>,
) -> Result<(KeyRecord, VersionRecord), VaultError> {
    let key = active_key(read, vault, name)?;
    let version = version_of(read, vault, &key, version.unwrap_or(key.current))?;
    Ok((key, version))
}

/// The key of that name if it is in use, `None` if the name is free; a deleted one is a conflict.
pub(crate) fn free_or_active(
    read: &impl Read,
    vault: &VaultRecord,
    name: &KeyName,
) -> Result<Option<KeyRecord>, VaultError> {
    match KEYS.get(read, &(vault.id, name.clone()))? {
        Some(key) if key.life != Life::Active => Err(VaultError::ObjectIsDeletedButRecoverable {
            name: name.to_string(),
        }),
        key => Ok(key),
    }
}

pub(crate) fn version_of(
    read: &impl Read,
    vault: &VaultRecord,
    key: &KeyRecord,
    version: KeyVersion,
) -> Result<VersionRecord, VaultError> {
    let name = key.name()?;
    VERSIONS
        .get(read, &(vault.id, name.clone(), version))?
        .ok_or_else(|| key_not_found(&name, Some(version)))
}

/// Every version of a key, oldest first.
pub(crate) fn versions_of(
    read: &impl Read,
    vault: &VaultRecord,
    name: &KeyName,
) -> Result<Vec<VersionRecord>, VaultError> {
    let mut versions = VERSIONS.all(read, &(vault.id, name.clone()))?;
    versions.sort_by_key(|version| version.sequence);
    Ok(versions)
}

/// Removes every version of a key and returns them.
pub(crate) fn remove_versions(
    txn: &mut Txn<'_>,
    vault: &VaultRecord,
    name: &KeyName,
) -> Result<Vec<VersionRecord>, VaultError> {
    let versions = versions_of(txn, vault, name)?;
    for version in &versions {
        VERSIONS.delete(txn, &(vault.id, name.clone(), version.version))?;
    }
    Ok(versions)
}

pub(crate) fn bundle(
    vault: &VaultRecord,
    key: &KeyRecord,
    version: &VersionRecord,
) -> Result<KeyBundle, VaultError> {
    Ok(KeyBundle {
        id: KeyId {
            vault: vault.name()?.uri(),
            name: key.name()?,
            version: version.version,
        },
        kty: version.kty.into(),
        operations: version.operations,
        public: PublicKey::new(&version.n, &version.e)?,
        attributes: attributes(version, vault.retention),
        tags: version.tags.clone(),
    })
}

fn attributes(version: &VersionRecord, retention: Retention) -> KeyAttributes {
    KeyAttributes {
        enabled: version.enabled,
        not_before: version.not_before,
        expires: version.expires,
        created: version.created,
        updated: version.updated,
        recovery_level: retention.recovery_level(),
        recoverable_days: retention.days().unwrap_or(0),
    }
}

pub(super) fn item(bundle: &KeyBundle, kid: KeyReference) -> KeyItem {
    KeyItem {
        kid,
        attributes: bundle.attributes,
        tags: bundle.tags.clone(),
    }
}

pub(crate) fn key_not_found(name: &KeyName, version: Option<KeyVersion>) -> VaultError {
    VaultError::KeyNotFound {
        name: match version {
            Some(version) => format!("{name}/{version}"),
            None => name.to_string(),
        },
    }
}

pub(crate) fn key_event(
    operation: AuditOperation,
    vault: &VaultName,
    name: &KeyName,
    version: Option<KeyVersion>,
) -> Event {
    let target = KeyReference {
        vault: vault.uri(),
        name: name.clone(),
        version,
    };
    Event {
        operation,
        vault: vault.clone(),
        target: target.to_string(),
    }
}
