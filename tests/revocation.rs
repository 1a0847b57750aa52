//! Access revoked: whatever the cause, the documented operations fail with its code and 403, all others go
//! on, and once access is restored every byte is there again without reopening anything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod common;

use std::io::Read;

use common::{KEY, NEEDED, VAULT, World, pinned, vault};
use strongroom::keyvault::{Directory, KeyUpdate, NewKeyOptions};
use strongroom::{
    BlobName, Conditions, Container, DownloadOptions, Error, ErrorKind, ListBlobs, ListContainers,
    ListDetail, Metadata, Result, UploadOptions,
};

const KEY_GONE: &str = "KeyVaultEncryptionKeyNotFound";
const VAULT_GONE: &str = "KeyVaultVaultNotFound";
const NO_TOKEN: &str = "KeyVaultAccessTokenCannotBeAcquired";

/// 64 KiB chunks: this is five of them.
fn content() -> Vec<u8> {
    (0..300_000_u32).map(|i| (i % 251) as u8).collect()
}

fn blob(name: &str) -> BlobName {
    name.parse().unwrap()
}

fn album(world: &World) -> Container {
    world.account().container(&"album".parse().unwrap())
}

fn upload(world: &World, name: &str) -> Result<()> {
    let mut options = UploadOptions::default();
    options.metadata.insert("title", "sunset").unwrap();
    album(world)
        .upload(&blob(name), content().as_slice(), options)
        .map(drop)
}

fn download(world: &World, name: &str) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    album(world).download(&blob(name), &DownloadOptions::default(), &mut out)?;
    Ok(out)
}

fn filled() -> World {
    let world = World::customer();
    album(&world).create(&Metadata::new()).unwrap();
    for name in ["kept", "doomed"] {
        upload(&world, name).unwrap();
    }
    world
}

/// Every operation that needs the key.
fn blocked(world: &World) -> Vec<(&'static str, Result<()>)> {
    let album = album(world);
    let with_metadata = ListBlobs {
        detail: ListDetail::Metadata,
        ..ListBlobs::default()
    };
    vec![
        ("upload", upload(world, "new")),
        ("download", download(world, "kept").map(drop)),
        (
            "show",
            album
                .blob_properties(&blob("kept"), &Conditions::default())
                .map(drop),
        ),
        (
            "metadata show",
            album
                .blob_metadata(&blob("kept"), &Conditions::default())
                .map(drop),
        ),
        (
            "metadata update",
            album
                .set_blob_metadata(&blob("kept"), &Metadata::new(), &Conditions::default())
                .map(drop),
        ),
        ("list with metadata", album.list_blobs(&with_metadata).map(drop)),
        ("disable", world.account().use_platform_key().map(drop)),
        (
            "use another key",
            world
                .account()
                .use_customer_key(&pinned(&world.present_key()))
                .map(drop),
        ),
    ]
}

/// Operations that go on.
fn allowed(world: &World) {
    let album = album(world);
    let page = album.list_blobs(&ListBlobs::default()).unwrap();
    assert_eq!(page.blobs().count(), 2);
    album
        .delete_blob(&blob("doomed"), &Conditions::default())
        .unwrap();
    let account = world.account();
    account.list_containers(&ListContainers::default()).unwrap();
    let other = account.container(&"other".parse().unwrap());
    other.create(&Metadata::new()).unwrap();
    other.delete(&Conditions::default()).unwrap();
    account.encryption().unwrap();
    account.properties().unwrap();
    world.store.stats().unwrap();
    let scrubbed = world.store.scrub(None, |_| {}).unwrap();
    assert_eq!((scrubbed.blobs_opened, scrubbed.blobs_without_key), (0, 1));
    assert_eq!(scrubbed.damage, []);
}

impl World {
    /// The version that wraps the root key.
    fn present_key(&self) -> strongroom::keyvault::KeyId {
        let status = self.account().encryption().unwrap();
        status.key_vault.unwrap().current_versioned_key_identifier
    }
}

