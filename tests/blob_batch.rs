//! Batches: every part has a result of its own, and while access is revoked each meets what its operation
//! meets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;
mod common;

use blob_world::{BlobWorld, blob, code, container_name, metadata, refused};
use strongroom::{
    AccessTier, Account, BATCH_PARTS_MAX, BatchOutcome, BlobBatch, Conditions, Container, DeleteBlobOptions,
    DeletePart, Metadata, SetTierOptions, TierChange, TierPart, UploadOptions,
};

fn delete(container: &str, name: &str) -> DeletePart {
    DeletePart {
        container: container_name(container),
        name: blob(name),
        options: DeleteBlobOptions::default(),
    }
}

fn cool(container: &str, name: &str) -> TierPart {
    TierPart {
        container: container_name(container),
        name: blob(name),
        tier: AccessTier::Cool,
        options: SetTierOptions::default(),
    }
}

fn put(container: &Container, name: &str) {
    let options = UploadOptions {
        metadata: metadata(&[("who", "carol")]),
        ..UploadOptions::default()
    };
    container.upload(&blob(name), b"x".as_slice(), options).unwrap();
}

/// Code of each part, or what it led to.
fn run(account: &Account, batch: &BlobBatch) -> Vec<String> {
    let results = account.blob_batch(batch).unwrap();
    let shown = |result: Result<BatchOutcome, strongroom::Error>| match result {
        Ok(BatchOutcome::Deleted) => "deleted".to_owned(),
        Ok(BatchOutcome::Tier(TierChange::Done)) => "set".to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("{} {}", error.status(), error.code()),
    };
    results.into_iter().map(shown).collect()
}

#[test]
fn a_part_that_fails_keeps_none_of_the_others_from_happening() {
    let world = BlobWorld::new();
    let (one, two) = (world.container("one"), world.container("two"));
    put(&one, "a");
    put(&two, "b");
    let tiers = vec![
        cool("one", "a"),
        cool("one", "no"),
        cool("absent", "a"),
        cool("two", "b"),
    ];
    assert_eq!(
        run(&world.account, &BlobBatch::SetTier(tiers)),
        ["set", "404 BlobNotFound", "404 ContainerNotFound", "set"]
    );
    let deletions = vec![
        delete("one", "a"),
        delete("one", "a"),
        delete("absent", "a"),
        delete("two", "b"),
    ];
    assert_eq!(
        run(&world.account, &BlobBatch::Delete(deletions)),
        ["deleted", "404 BlobNotFound", "404 ContainerNotFound", "deleted"]
    );
    assert!(!one.blob_exists(&blob("a")).unwrap());
    assert!(!two.blob_exists(&blob("b")).unwrap());
}

#[test]
fn a_batch_has_one_to_256_parts() {
    let world = BlobWorld::new();
    let container = world.container("one");
    let parts = |count: usize| BlobBatch::Delete(vec![delete("one", "a"); count]);
    put(&container, "a");
    for (count, want) in [
        (0, "InvalidInput"),
        (BATCH_PARTS_MAX + 1, "ExceedsMaxBatchRequestCount"),
    ] {
        let result = world.account.blob_batch(&parts(count));
        assert_eq!(refused(result), code(want, 400), "{count}");
    }
    assert!(container.blob_exists(&blob("a")).unwrap());
    assert_eq!(
        run(&world.account, &parts(BATCH_PARTS_MAX)).len(),
        BATCH_PARTS_MAX
    );
}

#[test]
fn while_revoked_blobs_are_deleted_and_tiers_are_not_set() {
    let world = common::World::customer();
    let account = world.account();
    let container = account.container(&container_name("one"));
    container.create(&Metadata::new()).unwrap();
    put(&container, "a");
    put(&container, "b");
    let principal = world.principal();
    world.revoke(common::VAULT, principal);
    let blocked = refused(container.blob_properties(&blob("a"), &Conditions::default()));
    let tiers = run(
        &account,
        &BlobBatch::SetTier(vec![cool("one", "a"), cool("one", "b")]),
    );
    assert_eq!(tiers, vec![format!("{} {}", blocked.1, blocked.0); 2]);
    assert_eq!(
        run(&account, &BlobBatch::Delete(vec![delete("one", "a")])),
        ["deleted"]
    );
    world.grant(common::VAULT, principal, &common::NEEDED);
    assert!(!container.blob_exists(&blob("a")).unwrap());
    assert!(container.blob_exists(&blob("b")).unwrap());
}
