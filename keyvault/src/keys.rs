//! Keys: create, import, read, list, update, and what their versions look like from outside.
//!
//! A key is a name with versions; the newest made is the current one. Attributes belong to a version.

mod lookup;
mod types;
mod versions;

pub(crate) use lookup::{
    active_key, active_version, bundle, free_or_active, key_event, key_not_found, remove_versions,
    version_of, versions_of,
};
pub use types::{KeyAttributes, KeyBundle, KeyItem, KeyUpdate, NewKeyOptions, TAG_CHARS_MAX, TAGS_MAX};
pub(crate) use versions::{By, Source};

use crate::access::AccessToken;
use crate::audit::AuditOperation;
use crate::error::VaultError;
use crate::ids::{KeyName, KeyVersion, VaultName};
use crate::permissions::KeyPermission;
use crate::rooms::{KEYS, VERSIONS};
use crate::state::Life;
use crate::store::{Changed, Event, VaultStore};
use lookup::item;
use types::{check_tags, check_times};

impl VaultStore {
    /// Makes a key, or a new version of one that exists, with a fresh private part.
    ///
    /// # Errors
    /// [`VaultError::HsmUnavailable`] for `RSA-HSM` without a security module; a conflict while the name is
    /// deleted; [`VaultError::AccessDenied`] without permission `create`.
    pub fn create_key(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        name: &KeyName,
        options: NewKeyOptions,
    ) -> Result<KeyBundle, VaultError> {
        let event = key_event(AuditOperation::KeyCreate, vault, name, None);
        self.add_version(token, event, name, options, Source::Generate)
    }

    /// Takes in a private key made elsewhere, as a new key or a new version. `options.size` is ignored.
    ///
    /// # Errors
    /// As [`create_key`](Self::create_key), with permission `import`.
    pub fn import_key(
        &self,
        token: &AccessToken,
        (vault, name): (&VaultName, &KeyName),
        key: crate::provider::NewKey,
        options: NewKeyOptions,
    ) -> Result<KeyBundle, VaultError> {
        let event = key_event(AuditOperation::KeyImport, vault, name, None);
        self.add_version(token, event, name, options, Source::Import(key))
    }

    /// One version of a key, or its current one. Works for disabled ones too.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`], also while it is deleted; [`VaultError::AccessDenied`] without permission
    /// `get`.
    pub fn get_key(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        name: &KeyName,
        version: Option<KeyVersion>,
    ) -> Result<KeyBundle, VaultError> {
        let access = self.access.clone();
        let name = name.clone();
        let event = key_event(AuditOperation::KeyGet, vault, &name, version);
        self.read(token, event, move |txn, call, principal| {
            let vault = access.authorize(txn, principal, &call.event.vault, KeyPermission::Get)?;
            let (key, version) = active_version(txn, &vault, &name, version)?;
            bundle(&vault, &key, &version)
        })
    }

    /// The addresses of all keys that are not deleted, by name.
    ///
    /// # Errors
    /// [`VaultError::AccessDenied`] without permission `list`.
    pub fn list_keys(&self, token: &AccessToken, vault: &VaultName) -> Result<Vec<KeyItem>, VaultError> {
        let access = self.access.clone();
        let event = Event {
            operation: AuditOperation::KeyList,
            vault: vault.clone(),
            target: format!("{}/keys", vault.uri()),
        };
        self.read(token, event, move |txn, call, principal| {
            let vault = access.authorize(txn, principal, &call.event.vault, KeyPermission::List)?;
            let keys = KEYS.all(txn, &vault.id)?;
            let active = keys.iter().filter(|key| key.life == Life::Active);
            active
                .map(|key| {
                    let version = version_of(txn, &vault, key, key.current)?;
                    let bundle = bundle(&vault, key, &version)?;
                    Ok(item(&bundle, bundle.id.base()))
                })
                .collect()
        })
    }

    /// The versions of a key, oldest first in the order in which they were made.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`]; [`VaultError::AccessDenied`] without permission `list`.
    pub fn list_versions(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        name: &KeyName,
    ) -> Result<Vec<KeyItem>, VaultError> {
        let access = self.access.clone();
        let name = name.clone();
        let event = key_event(AuditOperation::KeyListVersions, vault, &name, None);
        self.read(token, event, move |txn, call, principal| {
            let vault = access.authorize(txn, principal, &call.event.vault, KeyPermission::List)?;
            let key = active_key(txn, &vault, &name)?;
            versions_of(txn, &vault, &name)?
                .iter()
                .map(|version| {
                    let bundle = bundle(&vault, &key, version)?;
                    let mut kid = bundle.id.base();
                    kid.version = Some(bundle.id.version);
                    Ok(item(&bundle, kid))
                })
                .collect()
        })
    }

    /// Changes attributes, operations or tags of one version, or of the current one.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`]; [`VaultError::AccessDenied`] without permission `update`.
    pub fn update_key(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        (name, version): (&KeyName, Option<KeyVersion>),
        update: KeyUpdate,
    ) -> Result<KeyBundle, VaultError> {
        if let Some(tags) = &update.tags {
            check_tags(tags)?;
        }
        let access = self.access.clone();
        let name = name.clone();
        let event = key_event(AuditOperation::KeyUpdate, vault, &name, version);
        self.change(token, event, move |txn, call, principal| {
            let vault = access.authorize(txn, principal, &call.event.vault, KeyPermission::Update)?;
            let (key, mut version) = active_version(txn, &vault, &name, version)?;
            update.apply(&mut version, call.now);
            check_times(version.not_before, version.expires)?;
            VERSIONS.put(txn, &(vault.id, name.clone(), version.version), &version)?;
            Ok(Changed::to(bundle(&vault, &key, &version)?))
        })
    }
}
