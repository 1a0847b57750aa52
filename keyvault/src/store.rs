//! The vault store: many vaults, their keys, the directory and the audit log in one sealed tree.
//!
//! Every operation goes through `change`, `read` or `attempt`: check the token, then in one transaction check
//! the rights again, change the records and append the audit line; then destroy what must go, move the epoch
//! and call the watchers. A refusal is written in a commit of its own. No lock of the vault is held while
//! watchers run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_engine::anchor::{AnchoredHead, Anchoring};
use strongroom_engine::engine::Engine;
use strongroom_engine::keys::{Purpose, PurposeKey, RootKey, ScopeId};
use strongroom_engine::tree::{LastCommit, Tree, TreeSettings, TreeStore, TreeStoreParts, Txn};
use strongroom_engine::{Clock, Entropy, Timestamp, entropy};
use zeroize::Zeroizing;

use crate::access::{Access, AccessToken, Principal};
use crate::audit::{self, AuditOperation, AuditRecord, AuditResult};
use crate::epoch::EpochCell;
use crate::error::VaultError;
use crate::ids::{ObjectId, TenantId, VaultName};
use crate::provider::{KeyProvider, KeySize, KeyType, NewKey, PrivateMaterial, Providers};
use crate::records::{FileId, IdentityKind, IdentityRecord, InstallationRecord, TenantRecord, VersionRecord};
use crate::refusals::Refusals;
use crate::rooms::{AUDIT_HEADS, IDENTITIES, INSTALLATION, TENANTS, VERSIONS};
use crate::side_files::SideFiles;
use crate::token::TokenSigner;

/// What a vault store is made of.
pub struct VaultStoreParts {
    /// Where the sealed tree goes.
    pub engine: Box<dyn Engine>,
    /// Where the side files of private keys go, in a folder `keys` that is made if missing.
    pub dir: PathBuf,
    /// Where the last commit is noted; `None` notes none.
    pub last_commit: Option<PathBuf>,
    /// The vault root key.
    pub root: RootKey,
    /// What time it is: expiry, retention, tokens.
    pub clock: Arc<dyn Clock>,
    /// Keys, salts and ids.
    pub entropy: Arc<dyn Entropy>,
    /// Who does the arithmetic.
    pub providers: Providers,
}

/// An opened vault store.
pub struct VaultStore {
    pub(crate) tree: Tree,
    pub(crate) trees: Arc<TreeStore>,
    pub(crate) files: SideFiles,
    pub(crate) backups: PurposeKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) providers: Providers,
    pub(crate) epoch: EpochCell,
    pub(crate) access: Arc<Access>,
    refusals: Refusals,
    tenant: TenantId,
}

/// What an operation is: enough for its line in the log.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) operation: AuditOperation,
    pub(crate) vault: VaultName,
    pub(crate) target: String,
}

/// An operation in progress.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) event: Event,
    /// `None` when time does it.
    pub(crate) principal: Option<Principal>,
    pub(crate) now: Timestamp,
    pub(crate) correlation_id: [u8; 16],
}

/// What a change leads to.
pub(crate) struct Changed<T> {
    pub(crate) value: T,
    /// Side files to destroy once the change is durable.
    pub(crate) doomed: Vec<FileId>,
}

impl<T> Changed<T> {
    pub(crate) fn to(value: T) -> Self {
        Self {
            value,
            doomed: Vec::new(),
        }
    }
}

impl VaultStore {
    /// Opens the store, or makes it when `engine` is empty, and finishes what a crash or the passing of time
    /// left to do.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: damaged records, a wrong root key, a disk that fails.
    pub fn open(parts: VaultStoreParts) -> Result<Arc<Self>, VaultError> {
        Self::open_with(parts, None)
    }

