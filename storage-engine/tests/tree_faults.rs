//! Every engine call fails once, or from then on: nothing that was acknowledged is lost, nothing is
//! acknowledged after a failed write until the store is opened again, and readers never see a state that was
//! not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;
#[path = "common/tally.rs"]
mod tally;

use common::*;
use strongroom_engine::engine::faulty::{Fault, FaultHandle, Faulty, Lasting, Plan, Scope};
use strongroom_engine::tree::{Tree, TreeError};

const COMMITS: u8 = 30;

fn value(commit: u8) -> Vec<u8> {
    vec![commit; if commit % 7 == 3 { 3 << 20 } else { 600 }]
}

/// Commits that were acknowledged, in order; stops at nothing.
fn workload(tree: &Tree) -> Vec<(u8, Result<(), TreeError>)> {
    (1..=COMMITS)
        .map(|commit| {
            let body = (commit % 5 == 0).then(|| {
                use strongroom_engine::SystemEntropy;
                use strongroom_engine::body::BodyWriter;
                let key = key(strongroom_engine::keys::Purpose::Content, TREE);
                let mut writer = BodyWriter::new(tree, &key, 64 << 10, &SystemEntropy).ok()?;
                writer.write(&[commit; 100_000]).ok()?;
                writer.finish().ok()
            });
            let result = tree.transact(move |txn| {
                txn.put(&[commit], &value(commit))?;
                txn.put(b"newest", &[commit])?;
                if commit > 4 {
                    txn.delete(&[commit - 4])?;
                }
                if let Some(Some(body)) = &body {
                    txn.adopt_body(body)?;
                }
                Ok(())
            });
            (commit, result)
        })
        .collect()
}

fn state(tree: &Tree) -> (u8, Vec<u8>) {
    let newest = tree.get(b"newest").unwrap().map_or(0, |value| value[0]);
    let keys = all(tree).into_iter().filter(|(key, _)| key.len() == 1);
    let keys = keys.map(|(key, found)| {
        assert!(found == value(key[0]), "wrong bytes at {key:?}");
        key[0]
    });
    (newest, keys.collect())
}

/// What the tree holds after commit `newest`, all earlier ones included unless they failed alone.
fn check(
    plan: Plan,
    handle: &FaultHandle,
    faulty: Faulty<dyn strongroom_engine::engine::Engine>,
    memory: &Shared,
) -> bool {
    handle.set(Scope::All, None);
    let Ok((_store, tree)) = open(faulty, settings(512)) else {
        panic!("nothing fails yet")
    };
    handle.set(Scope::All, Some(plan));
    let results = workload(&tree);
    let touched = handle.failed() > 0;
    handle.set(Scope::All, None);
    let acknowledged: Vec<_> = results
        .iter()
        .filter(|(_, result)| result.is_ok())
        .map(|(n, _)| *n)
        .collect();
    let (seen, _) = state(&tree);
    assert_eq!(
        Some(&seen),
        acknowledged.last().or(Some(&0)),
        "{plan:?}: readers see what was acknowledged"
    );
    let write_failed = put(&tree, b"later", b"").is_err();
    if write_failed {
        assert!(
            matches!(put(&tree, b"later", b""), Err(TreeError::Engine(_))),
            "{plan:?}"
        );
        let first = results.iter().position(|(_, result)| result.is_err()).unwrap();
        let after = results
            .iter()
            .skip(first)
            .filter(|(_, result)| result.is_ok())
            .count();
        let reads_failed = results.iter().filter(|(_, result)| result.is_err()).count();
        assert!(after == 0 || reads_failed > 0);
    }
    let (_store, tree) = open(memory.clone(), settings(512)).unwrap();
    let (newest, _) = state(&tree);
    let last = acknowledged.last().copied().unwrap_or(0);
    assert!(
        newest == last
            || results
                .iter()
                .any(|(n, result)| *n == newest && newest > last && result.is_err()),
        "{plan:?}: {newest} after {last}"
    );
    put(&tree, b"later", b"").unwrap();
    touched
}

fn every_call(lasting: Lasting, fault: Fault) {
    for call in 0.. {
        let plan = Plan { call, lasting, fault };
        let memory = memory();
        let inner: Box<dyn strongroom_engine::engine::Engine> = Box::new(memory.clone());
        let (faulty, handle) = Faulty::new(inner);
        if !check(plan, &handle, faulty, &memory) {
            assert!(call > 40, "{call} calls");
            tally::tally("R6", "a tree", &[("failing calls", call)], 0);
            break;
        }
    }
}

#[test]
fn every_call_fails_once() {
    every_call(Lasting::Once, Fault::Io);
}

#[test]
fn every_call_fails_from_then_on() {
    every_call(Lasting::FromThenOn, Fault::Io);
}

#[test]
fn every_answer_is_lost_after_its_batch() {
    every_call(Lasting::Once, Fault::UnavailableApplied);
}

#[test]
fn every_answer_is_lost_with_its_batch() {
    every_call(Lasting::Once, Fault::UnavailableNotApplied);
}
