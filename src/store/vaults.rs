//! The key vaults of an installation: a directory of their own, opened by a key of their own.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use strongroom_engine::anchor::{AnchorMode, AnchoredHead, HeadAnchor};
use strongroom_engine::engine::Engine;
use strongroom_engine::engine::EngineKind;
use strongroom_engine::entropy::random;
use strongroom_engine::keys::{Purpose, PurposeKey, RootKey, ScopeId};
use strongroom_engine::tree::TreeError;
use strongroom_engine::{Clock, Entropy, SystemClock, SystemEntropy};
use strongroom_keyvault::{Providers, SoftwareProvider, VaultError, VaultStore, VaultStoreParts};

use super::anchor::{self, AnchorOptions};
use super::directory::{ENGINE, LAST_COMMIT, Tree, directory_engine, finish, prepare};
use super::header::{Header, NewHeader, Role};
use super::lock::DirectoryLock;
use super::open::Placement;
use super::platform_key::PlatformKey;
use crate::error::{Error, ErrorKind, Result, is_newer};

/// Memory of the default engine's cache, in bytes: vaults are small.
pub(super) const CACHE_BYTES: u64 = 8 << 20;

/// Open vaults. Cheap to share: clones are handles to the same vaults.
///
/// Everything that vaults, keys, policies, identities and the audit log can do is on [`Vaults::store`].
#[derive(Clone)]
pub struct Vaults {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) directory: PathBuf,
    pub(super) header: Mutex<Header>,
    pub(super) store: Arc<VaultStore>,
    entropy: Arc<dyn Entropy>,
    /// Vouches for backups.
    pub(super) backups: PurposeKey,
    lock: Mutex<Option<DirectoryLock>>,
    /// Headers of the open stores that use these vaults.
    hosts: Mutex<Vec<Weak<Mutex<Header>>>>,
}

impl Vaults {
    /// Options for the vaults in `directory`, opened by `vault_key`, which must not be the host key.
    pub fn builder(directory: impl Into<PathBuf>, vault_key: impl PlatformKey + 'static) -> VaultOptions {
        VaultOptions {
            directory: directory.into(),
            vault_key: Box::new(vault_key),
            engine: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            providers: Providers::software(Arc::new(SoftwareProvider)),
            anchor: AnchorOptions::default(),
        }
    }

    /// The vaults themselves.
    #[must_use]
    pub fn store(&self) -> &Arc<VaultStore> {
        &self.inner.store
    }

    /// Where the vaults stand, if they are anchored: a line to keep elsewhere, and to give to
    /// [`expect_head`](VaultOptions::expect_head) one day.
    #[must_use]
    pub fn head(&self) -> Option<AnchoredHead> {
        self.inner.store.head()
    }

    /// Makes `new` the key of the vaults. Rewrites the header file and nothing else.
    ///
    /// # Errors
    /// `WrongPlatformKey` when `old` is not the present one, `SamePlatformKey` when `new` is the host key of
    /// an open store that uses these vaults; then nothing has changed.
    pub fn change_platform_key(&self, old: &dyn PlatformKey, new: &dyn PlatformKey) -> Result<()> {
        self.refuse_host_keys(new)?;
        let mut header = self.inner.header.lock();
        let root = header.unlock(old)?;
        let changed = NewHeader {
            role: Role::Vaults,
            id: header.id(),
            root: &root,
            placement: header.placement(),
        };
        let changed = Header::wrap(&changed, new, self.inner.entropy.as_ref())?;
        changed.write(&self.inner.directory)?;
        *header = changed;
        Ok(())
    }

    /// Syncs and releases the lock. Every later call fails, and accounts whose keys are here find them out of
    /// reach.
    ///
    /// # Errors
    /// When the last sync fails; the lock is released all the same.
    pub fn close(&self) -> Result<()> {
        self.inner.close()
    }

    /// Remembers the header of a store that uses these vaults, for as long as the store is open.
    pub(super) fn know_host(&self, header: &Arc<Mutex<Header>>) {
        let mut hosts = self.inner.hosts.lock();
        hosts.retain(|host| host.strong_count() > 0);
        hosts.push(Arc::downgrade(header));
    }

    /// Before any lock of the vaults: a store that changes its own key holds its header and then asks for
    /// ours.
    fn refuse_host_keys(&self, new: &dyn PlatformKey) -> Result<()> {
        let hosts: Vec<_> = self.inner.hosts.lock().iter().filter_map(Weak::upgrade).collect();
        for host in hosts {
            if host.lock().opens_with(new)? {
                return Err(same_key());
            }
        }
        Ok(())
    }

    /// A host that could open the vaults could undo a revocation.
    pub(super) fn refuse_same_key(&self, host_key: &dyn PlatformKey) -> Result<()> {
        if !self.inner.header.lock().opens_with(host_key)? {
            return Ok(());
        }
        Err(same_key())
    }
}

impl Inner {
    fn close(&self) -> Result<()> {
        let Some(lock) = self.lock.lock().take() else {
            return Ok(());
        };
        let closed = self.store.close().map_err(|error| vaults_failed(error, "close"));
        drop(lock);
        closed
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the vaults could not be closed cleanly");
        }
    }
}

/// What vaults are made of. The engine, clock, randomness and key providers have defaults.
pub struct VaultOptions {
    pub(super) directory: PathBuf,
    pub(super) vault_key: Box<dyn PlatformKey>,
    pub(super) engine: Option<Box<dyn Engine>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) providers: Providers,
    pub(super) anchor: AnchorOptions,
}

