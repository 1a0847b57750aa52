//! Backup and restore of a key: every version with its id, sealed so that only this installation can bring it
//! back.
//!
//! The copy is sealed under the vault root key and bound to region and tenant: a vault of another
//! installation, region or tenant cannot open it. It outlives a purge, as in Azure: who wants a key gone
//! destroys its backups too.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use strongroom_engine::codec::{self, FrameKind, Record};
use strongroom_engine::seal::SealKind;
use zeroize::{Zeroize, Zeroizing};

use crate::access::AccessToken;
use crate::audit::AuditOperation;
use crate::error::VaultError;
use crate::ids::{KeyName, KeyVersion, VaultName};
use crate::keys::{KeyBundle, active_key, bundle, free_or_active, key_event, versions_of};
use crate::permissions::KeyPermission;
use crate::provider::PrivateMaterial;
use crate::records::{FileId, KeyRecord, VaultRecord, VersionRecord};
use crate::rooms::{KEYS, Read, VAULTS, VERSIONS};
use crate::state::Life;
use crate::store::{Changed, Event, VaultStore};

/// A sealed copy of a key. Not secret: it may be stored anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBackup(Vec<u8>);

impl KeyBackup {
    /// A copy as it was kept; nothing is checked before it is restored.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text that the protocol carries: base64url without padding.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Reads [`to_text`](Self::to_text).
    ///
    /// # Errors
    /// [`VaultError::BadParameter`] for text that is no base64url.
    pub fn from_text(text: &str) -> Result<Self, VaultError> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim());
        Ok(Self(bytes.map_err(|_| not_a_backup())?))
    }
}

/// What is sealed. Its private parts are wiped on drop.
#[derive(Serialize, Deserialize)]
struct Contents {
    key: KeyRecord,
    versions: Vec<VersionRecord>,
    privates: Vec<Private>,
}

#[derive(Serialize, Deserialize)]
struct Private(Vec<u8>);

impl Drop for Private {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Record for Contents {
    const NAME: &'static str = "key backup";
    const VERSION: u8 = 1;
}

impl VaultStore {
    /// A sealed copy of a key with all versions.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`]; [`VaultError::AccessDenied`] without permission `backup`;
    /// [`VaultError::KeyDestroyed`] when a version's private part is gone.
    pub fn backup_key(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        name: &KeyName,
    ) -> Result<KeyBackup, VaultError> {
        let access = self.access.clone();
        let key_name = name.clone();
        let event = key_event(AuditOperation::KeyBackup, vault, name, None);
        let (vault, key, versions) = self.read(token, event, move |txn, call, principal| {
            let vault = access.authorize(txn, principal, &call.event.vault, KeyPermission::Backup)?;
            let key = active_key(txn, &vault, &key_name)?;
            let versions = versions_of(txn, &vault, &key_name)?;
            Ok((vault, key, versions))
        })?;
        let privates = versions.iter().map(|version| self.expose(version));
        let copy = Contents {
            privates: privates.collect::<Result<_, _>>()?,
            key,
            versions,
        };
        let plain = Zeroizing::new(codec::encode(&copy)?);
        let place = place(&vault);
        let sealed = self
            .backups
            .seal(SealKind::WrappedKey, &place, &plain, self.entropy.as_ref())?;
        Ok(KeyBackup(codec::frame(FrameKind::File, &sealed)?))
    }

