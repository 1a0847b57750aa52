//! The root key of an encryption scope: how it comes, who holds it, how it changes hands and goes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod blob_world;
mod common;
mod scope_world;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use blob_world::{blob, bytes, code, refused};
use common::{ACCOUNT, VAULT, World, latest, name, pinned};
use scope_world::{KEY, container, create, put, read, scope_name, scope_of};
use strongroom::keyvault::NewKeyOptions;
use strongroom::{
    BlobVersionRef, DownloadOptions, EncryptionChoice, EncryptionScopeState, KeySource, Metadata,
    NewEncryptionScope, UploadOptions,
};

#[test]
fn a_scope_is_created_shown_and_listed() {
    let mut world = World::prepared();
    let account = world.account();
    assert_eq!(account.encryption_scopes().unwrap(), []);
    let made = [create(&world, "tenant-2"), create(&world, "tenant-1")];
    let shown = made.map(|scope| scope.properties().unwrap());
    let taken = account.create_encryption_scope(&scope_name("tenant-1"), &NewEncryptionScope::default());
    assert_eq!(refused(taken), code("EncryptionScopeAlreadyExists", 409));
    let missing = account.encryption_scope(&scope_name("tenant-3"));
    assert_eq!(refused(missing), code("EncryptionScopeNotFound", 404));
    for _ in 0..2 {
        let listed = world.account().encryption_scopes().unwrap();
        assert_eq!(listed, [shown[1].clone(), shown[0].clone()]);
        assert_eq!(listed[0].state, EncryptionScopeState::Enabled);
        assert_eq!(listed[0].key_source, KeySource::Platform);
        world.reopen();
    }
}

#[test]
fn a_scope_that_cannot_have_its_key_is_not_created() {
    let mut world = World::prepared();
    let files = || std::fs::read_dir(world.data().join("keys")).unwrap().count();
    let before = files();
    let key = world.make_key(VAULT, KEY);
    world.enable_key(&key, false);
    let new = NewEncryptionScope {
        key: Some(pinned(&key)),
        ..NewEncryptionScope::default()
    };
    let account = world.account();
    let failed = account.create_encryption_scope(&scope_name("tenant-1"), &new);
    assert_eq!(refused(failed), code("KeyVaultAuthenticationFailure", 400));
    assert_eq!(account.encryption_scopes().unwrap(), []);
    assert_eq!(files(), before, "no one-time key is left");
    world.enable_key(&key, true);
    account
        .create_encryption_scope(&scope_name("tenant-1"), &new)
        .unwrap();
    assert_eq!(files(), before + 1, "the proven copy of the envelope");
    world.reopen();
    let shown = world.account().encryption_scopes().unwrap();
    assert_eq!(shown[0].key_source, KeySource::KeyVault);
    assert_eq!(
        shown[0]
            .key_vault
            .as_ref()
            .unwrap()
            .current_versioned_key_identifier,
        key
    );
}

/// The key of a scope changes hands like an account's: one record, no data, old settings on failure.
#[test]
fn the_key_of_a_scope_changes_hands() {
    let mut world = World::prepared();
    let first = world.make_key(VAULT, KEY);
    let scope = create(&world, "tenant-1");
    let one = container(&world, "one", Some("tenant-1"), true);
    put(&one, "a", EncryptionChoice::Default).unwrap();
    let before = world.store.write_counts();
    let shown = scope.use_customer_key(&pinned(&first)).unwrap();
    let written = world.store.write_counts().since(&before);
    assert_eq!((shown.key_source, written.chunk_bytes), (KeySource::KeyVault, 0));
    let second = world.make_key_with(VAULT, KEY, NewKeyOptions::default());
    scope.use_customer_key(&latest(&second)).unwrap();
    world.enable_key(&first, false);
    assert_eq!(read(&one, "a", BlobVersionRef::Base).unwrap(), b"content");
    world.enable_key(&second, false);
    assert_eq!(
        refused(read(&one, "a", BlobVersionRef::Base)),
        code("KeyVaultEncryptionKeyNotFound", 403)
    );
    let stuck = scope.use_platform_key();
    assert_eq!(refused(stuck), code("KeyVaultEncryptionKeyNotFound", 403));
    world.enable_key(&second, true);

    // The daily check looks at scopes as well.
    let third = world.make_key_with(VAULT, KEY, NewKeyOptions::default());
    world.clock.advance(Duration::from_secs(86_400));
    let checks = world.store.daily_check().unwrap();
    let moved: Vec<_> = checks
        .iter()
        .map(|check| (check.scope.clone(), *check.outcome.as_ref().unwrap()))
        .collect();
    assert_eq!(moved, [(Some(scope_name("tenant-1")), true)]);
    world.reopen();
    let shown = scope_of(&world, "tenant-1").properties().unwrap();
    let current = shown.key_vault.unwrap().current_versioned_key_identifier;
    assert_eq!(current, third);
    let shown = scope_of(&world, "tenant-1").use_platform_key().unwrap();
    assert_eq!(shown.key_source, KeySource::Platform);
    world.enable_key(&third, false);
    let one = world.account().container(one.name());
    assert_eq!(read(&one, "a", BlobVersionRef::Base).unwrap(), b"content");
}

