//! A tree that is removed while bodies are written to it takes them along: they fail by its name, leave
//! nothing behind, and every other tree of the store goes on.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use common::*;
use strongroom_engine::SystemEntropy;
use strongroom_engine::body::{BodyError, BodyWriter};
use strongroom_engine::chunks::FileChunks;
use strongroom_engine::engine::Space;
use strongroom_engine::keys::{Purpose, ScopeId};
use strongroom_engine::tree::{TreeError, TreeStore};

const OTHER: ScopeId = ScopeId([8; 16]);

/// Writes `before` bytes, removes the tree, and writes `after` more.
#[track_caller]
fn check(in_files: bool, (before, after): (usize, usize)) {
    let directory = tempfile::tempdir().unwrap();
    let engine = memory();
    let mut parts = parts(engine.clone());
    if in_files {
        let chunks = FileChunks::open(directory.path().join("bodies")).unwrap();
        parts.chunks = Some(Box::new(chunks));
    }
    let store = TreeStore::open(parts, settings(1024)).unwrap();
    let tree = store.create_tree(TREE, tree_key(TREE)).unwrap();
    let other = store.create_tree(OTHER, tree_key(OTHER)).unwrap();
    let key = key(Purpose::Content, TREE);
    let mut writer = BodyWriter::new(&tree, &key, 64 << 10, &SystemEntropy).unwrap();
    writer.write(&vec![1; before]).unwrap();
    store.remove_tree(TREE).unwrap();
    let written = writer.write(&vec![2; after]);
    let failed = written.and_then(|()| writer.finish()).and_then(|body| {
        let adopted = tree.transact(move |txn| txn.adopt_body(&body));
        Ok(adopted?)
    });
    let case = format!("in files {in_files}, {before} and {after} bytes: {failed:?}");
    assert!(
        matches!(failed, Err(BodyError::Tree(TreeError::NotFound(_)))),
        "{case}"
    );
    let content = vec![3; 300_000];
    let kept = adopt(&other, write_body(&other, &content));
    assert_eq!(read_body(&other, &kept), content, "{case}");
    let left = |name: &str| directory.path().join("bodies").join(name).exists();
    assert!(!left(&"07".repeat(16)), "{case}");
    let of_tree = |space| {
        records(&engine, space)
            .iter()
            .any(|(key, _)| key.starts_with(&TREE.0))
    };
    assert!(!of_tree(Space::CHUNKS) && !of_tree(Space::RESERVATIONS), "{case}");
}

#[test]
fn a_body_of_a_removed_tree_fails_alone() {
    const MIB: usize = 1 << 20;
    for in_files in [true, false] {
        // Before the body has an id; once its file is there; with more to come than may wait.
        for sizes in [
            (100, 3 * MIB),
            (3 * MIB, MIB),
            (3 * MIB, 40 * MIB),
            (70_000, 300_000),
        ] {
            check(in_files, sizes);
        }
    }
}
