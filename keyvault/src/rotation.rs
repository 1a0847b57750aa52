//! Rotation: a new version by hand or by policy.
//!
//! A new version is new key material; the old ones stay and go on unwrapping what they wrapped.

use strongroom_engine::Timestamp;

use crate::access::{AccessToken, active_vault};
use crate::audit::AuditOperation;
use crate::error::VaultError;
use crate::ids::{KeyId, KeyName, VaultName};
use crate::keys::{By, KeyBundle, NewKeyOptions, Source, active_key, active_version, key_event, version_of};
use crate::permissions::KeyPermission;
use crate::provider::KeySize;
use crate::records::{KeyRecord, VersionRecord};
use crate::rooms::{KEYS, VAULTS};
use crate::rotation_policy::{self, RotationAction, RotationPolicy};
use crate::state::Life;
use crate::store::{Call, Changed, VaultStore};

/// A key's rotation policy with its times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRotationPolicy {
    /// The policy; the default one never rotates.
    pub policy: RotationPolicy,
    /// When one was first set; `None` when none ever was.
    pub created: Option<Timestamp>,
    /// When it was last set.
    pub updated: Option<Timestamp>,
}

impl VaultStore {
    /// Makes a new version with the current one's type, size, operations and tags; it expires as the policy
    /// says.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`]; [`VaultError::AccessDenied`] without permission `rotate`.
    pub fn rotate_key(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        name: &KeyName,
    ) -> Result<KeyBundle, VaultError> {
        let event = key_event(AuditOperation::KeyRotate, vault, name, None);
        self.carry_out_due()?;
        self.attempt(token, event, |store, call, principal| {
            let permission = KeyPermission::Rotate;
            store
                .access
                .authorize(&store.tree, &principal, &call.event.vault, permission)?;
            store.rotate(call, By::Caller(principal, permission), name)
        })
    }

    /// Rotates every key whose policy says that its time has come, and returns the new versions.
    ///
    /// A key that cannot be rotated now, for want of its security module for example, is passed over and
    /// logged.
    ///
    /// # Errors
    /// [`VaultError::Storage`]; the keys before it are done.
    pub fn rotate_if_due(&self) -> Result<Vec<KeyId>, VaultError> {
        self.carry_out_due()?;
        let mut rotated = Vec::new();
        for (vault, key) in self.due_keys()? {
            let call = self.call(key_event(AuditOperation::KeyRotateIfDue, &vault, &key, None))?;
            match self.rotate(call, By::Policy, &key) {
                Ok(bundle) => rotated.push(bundle.id),
                Err(error @ VaultError::Storage(_)) => return Err(error),
                Err(error) => {
                    tracing::warn!(%vault, %key, %error, "the key could not be rotated by its policy");
                }
            }
        }
        Ok(rotated)
    }

    /// The rotation policy of a key.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`]; [`VaultError::AccessDenied`] without permission `getrotationpolicy`.
    pub fn rotation_policy(
        &self,
        token: &AccessToken,
        vault: &VaultName,
        name: &KeyName,
    ) -> Result<KeyRotationPolicy, VaultError> {
        let access = self.access.clone();
        let name = name.clone();
        let event = key_event(AuditOperation::KeyRotationPolicyGet, vault, &name, None);
        self.read(token, event, move |txn, call, principal| {
            let permission = KeyPermission::GetRotationPolicy;
            let vault = access.authorize(txn, principal, &call.event.vault, permission)?;
            stored_policy(&active_key(txn, &vault, &name)?)
        })
    }

    /// Replaces the rotation policy of a key. Versions that exist keep their expiry.
    ///
    /// # Errors
    /// [`VaultError::KeyNotFound`]; [`VaultError::AccessDenied`] without permission `setrotationpolicy`.
    pub fn set_rotation_policy(
        &self,
        token: &AccessToken,
        (vault, name): (&VaultName, &KeyName),
        policy: &RotationPolicy,
    ) -> Result<KeyRotationPolicy, VaultError> {
        let json = policy.to_stored_json().to_string();
        let access = self.access.clone();
        let name = name.clone();
        let event = key_event(AuditOperation::KeyRotationPolicySet, vault, &name, None);
        self.change(token, event, move |txn, call, principal| {
            let permission = KeyPermission::SetRotationPolicy;
            let vault = access.authorize(txn, principal, &call.event.vault, permission)?;
            let mut key = active_key(txn, &vault, &name)?;
            key.rotation_policy = Some(json.clone());
            key.policy_created = key.policy_created.or(Some(call.now));
            key.policy_updated = Some(call.now);
            KEYS.put(txn, &(vault.id, name.clone()), &key)?;
            Ok(Changed::to(stored_policy(&key)?))
        })
    }

    fn rotate(&self, call: Call, by: By, name: &KeyName) -> Result<KeyBundle, VaultError> {
        let vault = active_vault(&self.tree, &call.event.vault)?;
        let (_, current) = active_version(&self.tree, &vault, name, None)?;
        let draft = self.draft(successor(&current)?, Source::Generate)?;
        self.record_version(call, by, name, draft)
    }

    fn due_keys(&self) -> Result<Vec<(VaultName, KeyName)>, VaultError> {
        let snapshot = self.tree.snapshot()?;
        let now = self.clock.now().unix_seconds();
        let mut due = Vec::new();
        let vaults = VAULTS.all(&snapshot, &())?;
        for vault in vaults.iter().filter(|vault| vault.life == Life::Active) {
            let keys = KEYS.all(&snapshot, &vault.id)?;
            for key in keys
                .iter()
                .filter(|key| key.life == Life::Active && key.rotation_policy.is_some())
            {
                let current = version_of(&snapshot, vault, key, key.current)?;
                let expires = current.expires.map(Timestamp::unix_seconds);
                let created = current.created.unix_seconds();
                let policy = stored_policy(key)?.policy;
                if rotation_policy::due(&policy, created, expires, now) == Some(RotationAction::Rotate) {
                    due.push((vault.name()?, key.name()?));
                }
            }
        }
        Ok(due)
    }
}

/// When a version made at `created` expires by the policy of its key.
pub(crate) fn policy_expiry(key: &KeyRecord, created: Timestamp) -> Result<Option<Timestamp>, VaultError> {
    let policy = stored_policy(key)?.policy;
    let expires = policy
        .expires(created.unix_seconds())
        .map_err(|error| VaultError::bad_parameter(error.to_string()))?;
    Ok(expires.map(Timestamp::from_unix_seconds))
}

fn stored_policy(key: &KeyRecord) -> Result<KeyRotationPolicy, VaultError> {
    let policy = match &key.rotation_policy {
        Some(json) => RotationPolicy::from_json(json.as_bytes()).map_err(VaultError::storage)?,
        None => RotationPolicy::default(),
    };
    Ok(KeyRotationPolicy {
        policy,
        created: key.policy_created,
        updated: key.policy_updated,
    })
}

fn successor(current: &VersionRecord) -> Result<NewKeyOptions, VaultError> {
    let public = crate::jwk::PublicKey::new(&current.n, &current.e)?;
    Ok(NewKeyOptions {
        kty: current.kty.into(),
        size: KeySize::try_from(public.bits())?,
        operations: current.operations,
        enabled: true,
        not_before: None,
        expires: None,
        tags: current.tags.clone(),
    })
}
