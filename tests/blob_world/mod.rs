//! An account in memory, and short ways to say what happens to its blobs.
#![allow(dead_code, reason = "every test file uses its own part of the world")]
#![expect(clippy::unwrap_used, reason = "the world of a test may fail loudly")]

use std::sync::Arc;

use strongroom::engine::engine::memory::MemoryEngine;
use strongroom::engine::{ManualClock, SystemEntropy};
use strongroom::{
    Account, BlobName, Container, ContainerName, Error, KeyFile, Metadata, NewAccount, Settings, Store,
    Timestamp,
};

/// Plaintext bytes of a chunk: small, so that small content has many.
pub(crate) const CHUNK: usize = 4 << 10;

pub(crate) struct BlobWorld {
    pub(crate) account: Account,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Store,
    _directory: tempfile::TempDir,
}

impl BlobWorld {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_764_000_000)));
        let host_key = KeyFile::create(&directory.path().join("host.key"), &SystemEntropy).unwrap();
        let mut settings = Settings::default();
        settings.chunk_bytes = CHUNK as u32;
        let store = Store::builder(directory.path().join("data"), host_key)
            .engine(Box::new(MemoryEngine::new()))
            .clock(clock.clone())
            .settings(settings)
            .init()
            .unwrap();
        let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47".parse().unwrap();
        let new = NewAccount::new("blobs".parse().unwrap(), tenant, "westus".parse().unwrap());
        let account = store.create_account(&new).unwrap();
        Self {
            account,
            clock,
            store,
            _directory: directory,
        }
    }

    /// Records in the account's tree.
    pub(crate) fn records(&self) -> u64 {
        self.store.stats().unwrap().accounts.first().unwrap().records
    }

    /// A container that exists.
    pub(crate) fn container(&self, name: &str) -> Container {
        let container = self.account.container(&container_name(name));
        container.create(&Metadata::new()).unwrap();
        container
    }
}

pub(crate) fn container_name(text: &str) -> ContainerName {
    text.parse().unwrap()
}

pub(crate) fn blob(text: &str) -> BlobName {
    text.parse().unwrap()
}

pub(crate) fn metadata(pairs: &[(&str, &str)]) -> Metadata {
    let mut metadata = Metadata::new();
    for (name, value) in pairs {
        metadata.insert(name, value).unwrap();
    }
    metadata
}

/// Content of which no two chunks are equal.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 4096) as u8)
        .collect()
}

/// Code and status of a refusal.
pub(crate) fn refused<T>(result: Result<T, Error>) -> (String, u16) {
    let error = result.err().unwrap();
    (error.code().to_owned(), error.status())
}

/// `refused` to compare with.
pub(crate) fn code(code: &str, status: u16) -> (String, u16) {
    (code.to_owned(), status)
}
