//! Keys: create, import, read, list, update, and what their versions look like from outside.
//!
//! A key is a name with versions; the newest made is the current one. Attributes belong to a version.

use strongroom_engine::Timestamp;
use strongroom_engine::tree::Txn;

use crate::access::{AccessToken, Principal};
use crate::audit::AuditOperation;
use crate::error::VaultError;
use crate::ids::{KeyId, KeyName, KeyReference, KeyVersion, VaultName};
use crate::jwk::PublicKey;
use crate::permissions::{KeyOperations, KeyPermission};
use crate::provider::{KeySize, KeyType};
use crate::records::{KeyRecord, StoredKeyType, Tags, VaultRecord, VersionRecord};
use crate::rooms::{KEYS, Read, VAULTS, VERSIONS};
use crate::state::{Life, Retention};
use crate::store::{Call, Changed, Event, VaultStore};

/// Settings of a new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKeyOptions {
    /// Software or security module.
    pub kty: KeyType,
    /// Length of the modulus; of no meaning for an import.
    pub size: KeySize,
    /// What it may be used for. Default: everything.
    pub operations: KeyOperations,
    /// Whether it may be used. Default: yes.
    pub enabled: bool,
    /// Not for protecting anything before this.
    pub not_before: Option<Timestamp>,
    /// Not for protecting anything from this on. Default: what the rotation policy says, else never.
    pub expires: Option<Timestamp>,
    /// Up to 15 names with values, of up to 256 characters each.
    pub tags: Tags,
}

impl Default for NewKeyOptions {
    fn default() -> Self {
        Self {
            kty: KeyType::Rsa,
            size: KeySize::default(),
            operations: KeyOperations::all(),
            enabled: true,
            not_before: None,
            expires: None,
            tags: Tags::new(),
        }
    }
}

/// A change of one version. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyUpdate {
    /// Whether it may be used.
    pub enabled: Option<bool>,
    /// Not before; `Some(None)` takes the limit away.
    pub not_before: Option<Option<Timestamp>>,
    /// Expiry; `Some(None)` takes the limit away.
    pub expires: Option<Option<Timestamp>>,
    /// What it may be used for.
    pub operations: Option<KeyOperations>,
    /// All tags.
    pub tags: Option<Tags>,
}

/// One version of a key, its public part only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBundle {
    /// Its full address.
    pub id: KeyId,
    /// Software or security module.
    pub kty: KeyType,
    /// What it may be used for.
    pub operations: KeyOperations,
    /// The public part.
    pub public: PublicKey,
    /// State and times.
    pub attributes: KeyAttributes,
    /// Tags.
    pub tags: Tags,
}

/// State and times of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAttributes {
    /// Whether it may be used.
    pub enabled: bool,
    /// Before this it protects nothing new.
    pub not_before: Option<Timestamp>,
    /// From this on it protects nothing new.
    pub expires: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
    /// When an attribute last changed.
    pub updated: Timestamp,
    /// What deleting leads to; see [`Retention::recovery_level`].
    pub recovery_level: &'static str,
    /// How long it can be recovered once deleted, in days; 0 without soft delete.
    pub recoverable_days: u8,
}

/// An entry of a list of keys or versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyItem {
    /// The address: of the key in a list of keys, with the version in a list of versions.
    pub kid: KeyReference,
    /// State and times; of the current version in a list of keys.
    pub attributes: KeyAttributes,
    /// Tags.
    pub tags: Tags,
}

/// Where a new version's private part comes from.
pub(crate) enum Source {
    Generate,
    Import(crate::provider::NewKey),
}

impl VaultStore {
    /// Makes a key, or a new version of one that exists, with a fresh private part.
    ///
    /// # Errors
    /// [`VaultError::HsmUnavailable`] for `RSA-HSM` without a security module; a conflict while the name is deleted;
    /// [`VaultError::AccessDenied`] without permission `create`.
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
    /// [`VaultError::KeyNotFound`], also while it is deleted; [`VaultError::AccessDenied`] without permission `get`.
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

    /// Makes, seals and records a new version.
    pub(crate) fn add_version(
        &self,
        token: &AccessToken,
        event: Event,
        name: &KeyName,
        options: NewKeyOptions,
        source: Source,
    ) -> Result<KeyBundle, VaultError> {
        let permission = match event.operation {
            AuditOperation::KeyImport => KeyPermission::Import,
            AuditOperation::KeyRotate | AuditOperation::KeyRotateIfDue => KeyPermission::Rotate,
            _ => KeyPermission::Create,
        };
        self.carry_out_due()?;
        self.attempt(token, event, |store, call, principal| {
            // Checked before the slow part, and again in the transaction.
            let vault = store
                .access
                .authorize(&store.tree, &principal, &call.event.vault, permission)?;
            free_or_active(&store.tree, &vault, name)?;
            let draft = store.draft(options, source)?;
            store.record_version((call, principal), name, permission, draft)
        })
    }

