//! Changing who holds the root key of an account or encryption scope.
//!
//! Every change is one commit of the one record of the holder's envelope tree, under its control
//! lock; no data is touched. A new wrap is proven to unwrap, from what lies on the disk, before it is
//! committed. The commit passes a gate: a revocation that has returned precedes it, and then it does not
//! happen. Until the commit the old settings are in force, whatever fails. Towards the customer the
//! platform's one-time key is destroyed only after the commit; away from the customer a new one is durable
//! before it, and destroyed again if the commit certainly failed.

use std::sync::Arc;

use strongroom_engine::Timestamp;
use strongroom_engine::keys::RootKey;
use strongroom_keyvault::{Identity, KeyId};

use super::custody::{Custody, KeyServices};
use super::envelope::{ALGORITHM, CustomerWrap, Envelope, NewWrap, Source, Tracking};
use super::guard::restless;
use super::refusal::{Obstacle, authentication_failure, identity_gone, identity_not_set, settings_error};
use super::settings::{CustomerKey, EncryptionStatus};
use super::{KeyGuard, KeyIdentity, damaged, platform_source, rules};
use crate::account::AccountRecord;
use crate::error::{Error, ErrorKind, Result};

/// How often the vault may change while who holds the root key does, before that gives up.
const ATTEMPTS: usize = 8;

/// What looking for a newer version led to.
pub(crate) struct Checked {
    pub(crate) moved: bool,
}

/// Tries until what a change rests on was still so when it was committed.
pub(super) fn until_unchanged(attempt: impl Fn() -> Result<bool>) -> Result<()> {
    for _ in 0..ATTEMPTS {
        if attempt()? {
            return Ok(());
        }
    }
    Err(restless())
}

/// A key that passed every rule, and who asks for it.
struct Approved {
    key: KeyId,
    identity: Identity,
    expires: Option<Timestamp>,
}

impl Custody {
    /// The encryption settings as committed.
    pub(crate) fn status(&self) -> Result<EncryptionStatus> {
        let status = EncryptionStatus::of(&self.record()?, &self.envelope()?)?;
        Ok(EncryptionStatus {
            recovery_key: self.recovery_key()?,
            ..status
        })
    }

    /// Puts the root key under a customer's key: enables, or changes version, key, vault or identity.
    pub(crate) fn use_customer_key(&self, guard: &Arc<KeyGuard>, wanted: &CustomerKey) -> Result<()> {
        let _control = self.control.lock();
        self.move_to(guard, wanted)
    }

    /// Puts the root key back under a key of the platform. Needs the customer's key once more.
    pub(crate) fn use_platform_key(&self, guard: &Arc<KeyGuard>) -> Result<()> {
        let _control = self.control.lock();
        until_unchanged(|| self.try_platform_key(guard, None))
    }

    /// False, and nothing has changed, if the vault or who asks it changed meanwhile. A root key that is
    /// `known` was taken back with a recovery key.
    pub(super) fn try_platform_key(&self, guard: &Arc<KeyGuard>, known: Option<&RootKey>) -> Result<bool> {
        let envelope = self.envelope()?;
        if matches!(envelope.source, Source::Platform { .. }) && self.needs_no_change(guard, &envelope, known)
        {
            return Ok(true);
        }
        let moment = guard.now();
        let asked = self.ask_unless(known, &envelope)?;
        let root = known.or(asked.as_ref()).ok_or_else(damaged)?;
        let source = platform_source(&self.store, self.id(), root)?;
        let new_file = source.one_time_file();
        let platform = Envelope {
            generation: envelope.generation + 1,
            source,
        };
        // Proven from what lies on the disk, as every wrap is: the copies of the customer's envelope go next.
        // What is in force stays: it may still open, or be what a backup brings back.
        if let Err(obstacle) = self.unwrap(&platform) {
            new_file.map_or(Ok(()), |file| {
                self.store.side_files.destroy_one_time(self.id(), file)
            })?;
            return Err(obstacle.into());
        }
        let committed = self.commit(&platform, guard.unchanged_since(moment));
        if !matches!(committed, Ok(true)) {
            // The new one-time key opens the root key. In doubt it stays, as it may be the only way in; the
            // next open destroys it unless it is.
            let in_doubt = matches!(&committed, Err(error) if error.may_have_happened());
            if let Some(file) = new_file.filter(|_| !in_doubt) {
                self.store.side_files.destroy_one_time(self.id(), file)?;
            }
            return committed;
        }
        guard.now_platform(root);
        self.store.side_files.destroy_copies(self.id())?;
        // One in force before could not be opened any more, and is of no use to anybody.
        self.store.side_files.destroy_one_time_but(self.id(), new_file)?;
        Ok(true)
    }

