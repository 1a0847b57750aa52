//! Encryption scopes: what is under which key, what may be chosen where, and how a scope's key changes hands.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod blob_world;
mod common;

use std::time::Duration;

use blob_world::{blob, bytes, code, metadata, refused};
use common::{ACCOUNT, VAULT, World, latest, name, pinned};
use strongroom::keyvault::NewKeyOptions;
use strongroom::{
    AccessTier, AppendBlockOptions, BlobProperties, BlobVersionRef, BlockId, Conditions, Container,
    ContainerEncryption, CopyOptions, CreateBlobOptions, CreateContainerOptions, CustomerProvidedKey,
    DownloadOptions, EncryptionChoice, EncryptionScope, EncryptionScopeName, EncryptionScopeState, Error,
    KeySource, ListedBlock, Metadata, NewEncryptionScope, PutBlockListOptions, PutBlockOptions,
    PutPagesOptions, SetTierOptions, SnapshotOptions, UploadOptions,
};

const KEY: &str = "tenant-key";

fn scope_name(text: &str) -> EncryptionScopeName {
    text.parse().unwrap()
}

fn choice(text: &str) -> EncryptionChoice {
    EncryptionChoice::Scope(scope_name(text))
}

fn create(world: &World, scope: &str) -> EncryptionScope {
    let new = NewEncryptionScope::default();
    world
        .account()
        .create_encryption_scope(&scope_name(scope), &new)
        .unwrap()
}

/// A container without a default scope, or with one.
fn container(world: &World, text: &str, default: Option<&str>, deny_override: bool) -> Container {
    let container = world.account().container(&text.parse().unwrap());
    let options = CreateContainerOptions {
        encryption: ContainerEncryption {
            default_scope: default.map(scope_name),
            deny_override,
        },
        ..CreateContainerOptions::default()
    };
    container.create_with(&options).unwrap();
    container
}

fn put(container: &Container, text: &str, encryption: EncryptionChoice) -> Result<(), Error> {
    let options = UploadOptions {
        encryption,
        metadata: metadata(&[("who", "carol")]),
        ..UploadOptions::default()
    };
    container.upload(&blob(text), &b"content"[..], options).map(drop)
}

fn read(container: &Container, text: &str, which: BlobVersionRef) -> Result<Vec<u8>, Error> {
    let options = DownloadOptions {
        which,
        ..DownloadOptions::default()
    };
    let mut out = Vec::new();
    container.download(&blob(text), &options, &mut out)?;
    Ok(out)
}

fn properties(container: &Container, text: &str) -> BlobProperties {
    container
        .blob_properties(&blob(text), &Conditions::default())
        .unwrap()
}

/// The scope that the blob is under, which its properties show.
fn under(container: &Container, text: &str) -> Option<String> {
    properties(container, text).encryption.scope
}

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

/// Every way to make a blob, and every state of it.
#[test]
fn blobs_of_every_type_are_under_the_scope_that_was_chosen() {
    let mut world = World::prepared();
    create(&world, "tenant-1");
    let plain = container(&world, "plain", None, false);
    put(&plain, "block", choice("tenant-1")).unwrap();
    let options = CreateBlobOptions {
        encryption: choice("tenant-1"),
        ..CreateBlobOptions::default()
    };
    plain.create_append_blob(&blob("append"), &options).unwrap();
    plain
        .append_block(&blob("append"), &b"content"[..], &AppendBlockOptions::default())
        .unwrap();
    plain.create_page_blob(&blob("page"), (512, 0), &options).unwrap();
    let page = PutPagesOptions::default();
    plain
        .put_pages(&blob("page"), (0, 512), &bytes(512)[..], &page)
        .unwrap();
    plain
        .snapshot_blob(&blob("block"), &SnapshotOptions::default())
        .unwrap();
    let own = SnapshotOptions {
        metadata: metadata(&[("a", "b")]),
        ..SnapshotOptions::default()
    };
    let snapshot = plain.snapshot_blob(&blob("block"), &own).unwrap().snapshot;
    for _ in 0..2 {
        let plain = world.account().container(plain.name());
        for text in ["block", "append", "page"] {
            assert_eq!(under(&plain, text).as_deref(), Some("tenant-1"), "{text}");
        }
        let of_snapshot = BlobVersionRef::Snapshot(snapshot);
        assert_eq!(read(&plain, "block", of_snapshot).unwrap(), b"content");
        assert_eq!(read(&plain, "append", BlobVersionRef::Base).unwrap(), b"content");
        assert_eq!(read(&plain, "page", BlobVersionRef::Base).unwrap(), bytes(512));
        assert_eq!(
            properties(&plain, "block").metadata.unwrap().get("who"),
            Some("carol")
        );
        world.reopen();
    }
    let scrubbed = world.store.scrub(None, |_| ()).unwrap();
    assert_eq!(
        (scrubbed.damage, scrubbed.blobs_opened),
        (vec![], 3),
        "shared content once"
    );
    assert_eq!(scrubbed.leftovers, 0);
    scope_of(&world, "tenant-1")
        .set_state(EncryptionScopeState::Disabled)
        .unwrap();
    let scrubbed = world.store.scrub(None, |_| ()).unwrap();
    assert_eq!((scrubbed.damage, scrubbed.blobs_without_key), (vec![], 3));
}

