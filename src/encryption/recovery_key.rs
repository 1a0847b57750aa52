//! Recovery keys: a root key wrapped for a second key pair, whose private part is kept offline.
//!
//! Off by default. The wrap is a record of the store's tree, beside the envelope: a change of the customer's
//! key does not touch it, as the root key stays the same. It is made and removed only by who can have the
//! root key at that moment, through the gate that every change of custody passes, so that a revocation that
//! has returned precedes it. What it opens must be the root key that the holder was created with, and
//! that root key must vouch for the record. A revocation does not stop whoever has the private part.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::{self, Record};
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::tree::{Gate, TreeError, Txn};
use strongroom_keyvault::{ImportError, KeyProvider, NewKey, PublicKey, SoftwareProvider, import_key};

use super::change::until_unchanged;
use super::custody::Custody;
use super::envelope::ALGORITHM;
use super::settings::CustomerKey;
use super::{KeyGuard, damaged};
use crate::account::{AccountRecord, not_found};
use crate::commit::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::rooms;

/// What is known of the recovery key of an account or of an encryption scope.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryKey {
    /// SHA-256 of the public key as DER `SubjectPublicKeyInfo`, in hexadecimal: what `openssl pkey -pubin
    /// -outform DER | sha256sum` prints.
    pub fingerprint: String,
    /// Length of its modulus, in bits.
    pub bits: u32,
    /// When it was set.
    pub set: Timestamp,
    /// When it was last used to take the root key back.
    pub last_used: Option<Timestamp>,
}

/// The private part of a recovery key, brought once to take a root key back. Wiped on drop.
pub struct RecoveryPrivateKey(NewKey);

impl RecoveryPrivateKey {
    /// Reads a private key: PEM, DER or JWK, as [`import_key`] does.
    ///
    /// # Errors
    /// What was found instead of an RSA private key.
    pub fn parse(input: &[u8]) -> Result<Self, ImportError> {
        import_key(input).map(Self)
    }
}

/// Under whose key a root key is put that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoverTo {
    /// The platform's.
    Platform,
    /// Another key of the customer's.
    Customer(CustomerKey),
}

/// A root key wrapped for a recovery key.
#[derive(Clone, Serialize, Deserialize)]
struct RecoveryRecord {
    /// The public key, DER `SubjectPublicKeyInfo`.
    public: Vec<u8>,
    bits: u32,
    /// By RSA-OAEP-256.
    wrapped: Vec<u8>,
    set: Timestamp,
    last_used: Option<Timestamp>,
    mac: [u8; 32],
}

impl Record for RecoveryRecord {
    const NAME: &'static str = "recovery key";
    const VERSION: u8 = 1;
}

impl RecoveryRecord {
    fn new(public: &PublicKey, root: &RootKey, set: Timestamp) -> Result<Self> {
        let unusable = |error| {
            Error::invalid(
                "InvalidRecoveryKey",
                format!("the recovery key cannot be used: {error}"),
            )
            .hint("give the public part of an RSA key of 2048, 3072 or 4096 bits")
        };
        Ok(Self {
            public: public.to_spki_der().map_err(unusable)?,
            bits: public.bits(),
            wrapped: SoftwareProvider
                .wrap(public, ALGORITHM, root.expose_for_wrapping())
                .map_err(unusable)?,
            set,
            last_used: None,
            mac: [0; 32],
        })
    }

    /// The record, vouched for by the root key of `holder`.
    fn sealed(mut self, holder: ScopeId, root: &RootKey) -> Result<Self> {
        self.mac = root
            .purpose(Purpose::RecoveryMac, holder)
            .mac(&self.authenticated()?);
        Ok(self)
    }

    fn is_authentic(&self, holder: ScopeId, root: &RootKey) -> Result<bool> {
        let key = root.purpose(Purpose::RecoveryMac, holder);
        Ok(key.verify_mac(&self.authenticated()?, &self.mac))
    }

    /// Everything but the MAC.
    fn authenticated(&self) -> Result<Vec<u8>> {
        let bare = Self {
            mac: [0; 32],
            ..self.clone()
        };
        Ok(codec::encode(&bare)?)
    }

    fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(&self.public))
    }

    fn shown(&self) -> RecoveryKey {
        RecoveryKey {
            fingerprint: self.fingerprint(),
            bits: self.bits,
            set: self.set,
            last_used: self.last_used,
        }
    }
}

impl Custody {
    /// The recovery key, if there is one, as the store has it. Does not ask the vault, so nothing vouches for
    /// it here: [`check_recovery_key`](Self::check_recovery_key) does.
    pub(crate) fn recovery_key(&self) -> Result<Option<RecoveryKey>> {
        Ok(self.recovery_record()?.map(|record| record.shown()))
    }

    /// Refuses a recovery key that was planted by somebody who did not have the root key.
    pub(super) fn check_recovery_key(&self, root: &RootKey) -> Result<()> {
        match self.recovery_record()? {
            Some(record) if !record.is_authentic(self.id(), root)? => Err(planted(&record.fingerprint())),
            _ => Ok(()),
        }
    }