    /// Makes the private part and seals it; its side file is durable when this returns.
    pub(crate) fn draft(&self, options: NewKeyOptions, source: Source) -> Result<VersionRecord, VaultError> {
        check_tags(&options.tags)?;
        check_times(options.not_before, options.expires)?;
        let provider = self.providers.get(options.kty).ok_or(VaultError::HsmUnavailable)?;
        let key = match source {
            Source::Generate => provider.generate(options.size)?,
            Source::Import(key) => key,
        };
        let sealed = self.files.seal(&key.private, self.entropy.as_ref())?;
        let now = self.clock.now();
        Ok(VersionRecord {
            version: KeyVersion(strongroom_engine::entropy::random(self.entropy.as_ref())?),
            sequence: 0,
            kty: options.kty.into(),
            n: key.public.n().to_vec(),
            e: key.public.e().to_vec(),
            operations: options.operations,
            enabled: options.enabled,
            not_before: options.not_before,
            expires: options.expires,
            created: now,
            updated: now,
            tags: options.tags,
            file: sealed.file,
            private: sealed.bytes,
        })
    }

    /// Records a drafted version as the current one; a refusal destroys the draft's side file.
    pub(crate) fn record_version(
        &self,
        (call, principal): (Call, Principal),
        name: &KeyName,
        permission: KeyPermission,
        draft: VersionRecord,
    ) -> Result<KeyBundle, VaultError> {
        let file = draft.file;
        let access = self.access.clone();
        let name = name.clone();
        let outcome = self.commit(call, principal, move |txn, call, principal| {
            let mut vault = access.authorize(txn, principal, &call.event.vault, permission)?;
            let mut key = free_or_active(txn, &vault, &name)?.unwrap_or_else(|| new_key(&name, draft.version));
            let mut version = draft.clone();
            version.sequence = vault.next_sequence;
            if version.expires.is_none() {
                version.expires = crate::rotation::policy_expiry(&key, version.created)?;
            }
            vault.next_sequence = vault.next_sequence.saturating_add(1);
            key.current = version.version;
            VAULTS.put(txn, &call.event.vault, &vault)?;
            KEYS.put(txn, &(vault.id, name.clone()), &key)?;
            VERSIONS.put(txn, &(vault.id, name.clone(), version.version), &version)?;
            Ok(Changed::to(bundle(&vault, &key, &version)?))
        });
        if outcome.as_ref().is_err_and(|error| !matches!(error, VaultError::Storage(_))) {
            // After a failed commit the record may exist: opening the store again decides.
            self.files.destroy(&[file])?;
        }
        outcome
    }
}

impl KeyUpdate {
    fn apply(&self, version: &mut VersionRecord, now: Timestamp) {
        version.enabled = self.enabled.unwrap_or(version.enabled);
        version.not_before = self.not_before.unwrap_or(version.not_before);
        version.expires = self.expires.unwrap_or(version.expires);
        version.operations = self.operations.unwrap_or(version.operations);
        if let Some(tags) = &self.tags {
            version.tags.clone_from(tags);
        }
        version.updated = now;
    }
}

impl From<KeyType> for StoredKeyType {
    fn from(kty: KeyType) -> Self {
        match kty {
            KeyType::Rsa => Self::Rsa,
            KeyType::RsaHsm => Self::RsaHsm,
        }
    }
}

impl From<StoredKeyType> for KeyType {
    fn from(kty: StoredKeyType) -> Self {
        match kty {
            StoredKeyType::Rsa => Self::Rsa,
            StoredKeyType::RsaHsm => Self::RsaHsm,
        }
    }
}

/// The key of that name, if it is in use.
pub(crate) fn active_key(read: &impl Read, vault: &VaultRecord, name: &KeyName) -> Result<KeyRecord, VaultError> {
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

fn item(bundle: &KeyBundle, kid: KeyReference) -> KeyItem {
    KeyItem {
        kid,
        attributes: bundle.attributes,
        tags: bundle.tags.clone(),
    }
}

fn new_key(name: &KeyName, current: KeyVersion) -> KeyRecord {
    KeyRecord {
        name: name.to_string(),
        current,
        life: Life::Active,
        rotation_policy: None,
        policy_created: None,
        policy_updated: None,
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

fn check_tags(tags: &Tags) -> Result<(), VaultError> {
    let long = |text: &String| text.chars().count() > TAG_CHARS_MAX;
    if tags.len() > TAGS_MAX || tags.iter().any(|(name, value)| long(name) || long(value)) {
        return Err(VaultError::bad_parameter(format!(
            "a key has at most {TAGS_MAX} tags, with names and values of at most {TAG_CHARS_MAX} characters"
        )));
    }
    Ok(())
}

fn check_times(not_before: Option<Timestamp>, expires: Option<Timestamp>) -> Result<(), VaultError> {
    match (not_before, expires) {
        (Some(not_before), Some(expires)) if expires <= not_before => Err(VaultError::bad_parameter(
            "a key that expires before it is valid is of no use; choose a later expiry",
        )),
        _ => Ok(()),
    }
}

/// Most tags of one version.
pub const TAGS_MAX: usize = 15;
/// Longest name or value of a tag, in characters.
pub const TAG_CHARS_MAX: usize = 256;