fn scope_of(world: &World, scope: &str) -> EncryptionScope {
    world.account().encryption_scope(&scope_name(scope)).unwrap()
}

#[test]
fn a_container_says_what_its_blobs_are_under() {
    let world = World::prepared();
    create(&world, "tenant-1");
    create(&world, "tenant-2");
    let provided: EncryptionChoice = CustomerProvidedKey::new([7; 32]).into();
    let forbidden = Some("RequestForbiddenByContainerEncryptionPolicy");
    // Default, may it be overridden, what is chosen, what the blob is then under or why it is not made.
    let cases = [
        (None, false, EncryptionChoice::Default, Ok(None)),
        (None, false, choice("tenant-1"), Ok(Some("tenant-1"))),
        (
            Some("tenant-1"),
            false,
            EncryptionChoice::Default,
            Ok(Some("tenant-1")),
        ),
        (Some("tenant-1"), false, choice("tenant-2"), Ok(Some("tenant-2"))),
        (Some("tenant-1"), false, provided.clone(), Ok(None)),
        (
            Some("tenant-1"),
            true,
            EncryptionChoice::Default,
            Ok(Some("tenant-1")),
        ),
        (Some("tenant-1"), true, choice("tenant-1"), Ok(Some("tenant-1"))),
        (Some("tenant-1"), true, choice("tenant-2"), Err(forbidden)),
        (Some("tenant-1"), true, provided, Err(forbidden)),
        (
            None,
            false,
            choice("tenant-3"),
            Err(Some("EncryptionScopeNotFound")),
        ),
    ];
    for (number, (default, deny, encryption, wanted)) in cases.into_iter().enumerate() {
        let container = container(&world, &format!("case-{number}"), default, deny);
        let shown = container.properties().unwrap().encryption;
        assert_eq!(
            (shown.default_scope, shown.deny_override),
            (default.map(scope_name), deny)
        );
        let made = put(&container, "a", encryption.clone());
        match wanted {
            Ok(scope) => {
                made.unwrap();
                let options = strongroom::ReadOptions {
                    encryption,
                    ..strongroom::ReadOptions::default()
                };
                let properties = container.blob_properties(&blob("a"), options).unwrap();
                assert_eq!(properties.encryption.scope.as_deref(), scope, "case {number}");
            }
            Err(code) => assert_eq!(made.err().as_ref().map(Error::code), code, "case {number}"),
        }
    }
    let bad = |encryption| {
        let options = CreateContainerOptions {
            encryption,
            ..CreateContainerOptions::default()
        };
        refused(
            world
                .account()
                .container(&"bad".parse().unwrap())
                .create_with(&options),
        )
    };
    let nothing_to_deny = ContainerEncryption {
        default_scope: None,
        deny_override: true,
    };
    assert_eq!(bad(nothing_to_deny), code("InvalidHeaderValue", 400));
    let unknown = ContainerEncryption {
        default_scope: Some(scope_name("tenant-3")),
        deny_override: false,
    };
    assert_eq!(bad(unknown), code("EncryptionScopeNotFound", 404));
}

