//! How many blocks a blob can have: 100,000 uncommitted ones and 50,000 committed ones, to the block.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod blob_world;

use blob_world::{BlobWorld, blob, code, refused};
use strongroom::{
    BlockId, BlockListFilter, COMMITTED_BLOCKS_MAX, Conditions, Container, Error, ListedBlock,
    PutBlockListOptions, PutBlockOptions, ReadOptions,
};

const UNCOMMITTED_MAX: u32 = 100_000;

fn id(number: u32) -> BlockId {
    BlockId::new(&number.to_be_bytes()).unwrap()
}

fn put(container: &Container, number: u32) -> Result<(), Error> {
    let options = PutBlockOptions::default();
    container
        .put_block(&blob("b"), &id(number), &b"x"[..], &options)
        .map(drop)
}

fn commit(container: &Container, blocks: u32) -> Result<(), Error> {
    let list: Vec<_> = (0..blocks)
        .map(|number| ListedBlock::Latest(id(number)))
        .collect();
    container
        .put_block_list(&blob("b"), &list, &PutBlockListOptions::default())
        .map(drop)
}

#[test]
fn the_limits_are_kept_to_the_block() {
    let world = BlobWorld::new();
    let container = world.container("container");
    for number in 0..UNCOMMITTED_MAX {
        put(&container, number).unwrap();
    }
    let beyond = put(&container, UNCOMMITTED_MAX);
    assert_eq!(refused(beyond), code("BlockCountExceedsLimit", 409));
    put(&container, 7).unwrap();
    let listed = container.block_list(&blob("b"), BlockListFilter::All, ReadOptions::default());
    assert_eq!(listed.unwrap().uncommitted.len(), UNCOMMITTED_MAX as usize);
    let most = u32::try_from(COMMITTED_BLOCKS_MAX).unwrap();
    assert_eq!(
        refused(commit(&container, most + 1)),
        code("BlockListTooLong", 400)
    );
    commit(&container, most).unwrap();
    let listed = container
        .block_list(&blob("b"), BlockListFilter::All, ReadOptions::default())
        .unwrap();
    assert_eq!(
        (listed.committed.len(), listed.uncommitted.len()),
        (most as usize, 0)
    );
    assert_eq!(listed.length, u64::from(most));
    container.delete_blob(&blob("b"), &Conditions::default()).unwrap();
    while !world.account.maintain().unwrap().done {}
    let scrubbed = world.store.scrub(None, |_| ()).unwrap();
    assert_eq!((scrubbed.damage.len(), scrubbed.leftovers), (0, 0));
}
