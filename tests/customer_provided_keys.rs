//! Content under a key that comes with every request: it opens with that key only, each state of a blob keeps
//! its own, and a revocation of the account's key stops it like all other content.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod blob_world;
mod common;

use std::io::Read as _;

use blob_world::{BlobWorld, CHUNK, blob, bytes, code, metadata, refused};
use common::{KEY, VAULT, World};
use strongroom::{
    AppendBlockOptions, BlobSource, BlobVersionRef, BlockId, Conditions, Container, CreateBlobOptions,
    CustomerProvidedKey, DownloadOptions, EncryptionChoice, Error, ListBlobs, ListDetail, ListedBlock,
    Metadata, PutBlockListOptions, PutBlockOptions, PutPagesOptions, ReadOptions, SetMetadataOptions,
    SnapshotOptions, UploadOptions,
};

const MISSING: &str = "BlobUsesCustomerSpecifiedEncryption";
const NEEDLESS: &str = "BlobDoesNotUseCustomerSpecifiedEncryption";
const OTHER: &str = "BlobCustomerSpecifiedEncryptionMismatch";

fn provided(byte: u8) -> EncryptionChoice {
    CustomerProvidedKey::new(&[byte; 32]).into()
}

fn upload(container: &Container, name: &str, content: &[u8], encryption: EncryptionChoice) {
    let options = UploadOptions {
        encryption,
        metadata: metadata(&[("who", "carol")]),
        ..UploadOptions::default()
    };
    container.upload(&blob(name), content, options).unwrap();
}

fn read(
    container: &Container,
    name: &str,
    which: BlobVersionRef,
    encryption: EncryptionChoice,
) -> Result<Vec<u8>, Error> {
    let options = DownloadOptions {
        which,
        encryption,
        ..DownloadOptions::default()
    };
    let mut out = Vec::new();
    container.download(&blob(name), &options, &mut out)?;
    Ok(out)
}

fn base(container: &Container, name: &str, encryption: EncryptionChoice) -> Result<Vec<u8>, Error> {
    read(container, name, BlobVersionRef::Base, encryption)
}

/// Refused with this code, and with 409.
#[track_caller]
fn conflict<T>(result: Result<T, Error>, wanted: &str) {
    let error = result.err().unwrap();
    assert_eq!((error.code(), error.status()), (wanted, 409));
}

/// Every operation on a blob under key 1 refuses to go on without it, and with another.
fn check_all(operation: impl Fn(EncryptionChoice) -> Result<(), Error>) {
    conflict(operation(EncryptionChoice::Default), MISSING);
    conflict(operation(provided(2)), OTHER);
    operation(provided(1)).unwrap();
}

#[test]
fn every_read_and_change_needs_the_key() {
    let world = BlobWorld::new();
    let container = world.container("logs");
    let all = bytes(3 * CHUNK + 5);
    upload(&container, "a", &all, provided(1));
    let read_options = |encryption| ReadOptions {
        encryption,
        ..ReadOptions::default()
    };
    check_all(|key| base(&container, "a", key).map(|read| assert!(read == all)));
    check_all(|key| container.blob_properties(&blob("a"), read_options(key)).map(drop));
    check_all(|key| container.blob_metadata(&blob("a"), read_options(key)).map(drop));
    check_all(|encryption| {
        let options = SetMetadataOptions {
            encryption,
            ..SetMetadataOptions::default()
        };
        container
            .set_blob_metadata(&blob("a"), &Metadata::new(), options)
            .map(drop)
    });
    check_all(|encryption| {
        let options = SnapshotOptions {
            encryption,
            ..SnapshotOptions::default()
        };
        container.snapshot_blob(&blob("a"), &options).map(drop)
    });
    conflict(container.content_check(&blob("a")), MISSING);
    let properties = container
        .blob_properties(&blob("a"), read_options(provided(1)))
        .unwrap();
    let sha256 = CustomerProvidedKey::new(&[1; 32]).sha256();
    assert_eq!(properties.encryption.customer_key_sha256, Some(sha256));

    upload(&container, "b", &all, EncryptionChoice::Default);
    conflict(base(&container, "b", provided(1)), NEEDLESS);
    assert!(base(&container, "b", EncryptionChoice::Default).unwrap() == all);
}

