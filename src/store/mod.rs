//! A store: one directory with its header, its engine and its side files, open in one process at a time.

pub(crate) mod anchor;
mod backup;
mod directory;
pub(crate) mod files;
mod header;
mod lock;
mod open;
mod platform_key;
mod scrub;
mod stats;
mod vaults;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use strongroom_engine::engine::counting::WriteCounts;
use strongroom_engine::keys::RootKey;
use strongroom_engine::tree::{Tree, TreeStore};
use strongroom_engine::{Clock, Entropy};

pub use anchor::RollbackRecord;
pub use backup::{BackupOptions, BackupReport, RestoreOptions, RestoreProgress};
pub use open::{Placement, Settings, StoreOptions};
pub use platform_key::{KeyFile, Passphrase, PlatformKey, PlatformKeyError};
pub use scrub::{Damage, ScrubReport};
pub use stats::{AccountStats, StoreStats};
pub use vaults::{VaultOptions, Vaults};

use crate::account::{Account, AccountName, AccountProperties, Accounts, NewAccount};
use crate::encryption::{KeyServices, KeyVersionCheck, SideFiles};
use crate::error::{Error, ErrorKind, Result};
use header::{Header, NewHeader, Role};
use lock::DirectoryLock;

/// What the accounts of a store share.
pub(crate) struct StoreShared {
    pub(crate) trees: Arc<TreeStore>,
    pub(crate) tree: Tree,
    pub(crate) side_files: SideFiles,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Settings,
    /// The vaults; `None` if the store was opened without.
    pub(crate) keys: Option<KeyServices>,
    /// `None` once the store is closed.
    root: RwLock<Option<RootKey>>,
}

impl StoreShared {
    /// Runs `with` on the store's root key.
    pub(crate) fn with_root<R>(&self, with: impl FnOnce(&RootKey) -> R) -> Result<R> {
        self.root.read().as_ref().map(with).ok_or_else(closed)
    }
}

/// An open store. Cheap to share: clones are handles to the same store.
///
/// Closing it (or dropping the last handle) syncs, wipes the keys and lets the next process in.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    directory: PathBuf,
    header: Arc<Mutex<Header>>,
    shared: Arc<StoreShared>,
    accounts: Arc<Accounts>,
    vaults: Option<Vaults>,
    lock: Mutex<Option<DirectoryLock>>,
}

impl Store {
    /// Options for the store in `directory`, opened by `host_key`.
    ///
    /// ```
    /// # fn main() -> strongroom::Result<()> {
    /// # let directory = tempfile::tempdir().unwrap();
    /// use strongroom::{Passphrase, Store};
    /// let host_key = Passphrase::new("a long passphrase".to_owned())?;
    /// let store = Store::builder(directory.path().join("data"), host_key).init()?;
    /// assert!(store.accounts()?.is_empty());
    /// store.close()
    /// # }
    /// ```
    pub fn builder(directory: impl Into<PathBuf>, host_key: impl PlatformKey + 'static) -> StoreOptions {
        StoreOptions::new(directory.into(), Box::new(host_key))
    }

    /// Makes a new store. See [`StoreOptions::init`].
    ///
    /// # Errors
    /// As [`StoreOptions::init`].
    pub fn init(options: StoreOptions) -> Result<Self> {
        options.init()
    }

    /// Opens an existing store. See [`StoreOptions::open`].
    ///
    /// # Errors
    /// As [`StoreOptions::open`].
    pub fn open(options: StoreOptions) -> Result<Self> {
        options.open()
    }

    /// Where the store is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// Creates an account, platform-managed until customer keys are enabled.
    ///
    /// # Errors
    /// `StorageAccountAlreadyTaken`.
    pub fn create_account(&self, new: &NewAccount) -> Result<Account> {
        self.inner.accounts.create(new)
    }

    /// An existing account.
    ///
    /// # Errors
    /// `ResourceNotFound`.
    pub fn account(&self, name: &AccountName) -> Result<Account> {
        self.inner.accounts.get(name)
    }

    /// All accounts, in order of name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn accounts(&self) -> Result<Vec<AccountProperties>> {
        self.inner.accounts.list()
    }

    /// Deletes an account with everything in it, for good.
    ///
    /// # Errors
    /// `ResourceNotFound`.
    pub fn delete_account(&self, name: &AccountName) -> Result<()> {
        self.inner.accounts.delete(name)
    }

    /// Looks for newer key versions of the accounts that follow the latest one; each account at most once a
    /// day.
    ///
    /// To be called from time to time; the store starts no thread of its own. An account whose new version
    /// cannot be used stays with the one it has, and its outcome says why.
    ///
    /// # Errors
    /// When the store fails.
    pub fn daily_check(&self) -> Result<Vec<KeyVersionCheck>> {
        self.inner.accounts.daily_check()
    }

    /// What the store's engine was asked to write since the store was opened: the proof of "nothing was
    /// rewritten".
    #[must_use]
    pub fn write_counts(&self) -> WriteCounts {
        self.inner.shared.trees.write_counts()
    }

    pub(crate) fn trees(&self) -> &TreeStore {
        &self.inner.shared.trees
    }

    /// Makes `new` the platform key of the store. Rewrites the header file and nothing else.
    ///
    /// # Errors
    /// `WrongPlatformKey` when `old` is not the present one; then nothing has changed.
    pub fn change_platform_key(&self, old: &dyn PlatformKey, new: &dyn PlatformKey) -> Result<()> {
        self.inner.change_platform_key(old, new)
    }

    /// Syncs, wipes the keys, releases the lock. Every later call on any handle fails.
    ///
    /// # Errors
    /// When the last sync fails; the lock is released all the same.
    pub fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

impl Inner {
    fn change_platform_key(&self, old: &dyn PlatformKey, new: &dyn PlatformKey) -> Result<()> {
        let mut header = self.header.lock();
        let root = header.unlock(old)?;
        if let Some(vaults) = &self.vaults {
            vaults.refuse_same_key(new)?;
        }
        let changed = NewHeader {
            role: Role::Store,
            id: header.id(),
            root: &root,
            placement: header.placement(),
        };
        let changed = Header::wrap(&changed, new, self.shared.entropy.as_ref())?;
        changed.write(&self.directory)?;
        *header = changed;
        Ok(())
    }

    fn close(&self) -> Result<()> {
        let Some(lock) = self.lock.lock().take() else {
            return Ok(());
        };
        self.accounts.close();
        self.shared.root.write().take();
        let closed = self.shared.trees.close();
        drop(lock);
        Ok(closed?)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the store could not be closed cleanly");
        }
    }
}

pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Store, "StoreClosed", 409, "the store was closed").hint("open it again")
}
