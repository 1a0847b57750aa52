//! Bodies that are given up, released and adopted at the same time: what a record names is always there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use common::*;
use strongroom_engine::body::{BodyRef, FinishedBody};
use strongroom_engine::engine::Space;
use strongroom_engine::tree::{Tree, TreeError, TreeStore, Txn};

const LARGE: usize = 200_000;

/// Lets everything go that may go.
fn settle(store: &TreeStore, tree: &Tree) {
    for n in 0..3_u8 {
        put(tree, b"settle", &[n]).unwrap();
        store.reap().unwrap();
    }
}

/// Runs `change`; whatever it returns as adopted must be readable then and after a reopening.
#[track_caller]
fn check(
    size: usize,
    change: impl Fn(&Tree, &mut Txn<'_>, &FinishedBody) -> Result<BodyRef, TreeError> + Send + 'static,
) {
    let engine = memory();
    let (store, tree) = open(engine.clone(), settings(1024)).unwrap();
    let content = vec![3; size];
    let body = write_body(&tree, &content);
    let handle = tree.clone();
    let adopted = tree.transact(move |txn| change(&handle, txn, &body));
    settle(&store, &tree);
    match adopted {
        Ok(body) => {
            assert_eq!(read_body(&tree, &body), content);
            let (_store, tree) = open(copy(&engine), settings(1024)).unwrap();
            assert_eq!(read_body(&tree, &body), content);
        }
        Err(TreeError::UnknownBody(_)) => {
            drop((store, tree));
            open(engine.clone(), settings(1024)).unwrap();
            assert!(records(&engine, Space::CHUNKS).is_empty());
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_body_released_and_adopted_again_in_one_commit_is_not_deleted() {
    for size in [LARGE, 500] {
        check(size, |_, txn, body| {
            let adopted = txn.adopt_body(body)?;
            txn.release_body(&adopted)?;
            txn.adopt_body(body)
        });
    }
}

#[test]
fn a_body_released_and_referenced_again_in_one_commit_is_not_deleted() {
    for size in [LARGE, 500] {
        check(size, |_, txn, body| {
            let adopted = txn.adopt_body(body)?;
            txn.release_body(&adopted)?;
            txn.add_reference(&adopted)?;
            Ok(adopted)
        });
    }
}

#[test]
fn a_body_given_up_while_it_is_adopted_is_adopted_whole_or_not_at_all() {
    check(LARGE, |tree, txn, body| {
        let adopted = txn.adopt_body(body)?;
        tree.abandon_body(adopted.id)?;
        Ok(adopted)
    });
}

#[test]
fn a_body_given_up_after_it_was_adopted_stays() {
    let (store, tree) = open(memory(), settings(1024)).unwrap();
    let body = adopt(&tree, write_body(&tree, &vec![3; LARGE]));
    tree.abandon_body(body.id).unwrap();
    settle(&store, &tree);
    assert_eq!(read_body(&tree, &body), vec![3; LARGE]);
}
