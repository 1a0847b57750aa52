//! Blocks: staging them, committing lists of them, showing them, and what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, CHUNK, blob, bytes, code, metadata, refused};
use strongroom::ListedBlock::{Committed, Latest, Uncommitted};
use strongroom::{
    BlockId, BlockListFilter, Conditions, Container, DownloadOptions, ListedBlock, PutBlockListOptions,
    PutBlockOptions, UploadOptions,
};

fn id(number: usize) -> BlockId {
    BlockId::new(format!("{number:05}").as_bytes()).unwrap()
}

fn put(container: &Container, name: &str, number: usize, content: &[u8]) {
    container
        .put_block(&blob(name), &id(number), content, &PutBlockOptions::default())
        .unwrap();
}

fn commit(
    container: &Container,
    name: &str,
    list: &[ListedBlock],
) -> strongroom::Result<strongroom::BlobReceipt> {
    container.put_block_list(&blob(name), list, &PutBlockListOptions::default())
}

fn read(container: &Container, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    container
        .download(&blob(name), &DownloadOptions::default(), &mut out)
        .unwrap();
    out
}

/// Ids and lengths.
type Shown = Vec<(String, u64)>;

/// Committed blocks, then uncommitted ones.
fn shown(container: &Container, name: &str) -> (Shown, Shown) {
    let list = container
        .block_list(&blob(name), BlockListFilter::All, &Conditions::default())
        .unwrap();
    let plain = |blocks: &[strongroom::Block]| {
        let text = |block: &strongroom::Block| {
            (
                String::from_utf8(block.id.as_bytes().to_vec()).unwrap(),
                block.length,
            )
        };
        blocks.iter().map(text).collect()
    };
    (plain(&list.committed), plain(&list.uncommitted))
}

fn named(blocks: &[(usize, u64)]) -> Vec<(String, u64)> {
    let name = |(number, length): &(usize, u64)| (format!("{number:05}"), *length);
    blocks.iter().map(name).collect()
}

#[test]
fn blocks_become_content_in_the_order_of_the_list() {
    let world = BlobWorld::new();
    let container = world.container("con");
    let parts: Vec<Vec<u8>> = (0..4).map(|part| bytes(CHUNK * part + 7)).collect();
    for (number, part) in parts.iter().enumerate() {
        put(&container, "b", number, part);
    }
    assert_eq!(
        refused(container.download(&blob("b"), &DownloadOptions::default(), std::io::sink())),
        code("BlobNotFound", 404)
    );
    assert_eq!(shown(&container, "b").0, []);
    let list = [
        Latest(id(2)),
        Uncommitted(id(0)),
        Latest(id(2)),
        Uncommitted(id(3)),
    ];
    let receipt = commit(&container, "b", &list).unwrap();
    let want = [&parts[2], &parts[0], &parts[2], &parts[3]]
        .map(Vec::as_slice)
        .concat();
    assert_eq!(read(&container, "b"), want);
    assert_eq!(receipt.length, want.len() as u64);
    let length = |part: usize| parts[part].len() as u64;
    assert_eq!(
        shown(&container, "b"),
        (
            named(&[(2, length(2)), (0, length(0)), (2, length(2)), (3, length(3))]),
            vec![]
        ),
        "the block that no list names is gone"
    );
    let missing = commit(&container, "b", &[Committed(id(2)), Committed(id(1))]);
    assert_eq!(refused(missing), code("InvalidBlockList", 400));
    assert_eq!(read(&container, "b"), want, "a refused list changes nothing");
}

#[test]
fn committed_and_uncommitted_blocks_of_one_id_are_told_apart() {
    let world = BlobWorld::new();
    let container = world.container("con");
    put(&container, "b", 1, b"old");
    commit(&container, "b", &[Latest(id(1))]).unwrap();
    let cases: [(&[ListedBlock], &[u8]); 4] = [
        (&[Committed(id(1))], b"old"),
        (&[Uncommitted(id(1))], b"new"),
        (&[Latest(id(1))], b"new"),
        (&[Committed(id(1)), Latest(id(1)), Committed(id(1))], b"oldnewold"),
    ];
    for (list, want) in cases {
        put(&container, "b", 1, b"old");
        commit(&container, "b", &[Latest(id(1))]).unwrap();
        put(&container, "b", 1, b"lost");
        put(&container, "b", 1, b"new");
        assert_eq!(shown(&container, "b"), (named(&[(1, 3)]), named(&[(1, 3)])));
        assert_eq!(read(&container, "b"), b"old", "staging changes nothing");
        commit(&container, "b", list).unwrap();
        assert_eq!(read(&container, "b"), want);
    }
    commit(&container, "b", &[]).unwrap();
    assert_eq!(read(&container, "b"), b"");
    assert_eq!(shown(&container, "b"), (vec![], vec![]));
}

