//! Directories that are no store, stores that are open already, and formats of the future: refused by name,
//! and nothing is written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod bad_world;
mod common;
mod inside;

use std::fs;
use std::path::{Path, PathBuf};

use bad_world::{check, files};
use common::{World, fixtures};
use strongroom::engine::SystemEntropy;
use strongroom::engine::codec::{FrameKind, frame, unframe};
use strongroom::engine::engine::{KeyRange, Order};
use strongroom::engine::tree::TreeError;
use strongroom::{ErrorKind, KeyFile, Passphrase, Store, Vaults};

const STORE: ErrorKind = ErrorKind::Store;
const CORRUPT: ErrorKind = ErrorKind::Corrupt;

/// A closed store with an account, and its vaults, open.
fn closed() -> World {
    let world = World::customer();
    world.store.close().unwrap();
    world
}

/// Changes one file of a store, or of the vaults, and opens; puts it back, and opens.
#[track_caller]
fn check_file(file: &str, want: (ErrorKind, &str), change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let world = closed();
    world.vaults.close().unwrap();
    let path = world.directory.path().join(file);
    let good = fs::read(&path).unwrap();
    fs::write(&path, change(good.clone())).unwrap();
    let look = || files(world.directory.path());
    if file.starts_with("data") {
        let open = || Store::builder(world.data(), world.host_key()).open();
        check(file, want, look, open);
    } else {
        check(file, want, look, || world.vault_options().open());
    }
    fs::write(&path, good).unwrap();
    let vaults = world.vault_options().open().unwrap();
    world.options().vaults(&vaults).open().unwrap();
}

/// A header whose record says it is of the next version.
fn next_version(bytes: &[u8]) -> Vec<u8> {
    let mut record = unframe(FrameKind::File, bytes).unwrap().to_vec();
    record[0] += 1;
    frame(FrameKind::File, &record).unwrap()
}

/// The same bytes in a frame of the next version, its checksum right.
fn next_frame(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[0] += 1;
    let mut crc = crc32fast::Hasher::new();
    crc.update(&bytes[..6]);
    crc.update(&bytes[10..]);
    bytes[6..10].copy_from_slice(&crc.finalize().to_be_bytes());
    bytes
}

#[test]
fn newer_formats_are_refused_untouched() {
    let newer = (STORE, "NewerFormat");
    let marker = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .unwrap()
            .replace(" 1 ", " 2 ")
            .into_bytes()
    };
    for place in ["data", "vaults"] {
        let header = if place == "data" { "strongroom" } else { "vaults" };
        check_file(&format!("{place}/{header}.header"), newer, |bytes| {
            next_version(&bytes)
        });
        check_file(&format!("{place}/{header}.header"), newer, |bytes| {
            next_frame(&bytes)
        });
        check_file(&format!("{place}/engine/ENGINE"), newer, marker);
    }
}

#[test]
fn damaged_directories_are_refused_untouched() {
    for place in ["data", "vaults"] {
        let header = if place == "data" { "strongroom" } else { "vaults" };
        let header = format!("{place}/{header}.header");
        let marker = format!("{place}/engine/ENGINE");
        check_file(&header, (CORRUPT, "HeaderDamaged"), |bytes| bytes[1..].to_vec());
        check_file(&header, (CORRUPT, "HeaderDamaged"), |_| vec![0x41; 4096]);
        check_file(&marker, (CORRUPT, "EngineDamaged"), |_| {
            b"something else".to_vec()
        });
        check_file(&marker, (CORRUPT, "EngineDamaged"), |_| vec![0; 1 << 20]);
    }
}

/// Gives every record of a room of the store's tree the next version.
fn age_records(world: &World, room: u8) {
    let (root, id) = inside::root(&world.data(), &world.host_key());
    let trees = inside::trees(&world.data());
    let tree = inside::tree(&trees, &root, id);
    let changed = tree.transact(move |txn| -> Result<(), TreeError> {
        for (key, mut value) in txn.range(&KeyRange::prefix(&[room]), Order::Ascending, usize::MAX)? {
            value[0] += 1;
            txn.put(&key, &value)?;
        }
        Ok(())
    });
    changed.unwrap();
    trees.close().unwrap();
}

#[test]
fn a_record_of_the_future_inside_the_tree_is_refused() {
    let world = closed();
    age_records(&world, 1);
    let outside = || files(&world.data().join("keys"));
    check("open", (STORE, "NewerFormat"), outside, || world.options().open());
}

#[test]
fn what_is_open_is_not_opened_again() {
    let world = World::customer();
    let want = (STORE, "StoreInUse");
    check("store", want, || (), || world.options().open());
    check("store made again", want, || (), || world.options().init());
    check("vaults", want, || (), || world.vault_options().open());
    check("vaults made again", want, || (), || world.vault_options().init());
    assert_eq!(world.store.accounts().unwrap().len(), 1);
    world.store.close().unwrap();
    world.options().open().unwrap();
}

