//! Custody: how the root key of an account, or of an encryption scope, is got at, now, from what is
//! committed.
//!
//! Reads the account record and the envelope afresh each time, so it is right after any change of either. A
//! root key that does not match its holder's commitment, or an envelope that the root key does not vouch
//! for, never leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use parking_lot::Mutex;
use strongroom_engine::Timestamp;
use strongroom_engine::keys::{Purpose, PurposeKey, RootKey, ScopeId};
use strongroom_engine::tree::Gate;
use strongroom_keyvault::{
    AccessToken, Directory, Identity as DirectoryIdentity, KeyService, ObjectId, VaultError,
};

use super::envelope::{CustomerWrap, Envelope, KeyIdentity, Source, Tracking, unwrap_under};
use super::envelope_tree::EnvelopeTree;
use super::refusal::{Obstacle, Refusal};
use crate::account::{AccountName, AccountRecord, not_found};
use crate::error::Result;
use crate::store::StoreShared;

/// A token is renewed when it is this old; it is good for an hour.
const TOKEN_AGE_MAX: Duration = Duration::from_secs(50 * 60);

/// The vault and the directory as accounts see them.
#[derive(Clone)]
pub(crate) struct KeyServices {
    pub(crate) service: Arc<dyn KeyService>,
    pub(crate) directory: Arc<dyn Directory>,
}

/// Whose root key it is: an account's, or that of an encryption scope in one.
#[derive(Clone, Copy)]
pub(crate) struct Holder {
    /// The account's id, or the scope's.
    pub(crate) id: ScopeId,
    /// Fixed at creation: no other root key is ever used for this holder.
    pub(crate) commitment: [u8; 32],
    /// Whether everything is sealed a second time, under a key of the platform.
    pub(crate) infrastructure: bool,
}

/// Where one root key is kept, and what is needed to ask for it.
pub(crate) struct Custody {
    pub(crate) store: Arc<StoreShared>,
    holder: Holder,
    /// The account that the holder is, or belongs to.
    pub(crate) account: ScopeId,
    pub(crate) name: AccountName,
    pub(crate) envelope_tree: EnvelopeTree,
    /// The key of the second layer.
    outer: Option<Arc<PurposeKey>>,
    /// False while an encryption scope is disabled, as committed.
    enabled: AtomicBool,
    token: Mutex<Option<CachedToken>>,
    /// One change of identity or encryption settings at a time.
    pub(crate) control: Mutex<()>,
    /// When the latest key version was last looked for.
    pub(crate) last_check: Mutex<Option<Timestamp>>,
}

struct CachedToken {
    principal: ObjectId,
    issued: Timestamp,
    token: AccessToken,
}

impl Custody {
    pub(crate) fn new(
        store: &Arc<StoreShared>,
        holder: Holder,
        envelope_tree: EnvelopeTree,
        (account, name): (ScopeId, &AccountName),
    ) -> Result<Self> {
        let outer = |root: &RootKey| Arc::new(root.purpose(Purpose::Infrastructure, holder.id));
        Ok(Self {
            outer: holder
                .infrastructure
                .then(|| store.with_root(outer))
                .transpose()?,
            store: Arc::clone(store),
            holder,
            account,
            name: name.clone(),
            envelope_tree,
            enabled: AtomicBool::new(true),
            token: Mutex::new(None),
            control: Mutex::new(()),
            last_check: Mutex::new(None),
        })
    }

    /// The holder's id.
    pub(crate) fn id(&self) -> ScopeId {
        self.holder.id
    }

    /// True if this is the holder's root key.
    pub(crate) fn is_root(&self, root: &RootKey) -> bool {
        root.matches(self.holder.id, &self.holder.commitment)
    }

    /// The key for one purpose, with the second layer where the holder has one.
    pub(crate) fn data_key(&self, root: &RootKey, purpose: Purpose) -> PurposeKey {
        let key = root.purpose(purpose, self.holder.id);
        match &self.outer {
            Some(outer) => key.within(Arc::clone(outer)),
            None => key,
        }
    }

