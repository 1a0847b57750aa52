//! A closed store opened from outside, with its platform key and docs/FORMAT.md alone: what tests must know
//! that the library never gives out.
#![allow(dead_code, reason = "every test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the world of a test may fail loudly"
)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom::PlatformKey;
use strongroom::engine::codec::{FrameKind, Record, decode, unframe};
use strongroom::engine::engine::sled::{SledEngine, SledOptions};
use strongroom::engine::engine::{KeyRange, Order};
use strongroom::engine::keys::{Purpose, PurposeKey, RootKey, ScopeId};
use strongroom::engine::seal::SealKind;
use strongroom::engine::tree::{Tree, TreeSettings, TreeStore, TreeStoreParts};
use strongroom::engine::{SystemClock, SystemEntropy};

/// A sealed root header.
#[derive(Serialize, Deserialize)]
struct Header {
    role: u8,
    id: ScopeId,
    provider: String,
    parameters: Vec<u8>,
    key_commitment: [u8; 32],
    wrapped: Vec<u8>,
    root_commitment: [u8; 32],
    placement: u8,
}

impl Record for Header {
    const NAME: &'static str = "header";
    const VERSION: u8 = 2;
}

/// The root key of a data directory or of a vault directory, and its id.
pub(crate) fn root(directory: &Path, key: &dyn PlatformKey) -> (RootKey, ScopeId) {
    let names = ["strongroom.header", "vaults.header"];
    let bytes = names
        .iter()
        .find_map(|name| fs::read(directory.join(name)).ok())
        .unwrap();
    let header: Header = decode(unframe(FrameKind::File, &bytes).unwrap()).unwrap();
    let wrap = key
        .derive(&header.parameters)
        .unwrap()
        .purpose(Purpose::Wrap, header.id);
    let root = wrap
        .open(SealKind::WrappedKey, &[header.role + 1], &header.wrapped)
        .unwrap();
    (RootKey::from_bytes(root).unwrap(), header.id)
}

/// The trees of a directory.
pub(crate) fn trees(directory: &Path) -> Arc<TreeStore> {
    let engine = SledEngine::open(directory.join("engine"), &SledOptions::default()).unwrap();
    let parts = TreeStoreParts {
        last_commit: None,
        engine: Box::new(engine),
        chunks: None,
        entropy: Arc::new(SystemEntropy),
        clock: Arc::new(SystemClock),
    };
    TreeStore::open(parts, TreeSettings::default()).unwrap()
}

/// The tree of that id.
pub(crate) fn tree(trees: &Arc<TreeStore>, root: &RootKey, id: ScopeId) -> Tree {
    trees.open_tree(id, root.purpose(Purpose::Tree, id)).unwrap()
}

/// A side file of the vaults.
#[derive(Serialize, Deserialize)]
struct VaultSideFile {
    id: [u8; 16],
    sealed_key: Vec<u8>,
}

impl Record for VaultSideFile {
    const NAME: &'static str = "side file";
    const VERSION: u8 = 1;
}

/// The one-time keys of a vault directory's private keys.
pub(crate) fn vault_one_time_keys(directory: &Path, root: &RootKey) -> Vec<RootKey> {
    let trees = trees(directory);
    let wrap = root.purpose(Purpose::Wrap, trees.tree_ids().unwrap()[0]);
    trees.close().unwrap();
    let files = fs::read_dir(directory.join("keys")).unwrap();
    let open = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        let file: VaultSideFile = decode(unframe(FrameKind::File, &bytes).unwrap()).unwrap();
        let key = wrap
            .open(SealKind::WrappedKey, &file.id, &file.sealed_key)
            .unwrap();
        RootKey::from_bytes(key).unwrap()
    };
    files.map(|file| open(&file.unwrap().path())).collect()
}

/// An account's envelope while the platform manages it: 0 is that variant's number.
#[derive(Serialize, Deserialize)]
struct PlatformEnvelope {
    generation: u64,
    source: u8,
    file: [u8; 16],
    wrapped: Vec<u8>,
}

impl Record for PlatformEnvelope {
    const NAME: &'static str = "envelope";
    const VERSION: u8 = 1;
}

/// The one-time key and the root key of the only account of a store that the platform manages.
pub(crate) fn account_keys(directory: &Path, root: &RootKey, store: ScopeId) -> [RootKey; 2] {
    let trees = trees(directory);
    // Of the two trees of the account one holds nothing but its envelope, under the account's id.
    let found: Vec<_> = trees
        .tree_ids()
        .unwrap()
        .into_iter()
        .filter(|id| *id != store)
        .flat_map(|id| {
            let tree = tree(&trees, root, id);
            let records = tree.range(&KeyRange::prefix(&[2]), Order::Ascending, 1).unwrap();
            records.into_iter()
        })
        .collect();
    trees.close().unwrap();
    assert_eq!(found.len(), 1, "one envelope");
    let (key, padded) = &found[0];
    let account = ScopeId(key[1..].try_into().unwrap());
    let length = usize::from(u16::from_be_bytes([padded[0], padded[1]]));
    let envelope: PlatformEnvelope = decode(&padded[2..2 + length]).unwrap();
    let open = |wrap: &PurposeKey, item: &[u8], sealed: &[u8]| {
        RootKey::from_bytes(wrap.open(SealKind::WrappedKey, item, sealed).unwrap()).unwrap()
    };
    let side_file = fs::read_dir(directory.join("keys"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let bytes = fs::read(side_file).unwrap();
    let sealed = unframe(FrameKind::File, &bytes).unwrap();
    let one_time = open(&root.purpose(Purpose::Wrap, account), &envelope.file, sealed);
    let account_root = open(
        &one_time.purpose(Purpose::Wrap, account),
        b"account-root",
        &envelope.wrapped,
    );
    [one_time, account_root]
}
