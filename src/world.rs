//! For unit tests: an account in a store whose engine is memory.

use std::sync::Arc;

use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::{ManualClock, SystemEntropy, Timestamp};

use crate::account::{Account, NewAccount};
use crate::container::Container;
use crate::metadata::Metadata;
use crate::store::{KeyFile, Settings, Store};

pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) clock: Arc<ManualClock>,
    _store: Store,
    _directory: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_chunks(4 << 10)
    }

    pub(crate) fn with_chunks(chunk_bytes: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_764_000_000)));
        let host_key = KeyFile::create(&directory.path().join("host.key"), &SystemEntropy).unwrap();
        let store = Store::builder(directory.path().join("data"), host_key)
            .engine(Box::new(MemoryEngine::new()))
            .clock(clock.clone())
            .settings(Settings {
                chunk_bytes,
                ..Settings::default()
            })
            .init()
            .unwrap();
        let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47".parse().unwrap();
        let new = NewAccount::new("unit".parse().unwrap(), tenant, "westus".parse().unwrap());
        let account = store.create_account(&new).unwrap();
        Self {
            account,
            clock,
            _store: store,
            _directory: directory,
        }
    }

    /// A container that exists.
    pub(crate) fn container(&self, name: &str) -> Container {
        let container = self.account.container(&name.parse().unwrap());
        container.create(&Metadata::new()).unwrap();
        container
    }
}

#[test]
fn a_blob_goes_in_and_comes_out() {
    use crate::blob::{Conditions, DownloadOptions, ListBlobs, UploadOptions};
    let world = World::new();
    let container = world.container("first");
    let name = "a/b".parse().unwrap();
    for length in [0, 1, 1023, 1024, 1025, 100_000, 3_000_000] {
        let content: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        let mut options = UploadOptions::default();
        options.metadata.insert("length", &length.to_string()).unwrap();
        let receipt = container.upload(&name, content.as_slice(), options).unwrap();
        let mut out = Vec::new();
        let properties = container
            .download(&name, &DownloadOptions::default(), &mut out)
            .unwrap();
        assert_eq!(out, content, "{length} bytes");
        assert_eq!(
            (properties.etag, properties.length),
            (receipt.etag, length as u64)
        );
        assert_eq!(
            properties.metadata.unwrap().get("length"),
            Some(length.to_string().as_str())
        );
    }
    let page = container.list_blobs(&ListBlobs::default()).unwrap();
    assert_eq!(
        page.blobs().map(|blob| blob.name.as_str()).collect::<Vec<_>>(),
        ["a/b"]
    );
    container.delete_blob(&name, &Conditions::default()).unwrap();
    assert_eq!(
        container
            .download(&name, &DownloadOptions::default(), Vec::new())
            .unwrap_err()
            .code(),
        "BlobNotFound"
    );
}
