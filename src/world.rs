//! For unit tests: an account in memory whose key is at hand.

use std::sync::Arc;

use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::entropy::random;
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::tree::{TreeSettings, TreeStore, TreeStoreParts};
use strongroom_engine::{Entropy, ManualClock, SystemEntropy, Timestamp};

use crate::account::{Account, AccountCore};
use crate::container::Container;
use crate::encryption::KeyGuard;
use crate::metadata::Metadata;

pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_chunks(1 << 10)
    }

    pub(crate) fn with_chunks(chunk_bytes: u32) -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_764_000_000)));
        let parts = TreeStoreParts {
            engine: Box::new(MemoryEngine::new()),
            chunks: None,
            entropy: entropy.clone(),
            clock: clock.clone(),
        };
        let store = TreeStore::open(parts, TreeSettings::default()).unwrap();
        let id = ScopeId(random(entropy.as_ref()).unwrap());
        let tree_key = RootKey::generate(entropy.as_ref())
            .unwrap()
            .purpose(Purpose::Tree, id);
        let root = RootKey::generate(entropy.as_ref()).unwrap();
        let core = AccountCore {
            id,
            name: "unit".to_owned(),
            tree: store.create_tree(id, tree_key).unwrap(),
            guard: KeyGuard::unlocked(&root, id),
            clock: clock.clone(),
            entropy,
            etags: crate::etag::ETagSource::default(),
            chunk_bytes,
        };
        let account = Account { core: Arc::new(core) };
        Self { account, clock }
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
    let _ = world.clock;
}
