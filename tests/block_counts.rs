//! Committing blocks rewrites no data: what the chunk store is asked to write is what was uploaded.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::io::{Read, Seek, SeekFrom};

use blob_world::{BlobWorld, CHUNK, blob};
use strongroom::{
    BlockId, BlockListFilter, Conditions, Container, DownloadOptions, ListedBlock, PutBlockListOptions,
    PutBlockOptions,
};

const BLOCKS: usize = 10_000;
/// Of two chunks, so that blocks are in the chunk store.
const BLOCK: usize = CHUNK + 1;

fn id(number: usize) -> BlockId {
    BlockId::new(&(number as u32).to_be_bytes()).unwrap()
}

fn content(number: usize) -> Vec<u8> {
    (0..BLOCK).map(|at| (number * 31 + at) as u8).collect()
}

fn commit(container: &Container, list: &[ListedBlock]) {
    container
        .put_block_list(&blob("big"), list, &PutBlockListOptions::default())
        .unwrap();
}

/// Reads a few places of the blob, not in order, and compares them with the blocks that must be there.
fn check(container: &Container, order: &[usize]) {
    let mut open = container
        .open_blob(&blob("big"), &DownloadOptions::default())
        .unwrap();
    assert_eq!(open.length(), (order.len() * BLOCK) as u64);
    let last = order.len() - 1;
    for at in [0, last, 64, 63, last / 2, last / 2 + 1, 1, 127, 128] {
        open.seek(SeekFrom::Start((at * BLOCK) as u64)).unwrap();
        let mut there = vec![0; BLOCK];
        open.read_exact(&mut there).unwrap();
        assert_eq!(there, content(order[at]), "block {at}");
    }
}

#[test]
fn a_blob_of_ten_thousand_blocks_is_written_once() {
    let world = BlobWorld::new();
    let container = world.container("container");
    let begin = world.store.write_counts();
    for number in 0..BLOCKS {
        let options = PutBlockOptions::default();
        container
            .put_block(&blob("big"), &id(number), content(number).as_slice(), &options)
            .unwrap();
    }
    let staged = world.store.write_counts();
    // Every chunk is stored with its key of 44 bytes, a frame of 10 and a tag of 16.
    let uploaded = BLOCKS * (BLOCK + 2 * (44 + 10 + 16));
    assert_eq!(staged.since(&begin).chunk_bytes, uploaded as u64);
    let order: Vec<usize> = (0..BLOCKS).collect();
    let list: Vec<_> = order
        .iter()
        .map(|number| ListedBlock::Latest(id(*number)))
        .collect();
    commit(&container, &list);
    check(&container, &order);
    let records = world.records();
    let reversed: Vec<usize> = order.iter().rev().copied().collect();
    let list: Vec<_> = reversed
        .iter()
        .map(|number| ListedBlock::Committed(id(*number)))
        .collect();
    commit(&container, &list);
    check(&container, &reversed);
    assert_eq!(
        world.records(),
        records,
        "the replaced manifest is gone with the commit"
    );
    let half: Vec<_> = list[..BLOCKS / 2].to_vec();
    commit(&container, &half);
    check(&container, &reversed[..BLOCKS / 2]);
    assert_eq!(
        world.store.write_counts().since(&staged).chunk_bytes,
        0,
        "nothing but records"
    );
    while !world.account.maintain().unwrap().done {}
    let shown = container
        .block_list(&blob("big"), BlockListFilter::All, &Conditions::default())
        .unwrap();
    assert_eq!((shown.committed.len(), shown.uncommitted.len()), (BLOCKS / 2, 0));
    check(&container, &reversed[..BLOCKS / 2]);
    container
        .delete_blob(&blob("big"), &Conditions::default())
        .unwrap();
    while !world.account.maintain().unwrap().done {}
    // The container, its counter and that of content ids.
    assert_eq!(world.records(), 3);
}
