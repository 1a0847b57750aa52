//! A directory that is not ours, newer, in use or damaged gives a clear error, and is left as it was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use strongroom_engine::engine::sled::{SledEngine, SledOptions};
use strongroom_engine::engine::{Batch, Durability, Engine, EngineError, Space};

fn open(dir: &Path) -> Result<SledEngine, EngineError> {
    SledEngine::open(dir, &SledOptions::default())
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    found
}

fn filled(dir: &Path) {
    let engine = open(dir).unwrap();
    for number in 0u32..200 {
        let batch = Batch::new().put(Space::PAGES, number.to_be_bytes(), vec![1; 20_000]);
        engine.apply(batch, Durability::Buffered).unwrap();
    }
    engine.close().unwrap();
}

/// Opening `dir` fails as expected and changes no file.
#[track_caller]
fn check(dir: &Path, is_expected: fn(&EngineError) -> bool, words: &str) {
    let before = files(dir);
    let error = open(dir).err().expect("it must be refused");
    assert!(
        is_expected(&error) && error.to_string().contains(words),
        "{error}"
    );
    assert_eq!(files(dir), before, "a refused directory was touched");
}

#[test]
fn a_foreign_directory_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let not_ours: fn(&EngineError) -> bool = |error| matches!(error, EngineError::NotAnEngine { .. });
    fs::write(root.path().join("letter.txt"), "dear reader").unwrap();
    check(root.path(), not_ours, "letter.txt");
    let file = open(&root.path().join("letter.txt")).err().unwrap();
    assert!(not_ours(&file), "{file}");
    for marker in [
        "",
        "strongroom-engine",
        "strongroom-engine sled",
        "strongroom-engine sled 1 maybe\n",
        "x",
    ] {
        fs::write(root.path().join("ENGINE"), marker).unwrap();
        check(root.path(), not_ours, "ENGINE");
    }
    fs::write(root.path().join("ENGINE"), vec![b'x'; 1 << 20]).unwrap();
    check(root.path(), not_ours, "ENGINE");
}

#[test]
fn a_newer_format_is_refused() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    fs::write(
        root.path().join("ENGINE"),
        "strongroom-engine sled 2 whatever it says then\n",
    )
    .unwrap();
    let newer: fn(&EngineError) -> bool = |error| {
        matches!(
            error,
            EngineError::NewerFormat {
                found: 2,
                supported: 1
            }
        )
    };
    check(root.path(), newer, "newer release");
}

#[test]
fn a_second_open_is_refused_until_the_first_is_closed() {
    let root = tempfile::tempdir().unwrap();
    let engine = open(root.path()).unwrap();
    let error = open(root.path()).err().unwrap();
    assert!(matches!(error, EngineError::InUse { .. }), "{error}");
    engine.close().unwrap();
    open(root.path()).unwrap();
}

#[test]
fn an_unfinished_creation_is_started_over() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("ENGINE"), "strongroom-engine sled 1 creating\n").unwrap();
    fs::create_dir(root.path().join("sled")).unwrap();
    fs::write(root.path().join("sled/conf"), "half a fil").unwrap();
    filled(root.path());
    for leftover in ["LOCK", "ENGINE.new"] {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(leftover), "").unwrap();
        filled(root.path());
    }
}

#[test]
fn a_half_written_snapshot_is_ignored() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    fs::write(root.path().join("sled/snap.7FFFFFFFFFFFFFFF.generating"), "torn").unwrap();
    let engine = open(root.path()).unwrap();
    assert_eq!(
        engine.get(Space::PAGES, &7u32.to_be_bytes()).unwrap(),
        Some(vec![1; 20_000])
    );
}

#[test]
fn a_side_file_is_never_acknowledged_and_poisons() {
    let root = tempfile::tempdir().unwrap();
    let engine = open(root.path()).unwrap();
    let put = |key: &[u8]| engine.apply(Batch::new().put(Space::HEADS, key, b"1"), Durability::Synced);
    put(b"before").unwrap();
    fs::write(root.path().join("sled/blobs/1"), "moved there by sled").unwrap();
    let refused = put(b"after").unwrap_err();
    assert!(matches!(refused, EngineError::Corrupt { .. }), "{refused}");
    for poisoned in [put(b"later"), engine.sync(), engine.checkpoint()] {
        assert!(matches!(poisoned, Err(EngineError::Poisoned)), "{poisoned:?}");
    }
    assert_eq!(
        engine.get(Space::HEADS, b"before").unwrap(),
        Some(b"1".to_vec()),
        "reads go on"
    );
    assert!(
        matches!(engine.close(), Err(EngineError::Poisoned)),
        "a close promises nothing either"
    );
    fs::remove_file(root.path().join("sled/blobs/1")).unwrap();
    open(root.path()).unwrap();
}

#[test]
fn a_failed_sync_poisons() {
    let root = tempfile::tempdir().unwrap();
    let engine = open(root.path()).unwrap();
    fs::remove_dir(root.path().join("sled/blobs")).unwrap();
    let batch = || Batch::new().put(Space::HEADS, b"key", b"1");
    assert!(matches!(
        engine.apply(batch(), Durability::Synced),
        Err(EngineError::Io { .. })
    ));
    assert!(matches!(
        engine.apply(batch(), Durability::Buffered),
        Err(EngineError::Poisoned)
    ));
}

/// Damage is an error or an older state, never a panic and never wrong bytes.
#[test]
fn damaged_files_are_refused_or_give_right_bytes() {
    let root = tempfile::tempdir().unwrap();
    let original = root.path().join("original");
    filled(&original);
    let names: Vec<_> = files(&original.join("sled")).into_keys().collect();
    let mut refused = 0;
    for name in &names {
        for kind in 0..4 {
            let copy = tempfile::tempdir().unwrap();
            copy_dir(&original, copy.path());
            let path = copy.path().join(Path::new(name).strip_prefix(&original).unwrap());
            damage(&path, kind);
            match open(copy.path()) {
                Err(_) => refused += 1,
                Ok(engine) => assert_right_or_refused(&engine, &format!("{name} {kind}")),
            }
        }
    }
    assert!(refused > 0, "no damage of {names:?} was noticed at open");
}

fn assert_right_or_refused(engine: &SledEngine, label: &str) {
    for number in 0u32..200 {
        if let Ok(Some(value)) = engine.get(Space::PAGES, &number.to_be_bytes()) {
            assert!(value == vec![1; 20_000], "{label}: wrong bytes");
        }
    }
}

fn damage(path: &Path, kind: u8) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    match kind {
        0 => bytes.clear(),
        1 => bytes.truncate(middle),
        2 => bytes
            .iter_mut()
            .skip(middle)
            .take(4096)
            .for_each(|byte| *byte = 0),
        _ => bytes.fill(0xa5),
    }
    fs::write(path, bytes).unwrap();
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