#[test]
fn a_scope_that_is_damaged_keeps_no_other_from_its_daily_check() {
    let mut world = World::prepared();
    let followed = world.make_key(VAULT, KEY);
    let files = |world: &World| -> BTreeSet<PathBuf> {
        let entries = std::fs::read_dir(world.data().join("keys")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let before = files(&world);
    create(&world, "a-damaged");
    let one_time = files(&world).difference(&before).next().unwrap().clone();
    create(&world, "b-following")
        .use_customer_key(&latest(&followed))
        .unwrap();
    world.make_key_with(VAULT, KEY, NewKeyOptions::default());
    world.clock.advance(Duration::from_secs(86_400));
    let kept = std::fs::read(&one_time).unwrap();
    std::fs::write(&one_time, vec![0; kept.len()]).unwrap();
    world.reopen();
    let checks = world.store.daily_check().unwrap();
    let seen: Vec<_> = checks
        .iter()
        .map(|check| {
            (
                check.scope.as_ref().map(|scope| scope.as_str()),
                check.outcome.as_ref().ok(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [(Some("a-damaged"), None), (Some("b-following"), Some(&true))]
    );
    std::fs::write(&one_time, kept).unwrap();
    assert_eq!(world.store.daily_check().unwrap().len(), 0, "looked at today");
}

#[test]
fn a_disabled_scope_stays_disabled_until_it_is_enabled() {
    let mut world = World::prepared();
    let key = world.make_key(VAULT, KEY);
    create(&world, "tenant-1");
    let one = container(&world, "one", Some("tenant-1"), true);
    put(&one, "a", EncryptionChoice::Default).unwrap();
    let disabled = code("EncryptionScopeDisabled", 403);
    let check = |world: &World| {
        let one = world.account().container(one.name());
        assert_eq!(refused(read(&one, "a", BlobVersionRef::Base)), disabled);
        assert_eq!(refused(put(&one, "b", EncryptionChoice::Default)), disabled);
        let listed = one.list_blobs(&strongroom::ListBlobs::default()).unwrap();
        assert_eq!(listed.entries.len(), 1, "what needs no key goes on");
    };
    let scope = scope_of(&world, "tenant-1");
    let shown = scope.set_state(EncryptionScopeState::Disabled).unwrap();
    assert_eq!(shown.state, EncryptionScopeState::Disabled);
    check(&world);
    // Whoever holds the key, and whatever happens in the vault.
    scope.use_customer_key(&pinned(&key)).unwrap();
    check(&world);
    world.make_key(VAULT, "other");
    check(&world);
    world.reopen();
    check(&world);
    let scope = scope_of(&world, "tenant-1");
    scope.use_platform_key().unwrap();
    check(&world);
    world.reopen();
    check(&world);
    scope_of(&world, "tenant-1")
        .set_state(EncryptionScopeState::Enabled)
        .unwrap();
    let one = world.account().container(one.name());
    assert_eq!(read(&one, "a", BlobVersionRef::Base).unwrap(), b"content");
}

#[test]
fn an_open_stream_stops_when_its_scope_is_disabled() {
    let world = World::prepared();
    let scope = create(&world, "tenant-1");
    let one = container(&world, "one", Some("tenant-1"), true);
    let options = UploadOptions::default();
    one.upload(&blob("a"), &bytes(1 << 20)[..], options.clone())
        .unwrap();
    let mut download = one.open_blob(&blob("a"), &DownloadOptions::default()).unwrap();
    let mut upload = one.begin_upload(&blob("b"), options).unwrap();
    upload.write(&[1; 100_000]).unwrap();
    scope.set_state(EncryptionScopeState::Disabled).unwrap();
    let mut out = [0; 1000];
    let stopped = std::io::Read::read(&mut download, &mut out).unwrap_err();
    assert!(
        stopped.to_string().contains("EncryptionScopeDisabled"),
        "{stopped}"
    );
    assert_eq!(
        refused(upload.write(&[1; 100_000])),
        code("EncryptionScopeDisabled", 403)
    );
    assert_eq!(refused(upload.commit()), code("EncryptionScopeDisabled", 403));
}

#[test]
fn scopes_go_with_their_account_and_only_with_it() {
    let mut world = World::prepared();
    create(&world, "tenant-1");
    let one = container(&world, "one", Some("tenant-1"), true);
    put(&one, "a", EncryptionChoice::Default).unwrap();
    let files = |world: &World| std::fs::read_dir(world.data().join("keys")).unwrap().count();
    assert_eq!(files(&world), 2, "the account's one-time key and the scope's");
    world.store.delete_account(&name(ACCOUNT)).unwrap();
    assert_eq!(files(&world), 0);
    assert_eq!(world.store.stats().unwrap().accounts.len(), 0);
    world.reopen();
    let again = world.store.create_account(&world.new_account(ACCOUNT)).unwrap();
    assert_eq!(again.encryption_scopes().unwrap(), []);
    again
        .container(&"one".parse().unwrap())
        .create(&Metadata::new())
        .unwrap();
    assert_eq!(world.store.scrub(None, |_| ()).unwrap().leftovers, 0);
}
