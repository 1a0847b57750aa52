//! Encryption scopes: what is under which key, and what may be chosen where.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod blob_world;
mod common;
mod scope_world;

use blob_world::{blob, bytes, code, metadata, refused};
use common::World;
use scope_world::{choice, container, create, properties, put, read, scope_name, scope_of, under};
use strongroom::{
    AccessTier, AppendBlockOptions, BlobVersionRef, BlockId, ContainerEncryption, CopyOptions,
    CreateBlobOptions, CreateContainerOptions, CustomerProvidedKey, EncryptionChoice, EncryptionScopeName,
    EncryptionScopeState, Error, ListedBlock, PutBlockListOptions, PutBlockOptions, PutPagesOptions,
    SetTierOptions, SnapshotOptions, UploadOptions,
};

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

#[test]
fn a_container_says_what_its_blobs_are_under() {
    let world = World::prepared();
    create(&world, "tenant-1");
    create(&world, "tenant-2");
    let provided: EncryptionChoice = CustomerProvidedKey::new(&[7; 32]).into();
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
            let same = from.name() == to.name();
            let written = || world.store.write_counts().since(&before).chunk_bytes;
            // Before the maintenance, which deletes the chunks of what was replaced.
            let shared = written() == 0;
            assert_eq!(shared, same, "{} to {}: {}", from.name(), to.name(), written());
            while !world.store.maintain().unwrap().done {}
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