    /// The same for a store whose head may be kept elsewhere too. A rollback that is accepted is a line in
    /// the audit log of every vault before anything else happens.
    ///
    /// # Errors
    /// As [`open`](Self::open); the anchor's refusal is the cause then, and nothing was changed.
    pub fn open_anchored(parts: VaultStoreParts, anchoring: Anchoring) -> Result<Arc<Self>, VaultError> {
        Self::open_with(parts, Some(anchoring))
    }

    fn open_with(parts: VaultStoreParts, anchoring: Option<Anchoring>) -> Result<Arc<Self>, VaultError> {
        let key = |id| parts.root.purpose(Purpose::Tree, id);
        let last_commit = parts.last_commit.as_deref();
        let made_of = TreeStoreParts {
            engine: parts.engine,
            chunks: None,
            last_commit: last_commit
                .map(|path| LastCommit::open(path, None, key))
                .transpose()?,
            entropy: parts.entropy.clone(),
            clock: parts.clock.clone(),
        };
        let trees = match anchoring {
            None => TreeStore::open(made_of, TreeSettings::default())?,
            Some(anchoring) => TreeStore::open_anchored(made_of, TreeSettings::default(), anchoring)?,
        };
        refuse_lost_records(&trees, &parts.dir)?;
        let tree = open_tree(&trees, &parts.root, parts.entropy.as_ref())?;
        let purpose = |purpose| parts.root.purpose(purpose, tree.id());
        let now = parts.clock.now();
        let installation = installation(&tree, now, parts.entropy.as_ref(), &parts.providers)?;
        let signer = token_signer(&installation, &parts.providers)?;
        let store = Arc::new(Self {
            files: SideFiles::open(&parts.dir, purpose(Purpose::Wrap))?,
            backups: purpose(Purpose::Wrap),
            epoch: EpochCell::new(entropy::random(parts.entropy.as_ref())?),
            access: Arc::new(Access::new(signer, installation.owner)),
            refusals: Refusals::default(),
            tenant: installation.tenant,
            clock: parts.clock,
            entropy: parts.entropy,
            providers: parts.providers,
            trees,
            tree,
        });
        store.record_rollback()?;
        store.carry_out_due()?;
        store.destroy_leftovers()?;
        Ok(store)
    }

    /// Where the store stands, if it is anchored.
    #[must_use]
    pub fn head(&self) -> Option<AnchoredHead> {
        self.trees.anchored_head()
    }

    /// The tenant that the owner belongs to, and the default of everything that has one.
    #[must_use]
    pub fn default_tenant(&self) -> TenantId {
        self.tenant
    }

    /// The owner of the installation: manages vaults and policies, in every tenant.
    #[must_use]
    pub fn owner(&self) -> ObjectId {
        self.access.owner()
    }

