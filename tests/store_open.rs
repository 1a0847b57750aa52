//! Opening a store: the right key opens it, everything else is refused by name, and nothing is written then.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "the helpers of a test may fail loudly"
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{World, name};
use strongroom::engine::SystemEntropy;
use strongroom::{
    BlobName, DownloadOptions, KeyFile, Metadata, Passphrase, Placement, PlatformKey, Settings, Store,
    UploadOptions,
};

/// Every file below `directory` with its bytes.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

#[track_caller]
fn check(world: &World, key: impl PlatformKey + 'static, code: &str) {
    let before = files(&world.data());
    let error = Store::builder(world.data(), key).open().err().expect("refused");
    assert_eq!(error.code(), code, "{error}");
    assert!(
        error.what_to_do().is_some(),
        "{error} says nothing about what to do"
    );
    assert_eq!(
        files(&world.data()),
        before,
        "{error} and yet something was written"
    );
}

fn closed() -> World {
    let world = World::empty();
    world.store.create_account(&world.new_account("photos")).unwrap();
    world.store.close().unwrap();
    world
}

fn header(world: &World) -> std::path::PathBuf {
    world.data().join("strongroom.header")
}

#[test]
fn another_key_is_refused() {
    let world = closed();
    let other = KeyFile::create(&world.directory.path().join("other.key"), &SystemEntropy).unwrap();
    check(&world, other, "WrongPlatformKey");
    check(
        &world,
        Passphrase::new("a guess".to_owned()).unwrap(),
        "WrongPlatformKey",
    );
}

#[test]
fn a_second_opener_is_refused() {
    let world = World::empty();
    let error = world.options().open().err().unwrap();
    assert_eq!(error.code(), "StoreInUse");
    assert!(error.message().contains(&world.data().display().to_string()));
    world.store.close().unwrap();
    world.options().open().unwrap();
}

#[test]
fn a_directory_that_is_none_is_refused() {
    let world = closed();
    std::fs::remove_file(header(&world)).unwrap();
    check(&world, world.host_key(), "NotInitialised");
    let error = world.options().init().err().unwrap();
    assert_eq!(
        error.code(),
        "HeaderMissing",
        "init must not bury a store whose header was lost"
    );
    let nowhere = Store::builder(world.directory.path().join("nowhere"), world.host_key());
    assert_eq!(nowhere.open().err().unwrap().code(), "NotInitialised");
    assert!(!world.directory.path().join("nowhere").exists());
}

#[test]
fn every_damaged_byte_of_the_header_is_refused() {
    let world = closed();
    let bytes = std::fs::read(header(&world)).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x40;
        std::fs::write(header(&world), &damaged).unwrap();
        check(&world, world.host_key(), "HeaderDamaged");
    }
    std::fs::write(header(&world), &bytes[..bytes.len() / 2]).unwrap();
    check(&world, world.host_key(), "HeaderDamaged");
    std::fs::write(header(&world), b"").unwrap();
    check(&world, world.host_key(), "HeaderDamaged");
    std::fs::write(header(&world), bytes).unwrap();
    world.options().open().unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    use strongroom::engine::codec::{FrameKind, frame, unframe};
    let world = closed();
    let bytes = std::fs::read(header(&world)).unwrap();
    let mut record = unframe(FrameKind::File, &bytes).unwrap().to_vec();
    record[0] += 1;
    std::fs::write(header(&world), frame(FrameKind::File, &record).unwrap()).unwrap();
    check(&world, world.host_key(), "NewerFormat");
}

#[test]
fn a_format_from_before_the_first_release_is_refused() {
    use strongroom::engine::codec::{FrameKind, frame, unframe};
    let world = closed();
    let bytes = std::fs::read(header(&world)).unwrap();
    let mut record = unframe(FrameKind::File, &bytes).unwrap().to_vec();
    record[0] = 1;
    std::fs::write(header(&world), frame(FrameKind::File, &record).unwrap()).unwrap();
    check(&world, world.host_key(), "OlderFormat");
}

#[test]
fn a_lost_engine_is_not_replaced_by_an_empty_one() {
    let world = closed();
    std::fs::remove_dir_all(world.data().join("engine")).unwrap();
    check(&world, world.host_key(), "EngineMissing");
}