    /// False while the holder is an encryption scope that is disabled.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.load(SeqCst)
    }

    /// What has been committed as the state of an encryption scope.
    pub(crate) fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, SeqCst);
    }

    /// The account record as committed. A later account of the same name is another one.
    pub(crate) fn record(&self) -> Result<AccountRecord> {
        let record = match self.store.tree.get(&AccountRecord::key(&self.name))? {
            Some(bytes) => AccountRecord::decode(&bytes)?,
            None => return Err(not_found(self.name.as_str())),
        };
        if record.id == self.account {
            Ok(record)
        } else {
            Err(not_found(self.name.as_str()))
        }
    }

    /// The envelope as committed.
    pub(crate) fn envelope(&self) -> Result<Envelope> {
        self.envelope_tree.read()
    }

    /// Commits an envelope in place of the one of the generation before: one transaction, one record. False,
    /// and nothing has happened, if the gate is closed.
    pub(crate) fn commit(&self, envelope: &Envelope, gate: Arc<dyn Gate>) -> Result<bool> {
        self.envelope_tree.replace(envelope, gate)
    }

    /// The root key, opened through whoever holds it now.
    pub(crate) fn unwrap(&self, envelope: &Envelope) -> Result<RootKey, Obstacle> {
        let root = match &envelope.source {
            Source::Platform { file, wrapped } => {
                let one_time = self
                    .store
                    .side_files
                    .read_one_time(&self.store, self.id(), *file)?;
                unwrap_under(&one_time, self.id(), wrapped)
            }
            Source::Customer(wrap) => self.ask_vault(&self.record()?, wrap)?,
        };
        let root = root
            .filter(|root| self.is_root(root))
            .ok_or_else(super::damaged)?;
        if envelope.is_authentic(self.id(), &root)? {
            Ok(root)
        } else {
            Err(super::damaged().into())
        }
    }

    fn ask_vault(&self, record: &AccountRecord, wrap: &CustomerWrap) -> Result<Option<RootKey>, Obstacle> {
        let Some(keys) = &self.store.keys else {
            return Err(Refusal::VaultNotFound.into());
        };
        let identity = self.identity(record, wrap.identity)?.ok_or(Refusal::NoToken)?;
        let key = wrap.key()?;
        let bytes = self.with_token(&identity, |token| {
            keys.service
                .get_key(token, &key.vault, &key.name, Some(key.version))?;
            keys.service.unwrap(token, &key, wrap.algorithm(), &wrap.wrapped)
        })?;
        Ok(RootKey::from_bytes(bytes))
    }

    /// The identity as the directory has it; `None` if it is not set, gone, or of another tenant than the
    /// account.
    pub(crate) fn identity(
        &self,
        record: &AccountRecord,
        wanted: KeyIdentity,
    ) -> Result<Option<DirectoryIdentity>, Obstacle> {
        let (Some(keys), Some(principal)) = (&self.store.keys, record.principal(wanted)) else {
            return Ok(None);
        };
        let identity = keys.directory.identity(principal)?;
        Ok(identity.filter(|identity| identity.tenant_id == record.tenant))
    }

    /// Runs `call` with a token that is not about to expire; once more with a fresh one if the vault does not
    /// take it.
    pub(crate) fn with_token<T>(
        &self,
        identity: &DirectoryIdentity,
        call: impl Fn(&AccessToken) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let (token, cached) = self.token(identity)?;
        match call(&token) {
            Err(VaultError::Unauthorized { .. }) if cached => {
                self.token.lock().take();
                call(&self.token(identity)?.0)
            }
            done => done,
        }
    }

    /// A token, and whether it was at hand already.
    fn token(&self, identity: &DirectoryIdentity) -> Result<(AccessToken, bool), VaultError> {
        let now = self.store.clock.now();
        let fresh = |cached: &&CachedToken| {
            cached.principal == identity.principal_id
                && now >= cached.issued
                && now.since(cached.issued) < TOKEN_AGE_MAX
        };
        if let Some(cached) = self.token.lock().as_ref().filter(fresh) {
            return Ok((cached.token.clone(), true));
        }
        let Some(keys) = &self.store.keys else {
            return Err(VaultError::IdentityNotFound {
                object_id: identity.principal_id.to_string(),
            });
        };
        // Not under the lock: the directory may call back.
        let token = keys.service.token_for(identity)?;
        *self.token.lock() = Some(CachedToken {
            principal: identity.principal_id,
            issued: now,
            token: token.clone(),
        });
        Ok((token, false))
    }
}

/// How often the latest key version is looked for.
const DAY: Duration = Duration::from_secs(86_400);

impl Custody {
    /// True when the holder follows the latest version and was not looked at for a day, or not since it was
    /// opened.
    pub(crate) fn is_check_due(&self) -> Result<bool> {
        let follows = match &self.envelope()?.source {
            Source::Platform { .. } => false,
            Source::Customer(wrap) => wrap.tracking == Tracking::Latest,
        };
        let now = self.store.clock.now();
        let due = |last: Timestamp| now < last || now.since(last) >= DAY;
        Ok(follows && self.last_check.lock().is_none_or(due))
    }
}
