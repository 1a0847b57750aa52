//! Making a version: generate or take in, seal, record.

use crate::access::{AccessToken, Principal, active_vault};
use crate::audit::{self, AuditOperation, AuditResult};
use crate::error::VaultError;
use crate::ids::{KeyName, KeyVersion};
use crate::permissions::KeyPermission;
use crate::records::{FileId, KeyRecord, VersionRecord};
use crate::rooms::{KEYS, VAULTS, VERSIONS};
use crate::state::Life;
use crate::store::{Call, Changed, Event, VaultStore};

use super::lookup::{bundle, free_or_active};
use super::types::{KeyBundle, NewKeyOptions, check_tags, check_times};

/// Who adds a version.
#[derive(Clone, Copy)]
pub(crate) enum By {
    /// A caller who has this permission.
    Caller(Principal, KeyPermission),
    /// The key's rotation policy, whose time has come: it needs nobody's permission.
    Policy,
}

/// Where a new version's private part comes from.
pub(crate) enum Source {
    Generate,
    Import(crate::provider::NewKey),
}

impl VaultStore {
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
            store.record_version(call, By::Caller(principal, permission), name, draft)
        })
    }

    /// Makes the private part and seals it; its side file is durable when this returns.
    pub(crate) fn draft(&self, options: NewKeyOptions, source: Source) -> Result<VersionRecord, VaultError> {
        check_tags(&options.tags)?;
        check_times(options.not_before, options.expires)?;
        let provider = self
            .providers
            .get(options.kty)
            .ok_or(VaultError::HsmUnavailable)?;
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
        call: Call,
        by: By,
        name: &KeyName,
        draft: VersionRecord,
    ) -> Result<KeyBundle, VaultError> {
        let file = draft.file;
        let access = self.access.clone();
        let name = name.clone();
        let outcome = self.apply(move |txn| {
            let mut vault = match &by {
                By::Caller(principal, permission) => {
                    access.authorize(txn, principal, &call.event.vault, *permission)?
                }
                By::Policy => active_vault(txn, &call.event.vault)?,
            };
            let mut key =
                free_or_active(txn, &vault, &name)?.unwrap_or_else(|| new_key(&name, draft.version));
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
            audit::append(
                txn,
                &call.event.vault,
                call.record(AuditResult::Success, call.now),
            )?;
            Ok(Changed::to(bundle(&vault, &key, &version)?))
        });
        self.give_up(&[file], &outcome)?;
        outcome
    }

    /// Destroys the side files of a refused change. After a failed commit their records may exist all the
    /// same: opening the store again decides.
    pub(crate) fn give_up<T>(
        &self,
        files: &[FileId],
        outcome: &Result<T, VaultError>,
    ) -> Result<(), VaultError> {
        match outcome {
            Ok(_) | Err(VaultError::Storage(_)) => Ok(()),
            Err(_) => self.files.destroy(files),
        }
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
