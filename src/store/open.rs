//! Making and opening stores: checks first, one step that makes it real, and nothing written when it is
//! refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use strongroom_engine::anchor::{AnchorMode, AnchoredHead, HeadAnchor};
use strongroom_engine::engine::{Engine, EngineKind};
use strongroom_engine::entropy::random;
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::tree::{LastCommit, TreeSettings, TreeStore, TreeStoreParts};
use strongroom_engine::{Clock, Entropy, SystemClock, SystemEntropy};
use strongroom_keyvault::{Directory, KeyService};

use super::anchor::{AnchorOptions, record_accepted};
use super::directory::{
    ENGINE, LAST_COMMIT, SIDE_FILES, Tree, create_directory, directory_engine, file_chunks, finish, prepare,
    refuse_foreign_engine, refuse_missing_bodies,
};
use super::header::{Header, NewHeader, Role};
use super::lock::DirectoryLock;
use super::platform_key::PlatformKey;
use super::vaults::Vaults;
use super::{Inner, Store, StoreShared};
use crate::account::{Accounts, remove_orphans};
use crate::encryption::{FileSystem, KeyServices, KeySizes, RealFiles, SideFiles, recover};
use crate::error::{Error, Result};

/// Sizes and limits of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Plaintext bytes of a chunk of new blobs. Default 64 KiB.
    pub chunk_bytes: u32,
    /// Which engine keeps the records of a new store; a store that is there keeps to its own. Default: sled.
    pub engine: EngineKind,
    /// Memory of the engine's cache, in bytes. Default 32 MiB.
    pub engine_cache_bytes: u64,
    /// Memory for decoded pages of trees and for small sealed bodies, in bytes. Default 32 MiB.
    pub page_cache_bytes: u64,
    /// A backup or scrub that has looked at one state of the store for longer than this fails, as the store
    /// keeps what was deleted since. Default 24 hours.
    pub view_age_max: Duration,
    /// Which customer keys are accepted. Default: RSA of 2048 bits only.
    pub key_sizes: KeySizes,
    /// Where a new store keeps large bodies; a store that is there keeps to its own. Default: in the engine.
    pub placement: Placement,
}

/// Where bodies of more than 64 KiB are. A number is on disk: never reuse one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Placement {
    /// Records of the engine: one directory of its files holds everything.
    #[default]
    Engine,
    /// One write-once file each, in the directory `bodies`. Their space comes back at once; many blobs are
    /// many files.
    Files,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chunk_bytes: 64 << 10,
            engine: EngineKind::default(),
            engine_cache_bytes: 32 << 20,
            page_cache_bytes: 32 << 20,
            view_age_max: Duration::from_secs(86_400),
            key_sizes: KeySizes::default(),
            placement: Placement::default(),
        }
    }
}

/// What a store is made of. The engine, clock, randomness and settings have defaults.
pub struct StoreOptions {
    pub(super) directory: PathBuf,
    pub(super) host_key: Box<dyn PlatformKey>,
    pub(super) engine: Option<Box<dyn Engine>>,
    keys: Option<KeyServices>,
    vaults: Option<Vaults>,
    files: Box<dyn FileSystem>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    pub(super) settings: Settings,
    anchor: AnchorOptions,
}

impl StoreOptions {
    pub(crate) fn new(directory: PathBuf, host_key: Box<dyn PlatformKey>) -> Self {
        Self {
            directory,
            host_key,
            engine: None,
            keys: None,
            vaults: None,
            files: Box::new(RealFiles),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            settings: Settings::default(),
            anchor: AnchorOptions::default(),
        }
    }

    /// Keeps the head of the store in this anchor too, so that an older copy of the store is found out. From
    /// then on the store is opened with its anchor only. Default: none.
    ///
    /// A store that is there begins with [`AnchorMode::Begin`].
    #[must_use]
    pub fn anchor(mut self, anchor: impl HeadAnchor + 'static) -> Self {
        self.anchor.anchor = Some(Arc::new(anchor));
        self
    }

