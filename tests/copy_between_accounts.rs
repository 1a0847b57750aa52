//! Copies between accounts: at once, or by and by with progress; what ends one leaves nothing behind.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;
mod common;
mod copy_world;

use blob_world::{BlobWorld, CHUNK, blob, bytes, code, container_name, metadata, refused};
use copy_world::{NONE, content, copy_state, other, properties, put, put_blocks, same_blocks, source, uuid};
use strongroom::{Account, Conditions, Container, CopyStatus, Metadata, SnapshotOptions, UploadOptions};

#[test]
fn a_copy_between_accounts_shows_its_progress_and_nothing_else_changes_it() {
    let world = BlobWorld::new();
    let from = world.container("from");
    let (account, to) = other(&world);
    let all = put_blocks(&from, "b", 70);
    put(&to, "b", b"before");
    let receipt = to.start_copy(&blob("b"), &source(&from, "b"), &NONE()).unwrap();
    assert_eq!(receipt.status, CopyStatus::Pending);
    let found = properties(&to, "b");
    assert_eq!(
        (found.length, found.metadata.unwrap()),
        (0, metadata(&[("who", "carol")]))
    );
    let pending = code("PendingCopyOperation", 409);
    let none = Conditions::default();
    for (what, result) in [
        (
            "copy",
            to.start_copy(&blob("b"), &source(&from, "b"), &NONE()).map(drop),
        ),
        (
            "put",
            to.upload(&blob("b"), b"x".as_slice(), UploadOptions::default())
                .map(drop),
        ),
        ("delete", to.delete_blob(&blob("b"), &none)),
        (
            "metadata",
            to.set_blob_metadata(&blob("b"), &Metadata::new(), &none)
                .map(drop),
        ),
        (
            "snapshot",
            to.snapshot_blob(&blob("b"), &SnapshotOptions::default())
                .map(drop),
        ),
        (
            "from",
            from.start_copy(&blob("x"), &source(&to, "b"), &NONE()).map(drop),
        ),
    ] {
        assert_eq!(refused(result), pending, "{what}");
    }
    assert_eq!(
        refused(to.abort_copy(&blob("b"), uuid(), &none)),
        code("CopyIdMismatch", 409)
    );
    let done = account.maintain().unwrap();
    assert_eq!((done.copy_steps, done.done), (64, false));
    let state = copy_state(&to, "b");
    assert_eq!(state.status, CopyStatus::Pending);
    assert_eq!(
        (state.copied, state.total),
        (64 * (CHUNK as u64 + 1), all.len() as u64)
    );
    assert!(account.maintain().unwrap().done);
    assert_eq!(copy_state(&to, "b").status, CopyStatus::Success);
    assert_eq!(content(&to, "b"), all);
    same_blocks(&from, &to, "b");
    assert_ne!(properties(&to, "b").etag, receipt.etag);
    from.delete_blob(&blob("b"), &none).unwrap();
    assert_eq!(content(&to, "b"), all, "another account's content");
    put(&from, "small", b"with a checksum");
    to.start_copy(&blob("small"), &source(&from, "small"), &NONE())
        .unwrap();
    assert_eq!(properties(&to, "small").content_md5, None, "nothing is there yet");
    assert!(account.maintain().unwrap().done);
    let found = properties(&to, "small");
    assert_eq!(found.content_md5, properties(&from, "small").content_md5);
    assert!(found.content_md5.is_some());
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

/// What ends a copy under way; afterwards nothing of it is left but an empty blob that says why.
#[test]
fn a_copy_that_ends_early_gives_up_what_it_copied() {
    let none = Conditions::default();
    type End = fn(&Container, &Container, uuid::Uuid);
    let ends: [(CopyStatus, Option<&str>, End); 5] = [
        (CopyStatus::Aborted, None, |_, to, id| {
            to.abort_copy(&blob("b"), id, &Conditions::default()).unwrap();
        }),
        (
            CopyStatus::Failed,
            Some("412 SourceConditionNotMet"),
            |from, _, _| {
                put(from, "b", b"another");
            },
        ),
        (CopyStatus::Failed, Some("409 BlobArchived"), |from, _, _| {
            let options = strongroom::SetTierOptions::default();
            let archive = strongroom::AccessTier::Archive;
            from.set_blob_tier(&blob("b"), archive, &options).unwrap();
        }),
        (CopyStatus::Failed, Some("404 BlobNotFound"), |from, _, _| {
            from.delete_blob(&blob("b"), &Conditions::default()).unwrap();
        }),
        (CopyStatus::Failed, Some("404 ContainerNotFound"), |from, _, _| {
            from.delete(&Conditions::default()).unwrap();
        }),
    ];
    for (status, description, end) in ends {
        let world = BlobWorld::new();
        let from = world.container("from");
        let (account, to) = other(&world);
        put_blocks(&from, "b", 70);
        let empty = world.store.stats().unwrap().accounts.last().unwrap().records;
        let receipt = to.start_copy(&blob("b"), &source(&from, "b"), &NONE()).unwrap();
        account.maintain().unwrap();
        end(&from, &to, receipt.id);
        while !account.maintain().unwrap().done {}
        let state = copy_state(&to, "b");
        assert_eq!(state.status, status);
        assert!(state.completed.is_some());
        match description {
            Some(wanted) => assert!(state.description.unwrap().starts_with(wanted)),
            None => assert_eq!(state.description, None),
        }
        assert_eq!(content(&to, "b"), b"");
        let aborted = to.abort_copy(&blob("b"), receipt.id, &none);
        assert_eq!(refused(aborted), code("NoPendingCopyOperation", 409));
        to.delete_blob(&blob("b"), &none).unwrap();
        while !account.maintain().unwrap().done {}
        let left = world.store.stats().unwrap().accounts.last().unwrap().records;
        // The counter of content ids is new.
        assert_eq!(left, empty + 1, "{status}");
    }
}

#[test]
fn a_copy_at_once_between_accounts_keeps_blocks() {
    let world = BlobWorld::new();
    let from = world.container("from");
    let (_, to) = other(&world);
    let all = put_blocks(&from, "b", 7);
    let receipt = to.copy_blob(&blob("b"), &source(&from, "b"), &NONE()).unwrap();
    assert_eq!(receipt.status, CopyStatus::Success);
    assert_eq!(content(&to, "b"), all);
    same_blocks(&from, &to, "b");
    put(&from, "small", &bytes(3 * CHUNK));
    to.copy_blob(&blob("small"), &source(&from, "small"), &NONE())
        .unwrap();
    assert_eq!(content(&to, "small"), bytes(3 * CHUNK));
    put(&from, "empty", b"");
    let receipt = to
        .start_copy(&blob("empty"), &source(&from, "empty"), &NONE())
        .unwrap();
    assert_eq!(receipt.status, CopyStatus::Success);
}

#[test]
fn a_revocation_of_either_key_ends_the_copy() {
    for is_source in [true, false] {
        let mut world = common::World::customer();
        let platform = world
            .store
            .create_account(&world.new_account("platform"))
            .unwrap();
        let (source_account, account) = match is_source {
            true => (world.account(), platform),
            false => (platform, world.account()),
        };
        let make = |account: &Account| {
            let container = account.container(&container_name("box"));
            container.create(&Metadata::new()).unwrap();
            container
        };
        let (from, to) = (make(&source_account), make(&account));
        let all = put_blocks(&from, "b", 70);
        for name in ["resumed", "ended"] {
            to.start_copy(&blob(name), &source(&from, "b"), &NONE()).unwrap();
            account.maintain().unwrap();
            if name == "resumed" {
                while !account.maintain().unwrap().done {}
                assert_eq!(content(&to, name), all);
            }
        }
        let (principal, id) = (world.principal(), copy_state(&to, "ended").id);
        world.revoke(common::VAULT, principal);
        let started = refused(to.start_copy(&blob("new"), &source(&from, "b"), &NONE()));
        let copied = refused(to.copy_blob(&blob("new"), &source(&from, "b"), &NONE()));
        let wanted = match is_source {
            true => code("CannotVerifyCopySource", 403),
            false => (started.0.clone(), 403),
        };
        assert_eq!((&started, &copied), (&wanted, &wanted));
        while !account.maintain().unwrap().done {}
        world.grant(common::VAULT, principal, &common::NEEDED);
        let state = copy_state(&to, "ended");
        assert_eq!((state.id, state.status), (id, CopyStatus::Failed));
        let description = state.description.unwrap();
        assert!(
            description.starts_with(&format!("403 {}", wanted.0)),
            "{description}"
        );
        // Aborting needs no key, and a copy goes on after the store was opened again.
        let kept = to
            .start_copy(&blob("kept"), &source(&from, "b"), &NONE())
            .unwrap();
        let stopped = to
            .start_copy(&blob("stopped"), &source(&from, "b"), &NONE())
            .unwrap();
        assert_eq!(kept.status, CopyStatus::Pending);
        world.revoke(common::VAULT, principal);
        to.abort_copy(&blob("stopped"), stopped.id, &Conditions::default())
            .unwrap();
        world.grant(common::VAULT, principal, &common::NEEDED);
        account.maintain().unwrap();
        let name = account.name().to_owned();
        drop((from, to, account, source_account));
        world.reopen();
        let account = world.store.account(&common::name(&name)).unwrap();
        while !account.maintain().unwrap().done {}
        let to = account.container(&container_name("box"));
        assert_eq!(copy_state(&to, "kept").status, CopyStatus::Success);
        assert_eq!(content(&to, "kept"), all);
    }
}

#[test]
fn a_copy_that_is_not_done_within_two_weeks_has_failed() {
    let world = BlobWorld::new();
    let from = world.container("from");
    let (account, to) = other(&world);
    put_blocks(&from, "b", 3);
    let fortnight = std::time::Duration::from_secs(14 * 86_400);
    let second = std::time::Duration::from_secs(1);
    for (name, waits, status) in [
        ("in-time", fortnight - second, CopyStatus::Success),
        ("late", fortnight, CopyStatus::Failed),
    ] {
        to.start_copy(&blob(name), &source(&from, "b"), &NONE()).unwrap();
        world.clock.advance(waits);
        while !account.maintain().unwrap().done {}
        assert_eq!(copy_state(&to, name).status, status, "{name}");
    }
    let late = copy_state(&to, "late").description.unwrap();
    assert!(late.starts_with("500 OperationTimedOut"), "{late}");
}