impl VaultOptions {
    /// Uses another engine than sled in the vaults' directory.
    #[must_use]
    pub fn engine(mut self, engine: Box<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Tells the time by another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes randomness from elsewhere than the system.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Other makers and users of private keys, for example a security module.
    #[must_use]
    pub fn providers(mut self, providers: Providers) -> Self {
        self.providers = providers;
        self
    }

    /// Keeps the head of the vaults in this anchor too, so that an older copy of them, which would undo a
    /// revocation, is found out. From then on they are opened with their anchor only. Default: none.
    #[must_use]
    pub fn anchor(mut self, anchor: impl HeadAnchor + 'static) -> Self {
        self.anchor.anchor = Some(Arc::new(anchor));
        self
    }

    /// What to do when vaults and anchor differ, or one is missing. An accepted rollback is a line in the
    /// audit log of every vault. Default: refuse.
    #[must_use]
    pub fn anchor_mode(mut self, mode: AnchorMode) -> Self {
        self.anchor.mode = mode;
        self
    }

    /// Refuses the vaults unless they have come as far as this head of them, which [`Vaults::head`] gave
    /// once.
    #[must_use]
    pub fn expect_head(mut self, head: AnchoredHead) -> Self {
        self.anchor.expected = Some(head);
        self
    }

    /// Makes a new directory of vaults. A failed attempt can be repeated.
    ///
    /// # Errors
    /// `AlreadyInitialised` when the directory holds vaults, `DirectoryNotEmpty` when it holds something
    /// else, `NotADirectory` when it is a file.
    pub fn init(mut self) -> Result<Vaults> {
        let lock = prepare(&self.directory, Role::Vaults)?;
        let root = RootKey::generate(self.entropy.as_ref())?;
        let new = NewHeader {
            role: Role::Vaults,
            id: ScopeId(random(self.entropy.as_ref())?),
            root: &root,
            placement: Placement::Engine,
        };
        let header = Header::wrap(&new, self.vault_key.as_ref(), self.entropy.as_ref())?;
        self.anchor = self.anchor.begun();
        let vaults = self.assemble(root, (header, lock), Tree::Create)?;
        vaults.inner.header.lock().write(&vaults.inner.directory)?;
        finish(&vaults.inner.directory)?;
        Ok(vaults)
    }

    /// Opens existing vaults, and finishes what a crash or the passing of time left to do.
    ///
    /// # Errors
    /// `NotInitialised`, `NotADirectory`, `StoreInUse`, `NewerFormat`, `HeaderDamaged`, `EngineDamaged`,
    /// `WrongPlatformKey`, and those of an anchor as of [`StoreOptions::open`](super::StoreOptions::open):
    /// nothing was written then.
    pub fn open(self) -> Result<Vaults> {
        Header::read(&self.directory, Role::Vaults)?;
        let lock = DirectoryLock::acquire(&self.directory)?;
        let header = Header::read(&self.directory, Role::Vaults)?;
        let root = header.unlock(self.vault_key.as_ref())?;
        finish(&self.directory)?;
        self.assemble(root, (header, lock), Tree::Open)
    }

    fn assemble(self, root: RootKey, (header, lock): (Header, DirectoryLock), tree: Tree) -> Result<Vaults> {
        let (engine, last_commit) = match self.engine {
            Some(engine) => (engine, None),
            None => {
                let made_of = (tree, EngineKind::default());
                let engine = directory_engine(&self.directory.join(ENGINE), CACHE_BYTES, made_of)?;
                (engine, Some(self.directory.join(LAST_COMMIT)))
            }
        };
        let backups = root.purpose(Purpose::BackupMac, header.id());
        let anchoring = self.anchor.anchoring(&root, header.id());
        let parts = VaultStoreParts {
            engine,
            dir: self.directory.clone(),
            last_commit,
            root,
            clock: self.clock,
            entropy: self.entropy.clone(),
            providers: self.providers,
        };
        let store =
            VaultStore::open_anchored(parts, anchoring).map_err(|error| vaults_failed(error, "open"))?;
        Ok(Vaults {
            inner: Arc::new(Inner {
                directory: self.directory,
                header: Mutex::new(header),
                store,
                entropy: self.entropy,
                backups,
                lock: Mutex::new(Some(lock)),
                hosts: Mutex::default(),
            }),
        })
    }
}

fn same_key() -> Error {
    Error::new(
        ErrorKind::Store,
        "SamePlatformKey",
        409,
        "the host key also opens the key vaults",
    )
    .hint("use two different keys: with one key the host alone could undo every revocation")
}

pub(super) fn vaults_failed(error: VaultError, doing: &str) -> Error {
    if let Some(refusal) = anchor::cause(&error) {
        return anchor::refused("the anchor of the key vaults", refusal).caused_by(error);
    }
    if is_newer(&error) {
        return Error::newer(format!("the key vaults cannot {doing}: {error}")).caused_by(error);
    }
    let message = format!("the key vaults cannot {doing}: {error}");
    let VaultError::Storage(source) = &error else {
        return Error::unavailable(message, error);
    };
    match source.downcast_ref() {
        Some(TreeError::LostCommits { path, .. }) => Error::commits_lost(message, path).caused_by(error),
        _ => Error::unavailable(message, error),
    }
}
