//! Invariant 4: no name, metadata, content or key byte that was planted lies in clear in any file of the
//! store or of the vaults, before or after a restart.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::fs;
use std::path::Path;

use common::{KEY, VAULT, World, pinned};
use strongroom::{Metadata, UploadOptions};

/// Planted in names, metadata and content; long enough never to occur by chance.
const CANARIES: [&str; 7] = [
    "canary-container-name",
    "canary/blob/name",
    "canary_metadata_name",
    "canary metadata value",
    "canary/content-type",
    "canary small content",
    "canary large content",
];

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Every needle that some file below `folder` holds, and the bytes that were looked through.
fn scan(folder: &Path, needles: &[Vec<u8>]) -> (Vec<String>, usize) {
    let mut all = Vec::new();
    files(folder, &mut all);
    let mut found = Vec::new();
    for (path, bytes) in &all {
        for needle in needles.iter().filter(|needle| holds(bytes, needle)) {
            found.push(format!("{path} holds {}", String::from_utf8_lossy(needle)));
        }
    }
    (found, all.iter().map(|(_, bytes)| bytes.len()).sum())
}

fn plant(world: &World) {
    let [container, blob, meta_name, meta_value, kind, small, large] = CANARIES;
    let mut metadata = Metadata::new();
    metadata.insert(meta_name, meta_value).unwrap();
    let container = world.account().container(&container.parse().unwrap());
    container.create(&metadata).unwrap();
    for (suffix, content) in [("-small", small.to_owned()), ("-large", large.repeat(20_000))] {
        let mut options = UploadOptions {
            metadata: metadata.clone(),
            ..UploadOptions::default()
        };
        options.headers.content_type = kind.to_owned();
        container
            .upload(
                &format!("{blob}{suffix}").parse().unwrap(),
                content.as_bytes(),
                options,
            )
            .unwrap();
    }
}

#[test]
fn no_planted_byte_lies_in_clear() {
    let mut world = World::customer();
    plant(&world);
    let second = world.make_key(VAULT, KEY);
    world.account().use_customer_key(&pinned(&second)).unwrap();
    world.reopen();
    let mut needles: Vec<Vec<u8>> = CANARIES.iter().map(|canary| canary.as_bytes().to_vec()).collect();
    // Names of the account, the vault and the key, in the forms that records would hold them in.
    needles.push(b"photos".to_vec());
    needles.push(format!("https://{VAULT}.vault").into_bytes());
    world.store.close().unwrap();
    world.vaults.close().unwrap();
    let (found, bytes) = scan(world.directory.path(), &needles);
    assert_eq!(found, Vec::<String>::new());
    assert!(
        bytes > 20_000 * CANARIES[6].len(),
        "only {bytes} bytes were looked through"
    );
}

#[test]
fn a_planted_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), b"..canary/blob/name..").unwrap();
    let (found, _) = scan(folder.path(), &[CANARIES[1].as_bytes().to_vec()]);
    assert_eq!(found.len(), 1);
}