/// The bodies are taken for nobody's, as they would be if they were opened beside an engine without them.
#[test]
fn an_engine_that_is_not_the_stores_own_costs_no_body() {
    for foreign in [false, true] {
        let mut world = closed();
        let mut settings = Settings::default();
        settings.placement = Placement::Files;
        let options = |world: &World, directory: &str| {
            Store::builder(world.directory.path().join(directory), world.host_key()).settings(settings)
        };
        world.store = options(&world, "placed").init().unwrap();
        world.store.create_account(&world.new_account("photos")).unwrap();
        let container = world.account().container(&"album".parse().unwrap());
        container.create(&Metadata::new()).unwrap();
        let content = vec![7; 1 << 20];
        let name: BlobName = "a".parse().unwrap();
        container
            .upload(&name, content.as_slice(), UploadOptions::default())
            .unwrap();
        world.store.close().unwrap();
        options(&world, "other").init().unwrap().close().unwrap();
        let place = |path: &str| world.directory.path().join(path);
        std::fs::rename(place("placed/engine"), place("kept")).unwrap();
        if foreign {
            std::fs::rename(place("other/engine"), place("placed/engine")).unwrap();
        } else {
            std::fs::create_dir(place("placed/engine")).unwrap();
        }
        let open = || Store::builder(place("placed"), world.host_key()).open();
        assert_eq!(open().err().unwrap().code(), "EngineMissing", "{foreign}");
        let made = std::fs::read_dir(place("placed/engine")).unwrap().count();
        assert_eq!(made > 0, foreign, "nothing is made in an empty directory");
        std::fs::remove_dir_all(place("placed/engine")).unwrap();
        std::fs::rename(place("kept"), place("placed/engine")).unwrap();
        let store = open().unwrap();
        let container = store.account(&"photos".parse().unwrap()).unwrap();
        let container = container.container(&"album".parse().unwrap());
        let mut out = Vec::new();
        container
            .download(&name, &DownloadOptions::default(), &mut out)
            .unwrap();
        assert!(out == content, "{foreign}");
    }
}

#[test]
fn a_store_is_made_only_once_and_an_interrupted_making_can_be_repeated() {
    let world = closed();
    assert_eq!(world.options().init().err().unwrap().code(), "AlreadyInitialised");
    // As a crash leaves it: the marker and the engine, no header yet.
    std::fs::remove_file(header(&world)).unwrap();
    std::fs::write(world.data().join("unfinished"), b"").unwrap();
    let store = world.options().init().unwrap();
    assert!(store.accounts().unwrap().is_empty());
    assert!(!world.data().join("unfinished").exists());
}

#[test]
fn changing_the_platform_key_rewrites_one_file_only() {
    let world = World::empty();
    world.store.create_account(&world.new_account("photos")).unwrap();
    let passphrase = || Passphrase::new("a long passphrase".to_owned()).unwrap();
    let before = (files(&world.data()), world.store.write_counts());
    assert_eq!(
        world
            .store
            .change_platform_key(&passphrase(), &passphrase())
            .unwrap_err()
            .code(),
        "WrongPlatformKey"
    );
    world
        .store
        .change_platform_key(&world.host_key(), &passphrase())
        .unwrap();
    let after = (files(&world.data()), world.store.write_counts());
    assert_eq!(before.1, after.1);
    let changed: Vec<_> = after
        .0
        .iter()
        .filter(|(path, bytes)| before.0.get(*path) != Some(*bytes))
        .collect();
    assert_eq!(changed.len(), 1);
    assert!(changed[0].0.ends_with("strongroom.header"));
    world.store.close().unwrap();
    check(&world, world.host_key(), "WrongPlatformKey");
    let store = Store::builder(world.data(), passphrase()).open().unwrap();
    store.account(&name("photos")).unwrap();
}

#[test]
fn a_closed_store_refuses_everything() {
    let world = World::empty();
    let account = world.store.create_account(&world.new_account("photos")).unwrap();
    world.store.close().unwrap();
    world.store.close().unwrap();
    assert!(account.properties().is_err());
    assert!(world.store.accounts().is_err());
    assert!(world.store.create_account(&world.new_account("again")).is_err());
}

#[test]
fn a_key_file_is_refused_when_it_is_damaged_absent_or_open_to_others() {
    let world = World::empty();
    let path = world.directory.path().join("host.key");
    let text = std::fs::read_to_string(&path).unwrap();
    let code = |path: &Path| KeyFile::read(path).err().map(|error| error.code().to_owned());
    assert_eq!(
        code(&world.directory.path().join("none")).as_deref(),
        Some("KeyFileNotFound")
    );
    assert!(
        KeyFile::create(&path, &SystemEntropy).is_err(),
        "an existing key is never overwritten"
    );
    for damaged in [
        text[1..].to_owned(),
        text.replacen(' ', "  x", 1),
        text[..20].to_owned(),
        String::new(),
    ] {
        std::fs::write(&path, damaged).unwrap();
        assert_eq!(code(&path).as_deref(), Some("KeyFileDamaged"));
    }
    std::fs::write(&path, &text).unwrap();
    assert_eq!(code(&path), None);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(code(&path).as_deref(), Some("KeyFileOpenToOthers"));
    }
}
