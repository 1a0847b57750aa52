//! An engine that has lost its newest commits is refused, if the last one was noted, and nothing is written.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::fs;
use std::path::Path;

use common::*;
use strongroom_engine::engine::Space;
use strongroom_engine::keys::ScopeId;
use strongroom_engine::tree::{LastCommit, TreeError, TreeStore, TreeStoreParts};

fn open_noted(engine: &Shared, note: &Path) -> Result<std::sync::Arc<TreeStore>, TreeError> {
    let parts = TreeStoreParts {
        last_commit: Some(LastCommit::open(note, Some(ROOT), tree_key)?),
        ..parts(engine.clone())
    };
    TreeStore::open(parts, settings(512))
}

fn everything(engine: &Shared) -> [Vec<(Vec<u8>, Vec<u8>)>; 6] {
    Space::ALL.map(|space| records(engine, space))
}

/// The store's own tree.
const ROOT: ScopeId = ScopeId([2; 16]);

/// What lies there when the store is opened.
struct There {
    before: Shared,
    after: Shared,
    note_before: Vec<u8>,
}

/// A store of two trees, before and after its last commit, which is of the first tree.
fn made(note: &Path) -> There {
    let engine = memory();
    let store = open_noted(&engine, note).unwrap();
    let trees = [1, 2].map(|id| {
        let id = ScopeId([id; 16]);
        store.create_tree(id, tree_key(id)).unwrap()
    });
    for round in 0..5 {
        trees.iter().for_each(|tree| put(tree, b"key", &[round]).unwrap());
    }
    let (before, note_before) = (copy(&engine), fs::read(note).unwrap());
    put(&trees[0], b"key", b"last").unwrap();
    store.close().unwrap();
    There {
        before,
        after: copy(&engine),
        note_before,
    }
}

/// `lost` is whether the store must be refused.
fn check(what: &str, lost: bool, change: impl FnOnce(&There, &Path) -> Shared) {
    let directory = tempfile::tempdir().unwrap();
    let note = directory.path().join("last-commit");
    let there = made(&note);
    let engine = change(&there, &note);
    let untouched = copy(&engine);
    let opened = open_noted(&engine, &note);
    match opened {
        Ok(_) => assert!(!lost, "{what}: opened"),
        Err(TreeError::LostCommits {
            found, noted, path, ..
        }) => {
            assert!(lost, "{what}");
            assert_eq!((found, noted, path), (5, 6, note), "{what}");
            assert!(
                everything(&engine) == everything(&untouched),
                "{what}: something was written"
            );
        }
        Err(error) => panic!("{what}: {error}"),
    }
}

#[test]
fn an_engine_that_lost_the_noted_commit_is_refused() {
    check("as it was left", false, |there, _| there.after.clone());
    check("an older engine", true, |there, _| there.before.clone());
    check("an older note, as a power cut leaves it", false, |there, note| {
        fs::write(note, &there.note_before).unwrap();
        there.after.clone()
    });
    check("both older", false, |there, note| {
        fs::write(note, &there.note_before).unwrap();
        there.before.clone()
    });
    check("no note", false, |there, note| {
        fs::remove_file(note).unwrap();
        there.before.clone()
    });
    check("a damaged note", false, |there, note| {
        let mut bytes = fs::read(note).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(note, bytes).unwrap();
        there.before.clone()
    });
    check("a note cut short", false, |there, note| {
        let bytes = fs::read(note).unwrap();
        fs::write(note, &bytes[..20]).unwrap();
        there.before.clone()
    });
    check("an empty engine", false, |_, _| memory());
}

/// A loss that goes back to before the noted tree was made shows by the store's own tree, which names it.
#[test]
fn a_tree_that_was_never_made_is_missed() {
    let directory = tempfile::tempdir().unwrap();
    let (note, engine) = (directory.path().join("last-commit"), memory());
    let store = open_noted(&engine, &note).unwrap();
    let own = store.create_tree(ROOT, tree_key(ROOT)).unwrap();
    put(&own, b"a tree", b"none").unwrap();
    let before = copy(&engine);
    let id = ScopeId([1; 16]);
    let tree = store.create_tree(id, tree_key(id)).unwrap();
    put(&own, b"a tree", b"one").unwrap();
    put(&tree, b"key", b"value").unwrap();
    store.close().unwrap();
    let lost = open_noted(&before, &note).err().unwrap();
    assert!(
        matches!(
            lost,
            TreeError::LostCommits {
                found: 1,
                noted: 2,
                ..
            }
        ),
        "{lost}"
    );
    open_noted(&engine, &note).unwrap();
}

#[test]
fn a_tree_that_was_removed_is_not_missed() {
    let directory = tempfile::tempdir().unwrap();
    let (note, engine) = (directory.path().join("last-commit"), memory());
    let store = open_noted(&engine, &note).unwrap();
    let id = ScopeId([1; 16]);
    let tree = store.create_tree(id, tree_key(id)).unwrap();
    put(&tree, b"key", b"value").unwrap();
    store.remove_tree(id).unwrap();
    store.close().unwrap();
    open_noted(&engine, &note).unwrap();
}