#[track_caller]
fn refused(error: &Error, code: &str, what: &str) {
    assert_eq!((error.code(), error.status()), (code, 403), "{what}: {error}");
    assert_eq!(error.kind(), ErrorKind::KeyUnavailable, "{what}");
    assert!(error.what_to_do().is_some(), "{what}");
}

/// Revokes, looks at everything, restores, looks again.
#[track_caller]
fn check(code: &str, revoke: impl FnOnce(&World), restore: impl FnOnce(&World)) {
    let world = filled();
    let container = album(&world);
    let mut stream = container
        .open_blob(&blob("kept"), &DownloadOptions::default())
        .unwrap();
    let mut first = vec![0; 70_000];
    stream.read_exact(&mut first).unwrap();
    let mut half = album(&world)
        .begin_upload(&blob("half"), UploadOptions::default())
        .unwrap();
    half.write(&content()[..100_000]).unwrap();

    revoke(&world);
    for (what, outcome) in blocked(&world) {
        // Settings are refused too, some with the control plane's code.
        let error = outcome.expect_err(what);
        match what {
            "use another key" => assert!(error.status() >= 400, "{error}"),
            _ => refused(&error, code, what),
        }
    }
    let mut rest = Vec::new();
    assert!(
        stream.read_to_end(&mut rest).is_err(),
        "a stream in flight went on"
    );
    assert!(
        rest.is_empty(),
        "{} bytes came out after the revocation",
        rest.len()
    );
    assert!(
        half.write(&content()).and_then(|()| half.commit()).is_err(),
        "an upload in flight went on"
    );
    allowed(&world);

    restore(&world);
    assert!(download(&world, "kept").unwrap() == content());
    upload(&world, "new").unwrap();
    assert!(download(&world, "new").unwrap() == content());
    assert_eq!(download(&world, "half").unwrap_err().code(), "BlobNotFound");
    let shown = album(&world)
        .blob_metadata(&blob("kept"), &Conditions::default())
        .unwrap();
    assert_eq!(shown.get("title"), Some("sunset"));
}

fn grant_all(world: &World) {
    world.grant(VAULT, world.principal(), &NEEDED);
}

#[test]
fn by_the_access_policy() {
    check(
        KEY_GONE,
        |world| world.revoke(VAULT, world.principal()),
        grant_all,
    );
}

#[test]
fn by_the_permission_to_unwrap() {
    check(
        KEY_GONE,
        |world| world.grant(VAULT, world.principal(), &["get", "wrapKey"]),
        grant_all,
    );
}

#[test]
fn by_the_permission_to_get() {
    check(
        KEY_GONE,
        |world| world.grant(VAULT, world.principal(), &["unwrapKey", "wrapKey"]),
        grant_all,
    );
}

#[test]
fn by_disabling_the_version() {
    let change = |enabled| move |world: &World| world.enable_key(&world.present_key(), enabled);
    check(KEY_GONE, change(false), change(true));
}

#[test]
fn by_deleting_the_key() {
    let key = || KEY.parse().unwrap();
    check(
        KEY_GONE,
        |world| {
            drop(
                world
                    .vaults
                    .store()
                    .delete_key(&world.token(), &vault(VAULT), &key())
                    .unwrap(),
            );
        },
        |world| {
            drop(
                world
                    .vaults
                    .store()
                    .recover_key(&world.token(), &vault(VAULT), &key())
                    .unwrap(),
            );
        },
    );
}

#[test]
fn by_deleting_the_vault() {
    check(
        VAULT_GONE,
        |world| {
            world
                .vaults
                .store()
                .delete_vault(&world.token(), &vault(VAULT))
                .unwrap();
        },
        |world| {
            drop(
                world
                    .vaults
                    .store()
                    .recover_vault(&world.token(), &vault(VAULT))
                    .unwrap(),
            );
        },
    );
}

fn new_identity(world: &World) {
    let identity = world.account().assign_identity().unwrap();
    world.grant(VAULT, identity.principal_id, &NEEDED);
}

#[test]
fn by_removing_the_identity() {
    check(
        NO_TOKEN,
        |world| world.account().remove_identity().unwrap(),
        new_identity,
    );
}

