//! fjall's directory: what is not ours, newer, in use or damaged gives a clear error, and torn tails cost
//! nothing.
#![cfg(feature = "fjall")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use strongroom_engine::engine::fjall::{FjallEngine, FjallOptions};
use strongroom_engine::engine::sled::{SledEngine, SledOptions};
use strongroom_engine::engine::{Batch, Durability, Engine, EngineError, EngineKind, Space};

/// Small enough that the filled directory has tables of several levels.
fn options() -> FjallOptions {
    FjallOptions {
        cache_bytes: 1 << 20,
        memtable_bytes: 1 << 20,
    }
}

fn open(dir: &Path) -> Result<FjallEngine, EngineError> {
    FjallEngine::open(dir, &options())
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

const RECORDS: u32 = 200;

fn value(number: u32) -> Vec<u8> {
    (0..20_000u32).map(|at| (at ^ (at >> 8) ^ number) as u8).collect()
}

fn filled(dir: &Path) {
    let engine = open(dir).unwrap();
    for number in 0..RECORDS {
        let batch = Batch::new().put(Space::PAGES, number.to_be_bytes(), value(number));
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
    assert!(files(dir) == before, "a refused directory was touched");
}

#[test]
fn foreign_and_newer_directories_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let not_ours: fn(&EngineError) -> bool = |error| matches!(error, EngineError::NotAnEngine { .. });
    fs::write(root.path().join("letter.txt"), "dear reader").unwrap();
    check(root.path(), not_ours, "letter.txt");
    for marker in [
        "strongroom-engine fjall",
        "strongroom-engine fjall 1 maybe\n",
        "x",
    ] {
        fs::write(root.path().join("ENGINE"), marker).unwrap();
        check(root.path(), not_ours, "ENGINE");
    }
    let newer: fn(&EngineError) -> bool = |error| matches!(error, EngineError::NewerFormat { found: 2, .. });
    fs::write(root.path().join("ENGINE"), "strongroom-engine fjall 2 ready\n").unwrap();
    check(root.path(), newer, "newer release");
}

#[test]
fn the_marker_tells_the_engines_apart() {
    let root = tempfile::tempdir().unwrap();
    let (sled, fjall) = (root.path().join("sled"), root.path().join("fjall"));
    let not_ours: fn(&EngineError) -> bool = |error| matches!(error, EngineError::NotAnEngine { .. });
    assert_eq!(EngineKind::of(&sled).unwrap(), None);
    for (kind, dir) in [(EngineKind::Sled, &sled), (EngineKind::Fjall, &fjall)] {
        let engine = kind.open(dir, 1 << 20).unwrap();
        let batch = Batch::new().put(Space::HEADS, b"key", b"value");
        engine.apply(batch, Durability::Synced).unwrap();
        drop(engine);
        assert_eq!(EngineKind::of(dir).unwrap(), Some(kind));
        let again = EngineKind::of(dir).unwrap().unwrap().open(dir, 1 << 20).unwrap();
        assert_eq!(again.get(Space::HEADS, b"key").unwrap(), Some(b"value".to_vec()));
    }
    check(&sled, not_ours, "ENGINE");
    assert!(not_ours(
        &SledEngine::open(&fjall, &SledOptions::default()).err().unwrap()
    ));
    fs::write(root.path().join("ENGINE"), "strongroom-engine other 1 ready\n").unwrap();
    assert!(not_ours(&EngineKind::of(root.path()).unwrap_err()));
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
    fs::write(root.path().join("ENGINE"), "strongroom-engine fjall 1 creating\n").unwrap();
    fs::create_dir(root.path().join("fjall")).unwrap();
    fs::write(root.path().join("fjall/version"), "half").unwrap();
    filled(root.path());
    assert_eq!(right(&open(root.path()).unwrap()), RECORDS);
}

/// What is lost is never made anew in silence.
#[test]
fn lost_files_are_noticed() {
    const JOURNAL: &str = "the journal";
    for lost in [
        "fjall",
        "fjall/version",
        "fjall/keyspaces",
        "fjall/keyspaces/1",
        JOURNAL,
    ] {
        let root = tempfile::tempdir().unwrap();
        filled(root.path());
        let lost = match lost {
            JOURNAL => journal(root.path()),
            lost => root.path().join(lost),
        };
        if lost.is_dir() {
            fs::remove_dir_all(lost).unwrap();
        } else {
            fs::remove_file(lost).unwrap();
        }
        let left = files(root.path());
        assert!(open(root.path()).is_err());
        let made: Vec<_> = files(root.path())
            .into_keys()
            .filter(|name| !left.contains_key(name))
            .collect();
        assert!(made.is_empty(), "{made:?}");
    }
}

fn journal(dir: &Path) -> PathBuf {
    let names = files(&dir.join("fjall")).into_keys();
    let journals: Vec<_> = names
        .filter(|name| name.extension().is_some_and(|end| end == "jnl"))
        .collect();
    assert_eq!(journals.len(), 1, "{journals:?}");
    journals[0].clone()
}

/// How many records are there, if each of them is right.
fn right(engine: &dyn Engine) -> u32 {
    let found = (0..RECORDS).filter_map(|number| {
        let value = engine.get(Space::PAGES, &number.to_be_bytes()).unwrap();
        value.map(|found| assert!(found == self::value(number), "record {number} has wrong bytes"))
    });
    found.count() as u32
}

/// The last batch of a journal may be torn anywhere and in any way; the batches before it are there, and the
/// engine goes on.
#[test]
fn a_torn_last_batch_is_as_if_it_had_not_been() {
    let root = tempfile::tempdir().unwrap();
    let original = root.path().join("original");
    let engine = open(&original).unwrap();
    let put = |number: u32| Batch::new().put(Space::PAGES, number.to_be_bytes(), value(number));
    (0..3).for_each(|number| engine.apply(put(number), Durability::Synced).unwrap());
    let whole = used(&journal(&original));
    engine.apply(put(3), Durability::Synced).unwrap();
    let end = used(&journal(&original));
    engine.close().unwrap();
    let tears: [fn(&mut Vec<u8>, usize, usize); 4] = [
        |bytes, _, at| bytes.truncate(at),
        |bytes, _, at| bytes[at..].fill(0),
        |bytes, _, at| bytes[at] ^= 0x55,
        // The end is there, what is before it is not.
        |bytes, from, at| bytes[from..at].fill(0),
    ];
    let places = [
        0,
        1,
        2,
        12,
        13,
        14,
        20,
        30,
        40,
        5_000,
        end - whole - 13,
        end - whole - 9,
        end - whole - 1,
    ];
    for (number, tear) in tears.iter().enumerate() {
        for place in places {
            let copy = tempfile::tempdir().unwrap();
            copy_dir(&original, copy.path());
            let path = journal(copy.path());
            let mut bytes = fs::read(&path).unwrap();
            tear(&mut bytes, whole, whole + place);
            fs::write(&path, &bytes).unwrap();
            let left = 3 + u32::from(number == 3 && place == 0);
            for round in 0..2 {
                let engine =
                    open(copy.path()).unwrap_or_else(|error| unreachable!("{number} {place}: {error}"));
                assert_eq!(right(&engine), left + round, "tear {number} at {place}");
                engine.apply(put(10 + round), Durability::Synced).unwrap();
            }
        }
    }
}

/// Bytes of a journal before the zeros of its length set ahead.
fn used(path: &Path) -> usize {
    let bytes = fs::read(path).unwrap();
    bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1
}

/// Damage is an error or an older state, never a panic and never wrong bytes.
#[test]
fn damaged_files_are_refused_or_give_right_bytes() {
    let root = tempfile::tempdir().unwrap();
    let original = root.path().join("original");
    filled(&original);
    let names: Vec<_> = files(&original.join("fjall")).into_keys().collect();
    let mut noticed = 0;
    for name in &names {
        for kind in 0..4 {
            let copy = tempfile::tempdir().unwrap();
            copy_dir(&original, copy.path());
            damage(&copy.path().join(name.strip_prefix(&original).unwrap()), kind);
            match open(copy.path()) {
                Err(_) => noticed += 1,
                Ok(engine) => noticed += u32::from(!all_right(&engine)),
            }
        }
    }
    assert!(noticed > 0, "no damage of {names:?} was noticed");
}

fn all_right(engine: &dyn Engine) -> bool {
    (0..RECORDS).all(|number| match engine.get(Space::PAGES, &number.to_be_bytes()) {
        Ok(Some(found)) => {
            assert!(found == value(number), "record {number} has wrong bytes");
            true
        }
        _ => false,
    })
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

/// A thread of fjall's that fails poisons the engine: writers get an error, and none of them waits for ever.
#[test]
fn a_failed_flush_poisons() {
    let root = tempfile::tempdir().unwrap();
    let engine = open(root.path()).unwrap();
    let put = |number: u32| {
        let batch = Batch::new().put(Space::PAGES, number.to_be_bytes(), vec![1; 500_000]);
        engine.apply(batch, Durability::Buffered)
    };
    put(0).unwrap();
    fs::remove_dir_all(root.path().join("fjall/keyspaces/1/tables")).unwrap();
    let failed = (1..1_000).find_map(|number| put(number).err());
    assert!(matches!(failed, Some(EngineError::Poisoned)), "{failed:?}");
    for refused in [put(0), engine.sync(), engine.checkpoint()] {
        assert!(matches!(refused, Err(EngineError::Poisoned)), "{refused:?}");
    }
    assert!(
        engine.get(Space::PAGES, &0u32.to_be_bytes()).unwrap().is_some(),
        "reads go on"
    );
    assert!(
        matches!(engine.close(), Err(EngineError::Poisoned)),
        "a close promises nothing either"
    );
}
