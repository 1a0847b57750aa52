//! Blobs to copy, another account to copy them to, and short ways to look at what came of it.
#![allow(dead_code, reason = "every test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "the world of a test may fail loudly")]

use strongroom::{
    Account, BlobProperties, BlobReceipt, BlobSource, BlockId, BlockListFilter, Conditions, Container,
    ContentHeaders, CopyOptions, CopyState, ListedBlock, Metadata, NewAccount, PutBlockListOptions,
    PutBlockOptions, UploadOptions,
};

use crate::blob_world::{BlobWorld, CHUNK, blob, bytes, container_name, metadata};

pub(crate) const NONE: fn() -> CopyOptions = CopyOptions::default;

pub(crate) fn put(container: &Container, name: &str, content: &[u8]) -> BlobReceipt {
    let options = UploadOptions {
        headers: ContentHeaders::of_type("text/plain"),
        metadata: metadata(&[("who", "carol")]),
        tags: "a=1&b=2".parse().unwrap(),
        ..UploadOptions::default()
    };
    container.upload(&blob(name), content, options).unwrap()
}

pub(crate) fn id(number: u32) -> BlockId {
    BlockId::new(&number.to_be_bytes()).unwrap()
}

/// A blob of `count` blocks of two chunks each; its content.
pub(crate) fn put_blocks(container: &Container, name: &str, count: u32) -> Vec<u8> {
    let mut all = Vec::new();
    let mut list = Vec::new();
    for number in 0..count {
        let block: Vec<u8> = bytes(CHUNK + 1).iter().map(|byte| byte ^ number as u8).collect();
        container
            .put_block(
                &blob(name),
                &id(number),
                block.as_slice(),
                &PutBlockOptions::default(),
            )
            .unwrap();
        list.push(ListedBlock::Latest(id(number)));
        all.extend(block);
    }
    let options = PutBlockListOptions {
        metadata: metadata(&[("who", "carol")]),
        ..PutBlockListOptions::default()
    };
    container.put_block_list(&blob(name), &list, &options).unwrap();
    all
}

pub(crate) fn content(container: &Container, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    container
        .download(&blob(name), &strongroom::DownloadOptions::default(), &mut out)
        .unwrap();
    out
}

pub(crate) fn properties(container: &Container, name: &str) -> BlobProperties {
    container
        .blob_properties(&blob(name), &Conditions::default())
        .unwrap()
}

pub(crate) fn copy_state(container: &Container, name: &str) -> CopyState {
    properties(container, name).copy.unwrap()
}

pub(crate) fn source(container: &Container, name: &str) -> BlobSource {
    BlobSource::new(container, blob(name))
}

/// Another account of the store, with a container.
pub(crate) fn other(world: &BlobWorld) -> (Account, Container) {
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47".parse().unwrap();
    let new = NewAccount::new("other".parse().unwrap(), tenant, "westus".parse().unwrap());
    let account = world.store.create_account(&new).unwrap();
    let container = account.container(&container_name("there"));
    container.create(&Metadata::new()).unwrap();
    (account, container)
}

pub(crate) fn same_blocks(one: &Container, two: &Container, name: &str) {
    let list = |container: &Container| {
        let list = container.block_list(&blob(name), BlockListFilter::All, &Conditions::default());
        list.unwrap().committed
    };
    assert_eq!(list(one), list(two));
    assert!(!list(one).is_empty());
}

pub(crate) fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_bytes([7; 16])
}