    /// True if the platform holds the root key and nobody asks for more, or its envelope still opens.
    fn needs_no_change(&self, guard: &KeyGuard, platform: &Envelope, known: Option<&RootKey>) -> bool {
        let Some(root) = known else {
            return true;
        };
        let opens = self.unwrap(platform).is_ok();
        if opens {
            guard.now_platform(root);
        }
        opens
    }

    /// Moves to the latest version of the key, if the account follows it.
    pub(crate) fn refresh(&self, guard: &Arc<KeyGuard>) -> Result<Checked> {
        let _control = self.control.lock();
        let envelope = self.envelope()?;
        let Source::Customer(wrap) = &envelope.source else {
            return Ok(Checked { moved: false });
        };
        if wrap.tracking == Tracking::Pinned {
            return Ok(Checked { moved: false });
        }
        let present = wrap.key()?;
        let wanted = CustomerKey {
            identity: wrap.identity,
            ..CustomerKey::from(present.base())
        };
        *self.last_check.lock() = Some(self.store.clock.now());
        let keys = self.key_services()?;
        let identity = self.identity_for(&self.record()?, wrap.identity)?;
        let latest = self
            .with_token(&identity, |token| {
                keys.service.latest_version(token, &present.vault, &present.name)
            })
            .map_err(|error| settings_error(error, &present))?;
        if latest.version == present.version {
            return Ok(Checked { moved: false });
        }
        self.move_to(guard, &wanted)?;
        Ok(Checked { moved: true })
    }

    fn move_to(&self, guard: &Arc<KeyGuard>, wanted: &CustomerKey) -> Result<()> {
        until_unchanged(|| self.try_move_to(guard, wanted, None))
    }

    /// False, and nothing has changed, if the vault or who asks it changed meanwhile.
    pub(super) fn try_move_to(
        &self,
        guard: &Arc<KeyGuard>,
        wanted: &CustomerKey,
        known: Option<&RootKey>,
    ) -> Result<bool> {
        let present = self.envelope()?;
        let moment = guard.now();
        let approved = self.approve(&self.record()?, wanted)?;
        let asked = self.ask_unless(known, &present)?;
        let root = known.or(asked.as_ref()).ok_or_else(damaged)?;
        let new = self.wrap(&present, wanted, &approved, root)?;
        self.prove(&new)?;
        self.store.side_files.believe(self.id())?;
        let committed = self.commit(&new, guard.unchanged_since(moment));
        if !matches!(committed, Ok(true)) {
            // Without its copy the envelope counts only if the commit happened after all. In doubt the
            // one-time key stays, so that either can be opened.
            self.store.side_files.destroy_copies(self.id())?;
            return committed;
        }
        guard.now_customer(root, moment);
        self.store.side_files.destroy_one_time_but(self.id(), None)?;
        Ok(true)
    }

    /// The root key through whoever holds it, unless it is known already. It must vouch for the recovery key
    /// that is shown.
    fn ask_unless(&self, known: Option<&RootKey>, present: &Envelope) -> Result<Option<RootKey>> {
        match known {
            Some(_) => Ok(None),
            None => {
                let root = self.unwrap(present)?;
                self.check_recovery_key(&root)?;
                Ok(Some(root))
            }
        }
    }

    /// Every rule for a customer's key, in Azure's order: identity, vault, permission `get`, key.
    fn approve(&self, record: &AccountRecord, wanted: &CustomerKey) -> Result<Approved> {
        let identity = self.identity_for(record, wanted.identity)?;
        let keys = self.key_services()?;
        let named = |error| match error {
            strongroom_keyvault::VaultError::VaultNotFound { .. } => vault_not_found(wanted, error),
            error => Error::from(Obstacle::from(error)),
        };
        let vault = keys.service.vault(&wanted.vault).map_err(named)?;
        rules::check_vault(record, &vault)?;
        let nowhere = KeyId {
            vault: wanted.vault.clone(),
            name: wanted.name.clone(),
            version: wanted.version.unwrap_or(strongroom_keyvault::KeyVersion([0; 16])),
        };
        let key = self
            .with_token(&identity, |token| {
                keys.service
                    .get_key(token, &wanted.vault, &wanted.name, wanted.version)
            })
            .map_err(|error| settings_error(error, &nowhere))?;
        rules::check_key(&key, self.store.settings.key_sizes, self.store.clock.now())?;
        Ok(Approved {
            key: key.id,
            identity,
            expires: key.attributes.expires,
        })
    }