#[test]
fn by_removing_the_identity_from_the_directory() {
    check(
        NO_TOKEN,
        |world| world.vaults.store().remove_identity(world.principal()).unwrap(),
        |world| {
            world.account().remove_identity().unwrap();
            new_identity(world);
        },
    );
}

#[test]
fn by_moving_the_account_to_another_tenant() {
    let elsewhere = "11111111-2222-3333-4444-555555555555".parse().unwrap();
    check(
        NO_TOKEN,
        |world| {
            let before = world.principal();
            world.account().move_to_tenant(elsewhere).unwrap();
            assert_eq!(world.account().properties().unwrap().system_identity, None);
            // An identity of the new tenant cannot use a vault of the old one, whatever the policy says.
            let after = world.account().assign_identity().unwrap();
            assert_ne!(before, after.principal_id);
            world.grant(VAULT, after.principal_id, &NEEDED);
        },
        |world| {
            world.account().move_to_tenant(world.tenant()).unwrap();
            new_identity(world);
        },
    );
}

#[test]
fn a_revocation_outlives_a_restart() {
    let mut world = filled();
    let principal = world.principal();
    world.revoke(VAULT, principal);
    world.reopen();
    refused(&download(&world, "kept").unwrap_err(), KEY_GONE, "download");
    world.store.close().unwrap();
    world.vaults.close().unwrap();
    world.vaults = world.vault_options().open().unwrap();
    world.store = world.options().open().unwrap();
    refused(&download(&world, "kept").unwrap_err(), KEY_GONE, "download");
    world.grant(VAULT, principal, &NEEDED);
    assert!(download(&world, "kept").unwrap() == content());
}

#[test]
fn neither_wrap_key_nor_expiry_nor_other_changes_touch_the_data() {
    let world = filled();
    let container = album(&world);
    let mut stream = container
        .open_blob(&blob("kept"), &DownloadOptions::default())
        .unwrap();
    let mut got = vec![0; 100_000];
    stream.read_exact(&mut got).unwrap();
    world.grant(VAULT, world.principal(), &["get", "unwrapKey"]);
    let refused = world
        .account()
        .use_customer_key(&pinned(&world.make_key(VAULT, KEY)))
        .unwrap_err();
    assert_eq!(refused.code(), "KeyVaultAuthenticationFailure");
    world.make_vault("unrelated", |_| {});
    let expired = KeyUpdate {
        expires: Some(Some(common::beginning())),
        ..KeyUpdate::default()
    };
    world.update_key(&world.present_key(), expired);
    world.make_key_with(VAULT, "another", NewKeyOptions::default());
    // The stream that began before all that goes on.
    stream.read_to_end(&mut got).unwrap();
    assert!(got == content());
    assert!(download(&world, "kept").unwrap() == content());
    upload(&world, "new").unwrap();
}

#[test]
fn a_vault_that_cannot_be_asked_has_revoked_nothing() {
    let mut world = filled();
    world.store.close().unwrap();
    world.store = world.options().open().unwrap();
    world.vaults.close().unwrap();
    let error = download(&world, "kept").unwrap_err();
    assert_eq!((error.code(), error.status()), ("ServerBusy", 503));
    assert_ne!(error.kind(), ErrorKind::KeyUnavailable);
}

#[test]
fn a_store_without_vaults_serves_platform_accounts_only() {
    let world = filled();
    world.store.create_account(&world.new_account("plain")).unwrap();
    world.store.close().unwrap();
    let store = strongroom::Store::builder(world.data(), world.host_key())
        .open()
        .unwrap();
    let plain = store.account(&common::name("plain")).unwrap();
    let container = plain.container(&"plain".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    container
        .upload(&blob("b"), b"x".as_slice(), UploadOptions::default())
        .unwrap();
    let photos = store.account(&common::name(common::ACCOUNT)).unwrap();
    let error = photos
        .container(&"album".parse().unwrap())
        .download(&blob("kept"), &DownloadOptions::default(), Vec::new())
        .unwrap_err();
    refused(&error, VAULT_GONE, "download");
}
