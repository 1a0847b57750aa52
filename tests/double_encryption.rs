//! Infrastructure encryption: everything under an account or a scope that asks for it is sealed twice, and is
//! read like everything else.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod blob_world;
mod common;

use blob_world::{blob, bytes, metadata};
use common::{VAULT, World, pinned};
use strongroom::{
    Account, Conditions, CreateBlobOptions, DownloadOptions, EncryptionChoice, Metadata, NewEncryptionScope,
    PutPagesOptions, UploadOptions,
};

/// Bytes of a tag; each layer adds one to each chunk.
const TAG: u64 = 16;
const CONTENT: usize = 10 * (64 << 10) + 77;
const CHUNKS: u64 = 11;

fn account(world: &World, name: &str, infrastructure: bool) -> Account {
    let mut new = world.new_account(name);
    new.require_infrastructure_encryption = infrastructure;
    world.store.create_account(&new).unwrap()
}

/// Bytes that storing the content adds to the chunk store.
fn stored(world: &World, account: &Account, encryption: EncryptionChoice) -> u64 {
    let container = account.container(&"data".parse().unwrap());
    if !container.exists().unwrap() {
        container.create(&Metadata::new()).unwrap();
    }
    let options = UploadOptions {
        encryption,
        metadata: metadata(&[("who", "carol")]),
        ..UploadOptions::default()
    };
    let before = world.store.write_counts();
    container
        .upload(&blob("large"), &bytes(CONTENT)[..], options)
        .unwrap();
    world.store.write_counts().since(&before).chunk_bytes
}

fn check_read(account: &Account) {
    let container = account.container(&"data".parse().unwrap());
    let mut out = Vec::new();
    let properties = container
        .download(&blob("large"), &DownloadOptions::default(), &mut out)
        .unwrap();
    assert!(out == bytes(CONTENT));
    assert_eq!(properties.metadata.unwrap().get("who"), Some("carol"));
}

fn scope(account: &Account, name: &str, infrastructure: bool) -> EncryptionChoice {
    let new = NewEncryptionScope {
        require_infrastructure_encryption: infrastructure,
        ..NewEncryptionScope::default()
    };
    let scope = account
        .create_encryption_scope(&name.parse().unwrap(), &new)
        .unwrap();
    EncryptionChoice::Scope(scope.name().clone())
}

#[test]
fn the_second_layer_adds_its_tag_to_every_chunk() {
    let world = World::empty();
    let (once, twice) = (account(&world, "once", false), account(&world, "twice", true));
    let single = stored(&world, &once, EncryptionChoice::Default);
    let double = single + CHUNKS * TAG;
    // Whose choice, and whether the scope asks for it; the account's choice binds its scopes.
    let cases = [
        (&twice, EncryptionChoice::Default, double),
        (&once, scope(&once, "single", false), single),
        (&once, scope(&once, "double", true), double),
        (&twice, scope(&twice, "either", false), double),
        (&twice, scope(&twice, "double", true), double),
    ];
    for (number, (account, encryption, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(stored(&world, account, encryption), wanted, "case {number}");
        check_read(account);
    }
    let asked = |account: &Account| {
        let shown = account.encryption().unwrap().require_infrastructure_encryption;
        let scopes = account.encryption_scopes().unwrap().into_iter();
        let scopes = scopes
            .map(|scope| scope.require_infrastructure_encryption)
            .collect::<Vec<_>>();
        (shown, scopes)
    };
    assert_eq!(asked(&once), (false, vec![true, false]));
    assert_eq!(asked(&twice), (true, vec![true, true]));
}

#[test]
fn it_stays_through_reopening_and_changes_of_the_key() {
    let mut world = World::prepared();
    account(&world, "twice", true);
    let name = "twice".parse().unwrap();
    let identity = world.store.account(&name).unwrap().assign_identity().unwrap();
    world.grant(VAULT, identity.principal_id, &common::NEEDED);
    stored(
        &world,
        &world.store.account(&name).unwrap(),
        EncryptionChoice::Default,
    );
    let page_blob = |account: &Account| {
        let container = account.container(&"data".parse().unwrap());
        let options = CreateBlobOptions::default();
        container
            .create_page_blob(&blob("page"), (1024, 0), &options)
            .unwrap();
        let put = PutPagesOptions::default();
        container
            .put_pages(&blob("page"), (512, 512), &[9; 512][..], &put)
            .unwrap();
        let found = container.blob_properties(&blob("page"), &Conditions::default());
        assert_eq!(found.unwrap().length, 1024);
    };
    page_blob(&world.store.account(&name).unwrap());
    for round in 0..3 {
        let key = world.make_key(VAULT, "k");
        let account = world.store.account(&name).unwrap();
        account.use_customer_key(&pinned(&key)).unwrap();
        check_read(&account);
        world.reopen();
        let account = world.store.account(&name).unwrap();
        check_read(&account);
        account.use_platform_key().unwrap();
        check_read(&account);
        let scrubbed = world.store.scrub(None, |_| ()).unwrap();
        assert_eq!(
            (scrubbed.damage, scrubbed.blobs_opened),
            (vec![], 2),
            "round {round}"
        );
    }
}