    fn identity_for(&self, record: &AccountRecord, wanted: KeyIdentity) -> Result<Identity> {
        let principal = record.principal(wanted).ok_or_else(identity_not_set)?;
        let keys = self.key_services()?;
        let identity = keys
            .directory
            .identity(principal)
            .map_err(|error| Error::from(Obstacle::from(error)))?
            .ok_or_else(identity_gone)?;
        if identity.tenant_id == record.tenant {
            return Ok(identity);
        }
        Err(Error::invalid(
            "ManagedServiceIdentityNotFoundOnTenant",
            format!(
                "the identity {principal} is not in the account's tenant {}",
                record.tenant
            ),
        )
        .hint("assign an identity of the account's tenant"))
    }

    /// Wraps the root key under the approved version and writes the copy that is to be proven.
    fn wrap(
        &self,
        present: &Envelope,
        wanted: &CustomerKey,
        approved: &Approved,
        root: &RootKey,
    ) -> Result<Envelope> {
        let keys = self.key_services()?;
        let wrapped = self
            .with_token(&approved.identity, |token| {
                keys.service
                    .wrap(token, &approved.key, ALGORITHM, root.expose_for_wrapping())
            })
            .map_err(|error| settings_error(error, &approved.key))?;
        let wrap = CustomerWrap::new(NewWrap {
            key: approved.key.clone(),
            tracking: match wanted.version {
                Some(_) => Tracking::Pinned,
                None => Tracking::Latest,
            },
            wrapped,
            last_rotation: last_rotation(present, &approved.key, self.store.clock.now())?,
            expires: approved.expires,
            identity: wanted.identity,
            principal: approved.identity.principal_id,
        });
        let envelope = Envelope::sealed(present.generation + 1, wrap, self.id(), root)?;
        self.store
            .side_files
            .write_unproven(&self.store, self.id(), &envelope)
    }

    /// Unwraps what was read back from the disk, as the account will from now on.
    fn prove(&self, new: &Envelope) -> Result<()> {
        let keys = self.key_services()?;
        let Source::Customer(wrap) = &new.source else {
            return Err(damaged());
        };
        let key = wrap.key()?;
        let record = self.record()?;
        let identity = self.identity_for(&record, wrap.identity)?;
        let proven = self
            .with_token(&identity, |token| {
                keys.service.unwrap(token, &key, wrap.algorithm(), &wrap.wrapped)
            })
            .map_err(|error| settings_error(error, &key))
            .and_then(|bytes| {
                RootKey::from_bytes(bytes)
                    .filter(|root| self.is_root(root))
                    .ok_or_else(|| authentication_failure(format!("{key} does not unwrap what it wrapped")))
            });
        match proven {
            Ok(_) => Ok(()),
            Err(error) => {
                self.store.side_files.destroy_unproven(self.id())?;
                Err(error)
            }
        }
    }

    pub(crate) fn key_services(&self) -> Result<&KeyServices> {
        self.store.keys.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "KeyVaultNotConfigured",
                404,
                "the store was opened without key vaults",
            )
            .hint("open it together with the vaults")
        })
    }
}

/// The time of the last rotation: now, unless the same version wraps the root key already.
fn last_rotation(present: &Envelope, key: &KeyId, now: Timestamp) -> Result<Timestamp> {
    match &present.source {
        Source::Customer(wrap) if wrap.key()? == *key => Ok(wrap.last_rotation),
        _ => Ok(now),
    }
}

fn vault_not_found(wanted: &CustomerKey, error: strongroom_keyvault::VaultError) -> Error {
    Error::new(
        ErrorKind::NotFound,
        "KeyVaultVaultNotFound",
        404,
        format!("there is no key vault {}", wanted.vault),
    )
    .hint("check the vault's address; a deleted vault can be recovered")
    .caused_by(error)
}
