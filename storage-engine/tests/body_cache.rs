//! Small bodies that are read again come from memory, sealed; a check looks at what is stored.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use common::*;
use strongroom_engine::body::{BodyError, BodyReader, BodyRef, Location};
use strongroom_engine::engine::{Batch, Durability, Engine, Space};
use strongroom_engine::keys::Purpose;
use strongroom_engine::tree::{PageId, Tree};

fn reader(tree: &Tree, body: &BodyRef) -> Result<BodyReader, BodyError> {
    let snapshot = tree.snapshot().unwrap();
    BodyReader::open(tree, &snapshot, body, &key(Purpose::Content, TREE))
}

/// The engine's key of a small body.
fn record(body: &BodyRef) -> Vec<u8> {
    match body.location {
        Location::Small(name) => [TREE.0.as_slice(), &PageId(name).0].concat(),
        Location::Chunks => Vec::new(),
    }
}

fn lose(engine: &dyn Engine, body: &BodyRef) {
    let batch = Batch::new().delete(Space::PAGES, record(body));
    engine.apply(batch, Durability::Synced).unwrap();
}

#[test]
fn what_was_read_before_is_read_from_memory_unless_it_is_large() {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(8192)).unwrap();
    for (bytes, cached) in [(0, true), (4096, true), (16_000, true), (17_000, false)] {
        let content: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
        let body = adopt(&tree, write_body(&tree, &content));
        let before = store.stats().cache_bytes;
        assert_eq!(read_body(&tree, &body), content);
        assert_eq!(store.stats().cache_bytes > before, cached, "{bytes} bytes");
        lose(&engine, &body);
        let again = reader(&tree, &body);
        assert_eq!(again.is_ok(), cached, "{bytes} bytes");
        assert!(again.is_err() || read_body(&tree, &body) == content);
    }
}

#[test]
fn a_check_sees_what_is_stored() {
    let engine = memory();
    let (_store, tree) = open(engine.clone(), settings(8192)).unwrap();
    let body = adopt(&tree, write_body(&tree, b"content"));
    assert_eq!(read_body(&tree, &body), b"content");
    let open = reader(&tree, &body).unwrap();
    assert!(open.check_chunk(0).is_ok());
    lose(&engine, &body);
    assert!(matches!(
        open.check_chunk(0),
        Err(BodyError::Missing { index: 0 })
    ));
    assert_eq!(read_body(&tree, &body), b"content");
}

#[test]
fn a_cached_body_needs_its_key() {
    let (_store, tree) = open(memory(), settings(8192)).unwrap();
    let body = adopt(&tree, write_body(&tree, b"content"));
    assert_eq!(read_body(&tree, &body), b"content");
    let snapshot = tree.snapshot().unwrap();
    let other = BodyReader::open(&tree, &snapshot, &body, &key(Purpose::Metadata, TREE));
    assert!(matches!(other, Err(BodyError::Forged { index: None })));
}