    /// Writes what is still counted, syncs and closes. Later calls fail.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn close(&self) -> Result<(), VaultError> {
        self.flush_refusals(true)?;
        Ok(self.trees.close()?)
    }

    /// Runs one change of a caller: rights, records and audit line in one commit, then epoch and watchers.
    pub(crate) fn change<T, F>(&self, token: &AccessToken, event: Event, body: F) -> Result<T, VaultError>
    where
        F: FnMut(&mut Txn<'_>, &Call, &Principal) -> Result<Changed<T>, VaultError> + Send + 'static,
        T: Send + 'static,
    {
        self.carry_out_due()?;
        self.attempt(token, event, |store, call, principal| {
            store.commit(call, principal, body)
        })
    }

    /// Runs one reading operation of a caller: the same, but nothing moves.
    pub(crate) fn read<T, F>(&self, token: &AccessToken, event: Event, mut body: F) -> Result<T, VaultError>
    where
        F: FnMut(&mut Txn<'_>, &Call, &Principal) -> Result<T, VaultError> + Send + 'static,
        T: Send + 'static,
    {
        self.attempt(token, event, |store, call, principal| {
            store.tree.transact(move |txn| {
                let value = body(txn, &call, &principal)?;
                audit::append(
                    txn,
                    &call.event.vault,
                    call.record(AuditResult::Success, call.now),
                )?;
                Ok(value)
            })
        })
    }

    /// Runs `body` for an authenticated caller and writes down a refusal.
    pub(crate) fn attempt<T>(
        &self,
        token: &AccessToken,
        event: Event,
        body: impl FnOnce(&Self, Call, Principal) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let mut call = self.call(event)?;
        let outcome = self.access.authenticate(token, call.now).and_then(|principal| {
            call.principal = Some(principal);
            body(self, call.clone(), principal)
        });
        if let Err(error) = &outcome {
            self.record_refusal(&call, error)?;
        }
        outcome
    }

    pub(crate) fn commit<T, F>(&self, call: Call, principal: Principal, mut body: F) -> Result<T, VaultError>
    where
        F: FnMut(&mut Txn<'_>, &Call, &Principal) -> Result<Changed<T>, VaultError> + Send + 'static,
        T: Send + 'static,
    {
        self.apply(move |txn| {
            let changed = body(txn, &call, &principal)?;
            audit::append(
                txn,
                &call.event.vault,
                call.record(AuditResult::Success, call.now),
            )?;
            Ok(changed)
        })
    }

    /// Commits a change; once it is durable, destroys what it doomed, moves the epoch and calls the watchers.
    pub(crate) fn apply<T, F>(&self, body: F) -> Result<T, VaultError>
    where
        F: FnMut(&mut Txn<'_>) -> Result<Changed<T>, VaultError> + Send + 'static,
        T: Send + 'static,
    {
        match self.tree.transact(body) {
            Ok(changed) => {
                // Access ends before anything that may fail.
                self.epoch.advance();
                self.files.destroy(&changed.doomed)?;
                Ok(changed.value)
            }
            Err(error) => {
                // A failed commit may have happened after all: whoever kept a key must ask again.
                if matches!(error, VaultError::Storage(_)) {
                    self.epoch.advance();
                }
                Err(error)
            }
        }
    }

    pub(crate) fn call(&self, event: Event) -> Result<Call, VaultError> {
        Ok(Call {
            event,
            principal: None,
            now: self.clock.now(),
            correlation_id: entropy::random(self.entropy.as_ref())?,
        })
    }

    /// Refusals are written too, repeated ones once for each epoch and caller with their number.
    fn record_refusal(&self, call: &Call, error: &VaultError) -> Result<(), VaultError> {
        // Names that never were a vault get no chain: otherwise guessing names would fill the disk.
        let known = AUDIT_HEADS.get(&self.tree, &call.event.vault)?.is_some();
        if !known || matches!(error, VaultError::Storage(_)) {
            return Ok(());
        }
        self.flush_refusals(false)?;
        let result = AuditResult::Failed {
            status: error.status(),
            code: error.inner_code().unwrap_or(error.code()).to_owned(),
            description: error.to_string(),
        };
        let record = call.record(result, self.clock.now());
        if self
            .refusals
            .is_repeat(self.epoch.now(), &call.event.vault, &record)
        {
            return Ok(());
        }
        self.append(call.event.vault.clone(), record)
    }

    /// Writes the numbers of repeated refusals of epochs that are over, or of all.
    pub(crate) fn flush_refusals(&self, all: bool) -> Result<(), VaultError> {
        for (vault, record) in self.refusals.take(self.epoch.now(), all) {
            self.append(vault, record)?;
        }
        Ok(())
    }

    fn append(&self, vault: VaultName, record: AuditRecord) -> Result<(), VaultError> {
        self.tree
            .transact(move |txn| audit::append(txn, &vault, record.clone()))
    }

    fn destroy_leftovers(&self) -> Result<(), VaultError> {
        let versions: Vec<VersionRecord> = VERSIONS.all(&self.tree, &())?;
        let mut wanted: Vec<FileId> = versions.iter().map(|version| version.file).collect();
        wanted.sort_unstable();
        let destroyed = self
            .files
            .destroy_leftovers(|file| wanted.binary_search(&file).is_ok())?;
        if destroyed > 0 {
            tracing::info!(
                destroyed,
                "destroyed side files of keys that are purged or were never finished"
            );
        }
        Ok(())
    }
}

impl Call {
    pub(crate) fn record(&self, result: AuditResult, ended: Timestamp) -> AuditRecord {
        AuditRecord {
            time: self.now,
            resource_id: self.event.vault.uri().to_string(),
            operation: self.event.operation,
            result,
            duration_ms: u64::try_from(ended.since(self.now).as_millis()).unwrap_or(u64::MAX),
            correlation_id: self.correlation_id,
            object_id: self.principal.as_ref().map(|principal| principal.object_id),
            app_id: self.principal.as_ref().map(|principal| principal.app_id),
            target: self.event.target.clone(),
            repeats: 0,
        }
    }
}

/// An empty engine beside private keys is one that was lost, not one that is new: in its place nothing is
/// made, and no file is taken for a leftover.
fn refuse_lost_records(trees: &TreeStore, directory: &Path) -> Result<(), VaultError> {
    if trees.tree_ids()?.is_empty() && SideFiles::any_in(directory)? {
        return Err(VaultError::storage(
            "the records of the vaults are gone but their private keys are there; restore the engine from a backup, \
             nothing was changed",
        ));
    }
    Ok(())
}

fn open_tree(trees: &Arc<TreeStore>, root: &RootKey, entropy: &dyn Entropy) -> Result<Tree, VaultError> {
    let (id, new) = match trees.tree_ids()?.first() {
        Some(id) => (*id, false),
        None => (ScopeId(entropy::random(entropy)?), true),
    };
    let key = root.purpose(Purpose::Tree, id);
    Ok(if new {
        trees.create_tree(id, key)?
    } else {
        trees.open_tree(id, key)?
    })
}

/// The installation's record, made at the first opening together with the owner.
fn installation(
    tree: &Tree,
    created: Timestamp,
    entropy: &dyn Entropy,
    providers: &Providers,
) -> Result<InstallationRecord, VaultError> {
    if let Some(installation) = INSTALLATION.get(tree, &())? {
        return Ok(installation);
    }
    let key = software(providers)?.generate(KeySize::Rsa2048)?;
    let fresh = InstallationRecord {
        id: entropy::random(entropy)?,
        tenant: TenantId::from_random(entropy::random(entropy)?),
        owner: ObjectId::from_random(entropy::random(entropy)?),
        token_key: key.private.as_bytes().to_vec(),
    };
    let owner = IdentityRecord {
        object_id: fresh.owner,
        tenant: fresh.tenant,
        client_id: ObjectId::from_random(entropy::random(entropy)?).0,
        kind: IdentityKind::Owner,
        created,
    };
    tree.transact(move |txn| {
        let id = fresh.tenant;
        INSTALLATION.put(txn, &(), &fresh)?;
        TENANTS.put(txn, &id, &TenantRecord { id, created })?;
        IDENTITIES.put(txn, &fresh.owner, &owner)
    })?;
    INSTALLATION.get(tree, &())?.ok_or_else(|| {
        VaultError::storage("the record of the installation is gone right after it was written")
    })
}

fn token_signer(installation: &InstallationRecord, providers: &Providers) -> Result<TokenSigner, VaultError> {
    let provider = software(providers)?;
    let private = PrivateMaterial::from_bytes(Zeroizing::new(installation.token_key.clone()));
    let public = provider.public_key(&private)?;
    Ok(TokenSigner::new(provider.clone(), NewKey { private, public }))
}

fn software(providers: &Providers) -> Result<&Arc<dyn KeyProvider>, VaultError> {
    providers
        .get(KeyType::Rsa)
        .ok_or_else(|| VaultError::storage("there is no provider of software keys"))
}
