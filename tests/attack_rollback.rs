//! Attacks by somebody who writes the disk while we are closed and puts back older engine records of the
//! envelope's tree alone: the copy beside the engine is newer, and wins at the next open.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::path::PathBuf;

use common::{KEY, VAULT, World, pinned};
use strongroom::engine::engine::sled::{SledEngine, SledOptions};
use strongroom::engine::engine::{Batch, Durability, Engine, KeyRange, Order, ScanOptions, Space};
use strongroom::{Container, DownloadOptions, KeySource, Metadata, UploadOptions};

/// Every record of trees, by space and key.
type Records = Vec<(Space, Vec<u8>, Vec<u8>)>;
const SPACES: [Space; 3] = [Space::HEADS, Space::PAGES, Space::FREED];

fn engine(world: &World) -> SledEngine {
    SledEngine::open(world.data().join("engine"), &SledOptions::default()).unwrap()
}

/// Closes the store and copies what its engine holds.
fn close_and_copy(world: &World) -> Records {
    world.store.close().unwrap();
    let engine = engine(world);
    let options = ScanOptions {
        order: Order::Ascending,
        limit: usize::MAX,
        max_bytes: usize::MAX,
        keys_only: false,
    };
    let mut records = Vec::new();
    for space in SPACES {
        let mut range = KeyRange::all();
        loop {
            let page = engine.scan(space, &range, options).unwrap();
            records.extend(page.entries.into_iter().map(|(key, value)| (space, key, value)));
            match page.resume_after {
                Some(key) => range = range.after(&key),
                None => break,
            }
        }
    }
    engine.close().unwrap();
    records
}

/// The one tree whose head is another one.
fn changed_tree(before: &Records, after: &Records) -> Vec<u8> {
    let heads = |records: &Records| -> Vec<_> {
        let heads = records.iter().filter(|(space, ..)| *space == Space::HEADS);
        heads.cloned().collect()
    };
    let before = heads(before);
    let changed: Vec<_> = heads(after)
        .into_iter()
        .filter(|head| !before.contains(head))
        .collect();
    assert_eq!(changed.len(), 1, "a change of the key commits to one tree");
    changed.into_iter().next().unwrap().1
}

/// Puts one tree back to what it was.
fn put_back(world: &World, old: &Records, new: &Records, tree: &[u8]) {
    let engine = engine(world);
    for (space, key, _) in new.iter().filter(|(_, key, _)| key.starts_with(tree)) {
        let batch = Batch::new().delete(*space, key.clone());
        engine.apply(batch, Durability::Buffered).unwrap();
    }
    for (space, key, value) in old.iter().filter(|(_, key, _)| key.starts_with(tree)) {
        let batch = Batch::new().put(*space, key.clone(), value.clone());
        engine.apply(batch, Durability::Buffered).unwrap();
    }
    engine.sync().unwrap();
    engine.close().unwrap();
}

fn side_files(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(world.data().join("keys")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

fn album(world: &World) -> Container {
    world.account().container(&"album".parse().unwrap())
}

fn upload(world: &World, blob: &str) {
    album(world)
        .upload(&blob.parse().unwrap(), blob.as_bytes(), UploadOptions::default())
        .unwrap();
}

fn download(world: &World, blob: &str) -> strongroom::Result<Vec<u8>> {
    let mut out = Vec::new();
    album(world).download(&blob.parse().unwrap(), &DownloadOptions::default(), &mut out)?;
    Ok(out)
}

/// Changes the key, stores something more, and takes the envelope's tree alone back to before the change.
fn rolled_back(world: &mut World, before_open: impl FnOnce(&World)) {
    album(world).create(&Metadata::new()).unwrap();
    upload(world, "before");
    let old = close_and_copy(world);
    world.store = world.options().open().unwrap();
    let newest = world.make_key(VAULT, KEY);
    world.account().use_customer_key(&pinned(&newest)).unwrap();
    let changed = close_and_copy(world);
    let tree = changed_tree(&old, &changed);
    world.store = world.options().open().unwrap();
    upload(world, "after");
    let new = close_and_copy(world);
    put_back(world, &old, &new, &tree);
    before_open(world);
    world.store = world.options().open().unwrap();
}

#[test]
fn a_rotation_is_not_undone_by_an_older_envelope_tree() {
    let mut world = World::customer();
    let first = world.current(VAULT, KEY);
    rolled_back(&mut world, |_| {});
    let status = world.account().encryption().unwrap().key_vault.unwrap();
    let newest = world.current(VAULT, KEY);
    assert_eq!(status.current_versioned_key_identifier, newest);
    // The version before may go now, as after every rotation.
    world.enable_key(&first, false);
    for blob in ["before", "after"] {
        assert_eq!(download(&world, blob).unwrap(), blob.as_bytes());
    }
    // And the tree itself is whole again, without the copy.
    let written = close_and_copy(&world);
    assert!(!written.is_empty());
    world.store = world.options().open().unwrap();
    assert_eq!(download(&world, "after").unwrap(), b"after");
}

#[test]
fn enabling_is_not_undone_by_an_older_envelope_tree_and_its_one_time_key() {
    let mut world = World::prepared();
    let one_time: Vec<_> = side_files(&world);
    assert_eq!(one_time.len(), 1);
    rolled_back(&mut world, |_| {
        for (path, bytes) in &one_time {
            std::fs::write(path, bytes).unwrap();
        }
    });
    assert_eq!(
        world.account().encryption().unwrap().key_source,
        KeySource::KeyVault
    );
    assert!(!one_time[0].0.exists(), "destroyed before anything is served");
    world.revoke(VAULT, world.principal());
    assert_eq!(download(&world, "before").unwrap_err().status(), 403);
}

#[test]
fn without_the_copy_an_older_version_of_the_key_is_asked_for_and_the_vault_decides() {
    let mut world = World::customer();
    let first = world.current(VAULT, KEY);
    rolled_back(&mut world, |world| {
        for (path, _) in side_files(world) {
            std::fs::remove_file(path).unwrap();
        }
    });
    let status = world.account().encryption().unwrap().key_vault.unwrap();
    assert_eq!(
        status.current_versioned_key_identifier, first,
        "a limit of docs/THREATS.md"
    );
    assert_eq!(download(&world, "after").unwrap(), b"after");
    world.enable_key(&first, false);
    assert_eq!(download(&world, "after").unwrap_err().status(), 403);
}