#[test]
fn wrong_keys_and_wrong_directories_are_refused_untouched() {
    let world = closed();
    world.vaults.close().unwrap();
    let vaults = || world.directory.path().join("vaults");
    let look = || files(world.directory.path());
    let wrong = (STORE, "WrongPlatformKey");
    let guess = || Passphrase::new("a guess".to_owned()).unwrap();
    check("the vaults' key for the data", wrong, look, || {
        Store::builder(world.data(), world.vault_key()).open()
    });
    check("a passphrase for the data", wrong, look, || {
        Store::builder(world.data(), guess()).open()
    });
    check("the host's key for the vaults", wrong, look, || {
        Vaults::builder(vaults(), world.host_key()).open()
    });
    check("a passphrase for the vaults", wrong, look, || {
        Vaults::builder(vaults(), guess()).open()
    });
    let none = (STORE, "NotInitialised");
    check("vaults as data", none, look, || {
        Store::builder(vaults(), world.host_key()).open()
    });
    check("data as vaults", none, look, || {
        Vaults::builder(world.data(), world.vault_key()).open()
    });
    check("nothing", none, look, || {
        Vaults::builder(world.directory.path().join("no"), world.vault_key()).open()
    });
    // A header in the place of the other one's.
    fs::copy(
        vaults().join("vaults.header"),
        world.data().join("strongroom.header"),
    )
    .unwrap();
    check("another header", none, look, || {
        Store::builder(world.data(), world.host_key()).open()
    });
}

#[test]
fn a_place_that_is_no_directory_of_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let key = |name: &str| KeyFile::create(&path(name), &SystemEntropy).unwrap();
    drop((key("host.key"), key("vault.key")));
    let read = |name: &str| KeyFile::read(&path(name)).unwrap();
    fs::write(path("letter"), "dear").unwrap();
    fs::create_dir_all(path("photos/2026")).unwrap();
    fs::write(path("photos/beach.jpg"), "sand").unwrap();
    // What lies in `keys` of a vault directory and is not wanted is destroyed when it is opened.
    fs::create_dir_all(path("home/keys")).unwrap();
    fs::write(path("home/keys/front-door"), "precious").unwrap();
    let look = || files(folder.path());
    let store = |place: &Path| Store::builder(place, read("host.key"));
    let vaults = |place: &Path| Vaults::builder(place, read("vault.key")).providers(fixtures());
    let file = (STORE, "NotADirectory");
    check("open a file", file, look, || store(&path("letter")).open());
    check("init a file", file, look, || store(&path("letter")).init());
    check("open a file as vaults", file, look, || {
        vaults(&path("letter")).open()
    });
    check("init a file as vaults", file, look, || {
        vaults(&path("letter")).init()
    });
    check("init below a file", (STORE, "InternalError"), look, || {
        store(&path("letter/data")).init()
    });
    for place in ["photos", "home"] {
        check("open", (STORE, "NotInitialised"), look, || {
            store(&path(place)).open()
        });
        check("init", (STORE, "DirectoryNotEmpty"), look, || {
            store(&path(place)).init()
        });
        check("init vaults", (STORE, "DirectoryNotEmpty"), look, || {
            vaults(&path(place)).init()
        });
    }
    check("no path", (STORE, "InternalError"), look, || {
        store(Path::new("")).init()
    });
    fs::create_dir(path("photos/data")).unwrap();
    let made = vaults(&path("photos/data/vaults")).init().unwrap();
    store(&path("photos/data")).vaults(&made).init().unwrap();
}

/// The only test of this file that cares where it runs: all others name paths from the root on.
#[test]
fn relative_paths_work_and_directories_above_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let before = std::env::current_dir().unwrap();
    std::env::set_current_dir(folder.path()).unwrap();
    let made = relative();
    std::env::set_current_dir(before).unwrap();
    made.unwrap();
    for file in [
        "x.key",
        "deep/er/y.key",
        "data/strongroom.header",
        "a/b/vaults/vaults.header",
    ] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
}

fn relative() -> strongroom::Result<()> {
    let host = |path: &str| KeyFile::create(&PathBuf::from(path), &SystemEntropy);
    let vaults = Vaults::builder("a/b/vaults", host("deep/er/y.key")?)
        .providers(fixtures())
        .init()?;
    let store = Store::builder("data", host("x.key")?).vaults(&vaults).init()?;
    let passphrase = Passphrase::new("a long passphrase".to_owned())?;
    let key = KeyFile::read(Path::new("x.key"))?;
    store.change_platform_key(&key, &passphrase)?;
    store.close()?;
    Store::builder("data", passphrase)
        .vaults(&vaults)
        .open()?
        .close()?;
    vaults.close()
}
