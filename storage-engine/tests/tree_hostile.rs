//! Whoever writes the disk can make reads fail, or bring back a whole earlier state; never wrong bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;
#[path = "common/tally.rs"]
mod tally;

use common::*;
use strongroom_engine::codec::{FRAME_BYTES, FrameKind, frame};
use strongroom_engine::engine::{Batch, Durability, Engine, KeyRange, Order, Space};
use strongroom_engine::tree::{ScrubItem, Tree, TreeError};

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// A tree of a few small pages and one large value.
fn sample() -> (Shared, Entries) {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(256)).unwrap();
    for n in 0..12_u8 {
        put(&tree, &[1, n], &[n; 20]).unwrap();
    }
    put(&tree, b"large", &[3; 100]).unwrap();
    store.reap().unwrap();
    (engine, all(&tree))
}

fn set(engine: &Shared, space: Space, key: &[u8], value: Vec<u8>) {
    engine
        .apply(Batch::new().put(space, key, value), Durability::Synced)
        .unwrap();
}

fn read(engine: &Shared) -> Result<Entries, TreeError> {
    let (_store, tree) = open(engine.clone(), settings(256))?;
    tree.range(&KeyRange::all(), Order::Ascending, usize::MAX)
}

#[track_caller]
fn refused(engine: &Shared, space: Space, key: &[u8], value: Vec<u8>) {
    let hostile = copy(engine);
    set(&hostile, space, key, value);
    assert!(read(&hostile).is_err());
}

/// `payload` in a frame whose checksum is right.
fn reframed(space: Space, kind: u8, payload: &[u8]) -> Vec<u8> {
    let kind = match (space, kind) {
        (Space::HEADS, _) => FrameKind::Head,
        (_, 4) => FrameKind::Overflow,
        _ => FrameKind::Page,
    };
    frame(kind, payload).unwrap()
}

#[test]
fn every_flipped_bit_and_every_prefix_is_refused() {
    let (engine, entries) = sample();
    assert_eq!(read(&copy(&engine)).unwrap(), entries);
    let (mut bits, mut prefixes) = (0, 0);
    for space in [Space::HEADS, Space::PAGES] {
        for (key, value) in records(&engine, space) {
            for bit in 0..value.len() * 8 {
                let mut bytes = value.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                bits += 1;
                refused(&engine, space, &key, bytes.clone());
                if bit / 8 >= FRAME_BYTES {
                    refused(
                        &engine,
                        space,
                        &key,
                        reframed(space, value[1], &bytes[FRAME_BYTES..]),
                    );
                }
            }
            for cut in 0..value.len() {
                refused(&engine, space, &key, value[..cut].to_vec());
                let payload = &value[FRAME_BYTES.min(cut)..cut];
                refused(&engine, space, &key, reframed(space, value[1], payload));
                prefixes += 1;
            }
        }
    }
    let counts = [("flipped bits", bits), ("prefixes", prefixes)];
    tally::tally("R3", "heads and pages", &counts, 0);
}

#[test]
fn swapped_and_missing_pages_are_refused() {
    let (engine, _) = sample();
    let pages = records(&engine, Space::PAGES);
    for (key, _) in &pages {
        let hostile = copy(&engine);
        hostile
            .apply(Batch::new().delete(Space::PAGES, key.clone()), Durability::Synced)
            .unwrap();
        assert!(read(&hostile).is_err());
        for (_, other) in pages.iter().filter(|(other, _)| other != key) {
            refused(&engine, Space::PAGES, key, other.clone());
        }
    }
}

#[test]
fn a_replayed_head_brings_back_a_whole_state_or_none() {
    let engine = memory();
    let (_store, tree) = open(engine.clone(), settings(256)).unwrap();
    // Holds every page, so that each earlier state could be there as a whole.
    let _snapshot = tree.snapshot().unwrap();
    let mut states = Vec::new();
    for n in 0..40_u8 {
        put(&tree, &[1, n % 16], &[n; 30]).unwrap();
        states.push((records(&engine, Space::HEADS)[0].clone(), all(&tree)));
    }
    for (number, ((key, head), entries)) in states.iter().enumerate() {
        let hostile = copy(&engine);
        set(&hostile, Space::HEADS, key, head.clone());
        assert_eq!(&read(&hostile).unwrap(), entries, "head {number}");
        let reaped = copy(&engine);
        read(&reaped).unwrap();
        set(&reaped, Space::HEADS, key, head.clone());
        if let Ok(found) = read(&reaped) {
            assert_eq!(&found, entries, "head {number}");
        }
    }
}

#[test]
fn a_page_of_an_earlier_commit_is_refused() {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(256)).unwrap();
    put(&tree, b"key", b"old").unwrap();
    let (_, old) = records(&engine, Space::PAGES)[0].clone();
    put(&tree, b"key", b"new").unwrap();
    store.reap().unwrap();
    let (key, _) = records(&engine, Space::PAGES)[0].clone();
    refused(&engine, Space::PAGES, &key, old);
}

#[test]
fn another_key_opens_nothing() {
    let (engine, _) = sample();
    let store = strongroom_engine::tree::TreeStore::open(parts(engine), settings(256)).unwrap();
    let other = key(strongroom_engine::keys::Purpose::Content, TREE);
    assert!(matches!(
        store.open_tree(TREE, other),
        Err(TreeError::Corrupt { .. })
    ));
}

fn findings(tree: &Tree) -> (Vec<ScrubItem>, strongroom_engine::tree::ScrubCounts) {
    let mut items = Vec::new();
    let counts = tree.scrub(&mut |finding| items.push(finding.item)).unwrap();
    (items, counts)
}

#[test]
fn a_scrub_names_everything_that_is_damaged() {
    let (engine, entries) = sample();
    let (store, tree) = open(engine.clone(), settings(256)).unwrap();
    adopt(&tree, write_body(&tree, &[4; 200_000]));
    adopt(&tree, write_body(&tree, &[4; 200]));
    store.reap().unwrap();
    let (items, sound) = findings(&tree);
    assert_eq!(items, []);
    assert_eq!(
        (
            sound.overflow_parts,
            sound.small_bodies,
            sound.bodies,
            sound.chunks
        ),
        (1, 1, 1, 4)
    );
    assert_eq!((sound.leftovers, sound.damaged), (0, 0));
    assert!(sound.pages > 2 && entries.len() == 13);
    let mut damaged = 0;
    for space in [Space::PAGES, Space::CHUNKS] {
        for (key, mut value) in records(&engine, space) {
            *value.last_mut().unwrap() ^= 1;
            set(&engine, space, &key, value.clone());
            let (items, counts) = findings(&tree);
            assert_eq!((items.len(), counts.damaged), (1, 1), "{items:?}");
            *value.last_mut().unwrap() ^= 1;
            set(&engine, space, &key, value);
            damaged += 1;
        }
    }
    assert_eq!(damaged as u64, sound.pages + 1 + 1 + 4);
    assert_eq!(findings(&tree).0, []);
}
