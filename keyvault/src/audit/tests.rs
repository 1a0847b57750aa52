//! A log that was altered in any way shows where.

use std::sync::Arc;

use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::tree::{Tree, TreeSettings, TreeStore, TreeStoreParts};
use strongroom_engine::{SystemClock, SystemEntropy};

use super::*;

const LINES: u64 = 6;

fn tree() -> Tree {
    let parts = TreeStoreParts {
        last_commit: None,
        engine: Box::new(MemoryEngine::new()),
        chunks: None,
        entropy: Arc::new(SystemEntropy),
        clock: Arc::new(SystemClock),
    };
    let store = TreeStore::open(parts, TreeSettings::default()).unwrap();
    let id = ScopeId([1; 16]);
    let root = RootKey::generate(&SystemEntropy).unwrap();
    store.create_tree(id, root.purpose(Purpose::Tree, id)).unwrap()
}

fn vault(name: &str) -> VaultName {
    name.parse().unwrap()
}

fn record(number: u64) -> AuditRecord {
    AuditRecord {
        time: Timestamp::from_unix_seconds(1_600_000_000),
        resource_id: "https://bench.vault.azure.net".to_owned(),
        operation: AuditOperation::KeyUnwrap,
        result: AuditResult::Success,
        duration_ms: number,
        correlation_id: [7; 16],
        object_id: None,
        app_id: None,
        target: "key".to_owned(),
        repeats: 0,
    }
}

fn logged(name: &str, lines: u64) -> Tree {
    let tree = tree();
    let name = vault(name);
    tree.transact(move |txn| (0..lines).try_for_each(|number| append(txn, &name, record(number))))
        .unwrap();
    tree
}

/// Alters a whole log and compares what checking it finds.
#[track_caller]
fn check(alter: fn(&mut Txn<'_>, &VaultName) -> Result<(), VaultError>, want: AuditVerdict) {
    let name = vault("bench");
    let tree = logged("bench", LINES);
    tree.transact(move |txn| alter(txn, &name)).unwrap();
    assert_eq!(verify(&tree, &vault("bench")).unwrap(), want);
}

fn broken(at: u64) -> AuditVerdict {
    AuditVerdict {
        intact: at,
        broken: Some(at),
    }
}

fn line(read: &impl Read, name: &VaultName, number: u64) -> AuditLine {
    AUDIT_LINES.get(read, &(name.clone(), number)).unwrap().unwrap()
}

#[test]
fn a_whole_log_is_intact() {
    let whole = AuditVerdict {
        intact: LINES,
        broken: None,
    };
    check(|_, _| Ok(()), whole);
}

#[test]
fn an_altered_record_shows() {
    check(
        |txn, name| {
            let mut third = line(txn, name, 3);
            third.record.target = "another key".to_owned();
            AUDIT_LINES.put(txn, &(name.clone(), 3), &third)
        },
        broken(3),
    );
}

#[test]
fn a_record_altered_together_with_its_hash_shows_in_the_next_line() {
    check(
        |txn, name| {
            let before = line(txn, name, 2);
            let mut third = line(txn, name, 3);
            third.record.target = "another key".to_owned();
            third.hash = link(&before.hash, 3, &third.record)?;
            AUDIT_LINES.put(txn, &(name.clone(), 3), &third)
        },
        broken(4),
    );
}

#[test]
fn a_removed_line_shows() {
    check(
        |txn, name| AUDIT_LINES.delete(txn, &(name.clone(), 2)).map(drop),
        broken(2),
    );
}

#[test]
fn two_swapped_lines_show() {
    check(
        |txn, name| {
            let (one, two) = (line(txn, name, 1), line(txn, name, 2));
            AUDIT_LINES.put(txn, &(name.clone(), 1), &two)?;
            AUDIT_LINES.put(txn, &(name.clone(), 2), &one)
        },
        broken(1),
    );
}

#[test]
fn a_log_cut_off_at_its_end_shows() {
    check(
        |txn, name| AUDIT_LINES.delete(txn, &(name.clone(), LINES - 1)).map(drop),
        broken(LINES - 1),
    );
}

#[test]
fn a_log_with_a_line_too_many_shows() {
    check(
        |txn, name| {
            let mut more = line(txn, name, LINES - 1);
            more.sequence = LINES;
            more.hash = link(&more.hash, LINES, &more.record)?;
            AUDIT_LINES.put(txn, &(name.clone(), LINES), &more)
        },
        broken(LINES),
    );
}

#[test]
fn a_head_that_forgets_lines_shows() {
    check(
        |txn, name| {
            let last = line(txn, name, 2);
            let head = AuditHead {
                lines: 3,
                hash: last.hash,
            };
            AUDIT_HEADS.put(txn, name, &head)
        },
        broken(3),
    );
}

#[test]
fn a_line_that_is_no_line_shows() {
    check(
        |txn, name| Ok(txn.put(&AUDIT_LINES.key(&(name.clone(), 4)), b"\x01garbage")?),
        broken(4),
    );
}

#[test]
fn logs_of_two_vaults_do_not_mix() {
    let tree = logged("bench", 3);
    let name = vault("bench2");
    tree.transact(move |txn| append(txn, &name, record(9))).unwrap();
    assert_eq!(verify(&tree, &vault("bench")).unwrap().intact, 3);
    assert_eq!(verify(&tree, &vault("BENCH2")).unwrap().intact, 1);
    assert_eq!(page(&tree, &vault("bench"), 1, 10).unwrap().len(), 2);
    assert_eq!(verify(&tree, &vault("never")).unwrap().intact, 0);
}
