//! Side files as a crash in the middle of their destruction leaves them: overwritten, not yet unlinked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod common;

use common::World;
use strongroom::{KeySource, Metadata};

/// Opens the store again after the copy of the envelope was half destroyed.
#[track_caller]
fn check(mut world: World, expected: KeySource) {
    let album = || "album".parse().unwrap();
    world
        .account()
        .container(&album())
        .create(&Metadata::new())
        .unwrap();
    let directory = world.data().join("keys");
    let account = world.account().encryption().unwrap();
    assert_eq!(account.key_source, expected);
    let id = hex_id(&world);
    world.store.close().unwrap();
    for length in [0, 40, 600] {
        std::fs::write(directory.join(format!("{id}.envelope")), vec![0; length]).unwrap();
        world.store = world.options().open().unwrap();
        assert_eq!(world.account().encryption().unwrap().key_source, expected);
        world.account().container(&album()).properties().unwrap();
        world.store.close().unwrap();
    }
}

/// The account's id, as side files name it.
fn hex_id(world: &World) -> String {
    let files = std::fs::read_dir(world.data().join("keys")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let ids: Vec<_> = names
        .map(|name| name.split('.').next().unwrap().to_owned())
        .collect();
    ids.first().cloned().unwrap()
}

#[test]
fn a_copy_half_destroyed_does_not_keep_a_platform_account_closed() {
    check(World::prepared(), KeySource::Platform);
}

#[test]
fn a_copy_half_destroyed_does_not_keep_a_customer_account_closed() {
    check(World::customer(), KeySource::KeyVault);
}
