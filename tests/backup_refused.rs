//! A backup that is not, in every byte, what was written is refused by the name of the file, and nothing is
//! ever written over what exists.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod backup_world;
mod common;

use std::fs;
use std::path::{Path, PathBuf};

use backup_world::{Source, container, put};
use strongroom::engine::SystemEntropy;
use strongroom::{EngineKind, KeyFile, Placement, RestoreOptions, Store};

const MANIFEST: &str = "strongroom.backup";

fn source() -> Source {
    let source = Source::new((EngineKind::Sled, Placement::Engine));
    source.account("one");
    for n in 1..4 {
        put(&container(&source.store, "one"), &n.to_string(), n);
    }
    source.backup("backup").unwrap();
    source
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Restoring is refused with a code, by the name of a file, and leaves nothing.
#[track_caller]
fn check_refused(source: &Source, (code, file): (&str, &Path), case: &str) {
    let refused = source.restore("backup", "again").unwrap_err();
    assert_eq!(refused.code(), code, "{case}: {refused}");
    assert!(
        refused.message().contains(&file.display().to_string()),
        "{case}: {refused}"
    );
    assert!(!source.path("again").exists(), "{case}");
}

#[test]
fn every_changed_byte_is_seen() {
    let source = source();
    let all = files(&source.path("backup"));
    assert!(all.len() > 5, "{all:?}");
    for path in &all {
        let good = fs::read(path).unwrap();
        let step = (good.len() / 40).max(1);
        for at in (0..good.len()).step_by(step).chain([good.len() - 1]) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(path, &bad).unwrap();
            check_refused(
                &source,
                ("BackupDamaged", path),
                &format!("{} byte {at}", path.display()),
            );
        }
        let longer = [good.as_slice(), &[0]].concat();
        for (what, bad) in [
            ("shorter", &good[..good.len() - 1]),
            ("longer", &longer),
            ("empty", &[]),
        ] {
            fs::write(path, bad).unwrap();
            check_refused(&source, ("BackupDamaged", path), what);
        }
        fs::remove_file(path).unwrap();
        let is_manifest = path.ends_with(MANIFEST);
        let code = if is_manifest {
            "NotABackup"
        } else {
            "BackupDamaged"
        };
        let named = if is_manifest {
            source.path("backup")
        } else {
            path.clone()
        };
        check_refused(&source, (code, &named), "missing");
        fs::write(path, &good).unwrap();
    }
    source.restored("backup", "again");
}

#[test]
fn files_of_two_backups_are_not_mixed() {
    let source = source();
    put(&container(&source.store, "one"), "more", 5);
    source.backup("other").unwrap();
    let (one, other) = (
        source.path("backup/records/00000000"),
        source.path("other/records/00000000"),
    );
    let good = fs::read(&one).unwrap();
    fs::copy(other, &one).unwrap();
    check_refused(&source, ("BackupDamaged", &one), "a file of another backup");
    fs::write(&one, good).unwrap();
    source.restored("backup", "again");
}

/// A manifest whose hashes fit, and which was not made with the store's key.
#[test]
fn a_manifest_of_somebody_else_is_refused() {
    let source = source();
    let other = self::source();
    let manifest = source.path("backup").join(MANIFEST);
    fs::copy(other.path("backup").join(MANIFEST), &manifest).unwrap();
    let header = source.path("backup/strongroom.header");
    check_refused(
        &source,
        ("BackupDamaged", &header),
        "the manifest of another store",
    );
}

#[track_caller]
fn check_backup(source: &Source, directory: &str, code: &str) {
    let before = files(source.world.directory.path());
    let refused = source.backup(directory).unwrap_err();
    assert_eq!(refused.code(), code, "{directory}: {refused}");
    assert_eq!(files(source.world.directory.path()), before, "{directory}");
}

#[test]
fn a_backup_is_written_into_an_empty_place_of_its_own() {
    let source = source();
    fs::create_dir_all(source.path("full")).unwrap();
    fs::write(source.path("full/file"), "somebody's").unwrap();
    fs::write(source.path("file"), "somebody's").unwrap();
    fs::create_dir_all(source.path("empty")).unwrap();
    check_backup(&source, "backup", "DirectoryNotEmpty");
    check_backup(&source, "full", "DirectoryNotEmpty");
    check_backup(&source, "file", "NotADirectory");
    check_backup(&source, "source", "DestinationInsideStore");
    check_backup(&source, "source/backup", "DestinationInsideStore");
    check_backup(&source, "empty/../source/engine/backup", "DestinationInsideStore");
    source.backup("empty").unwrap();
    source.backup("deep/er").unwrap();
}

#[test]
fn a_restore_never_writes_over_anything() {
    let source = source();
    fs::create_dir_all(source.path("full")).unwrap();
    fs::write(source.path("full/file"), "somebody's").unwrap();
    fs::create_dir_all(source.path("empty")).unwrap();
    source.store.close().unwrap();
    let before = files(source.world.directory.path());
    for (directory, code) in [
        ("source", "AlreadyInitialised"),
        ("full", "DirectoryNotEmpty"),
        ("full/file", "NotADirectory"),
        ("backup", "DestinationInsideBackup"),
        ("backup/records/store", "DestinationInsideBackup"),
    ] {
        let refused = source.restore("backup", directory).unwrap_err();
        assert_eq!(refused.code(), code, "{directory}: {refused}");
        let after: Vec<_> = files(source.world.directory.path());
        assert_eq!(after, before, "{directory}");
    }
    for backup in ["empty", "full", "nowhere", "source"] {
        assert_eq!(source.restore(backup, "again").unwrap_err().code(), "NotABackup");
    }
    source.restored("backup", "empty");
}

#[test]
fn another_host_key_opens_no_backup() {
    let source = source();
    let other = KeyFile::create(&source.path("other.key"), &SystemEntropy).unwrap();
    let to = Store::builder(source.path("again"), other);
    let refused = Store::restore(&source.path("backup"), to, &RestoreOptions::default(), |_| ());
    assert_eq!(refused.unwrap_err().code(), "WrongPlatformKey");
    assert!(!source.path("again").exists());
}

/// The key changes after a backup: the backup still opens with the one of its time, and only with that.
#[test]
fn a_backup_opens_with_the_key_of_its_time() {
    let source = source();
    let new = KeyFile::create(&source.path("new.key"), &SystemEntropy).unwrap();
    let old = KeyFile::read(&source.path("source.key")).unwrap();
    source.store.change_platform_key(&old, &new).unwrap();
    let to = Store::builder(source.path("again"), new);
    let refused = Store::restore(&source.path("backup"), to, &RestoreOptions::default(), |_| ());
    assert_eq!(refused.unwrap_err().code(), "WrongPlatformKey");
    source.restored("backup", "again");
}
