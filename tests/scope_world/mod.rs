//! Encryption scopes, containers and blobs under them in one call each.
#![allow(dead_code, reason = "every test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "the world of a test may fail loudly")]

use strongroom::{
    BlobProperties, BlobVersionRef, Conditions, Container, ContainerEncryption, CreateContainerOptions,
    DownloadOptions, EncryptionChoice, EncryptionScope, EncryptionScopeName, Error, NewEncryptionScope,
    UploadOptions,
};

use crate::blob_world::{blob, metadata};
use crate::common::World;

pub(crate) const KEY: &str = "tenant-key";

pub(crate) fn scope_name(text: &str) -> EncryptionScopeName {
    text.parse().unwrap()
}

pub(crate) fn choice(text: &str) -> EncryptionChoice {
    EncryptionChoice::Scope(scope_name(text))
}

pub(crate) fn create(world: &World, scope: &str) -> EncryptionScope {
    let new = NewEncryptionScope::default();
    world
        .account()
        .create_encryption_scope(&scope_name(scope), &new)
        .unwrap()
}

/// A container without a default scope, or with one.
pub(crate) fn container(world: &World, text: &str, default: Option<&str>, deny_override: bool) -> Container {
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

pub(crate) fn put(container: &Container, text: &str, encryption: EncryptionChoice) -> Result<(), Error> {
    let options = UploadOptions {
        encryption,
        metadata: metadata(&[("who", "carol")]),
        ..UploadOptions::default()
    };
    container.upload(&blob(text), &b"content"[..], options).map(drop)
}

pub(crate) fn read(container: &Container, text: &str, which: BlobVersionRef) -> Result<Vec<u8>, Error> {
    let options = DownloadOptions {
        which,
        ..DownloadOptions::default()
    };
    let mut out = Vec::new();
    container.download(&blob(text), &options, &mut out)?;
    Ok(out)
}

pub(crate) fn properties(container: &Container, text: &str) -> BlobProperties {
    container
        .blob_properties(&blob(text), &Conditions::default())
        .unwrap()
}

/// The scope that the blob is under, which its properties show.
pub(crate) fn under(container: &Container, text: &str) -> Option<String> {
    properties(container, text).encryption.scope
}

pub(crate) fn scope_of(world: &World, scope: &str) -> EncryptionScope {
    world.account().encryption_scope(&scope_name(scope)).unwrap()
}
