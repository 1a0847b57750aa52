//! The engine of a store is chosen when it is made; opening needs no choice, and the store is the same.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::fs;
use std::path::Path;

use common::World;
use strongroom::engine::SystemEntropy;
use strongroom::{
    BlobName, Container, DownloadOptions, EngineKind, KeyFile, ListBlobs, Metadata, Settings, Store,
    UploadOptions,
};

/// Every engine, the word in its marker, and the choice that is made in vain when its store is opened.
const ENGINES: &[(EngineKind, &str, EngineKind)] = &[
    #[cfg(not(feature = "fjall"))]
    (EngineKind::Sled, "sled", EngineKind::Sled),
    #[cfg(feature = "fjall")]
    (EngineKind::Sled, "sled", EngineKind::Fjall),
    #[cfg(feature = "fjall")]
    (EngineKind::Fjall, "fjall", EngineKind::Sled),
];

fn settings(engine: EngineKind) -> Settings {
    let mut settings = Settings::default();
    settings.engine = engine;
    settings
}

fn container(store: &Store) -> Container {
    let account = store.account(&"placed".parse().unwrap()).unwrap();
    account.container(&"box".parse().unwrap())
}

fn name(text: &str) -> BlobName {
    text.parse().unwrap()
}

fn content(seed: usize) -> Vec<u8> {
    (0..200_000 * seed)
        .map(|at| (at * 7 + at / 4096 + seed) as u8)
        .collect()
}

fn check_contents(store: &Store) {
    let container = container(store);
    for seed in 0..3 {
        let mut found = Vec::new();
        container
            .download(&name(&seed.to_string()), &DownloadOptions::default(), &mut found)
            .unwrap();
        assert!(found == content(seed), "blob {seed}");
    }
    let page = container.list_blobs(&ListBlobs::default()).unwrap();
    assert_eq!(page.blobs().count(), 3);
}

fn check(root: &Path, world: &World, (engine, word, other): (EngineKind, &str, EngineKind)) {
    let (data, key) = (root.join("data"), root.join("host.key"));
    let store = Store::builder(&data, KeyFile::create(&key, &SystemEntropy).unwrap())
        .settings(settings(engine))
        .init()
        .unwrap();
    store.create_account(&world.new_account("placed")).unwrap();
    container(&store).create(&Metadata::new()).unwrap();
    for seed in 0..3 {
        container(&store)
            .upload(
                &name(&seed.to_string()),
                content(seed).as_slice(),
                UploadOptions::default(),
            )
            .unwrap();
    }
    check_contents(&store);
    store.close().unwrap();
    let marker = data.join("engine/ENGINE");
    assert_eq!(
        fs::read_to_string(&marker).unwrap(),
        format!("strongroom-engine {word} 1 ready\n")
    );
    let reopen = || {
        Store::builder(&data, KeyFile::read(&key).unwrap())
            .settings(settings(other))
            .open()
    };
    let store = reopen().unwrap();
    check_contents(&store);
    let scrubbed = store.scrub(None, |_| ()).unwrap();
    assert_eq!((scrubbed.damage.len(), scrubbed.leftovers), (0, 0));
    store.close().unwrap();
    assert_eq!(EngineKind::of(data.join("engine")).unwrap(), Some(engine));
    // An engine that a build leaves out, or that nobody knows, is named and left alone.
    let unknown = "strongroom-engine rocket 1 ready\n";
    fs::write(&marker, unknown).unwrap();
    let refused = reopen().err().unwrap();
    assert_eq!(refused.code(), "EngineDamaged");
    assert!(refused.to_string().contains("rocket"), "{refused}");
    assert_eq!(fs::read_to_string(&marker).unwrap(), unknown);
}

#[test]
fn a_store_keeps_to_the_engine_it_was_made_with() {
    let world = World::prepared();
    for engine in ENGINES {
        let root = tempfile::tempdir().unwrap();
        check(root.path(), &world, *engine);
    }
}

/// Without the feature, a store on fjall is refused by name.
#[cfg(not(feature = "fjall"))]
#[test]
fn an_engine_that_is_not_built_in_is_named() {
    let root = tempfile::tempdir().unwrap();
    let (data, key) = (root.path().join("data"), root.path().join("host.key"));
    let store = Store::builder(&data, KeyFile::create(&key, &SystemEntropy).unwrap());
    store.init().unwrap().close().unwrap();
    fs::write(data.join("engine/ENGINE"), "strongroom-engine fjall 1 ready\n").unwrap();
    let refused = Store::builder(&data, KeyFile::read(&key).unwrap())
        .open()
        .err()
        .unwrap();
    assert_eq!(refused.code(), "EngineNotBuiltIn");
    assert!(refused.to_string().contains("feature `fjall`"), "{refused}");
}