    /// Wraps the root key for `public` too, in place of any other recovery key.
    pub(crate) fn set_recovery_key(&self, guard: &Arc<KeyGuard>, public: &PublicKey) -> Result<()> {
        let _control = self.control.lock();
        until_unchanged(|| {
            let moment = guard.now();
            let root = self.unwrap(&self.envelope()?)?;
            let record = RecoveryRecord::new(public, &root, self.store.clock.now())?;
            let record = record.sealed(self.id(), &root)?;
            tracing::info!(
                holder = hex::encode(self.id().0),
                key = record.fingerprint(),
                "setting a recovery key"
            );
            self.put_recovery(Some(record), Some(guard.unchanged_since(moment)))
        })
    }

    /// Forgets the recovery key. Who could not have set one cannot remove it.
    pub(crate) fn remove_recovery_key(&self, guard: &Arc<KeyGuard>) -> Result<()> {
        let _control = self.control.lock();
        until_unchanged(|| {
            let moment = guard.now();
            self.unwrap(&self.envelope()?)?;
            self.put_recovery(None, Some(guard.unchanged_since(moment)))
        })
    }

    /// Takes the root key back with the private part, and puts it under another key. The record says so
    /// before anything else is changed.
    pub(crate) fn recover(
        &self,
        guard: &Arc<KeyGuard>,
        private: &RecoveryPrivateKey,
        to: &RecoverTo,
    ) -> Result<()> {
        let _control = self.control.lock();
        let record = self.recovery_record()?.ok_or_else(none_set)?;
        let root = self.open_with(&record, private)?;
        tracing::warn!(
            account = self.name.as_str(),
            holder = hex::encode(self.id().0),
            key = record.fingerprint(),
            "the root key is taken back with the recovery key"
        );
        let used = RecoveryRecord {
            last_used: Some(self.store.clock.now()),
            ..record
        };
        self.put_recovery(Some(used.sealed(self.id(), &root)?), None)?;
        until_unchanged(|| match to {
            RecoverTo::Platform => self.try_platform_key(guard, Some(&root)),
            RecoverTo::Customer(key) => self.try_move_to(guard, key, Some(&root)),
        })
    }

    /// The root key, proven twice: by the commitment of its holder, and by the record it vouches for.
    fn open_with(&self, record: &RecoveryRecord, private: &RecoveryPrivateKey) -> Result<RootKey> {
        let RecoveryPrivateKey(key) = private;
        if key.public.to_spki_der().ok().as_ref() != Some(&record.public) {
            return Err(wrong_key(&record.fingerprint()));
        }
        let opened = SoftwareProvider.unwrap(&key.private, ALGORITHM, &record.wrapped);
        let root = opened.ok().and_then(RootKey::from_bytes);
        let root = root.filter(|root| self.is_root(root)).ok_or_else(damaged)?;
        if record.is_authentic(self.id(), &root)? {
            Ok(root)
        } else {
            Err(damaged())
        }
    }

    fn recovery_record(&self) -> Result<Option<RecoveryRecord>> {
        let bytes = self.store.tree.get(&key(self.id()))?;
        bytes.map(|bytes| Ok(codec::decode(&bytes)?)).transpose()
    }

    /// One transaction; false, and nothing has happened, if the gate is closed.
    fn put_recovery(&self, record: Option<RecoveryRecord>, gate: Option<Arc<dyn Gate>>) -> Result<bool> {
        let (name, account, key) = (self.name.clone(), self.account, key(self.id()));
        let bytes = record.map(|record| codec::encode(&record)).transpose()?;
        let put = self.store.tree.transact::<_, Failure, _>(move |txn| {
            // Nothing is left of an account that is deleted meanwhile.
            let found = txn.get(&AccountRecord::key(&name))?;
            let found = found.map(|bytes| AccountRecord::decode(&bytes)).transpose()?;
            if found.is_none_or(|record| record.id != account) {
                return Err(not_found(name.as_str()).into());
            }
            gate.iter().for_each(|gate| txn.through(Arc::clone(gate)));
            match &bytes {
                Some(bytes) => txn.put(&key, bytes)?,
                None => drop(txn.delete(&key)?),
            }
            Ok(())
        });
        match put {
            Ok(()) => Ok(true),
            Err(Failure::Tree(TreeError::GateClosed(_))) => Ok(false),
            Err(Failure::Tree(error)) => Err(error.into()),
            Err(Failure::Refused(error)) => Err(error),
        }
    }
}

/// Deletes the record of a holder that is deleted in the same transaction.
pub(crate) fn delete_recovery_key(txn: &mut Txn<'_>, holder: ScopeId) -> Result<(), Failure> {
    txn.delete(&key(holder))?;
    Ok(())
}

fn key(holder: ScopeId) -> Vec<u8> {
    rooms::key(rooms::RECOVERY_KEYS, &[&holder.0])
}

fn none_set() -> Error {
    Error::new(
        ErrorKind::NotFound,
        "RecoveryKeyNotFound",
        404,
        "no recovery key was set while the root key could be had",
    )
    .hint("restore the vaults from a backup; without them and without a recovery key nothing opens the data")
}

fn planted(fingerprint: &str) -> Error {
    let message = format!("the root key does not vouch for the recovery key {fingerprint}");
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
        .hint("remove the recovery key or set it anew, and find out who wrote to the store")
}

fn wrong_key(wanted: &str) -> Error {
    let message = "the private key is not that of the recovery key";
    Error::invalid("WrongRecoveryKey", message).hint(format!(
        "bring the one whose public part has the SHA-256 {wanted}"
    ))
}

#[cfg(test)]
mod tests;