#[test]
fn growing_blobs_stay_under_their_key() {
    let world = BlobWorld::new();
    let container = world.container("logs");
    let page = bytes(512);
    let create = CreateBlobOptions {
        encryption: provided(1),
        ..CreateBlobOptions::default()
    };
    container.create_append_blob(&blob("log"), &create).unwrap();
    container
        .create_page_blob(&blob("disk"), (1024, 0), &create)
        .unwrap();
    check_all(|encryption| {
        let options = AppendBlockOptions {
            encryption,
            ..AppendBlockOptions::default()
        };
        container
            .append_block(&blob("log"), page.as_slice(), &options)
            .map(drop)
    });
    let pages = |encryption| PutPagesOptions {
        encryption,
        ..PutPagesOptions::default()
    };
    check_all(|key| {
        let written = container.put_pages(&blob("disk"), (512, 512), page.as_slice(), &pages(key));
        written.map(drop)
    });
    check_all(|key| {
        container
            .clear_pages(&blob("disk"), (0, 512), &pages(key))
            .map(drop)
    });
    assert!(base(&container, "log", provided(1)).unwrap() == page);
    assert!(base(&container, "disk", provided(1)).unwrap() == [vec![0; 512], page].concat());
}

#[test]
fn all_blocks_of_a_blob_are_under_one_key() {
    let world = BlobWorld::new();
    let container = world.container("logs");
    let id = |byte: u8| BlockId::new(&[byte]).unwrap();
    let put = |name: u8, encryption| {
        let options = PutBlockOptions {
            encryption,
            ..PutBlockOptions::default()
        };
        let content: &[u8] = &[name; 9];
        container
            .put_block(&blob("a"), &id(name), content, &options)
            .map(drop)
    };
    let commit = |blocks: &[ListedBlock], encryption| {
        let options = PutBlockListOptions {
            encryption,
            ..PutBlockListOptions::default()
        };
        container.put_block_list(&blob("a"), blocks, &options).map(drop)
    };
    put(1, provided(1)).unwrap();
    check_all(|key| put(2, key));
    let both = [1, 2].map(|name| ListedBlock::Latest(id(name)));
    check_all(|key| commit(&both, key));
    assert!(base(&container, "a", provided(1)).unwrap() == [[1; 9], [2; 9]].concat());
    // Committed blocks stay under the key they were sealed under, beside new ones or alone.
    put(3, provided(2)).unwrap();
    let mixed = [ListedBlock::Committed(id(1)), ListedBlock::Uncommitted(id(3))];
    conflict(commit(&mixed, provided(1)), OTHER);
    conflict(commit(&mixed, provided(2)), OTHER);
    conflict(commit(&mixed[..1], EncryptionChoice::Default), MISSING);
    commit(&mixed[1..], provided(2)).unwrap();
    assert!(base(&container, "a", provided(2)).unwrap() == [3; 9]);
}

#[test]
fn each_snapshot_keeps_its_own_key() {
    let world = BlobWorld::new();
    let container = world.container("logs");
    upload(&container, "a", b"first", provided(1));
    let options = SnapshotOptions {
        encryption: provided(1),
        ..SnapshotOptions::default()
    };
    let taken = container.snapshot_blob(&blob("a"), &options).unwrap().snapshot;
    upload(&container, "a", b"second", provided(2));
    let snapshot = BlobVersionRef::Snapshot(taken);
    assert!(read(&container, "a", snapshot, provided(1)).unwrap() == b"first");
    conflict(read(&container, "a", snapshot, provided(2)), OTHER);
    assert!(base(&container, "a", provided(2)).unwrap() == b"second");
    upload(&container, "a", b"third", EncryptionChoice::Default);
    assert!(base(&container, "a", EncryptionChoice::Default).unwrap() == b"third");
    assert!(read(&container, "a", snapshot, provided(1)).unwrap() == b"first");
}

