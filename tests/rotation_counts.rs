//! Rotation rewrites no data: whatever is stored, and however often the key was changed before, the engine is
//! asked to write exactly the same bytes, none of them chunks, in at most two syncs.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly, and the figures are wanted"
)]

mod common;

use common::{KEY, VAULT, World, latest, pinned};
use strongroom::engine::engine::counting::WriteCounts;
use strongroom::keyvault::KeyId;
use strongroom::{Account, Conditions, Metadata, UploadOptions};

const MIB: usize = 1 << 20;
/// Page, freed list and head with their keys, then the keys of what is deleted: the sum in docs/FORMAT.md.
const CHANGE_BYTES: u64 = (40 + 1140) + (28 + 117) + (16 + 132) + 40 + 28;

/// Puts the account under `key` and counts what the store's engine was asked to write.
fn change(world: &World, key: &KeyId) -> WriteCounts {
    counted(world, |account| {
        drop(account.use_customer_key(&pinned(key)).unwrap());
    })
}

fn counted(world: &World, change: impl FnOnce(&Account)) -> WriteCounts {
    let account = world.account();
    let before = world.store.write_counts();
    change(&account);
    world.store.write_counts().since(&before)
}

/// No chunks, at most two syncs, and each the same as all others.
#[track_caller]
fn check(counts: &[(String, WriteCounts)]) {
    for (what, written) in counts {
        println!("{what}: {written:?}");
    }
    for (what, written) in counts {
        assert_eq!(written.record_bytes, CHANGE_BYTES, "{what}");
        assert_eq!(written.chunk_bytes, 0, "{what}");
        assert!(written.syncs <= 2, "{what}: {written:?}");
        assert_eq!(written, &counts[0].1, "{what} against {}", counts[0].0);
    }
}

/// Stores one blob of `mebibytes` with everything that a blob can have.
fn store_large(account: &Account, mebibytes: usize) {
    let container = account.container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let mut metadata = Metadata::new();
    metadata.insert("size", &mebibytes.to_string()).unwrap();
    let options = UploadOptions {
        metadata,
        ..UploadOptions::default()
    };
    let piece = vec![7; MIB];
    let mut upload = container
        .begin_upload(&"large".parse().unwrap(), options)
        .unwrap();
    for _ in 0..mebibytes {
        upload.write(&piece).unwrap();
    }
    upload.commit().unwrap();
}

/// Stores `blobs` small blobs in each of `containers`, some with metadata, and deletes every seventh.
fn store_many(account: &Account, containers: usize, blobs: usize) {
    for number in 0..containers {
        let container = account.container(&format!("many-{number}").parse().unwrap());
        let mut metadata = Metadata::new();
        metadata.insert("number", &number.to_string()).unwrap();
        container.create(&metadata).unwrap();
        for blob in 0..blobs {
            let options = UploadOptions {
                metadata: if blob % 3 == 0 {
                    metadata.clone()
                } else {
                    Metadata::new()
                },
                ..UploadOptions::default()
            };
            let blob_name = format!("a rather long name of a blob, number {blob}")
                .parse()
                .unwrap();
            let content = vec![7_u8; blob * 500];
            container.upload(&blob_name, content.as_slice(), options).unwrap();
            if blob % 7 == 0 {
                container.delete_blob(&blob_name, &Conditions::default()).unwrap();
            }
        }
    }
}

#[test]
fn the_same_bytes_whatever_is_stored() {
    let more = std::env::var("STRONGROOM_ROTATION_MIB").ok();
    let sizes = [1, 100].into_iter().chain(more.map(|more| more.parse().unwrap()));
    let mut counts = Vec::new();
    for mebibytes in sizes {
        let world = World::customer();
        let account = world.account();
        store_large(&account, mebibytes);
        let second = world.make_key(VAULT, KEY);
        counts.push((format!("{mebibytes} MiB"), change(&world, &second)));
        store_many(&account, mebibytes.ilog2() as usize / 2, 40);
        let third = world.make_key(VAULT, KEY);
        counts.push((format!("{mebibytes} MiB and many blobs"), change(&world, &third)));
    }
    check(&counts);
}

#[test]
fn the_same_bytes_for_every_kind_of_change() {
    let mut world = World::prepared();
    let account = world.account();
    store_many(&account, 2, 10);
    world
        .store
        .create_account(&world.new_account("neighbour"))
        .unwrap();
    let first = world.current(VAULT, KEY);
    let second = world.make_key(VAULT, KEY);
    let expires = strongroom::keyvault::KeyUpdate {
        expires: Some(Some(
            common::beginning().plus(std::time::Duration::from_secs(86_400)),
        )),
        ..strongroom::keyvault::KeyUpdate::default()
    };
    world.update_key(&second, expires);
    let long = world.make_key(VAULT, &"k".repeat(127));
    let mut counts = vec![
        ("enable".to_owned(), change(&world, &first)),
        (
            "rotate to a version that expires".to_owned(),
            change(&world, &second),
        ),
        ("use a key with a long name".to_owned(), change(&world, &long)),
    ];
    let follow = |account: &Account| drop(account.use_customer_key(&latest(&long)).unwrap());
    counts.push(("follow it".to_owned(), counted(&world, follow)));
    world.reopen();
    world.make_key(VAULT, &"k".repeat(127));
    let refresh = |account: &Account| assert!(account.refresh_key_version().unwrap());
    counts.push(("reopen and refresh".to_owned(), counted(&world, refresh)));
    let disable = |account: &Account| drop(account.use_platform_key().unwrap());
    counts.push(("disable".to_owned(), counted(&world, disable)));
    check(&counts);
}

#[test]
fn the_same_bytes_however_often_it_was_rotated_before() {
    let world = World::customer();
    let account = world.account();
    let versions = [world.current(VAULT, KEY), world.make_key(VAULT, KEY)];
    // Numbers of one byte end at 250 in the encoding of records: the commit number, the generation.
    let mut counts = Vec::new();
    for rotation in 1..=300 {
        if rotation % 100 == 0 {
            let container = account.container(&format!("after-{rotation}").parse().unwrap());
            container.create(&Metadata::new()).unwrap();
        }
        let written = change(&world, &versions[rotation % 2]);
        counts.push((format!("rotation {rotation}"), written));
    }
    check(&counts);
}