    /// Brings a key back with every version, under the ids they had.
    ///
    /// # Errors
    /// [`VaultError::BadParameter`] for bytes that are no backup of this installation, region and tenant; a
    /// conflict while the name exists, deleted or not; [`VaultError::AccessDenied`] without permission
    /// `restore`.
    pub fn restore_key(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        backup: &KeyBackup,
    ) -> Result<KeyBundle, VaultError> {
        let event = Event {
            operation: AuditOperation::KeyRestore,
            vault: vault.clone(),
            target: format!("{}/keys/restore", vault.uri()),
        };
        self.carry_out_due()?;
        self.attempt(token, event, |store, mut call, principal| {
            let permission = KeyPermission::Restore;
            let vault = store
                .access
                .authorize(&store.tree, &principal, &call.event.vault, permission)?;
            let mut copy = store.open_backup(&vault, backup)?;
            let name = copy.key.name()?;
            call.event = key_event(AuditOperation::KeyRestore, &vault.name()?, &name, None);
            check_free(&store.tree, &vault, &name)?;
            store.seal_again(&mut copy)?;
            let files: Vec<FileId> = copy.versions.iter().map(|version| version.file).collect();
            let Contents { key, versions, .. } = copy;
            let access = store.access.clone();
            let outcome = store.commit(call, principal, move |txn, call, principal| {
                let mut vault = access.authorize(txn, principal, &call.event.vault, permission)?;
                check_free(txn, &vault, &name)?;
                let mut current = None;
                for version in &versions {
                    let mut version = version.clone();
                    version.sequence = vault.next_sequence;
                    vault.next_sequence = vault.next_sequence.saturating_add(1);
                    VERSIONS.put(txn, &(vault.id, name.clone(), version.version), &version)?;
                    current = Some(version)
                        .filter(|version| version.version == key.current)
                        .or(current);
                }
                KEYS.put(txn, &(vault.id, name.clone()), &key)?;
                VAULTS.put(txn, &call.event.vault, &vault)?;
                Ok(Changed::to(bundle(
                    &vault,
                    &key,
                    &current.ok_or_else(not_a_backup)?,
                )?))
            });
            store.give_up(&files, &outcome)?;
            outcome
        })
    }

    fn expose(&self, version: &VersionRecord) -> Result<Private, VaultError> {
        let private = self.files.open_private(version.file, &version.private)?;
        let private = private.ok_or_else(|| destroyed(version.version))?;
        Ok(Private(private.as_bytes().to_vec()))
    }

    fn open_backup(&self, vault: &VaultRecord, backup: &KeyBackup) -> Result<Contents, VaultError> {
        let sealed = codec::unframe(FrameKind::File, &backup.0).map_err(|_| not_a_backup())?;
        let plain = self.backups.open(SealKind::WrappedKey, &place(vault), sealed);
        let mut copy: Contents = codec::decode(&plain.map_err(|_| not_a_backup())?)?;
        copy.key.life = Life::Active;
        if copy.versions.len() == copy.privates.len() {
            Ok(copy)
        } else {
            Err(not_a_backup())
        }
    }

    /// Gives every version a one-time key of its own; the files are durable when this returns.
    fn seal_again(&self, copy: &mut Contents) -> Result<(), VaultError> {
        let mut made = Vec::new();
        for (version, private) in copy.versions.iter_mut().zip(&copy.privates) {
            let private = PrivateMaterial::from_bytes(Zeroizing::new(private.0.clone()));
            match self.files.seal(&private, self.entropy.as_ref()) {
                Ok(sealed) => {
                    made.push(sealed.file);
                    version.file = sealed.file;
                    version.private = sealed.bytes;
                }
                Err(error) => {
                    self.files.destroy(&made)?;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// What a backup is bound to.
fn place(vault: &VaultRecord) -> Vec<u8> {
    [BACKUP, &vault.tenant.0, vault.region.as_str().as_bytes()].concat()
}

fn check_free(read: &impl Read, vault: &VaultRecord, name: &KeyName) -> Result<(), VaultError> {
    match free_or_active(read, vault, name)? {
        Some(_) => Err(VaultError::Conflict {
            what: format!("A key with name {name} already exists; a backup is not restored over it."),
        }),
        None => Ok(()),
    }
}

fn destroyed(version: KeyVersion) -> VaultError {
    VaultError::KeyDestroyed {
        version: version.to_string(),
    }
}

fn not_a_backup() -> VaultError {
    VaultError::bad_parameter(
        "this is no backup of a key of this installation, region and tenant; \
         restore it into a vault where it was taken",
    )
}

const BACKUP: &[u8] = b"backup";