    /// What to do when store and anchor differ, or one is missing. Default: refuse.
    #[must_use]
    pub fn anchor_mode(mut self, mode: AnchorMode) -> Self {
        self.anchor.mode = mode;
        self
    }

    /// Refuses the store unless it has come as far as this head of it, which [`Store::head`] gave once.
    #[must_use]
    pub fn expect_head(mut self, head: AnchoredHead) -> Self {
        self.anchor.expected = Some(head);
        self
    }

    /// Uses an engine of your own instead of one in the store's directory.
    #[must_use]
    pub fn engine(mut self, engine: Box<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Uses the vaults of this installation. They stay open for as long as the store is.
    #[must_use]
    pub fn vaults(mut self, vaults: &Vaults) -> Self {
        self.keys = Some(KeyServices {
            service: vaults.store().clone(),
            directory: vaults.store().clone(),
        });
        self.vaults = Some(vaults.clone());
        self
    }

    /// Uses vaults and a directory that are elsewhere. Whoever runs them keeps their key apart from the host
    /// key.
    #[must_use]
    pub fn key_service(mut self, service: Arc<dyn KeyService>, directory: Arc<dyn Directory>) -> Self {
        self.keys = Some(KeyServices { service, directory });
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

    /// Side files on another file system, for example one that fails.
    #[cfg(test)]
    pub(crate) fn files(mut self, files: Box<dyn FileSystem>) -> Self {
        self.files = files;
        self
    }

    /// Other sizes and limits.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Makes a new store: directories, engine, and the header with a new root key. A failed attempt can be
    /// repeated.
    ///
    /// # Errors
    /// `AlreadyInitialised` when the directory holds a store, `DirectoryNotEmpty` when it holds something
    /// else, `NotADirectory` when it is a file; `SamePlatformKey` when the host key is the vaults' key.
    pub fn init(self) -> Result<Store> {
        self.refuse_options()?;
        let lock = prepare(&self.directory, Role::Store)?;
        let root = RootKey::generate(self.entropy.as_ref())?;
        let id = ScopeId(random(self.entropy.as_ref())?);
        let new = NewHeader {
            role: Role::Store,
            id,
            root: &root,
            placement: self.settings.placement,
        };
        let header = Header::wrap(&new, self.host_key.as_ref(), self.entropy.as_ref())?;
        create_directory(&self.directory.join(SIDE_FILES))?;
        let vaults = self.vaults.clone();
        let placement = self.settings.placement;
        let (directory, shared) = self.assemble(root, id, (Tree::Create, placement))?;
        header.write(&directory)?;
        finish(&directory)?;
        Ok(store(directory, shared, (header, lock, vaults)))
    }

    /// Opens an existing store, and finishes what a crash interrupted.
    ///
    /// # Errors
    /// `NotInitialised`, `NotADirectory`, `StoreInUse`, `NewerFormat`, `HeaderDamaged`, `EngineDamaged`,
    /// `BodiesMissing`, `OlderFormat`, `WrongPlatformKey`, `SamePlatformKey`, `CommitsLost`, and those of an
    /// anchor
    /// (`StoreRolledBack`, `StoreDiverged`, `TreesRolledBack`, `AnchorMissing`, `AnchorNotGiven`,
    /// `AnchorForeign`, `AnchorDamaged`): nothing was written then.
    pub fn open(self) -> Result<Store> {
        self.refuse_options()?;
        Header::read(&self.directory, Role::Store)?;
        let lock = DirectoryLock::acquire(&self.directory)?;
        // Read again under the lock: whoever had it may have changed the platform key.
        let header = Header::read(&self.directory, Role::Store)?;
        let root = header.unlock(self.host_key.as_ref())?;
        let placement = header.placement();
        refuse_missing_bodies(&self.directory, placement)?;
        let vaults = self.vaults.clone();
        let (directory, shared) = self.assemble(root, header.id(), (Tree::Open, placement))?;
        record_accepted(&shared)?;
        finish(&directory)?;
        let holders = remove_orphans(&shared)?;
        recover(&shared, &holders)?;
        Ok(store(directory, shared, (header, lock, vaults)))
    }

    pub(super) fn refuse_options(&self) -> Result<()> {
        refuse_settings(&self.settings)?;
        match &self.vaults {
            Some(vaults) => vaults.refuse_same_key(self.host_key.as_ref()),
            None => Ok(()),
        }
    }

    fn assemble(
        self,
        root: RootKey,
        id: ScopeId,
        (tree, placement): (Tree, Placement),
    ) -> Result<(PathBuf, Arc<StoreShared>)> {
        let made_of = (tree, self.settings.engine);
        // Where an engine of the application's own is, and what it keeps, is its business.
        let (engine, last_commit) = match self.engine {
            Some(engine) => (engine, None),
            None => own_engine(&self.directory, &self.settings, made_of, (&root, id))?,
        };
        if matches!(tree, Tree::Open) {
            refuse_foreign_engine(&self.directory.join(ENGINE), engine.as_ref(), id)?;
        }
        let parts = TreeStoreParts {
            engine,
            chunks: file_chunks(&self.directory, placement)?,
            last_commit,
            entropy: self.entropy.clone(),
            clock: self.clock.clone(),
        };
        let settings = TreeSettings {
            page_cache_bytes: self.settings.page_cache_bytes,
            snapshot_age_max: self.settings.view_age_max,
            ..TreeSettings::default()
        };
        let anchor = match tree {
            Tree::Create => self.anchor.begun(),
            Tree::Open => self.anchor,
        };
        let trees = TreeStore::open_anchored(parts, settings, anchor.anchoring(&root, id))?;
        let key = root.purpose(Purpose::Tree, id);
        let tree = match tree {
            Tree::Create => trees.create_tree(id, key)?,
            Tree::Open => trees.open_tree(id, key)?,
        };
        let shared = StoreShared {
            trees,
            tree,
            side_files: SideFiles::new(self.directory.join(SIDE_FILES), self.files),
            clock: self.clock,
            entropy: self.entropy,
            settings: self.settings,
            keys: self.keys,
            root: RwLock::new(Some(root)),
        };
        Ok((self.directory, Arc::new(shared)))
    }
}

/// The engine in the store's directory, and the note of its last commit.
fn own_engine(
    directory: &Path,
    settings: &Settings,
    made_of: (Tree, EngineKind),
    (root, id): (&RootKey, ScopeId),
) -> Result<(Box<dyn Engine>, Option<LastCommit>)> {
    let engine = directory_engine(&directory.join(ENGINE), settings.engine_cache_bytes, made_of)?;
    let key = |id| root.purpose(Purpose::Tree, id);
    let noted = LastCommit::open(&directory.join(LAST_COMMIT), Some(id), key)?;
    Ok((engine, Some(noted)))
}

fn store(
    directory: PathBuf,
    shared: Arc<StoreShared>,
    (header, lock, vaults): (Header, DirectoryLock, Option<Vaults>),
) -> Store {
    let header = Arc::new(Mutex::new(header));
    if let Some(vaults) = &vaults {
        vaults.know_host(&header);
    }
    Store {
        inner: Arc::new(Inner {
            directory,
            header,
            accounts: Accounts::new(shared.clone()),
            shared,
            vaults,
            lock: Mutex::new(Some(lock)),
        }),
    }
}

fn refuse_settings(settings: &Settings) -> Result<()> {
    let allowed = 4 << 10..=512 << 10;
    if allowed.contains(&settings.chunk_bytes) {
        return Ok(());
    }
    Err(Error::invalid(
        "InvalidSettings",
        format!(
            "chunks of {} bytes are not possible; use 4 KiB to 512 KiB",
            settings.chunk_bytes
        ),
    )
    .hint("set chunk_bytes to 65536 unless you have measured something better"))
}