#[test]
fn what_a_blob_is_made_of_is_under_one_scope() {
    let world = World::prepared();
    create(&world, "tenant-1");
    create(&world, "tenant-2");
    let plain = container(&world, "plain", None, false);
    let mismatch = code("BlobCustomerSpecifiedEncryptionMismatch", 409);
    let id = BlockId::new(b"one").unwrap();
    let block = |encryption| PutBlockOptions {
        encryption,
        ..PutBlockOptions::default()
    };
    let put_block = |encryption| plain.put_block(&blob("a"), &id, &b"one"[..], &block(encryption));
    put_block(choice("tenant-1")).unwrap();
    assert_eq!(refused(put_block(choice("tenant-2"))), mismatch);
    assert_eq!(refused(put_block(EncryptionChoice::Default)), mismatch);
    let list = |encryption| {
        let options = PutBlockListOptions {
            encryption,
            ..PutBlockListOptions::default()
        };
        plain.put_block_list(&blob("a"), &[ListedBlock::Latest(id.clone())], &options)
    };
    assert_eq!(refused(list(choice("tenant-2"))), mismatch);
    list(choice("tenant-1")).unwrap();
    assert_eq!(
        refused(list(EncryptionChoice::Default)),
        mismatch,
        "committed blocks as well"
    );
    list(choice("tenant-1")).unwrap();
    assert_eq!(read(&plain, "a", BlobVersionRef::Base).unwrap(), b"one");

    let new = CreateBlobOptions {
        encryption: choice("tenant-1"),
        ..CreateBlobOptions::default()
    };
    plain.create_append_blob(&blob("log"), &new).unwrap();
    let append = |encryption| {
        let options = AppendBlockOptions {
            encryption,
            ..AppendBlockOptions::default()
        };
        plain.append_block(&blob("log"), &b"line"[..], &options)
    };
    append(EncryptionChoice::Default).unwrap();
    append(choice("tenant-1")).unwrap();
    assert_eq!(refused(append(choice("tenant-2"))), mismatch);

    let tier = SetTierOptions::default();
    let archived = plain.set_blob_tier(&blob("a"), AccessTier::Archive, &tier);
    assert_eq!(refused(archived), code("InvalidHeaderValue", 400));
    let options = UploadOptions {
        encryption: choice("tenant-1"),
        tier: Some(AccessTier::Archive),
        ..UploadOptions::default()
    };
    let archived = plain.upload(&blob("b"), &b"b"[..], options);
    assert_eq!(refused(archived), code("InvalidHeaderValue", 400));
}

/// Under the same keys nothing is moved; under other keys everything is sealed anew, at once or by and by.
#[test]
fn a_copy_is_under_what_its_container_says() {
    let world = World::prepared();
    create(&world, "tenant-1");
    create(&world, "tenant-2");
    let containers = [
        container(&world, "plain", None, false),
        container(&world, "one", Some("tenant-1"), true),
        container(&world, "two", Some("tenant-2"), true),
    ];
    let content = bytes(300_000);
    for from in &containers {
        let options = UploadOptions {
            metadata: metadata(&[("who", "carol")]),
            ..UploadOptions::default()
        };
        from.upload(&blob("a"), &content[..], options).unwrap();
        for to in &containers {
            let source = strongroom::BlobSource::new(from, blob("a"));
            let before = world.store.write_counts();
            let options = CopyOptions::default();
            to.copy_blob(&blob("at-once"), &source, &options).unwrap();
            to.start_copy(&blob("later"), &source, &options).unwrap();
            while !world.store.maintain().unwrap().done {}
            let written = world.store.write_counts().since(&before).chunk_bytes;
            let same = from.name() == to.name();
            assert_eq!(written == 0, same, "{} to {}: {written}", from.name(), to.name());
            let scope = to.properties().unwrap().encryption.default_scope;
            for text in ["at-once", "later"] {
                assert_eq!(
                    under(to, text).as_deref(),
                    scope.as_ref().map(EncryptionScopeName::as_str)
                );
                assert!(read(to, text, BlobVersionRef::Base).unwrap() == content);
                assert_eq!(properties(to, text).metadata.unwrap().get("who"), Some("carol"));
            }
        }
    }
    let source = strongroom::BlobSource::new(&containers[0], blob("a"));
    let chosen = CopyOptions {
        encryption: choice("tenant-2"),
        ..CopyOptions::default()
    };
    containers[0]
        .copy_blob(&blob("chosen"), &source, &chosen)
        .unwrap();
    assert_eq!(under(&containers[0], "chosen").as_deref(), Some("tenant-2"));
    let forbidden = containers[1].copy_blob(&blob("chosen"), &source, &chosen);
    let wanted = code("RequestForbiddenByContainerEncryptionPolicy", 403);
    assert_eq!(refused(forbidden), wanted);
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
