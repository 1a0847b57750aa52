//! What files of chunks are after syncs, crashes and refusals.

use super::super::conformance::chunk_conformance;
use super::*;

pub(super) fn id(seed: u8, index: u32) -> ChunkId {
    ChunkId {
        body: BodyKey([seed; BodyKey::BYTES]),
        index,
    }
}

#[test]
fn keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    chunk_conformance(|| {
        number.set(number.get() + 1);
        FileChunks::open(directory.path().join(number.get().to_string())).unwrap()
    });
}

#[test]
fn bodies_go_on_after_a_sync_and_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let open = || FileChunks::open(directory.path().join("bodies")).unwrap();
    let store = open();
    store.put(vec![(id(1, 0), vec![7; 100])]).unwrap();
    store.sync().unwrap();
    store.put(vec![(id(1, 1), vec![8; 100])]).unwrap();
    drop(store);
    let store = open();
    store.put(vec![(id(1, 2), vec![9; 5])]).unwrap();
    for (index, bytes) in [(0, vec![7; 100]), (1, vec![8; 100]), (2, vec![9; 5])] {
        assert_eq!(store.get(id(1, index)).unwrap(), Some(bytes), "{index}");
    }
    store.delete(&[id(1, 0).body]).unwrap();
    assert_eq!(fs::read_dir(directory.path().join("bodies")).unwrap().count(), 0);
}

/// Whoever writes the disk does not have a buffer of gigabytes made.
#[test]
fn a_header_of_impossible_chunks_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("bodies");
    let store = FileChunks::open(root.clone()).unwrap();
    store.put(vec![(id(1, 0), vec![7; 10])]).unwrap();
    assert!(
        store.put(vec![(id(2, 0), vec![7; 1 << 20])]).is_err(),
        "nor written"
    );
    drop(store);
    let path = names::path(&root, &id(1, 0).body);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let store = FileChunks::open(root).unwrap();
    assert!(matches!(store.get(id(1, 0)), Err(EngineError::Io { .. })));
}

/// What a crash leaves of a file is read as what is there; nothing is made up.
#[test]
fn a_file_that_is_cut_short_has_fewer_chunks() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("bodies");
    let store = FileChunks::open(root.clone()).unwrap();
    store
        .put(vec![(id(1, 0), vec![7; 10]), (id(1, 1), vec![8; 10])])
        .unwrap();
    drop(store);
    let path = names::path(&root, &id(1, 0).body);
    let whole = fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let store = FileChunks::open(root.clone()).unwrap();
        let there = length.saturating_sub(8);
        for (index, start) in [(0, 0), (1, 10)] {
            let found = store.get(id(1, index)).unwrap();
            let wanted = there.saturating_sub(start).min(10);
            assert_eq!(
                found.map_or(0, |bytes| bytes.len()),
                wanted,
                "{length} bytes, chunk {index}"
            );
        }
        assert_eq!(store.list(&[], None, 10).unwrap(), [id(1, 0).body]);
    }
    fs::write(&path, b"something else entirely").unwrap();
    let store = FileChunks::open(root).unwrap();
    assert!(store.get(id(1, 0)).is_err(), "not a file of chunks");
}

#[track_caller]
fn check_refused(store: &FileChunks, id: ChunkId, length: usize) {
    let refused = store.put(vec![(id, vec![7; length])]);
    assert!(
        matches!(refused, Err(EngineError::OutOfSequence { .. })),
        "{id:?}, {length} bytes: {refused:?}"
    );
}

#[test]
fn chunks_that_do_not_follow_are_refused_and_harm_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("bodies");
    let store = FileChunks::open(root.clone()).unwrap();
    store.put(vec![(id(1, 0), vec![7; 10])]).unwrap();
    store.put(vec![(id(3, 0), vec![7; 10])]).unwrap();
    store.delete(&[id(3, 0).body]).unwrap();
    // Behind a gap, longer than the first, the first again; then of bodies that never began or are gone.
    let cases = [(1, 2, 10), (1, 1, 11), (1, 0, 10), (2, 1, 10), (3, 1, 10)];
    for reopened in [false, true] {
        let store = if reopened {
            &FileChunks::open(root.clone()).unwrap()
        } else {
            &store
        };
        for (body, index, length) in cases {
            check_refused(store, id(body, index), length);
        }
        assert_eq!(
            store.list(&[], None, 10).unwrap(),
            [id(1, 0).body],
            "no file was made"
        );
        store.put(vec![(id(4, 0), vec![7; 10])]).unwrap();
        store.sync().unwrap();
        store.delete(&[id(4, 0).body]).unwrap();
        assert_eq!(
            store.get(id(1, 0)).unwrap(),
            Some(vec![7; 10]),
            "nothing was added"
        );
    }
}
