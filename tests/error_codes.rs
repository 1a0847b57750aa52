//! Every error code of the Blob service is produced by a call of the library, with its status, or there is a
//! reason why no call can.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod blob_world;
mod codes;
mod common;

use std::collections::BTreeSet;

use blob_world::{BlobWorld, blob, code, container_name, metadata, refused};
use codes::lists::{DOCUMENTED, ELSEWHERE, WITHOUT_CALL};
use codes::produced::{PRODUCED, append_blob, put};
use strongroom::{AppendBlockOptions, BlobName, BlobSource, Metadata, UploadOptions};

#[test]
fn every_code_comes_with_its_status() {
    for (want, status, call) in PRODUCED {
        let world = BlobWorld::new();
        let container = world.container("container");
        let options = UploadOptions {
            metadata: metadata(&[("colour", "blue")]),
            ..UploadOptions::default()
        };
        container.upload(&blob("b"), &b"content"[..], options).unwrap();
        let result = call(&world, &container);
        assert!(result.is_err(), "{want} was not produced");
        assert_eq!(refused(result), code(want, *status));
    }
}

#[test]
fn every_documented_code_is_produced_or_cannot_be() {
    let mut known: BTreeSet<_> = PRODUCED.iter().map(|(code, ..)| *code).collect();
    known.extend(ELSEWHERE.iter().map(|(code, ..)| *code));
    known.extend(WITHOUT_CALL.iter().flat_map(|(_, codes)| *codes));
    known.insert("CannotVerifyCopySource");
    let missing: Vec<_> = DOCUMENTED.iter().filter(|code| !known.contains(*code)).collect();
    assert_eq!(missing, [&""; 0]);
}

#[test]
fn a_source_whose_key_is_revoked_cannot_be_verified() {
    let world = common::World::customer();
    let plain = world.store.create_account(&world.new_account("plain")).unwrap();
    let [from, to] = [world.account(), plain].map(|account| {
        let container = account.container(&container_name("container"));
        container.create(&Metadata::new()).unwrap();
        container
    });
    put(&from, UploadOptions::default()).unwrap();
    append_blob(&to);
    world.revoke(common::VAULT, world.principal());
    let source = BlobSource::new(&from, blob("b"));
    let result = to.append_block_from(&blob("append"), &source, &AppendBlockOptions::default());
    assert_eq!(refused(result), code("CannotVerifyCopySource", 403));
}

#[test]
fn no_code_is_in_two_lists() {
    let produced: BTreeSet<_> = PRODUCED.iter().map(|(code, ..)| *code).collect();
    let without = WITHOUT_CALL.iter().flat_map(|(_, codes)| *codes).copied();
    for code in without {
        assert!(!produced.contains(code), "{code} is produced after all");
    }
    for (code, file, text) in ELSEWHERE {
        assert!(!produced.contains(code), "{code} is produced here");
        assert!(text.contains(code), "{code} is not in {file}");
    }
}

#[test]
fn a_name_of_255_segments_is_refused() {
    assert!(vec!["a"; 254].join("/").parse::<BlobName>().is_ok());
    assert_eq!(
        refused(vec!["a"; 255].join("/").parse::<BlobName>()),
        code("InvalidResourceName", 400)
    );
}
