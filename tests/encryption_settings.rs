//! Customer keys: enabled, changed, followed, disabled; what the account shows of it; and not one data byte rewritten.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::time::Duration;

use common::{ACCOUNT, KEY, NEEDED, VAULT, World, beginning, latest, name, pinned};
use strongroom::{
    BlobName, Conditions, Container, CustomerKey, DownloadOptions, KeySource, KeyType, Metadata,
    UploadOptions,
};

fn container(world: &World) -> Container {
    world.account().container(&"album".parse().unwrap())
}

fn upload(world: &World, content: &[u8]) {
    let mut options = UploadOptions::default();
    options.metadata.insert("title", "sunset").unwrap();
    options.conditions = Conditions::default();
    container(world).upload(&blob(), content, options).unwrap();
}

#[track_caller]
fn readable(world: &World, content: &[u8]) {
    let mut out = Vec::new();
    container(world)
        .download(&blob(), &DownloadOptions::default(), &mut out)
        .unwrap();
    assert!(out == content, "another content came back");
}

fn blob() -> BlobName {
    "sun.jpg".parse().unwrap()
}

#[test]
fn enabled_changed_and_disabled_with_the_same_data_and_none_of_it_rewritten() {
    let mut world = World::prepared();
    container(&world).create(&Metadata::new()).unwrap();
    let content = vec![7; 300_000];
    upload(&world, &content);
    world.make_vault("other", |new| {
        new.subscription = "another subscription".to_owned();
    });
    world.grant("other", world.principal(), &NEEDED);
    let first = world.current(VAULT, KEY);
    let second = world.make_key(VAULT, KEY);
    let another = world.make_key(VAULT, "another");
    let elsewhere = world.make_key("other", KEY);
    for key in [&first, &second, &first, &another, &elsewhere] {
        world.clock.advance(Duration::from_secs(60));
        let before = world.store.write_counts();
        let status = world.account().use_customer_key(&pinned(key)).unwrap();
        let written = world.store.write_counts().since(&before);
        assert_eq!((written.chunk_bytes, written.syncs), (0, 1), "{key}");
        assert_eq!(status.key_source, KeySource::KeyVault);
        let shown = status.key_vault.unwrap();
        assert_eq!(&shown.current_versioned_key_identifier, key);
        assert_eq!(shown.key_version, Some(key.version));
        assert_eq!((&shown.key_name, &shown.key_vault_uri), (&key.name, &key.vault));
        readable(&world, &content);
        world.reopen();
        readable(&world, &content);
    }
    let before = world.store.write_counts();
    let status = world.account().use_platform_key().unwrap();
    assert_eq!((status.key_source, status.key_vault), (KeySource::Platform, None));
    assert_eq!(world.store.write_counts().since(&before).chunk_bytes, 0);
    readable(&world, &content);
    world.reopen();
    readable(&world, &content);
    world.vaults.close().unwrap();
    readable(&world, &content);
}

#[test]
fn the_time_of_rotation_moves_only_with_the_version() {
    let world = World::prepared();
    let first = world.current(VAULT, KEY);
    let rotated = |key: CustomerKey| {
        let status = world.account().use_customer_key(&key).unwrap();
        status.key_vault.unwrap().last_key_rotation
    };
    world.clock.advance(Duration::from_secs(10));
    let enabled = rotated(pinned(&first));
    assert_eq!(enabled, beginning().plus(Duration::from_secs(10)));
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(rotated(latest(&first)), enabled, "the same version");
    let second = world.make_key(VAULT, KEY);
    assert_eq!(
        rotated(pinned(&second)),
        beginning().plus(Duration::from_secs(20))
    );
}

#[test]
fn a_pinned_version_stays_and_the_latest_is_followed_daily_or_on_demand() {
    let mut world = World::customer();
    let account = world.account();
    let first = world.current(VAULT, KEY);
    let shown = |world: &World| {
        let status = world.store.account(&name(ACCOUNT)).unwrap().encryption().unwrap();
        let key = status.key_vault.unwrap();
        (key.current_versioned_key_identifier, key.key_version)
    };
    let second = world.make_key(VAULT, KEY);
    assert!(!account.refresh_key_version().unwrap());
    assert!(world.store.daily_check().unwrap().is_empty());
    assert_eq!(shown(&world), (first.clone(), Some(first.version)));

    account.use_customer_key(&latest(&first)).unwrap();
    assert_eq!(shown(&world), (second.clone(), None));
    let third = world.make_key(VAULT, KEY);
    assert_eq!(
        shown(&world),
        (second.clone(), None),
        "a new version alone changes nothing"
    );
    assert!(account.refresh_key_version().unwrap());
    assert!(!account.refresh_key_version().unwrap());
    assert_eq!(shown(&world), (third.clone(), None));

    let fourth = world.make_key(VAULT, KEY);
    assert!(world.store.daily_check().unwrap().is_empty(), "looked at today");
    world.clock.advance(Duration::from_secs(86_400));
    let checks = world.store.daily_check().unwrap();
    assert!(matches!(checks.as_slice(), [check] if *check.outcome.as_ref().unwrap()));
    assert_eq!(shown(&world), (fourth, None));

    // A newest version that cannot be used is reported, and the account stays where it is.
    let fifth = world.make_key(VAULT, KEY);
    world.enable_key(&fifth, false);
    world.reopen();
    let checks = world.store.daily_check().unwrap();
    let outcome = checks[0].outcome.as_ref();
    assert_eq!(outcome.unwrap_err().code(), "KeyVaultAuthenticationFailure");
    assert_ne!(shown(&world).0, fifth);
}

#[test]
fn the_old_version_may_go_once_the_account_has_moved() {
    let world = World::customer();
    container(&world).create(&Metadata::new()).unwrap();
    let first = world.current(VAULT, KEY);
    let second = world.make_key(VAULT, KEY);
    world.account().use_customer_key(&pinned(&second)).unwrap();
    world.enable_key(&first, false);
    upload(&world, b"after the move");
    readable(&world, b"after the move");
}

#[test]
fn key_types_are_chosen_at_creation() {
    let world = World::prepared();
    let status = world.account().encryption().unwrap();
    assert_eq!(
        (status.blob, status.file, status.queue, status.table),
        (
            KeyType::Account,
            KeyType::Account,
            KeyType::Service,
            KeyType::Service
        )
    );
    let account = world.account();
    account.set_key_types(KeyType::Service, KeyType::Service).unwrap();
    let refused = account
        .set_key_types(KeyType::Account, KeyType::Service)
        .unwrap_err();
    assert_eq!(
        (refused.code(), refused.status()),
        ("InvalidValuesForRequestParameters", 400)
    );
}