#[test]
fn a_source_is_read_with_its_key() {
    let world = BlobWorld::new();
    let container = world.container("logs");
    upload(&container, "source", b"of the source", provided(1));
    let create = CreateBlobOptions::default();
    container.create_append_blob(&blob("log"), &create).unwrap();
    check_all(|encryption| {
        let source = BlobSource {
            encryption,
            ..BlobSource::new(&container, blob("source"))
        };
        let options = AppendBlockOptions::default();
        container
            .append_block_from(&blob("log"), &source, &options)
            .map(drop)
    });
    assert!(base(&container, "log", EncryptionChoice::Default).unwrap() == b"of the source");
}

#[test]
fn a_listing_hides_the_metadata_and_a_scrub_compares_checksums() {
    let world = BlobWorld::new();
    let container = world.container("logs");
    upload(&container, "mine", b"content", provided(1));
    upload(&container, "plain", b"content", EncryptionChoice::Default);
    let request = ListBlobs {
        detail: ListDetail::Metadata,
        ..ListBlobs::default()
    };
    let page = container.list_blobs(&request).unwrap();
    let shown = page.blobs().map(|item| item.properties.metadata.is_some());
    assert_eq!(shown.collect::<Vec<_>>(), [false, true]);
    let report = world.store.scrub(None, |_| {}).unwrap();
    assert_eq!((report.blobs_without_key, report.blobs_opened), (1, 1));
    assert!(report.damage.is_empty(), "{:?}", report.damage);
}

#[test]
fn a_revoked_account_key_stops_it_too() {
    let world = World::customer();
    let container = world.account().container(&"logs".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    upload(&container, "a", b"content", provided(1));
    let options = DownloadOptions {
        encryption: provided(1),
        ..DownloadOptions::default()
    };
    let mut begun = container.open_blob(&blob("a"), &options).unwrap();
    let key = world.current(VAULT, KEY);
    world.enable_key(&key, false);
    let revoked = code("KeyVaultEncryptionKeyNotFound", 403);
    // The key decides before the provided one is looked at: a wrong one tells nothing.
    for key in [EncryptionChoice::Default, provided(1), provided(2)] {
        assert_eq!(refused(base(&container, "a", key)), revoked);
    }
    assert!(begun.read(&mut [0; 7]).is_err());
    world.enable_key(&key, true);
    assert!(base(&container, "a", provided(1)).unwrap() == b"content");
}

#[test]
fn the_key_is_in_no_debug_output() {
    let text = format!("{:?}", provided(0xab));
    assert_eq!(text, "CustomerKey(CustomerProvidedKey { .. })");
    let conditions = Conditions::default();
    assert_eq!(
        SetMetadataOptions::from(&conditions).encryption,
        EncryptionChoice::Default
    );
}

/// The key and its SHA-256 as headers have them; only both together, whole, and of each other are a key.
#[test]
fn a_key_comes_with_its_sha256() {
    let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let sha256 = "S7Bvjk46dxXSAdVz0KpCN2LlXavWGiwCJ4+lbMbSlOA=";
    assert_eq!(
        CustomerProvidedKey::from_base64(key, sha256).unwrap(),
        CustomerProvidedKey::new(&[7; 32])
    );
    let long = format!("{}{key}", &key[..40]);
    let cases = [
        ("", sha256),
        ("AAAA", sha256),
        (&key[..40], sha256),
        (&long, sha256),
        ("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH", sha256),
        ("not base64", sha256),
        (key, ""),
        (key, key),
        (key, &sha256[..40]),
        (key, "not base64"),
    ];
    for (key, sha256) in cases {
        let error = CustomerProvidedKey::from_base64(key, sha256).unwrap_err();
        assert_eq!(
            (error.code(), error.status()),
            ("InvalidHeaderValue", 400),
            "{key:?} {sha256:?}"
        );
        assert!(
            key.is_empty() || !error.to_string().contains(key),
            "a key is a secret"
        );
    }
}