#[test]
fn put_block_refuses() {
    let world = BlobWorld::new();
    let container = world.container("con");
    let default = PutBlockOptions::default();
    let put_id = |name: &str, id: &BlockId| container.put_block(&blob(name), id, b"x".as_slice(), &default);
    put(&container, "b", 1, b"x");
    let long: BlockId = "MTIzNDU2".parse().unwrap();
    assert_eq!(refused(put_id("b", &long)), code("InvalidBlobOrBlock", 400));
    commit(&container, "b", &[Latest(id(1))]).unwrap();
    assert_eq!(
        refused(put_id("b", &long)),
        code("InvalidBlobOrBlock", 400),
        "committed ones count"
    );
    commit(&container, "b", &[]).unwrap();
    put_id("b", &long).unwrap();
    let empty = container.put_block(&blob("e"), &id(1), std::io::empty(), &default);
    assert_eq!(refused(empty), code("InvalidHeaderValue", 400));
    let wrong = PutBlockOptions {
        content_md5: Some([0; 16]),
        ..PutBlockOptions::default()
    };
    let wrong = container.put_block(&blob("e"), &id(1), b"x".as_slice(), &wrong);
    assert_eq!(refused(wrong), code("Md5Mismatch", 400));
    let nowhere = world.account.container(&blob_world::container_name("nowhere"));
    let nowhere = nowhere.put_block(&blob("b"), &id(1), b"x".as_slice(), &default);
    assert_eq!(refused(nowhere), code("ContainerNotFound", 404));
    for (text, want) in [
        ("", "InvalidQueryParameterValue"),
        ("a", "InvalidQueryParameterValue"),
        ("%%%%", "InvalidQueryParameterValue"),
        (&"A".repeat(88), "OutOfRangeInput"),
    ] {
        assert_eq!(refused(text.parse::<BlockId>()), code(want, 400), "{text:?}");
    }
    BlockId::new(&[7; 64]).unwrap();
    assert_eq!(
        refused(container.block_list(&blob("none"), BlockListFilter::All, &Conditions::default())),
        code("BlobNotFound", 404)
    );
}

#[test]
fn a_list_keeps_the_rules_of_conditional_writes() {
    let world = BlobWorld::new();
    let container = world.container("con");
    let only_new = PutBlockListOptions {
        conditions: Conditions::if_absent(),
        metadata: metadata(&[("colour", "blue")]),
        ..PutBlockListOptions::default()
    };
    let receipt = container.put_block_list(&blob("b"), &[], &only_new).unwrap();
    let properties = container
        .blob_properties(&blob("b"), &Conditions::default())
        .unwrap();
    assert_eq!(properties.metadata.unwrap().get("colour"), Some("blue"));
    let again = container.put_block_list(&blob("b"), &[], &only_new);
    assert_eq!(refused(again), code("BlobAlreadyExists", 409));
    let matching = PutBlockListOptions {
        conditions: Conditions::if_match(receipt.etag),
        ..PutBlockListOptions::default()
    };
    let second = container.put_block_list(&blob("b"), &[], &matching).unwrap();
    assert!(second.etag > receipt.etag);
    let stale = container.put_block_list(&blob("b"), &[], &matching);
    assert_eq!(refused(stale), code("ConditionNotMet", 412));
    let properties = container
        .blob_properties(&blob("b"), &Conditions::default())
        .unwrap();
    assert!(
        properties.metadata.unwrap().is_empty(),
        "a list replaces the metadata"
    );
    let list = vec![Latest(id(1)); 50_001];
    assert_eq!(
        refused(commit(&container, "b", &list)),
        code("BlockListTooLong", 400)
    );
}

#[test]
fn uncommitted_blocks_go_after_seven_days_or_with_a_put() {
    let world = BlobWorld::new();
    let container = world.container("con");
    let day = Duration::from_secs(86_400);
    let before = world.records();
    for number in 0..100 {
        put(&container, "slow", number, b"x");
    }
    world.clock.advance(day * 4);
    put(&container, "slow", 100, b"x");
    world.clock.advance(day * 6);
    assert_eq!(world.account.maintain().unwrap().uncommitted_blocks, 0);
    assert_eq!(shown(&container, "slow").1.len(), 101);
    world.clock.advance(day);
    let gone = container.block_list(&blob("slow"), BlockListFilter::All, &Conditions::default());
    assert_eq!(
        refused(gone),
        code("BlobNotFound", 404),
        "before the maintenance has seen it"
    );
    let done = world.account.maintain().unwrap();
    assert_eq!((done.uncommitted_blocks, done.done), (101, true));
    assert_eq!(world.records(), before + 1, "only the counter of ids is left");
    put(&container, "b", 1, b"x");
    container
        .upload(&blob("b"), b"whole".as_slice(), UploadOptions::default())
        .unwrap();
    assert_eq!(shown(&container, "b"), (vec![], vec![]));
    assert_eq!(
        refused(commit(&container, "b", &[Committed(id(1))])),
        code("InvalidBlockList", 400)
    );
}

#[test]
fn a_container_takes_its_uncommitted_blocks_with_it() {
    let world = BlobWorld::new();
    let before = world.records();
    let container = world.container("con");
    for name in ["a", "b"] {
        for number in 0..70 {
            put(&container, name, number, b"x");
        }
    }
    let list: Vec<_> = (0..70).map(|number| Latest(id(number))).collect();
    commit(&container, "b", &list).unwrap();
    put(&container, "b", 1, b"y");
    container.delete(&Conditions::default()).unwrap();
    while !world.account.maintain().unwrap().done {}
    // The counters of container ids and content ids stay.
    assert_eq!(world.records(), before + 2);
}
