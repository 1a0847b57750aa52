//! A whole world for a test in one call.
#![allow(dead_code, reason = "every test file uses its own part of the world")]

use std::path::PathBuf;
use std::sync::Arc;

use strongroom::engine::{ManualClock, SystemEntropy, Timestamp};
use strongroom::{AccountName, KeyFile, NewAccount, Store, StoreOptions};

/// 2020-03-01T00:00:00Z, when the world begins.
pub(crate) fn beginning() -> Timestamp {
    Timestamp::from_unix_seconds(1_583_020_800)
}

pub(crate) fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

/// A store in a directory that goes away with it.
pub(crate) struct World {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Store,
}

impl World {
    /// An empty store with a key file.
    pub(crate) fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(beginning()));
        let key = KeyFile::create(&directory.path().join("host.key"), &SystemEntropy).unwrap();
        let store = Store::builder(directory.path().join("data"), key)
            .clock(clock.clone())
            .init()
            .unwrap();
        Self {
            directory,
            clock,
            store,
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn host_key(&self) -> KeyFile {
        KeyFile::read(&self.directory.path().join("host.key")).unwrap()
    }

    pub(crate) fn options(&self) -> StoreOptions {
        Store::builder(self.data(), self.host_key()).clock(self.clock.clone())
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(&mut self) {
        self.store.close().unwrap();
        self.store = self.options().open().unwrap();
    }

    pub(crate) fn new_account(&self, account: &str) -> NewAccount {
        NewAccount::new(
            name(account),
            "72f988bf-86f1-41af-91ab-2d7cd011db47".parse().unwrap(),
            "westus".parse().unwrap(),
        )
    }
}
