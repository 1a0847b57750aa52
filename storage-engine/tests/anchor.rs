//! An anchored store is opened only as its anchor has seen it, or newer: an older state of everything or of
//! one tree is refused, and no crash between a commit and its anchor locks anybody out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::*;
use parking_lot::Mutex;
use strongroom_engine::anchor::{AnchorError, AnchorMode, AnchoredHead, Anchoring, HeadAnchor};
use strongroom_engine::codec::{self, FrameKind};
use strongroom_engine::engine::counting::WriteCounts;
use strongroom_engine::engine::faulty::{Fault, FaultHandle, Faulty, Lasting, Plan, Scope};
use strongroom_engine::engine::{Batch, Durability, Engine, Space};
use strongroom_engine::keys::{Purpose, ScopeId};
use strongroom_engine::tree::{Tree, TreeError, TreeStore};

const OTHER: ScopeId = ScopeId([8; 16]);

/// An anchor in memory that can be told to fail, with or without having kept the head.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Keeping>>);

#[derive(Clone, Default)]
struct Keeping {
    head: Option<AnchoredHead>,
    writes: u64,
    /// Number of the write that fails, and whether the head is kept all the same.
    fails: Option<(u64, bool)>,
}

impl HeadAnchor for Kept {
    fn read(&self) -> Result<Option<AnchoredHead>, AnchorError> {
        Ok(self.0.lock().head)
    }

    fn write(&self, head: &AnchoredHead) -> Result<(), AnchorError> {
        let mut kept = self.0.lock();
        kept.writes += 1;
        let fails = kept.fails.filter(|(number, _)| *number == kept.writes);
        if fails.is_none_or(|(_, keeps)| keeps) {
            kept.head = Some(*head);
        }
        fails.map_or(Ok(()), |_| {
            Err(AnchorError::Io {
                doing: "written",
                source: std::io::Error::other("planned"),
            })
        })
    }
}

impl Kept {
    fn number(&self) -> u64 {
        self.0.lock().head.map_or(0, |head| head.number())
    }
}

fn anchoring(anchor: Option<&Kept>, mode: AnchorMode) -> Anchoring {
    Anchoring {
        anchor: anchor.map(|kept| Arc::new(kept.clone()) as Arc<dyn HeadAnchor>),
        key: key(Purpose::Anchor, ScopeId([1; 16])),
        mode,
        expected: None,
    }
}

fn open_store(engine: impl Engine, anchoring: Anchoring) -> Result<Arc<TreeStore>, TreeError> {
    TreeStore::open_anchored(parts(engine), settings(512), anchoring)
}

/// Opens the two trees, making what is not there.
fn trees(store: &Arc<TreeStore>) -> Result<[Tree; 2], TreeError> {
    let tree = |id| match store.open_tree(id, tree_key(id)) {
        Err(TreeError::NotFound(_)) => store.create_tree(id, tree_key(id)),
        opened => opened,
    };
    Ok([tree(TREE)?, tree(OTHER)?])
}

/// A store with both trees that begins to keep its head in `anchor`, at commit 5.
fn begun(engine: &Shared, anchor: &Kept) -> Arc<TreeStore> {
    let store = open_store(engine.clone(), anchoring(Some(anchor), AnchorMode::Begin)).unwrap();
    for tree in trees(&store).unwrap() {
        put(&tree, b"key", b"old").unwrap();
    }
    assert_eq!(anchor.number(), 5);
    store
}

/// What the refusal of an opening says; empty when it is opened.
fn refusal(engine: &Shared, anchoring: Anchoring) -> String {
    // A copy: what is refused must not be changed.
    let copied = copy(engine);
    let before = Space::ALL.map(|space| records(&copied, space));
    match open_store(copied.clone(), anchoring) {
        Ok(_) => String::new(),
        Err(TreeError::Anchor(error)) => {
            assert_eq!(before, Space::ALL.map(|space| records(&copied, space)), "{error}");
            let debug = format!("{error:?}");
            debug.split([' ', '(']).next().unwrap_or_default().to_owned()
        }
        Err(error) => panic!("{error:?}"),
    }
}

/// Puts the records of one tree, or of all, back to what they were.
fn put_back(new: &Shared, old: &Shared, tree: Option<ScopeId>) -> Shared {
    let engine = copy(new);
    let is_meant = |key: &[u8]| tree.is_none_or(|tree| key.starts_with(&tree.0));
    for space in Space::ALL {
        for (key, _) in records(&engine, space)
            .into_iter()
            .filter(|(key, _)| is_meant(key))
        {
            engine
                .apply(Batch::new().delete(space, key), Durability::Buffered)
                .unwrap();
        }
        for (key, value) in records(old, space).into_iter().filter(|(key, _)| is_meant(key)) {
            let batch = Batch::new().put(space, key, value);
            engine.apply(batch, Durability::Buffered).unwrap();
        }
    }
    engine
}

#[test]
fn older_states_of_everything_or_of_one_tree_are_refused_and_taken_only_when_told_so() {
    let (engine, anchor) = (memory(), Kept::default());
    let store = begun(&engine, &anchor);
    let old = copy(&engine);
    let tree = store.open_tree(TREE, tree_key(TREE)).unwrap();
    put(&tree, b"key", b"new").unwrap();
    store.remove_tree(OTHER).unwrap();
    // The same number by another way.
    let (fork, elsewhere) = (copy(&old), Kept::default());
    elsewhere.0.lock().head = old_head(&old);
    let forked = open_store(fork.clone(), anchoring(Some(&elsewhere), AnchorMode::Check)).unwrap();
    trees(&forked)
        .unwrap()
        .iter()
        .for_each(|tree| put(tree, b"key", b"fork").unwrap());
    assert_eq!((anchor.number(), elsewhere.number()), (7, 7));

    let without_head = copy(&engine);
    without_head
        .apply(Batch::new().delete(Space::HEADS, *b"store"), Durability::Synced)
        .unwrap();
    let cases = [
        ("as it is", &engine, ""),
        ("everything", &put_back(&engine, &old, None), "RolledBack"),
        ("one tree", &put_back(&engine, &old, Some(TREE)), "TreesPutBack"),
        (
            "a removed tree",
            &put_back(&engine, &old, Some(OTHER)),
            "TreesPutBack",
        ),
        ("without its head", &without_head, "RolledBack"),
        ("another copy", &fork, "Diverged"),
    ];
    for (what, engine, want) in cases {
        let check = |mode| refusal(engine, anchoring(Some(&anchor), mode));
        assert_eq!(check(AnchorMode::Check), want, "{what}");
        assert_eq!(
            check(AnchorMode::Begin),
            want,
            "{what}: beginning is no acceptance"
        );
        assert_eq!(check(AnchorMode::AcceptRollback), "", "{what}");
    }
}

/// The store's head as the engine has it.
fn old_head(engine: &Shared) -> Option<AnchoredHead> {
    let framed = engine.get(Space::HEADS, b"store").unwrap()?;
    Some(codec::decode(codec::unframe(FrameKind::StoreHead, &framed).unwrap()).unwrap())
}

#[test]
fn what_was_accepted_is_in_force_with_the_next_commit_and_not_before() {
    let (engine, anchor) = (memory(), Kept::default());
    let store = begun(&engine, &anchor);
    let old = copy(&engine);
    put(&trees(&store).unwrap()[0], b"key", b"new").unwrap();

    let accepting = || open_store(old.clone(), anchoring(Some(&anchor), AnchorMode::AcceptRollback)).unwrap();
    let accepted = accepting().accepted_rollback().unwrap();
    assert_eq!((accepted.anchored, accepted.found), (6, 5));
    assert_eq!(
        refusal(&old, anchoring(Some(&anchor), AnchorMode::Check)),
        "RolledBack"
    );
    let store = accepting();
    put(&trees(&store).unwrap()[0], b"key", b"restored").unwrap();
    assert_eq!(anchor.number(), 7);
    assert_eq!(refusal(&old, anchoring(Some(&anchor), AnchorMode::Check)), "");
    assert_eq!(
        refusal(&engine, anchoring(Some(&anchor), AnchorMode::Check)),
        "RolledBack"
    );
    let again = open_store(old.clone(), anchoring(Some(&anchor), AnchorMode::AcceptRollback)).unwrap();
    assert_eq!(again.accepted_rollback(), None, "there was nothing to accept");
}

#[test]
fn an_anchor_that_is_missing_foreign_forged_or_not_given_is_refused() {
    let (engine, anchor) = (memory(), Kept::default());
    let plain = memory();
    drop(trees(
        &open_store(plain.clone(), anchoring(None, AnchorMode::Check)).unwrap(),
    ));
    begun(&engine, &anchor);
    let head = anchor.0.lock().head.unwrap();
    let changed = |from: &str, to: &str| {
        let kept = Kept::default();
        kept.0.lock().head = Some(head.to_string().replacen(from, to, 1).parse().unwrap());
        kept
    };
    let empty = Kept::default();
    let cases = [
        ("none kept", &engine, Some(&empty), AnchorMode::Check, "Missing"),
        (
            "none kept, accepting",
            &engine,
            Some(&empty),
            AnchorMode::AcceptRollback,
            "Missing",
        ),
        (
            "none kept, begun",
            &engine,
            Some(&empty.clone()),
            AnchorMode::Begin,
            "",
        ),
        ("not given", &engine, None, AnchorMode::Check, "NotGiven"),
        ("not given, begun", &engine, None, AnchorMode::Begin, "NotGiven"),
        ("ended", &engine, None, AnchorMode::End, ""),
        (
            "another number",
            &engine,
            Some(&changed(".5.", ".4.")),
            AnchorMode::Check,
            "Forged",
        ),
        (
            "forged, accepting",
            &engine,
            Some(&changed(".5.", ".4.")),
            AnchorMode::AcceptRollback,
            "Forged",
        ),
        (
            "another store's",
            &engine,
            Some(&changed("0101", "0102")),
            AnchorMode::Check,
            "Foreign",
        ),
        ("never anchored", &plain, None, AnchorMode::Check, ""),
        (
            "never anchored there",
            &plain,
            Some(&Kept::default()),
            AnchorMode::Check,
            "Missing",
        ),
        (
            "never anchored, begun",
            &plain,
            Some(&Kept::default()),
            AnchorMode::Begin,
            "",
        ),
    ];
    for (what, engine, anchor, mode, want) in cases {
        assert_eq!(refusal(engine, anchoring(anchor, mode)), want, "{what}");
    }
    open_store(engine.clone(), anchoring(None, AnchorMode::End)).unwrap();
    assert_eq!(
        refusal(&engine, anchoring(None, AnchorMode::Check)),
        "",
        "not anchored any more"
    );
    assert_eq!(
        refusal(&engine, anchoring(Some(&anchor), AnchorMode::Check)),
        "RolledBack"
    );
}

#[test]
fn a_head_that_was_written_down_must_have_been_reached() {
    let (engine, anchor) = (memory(), Kept::default());
    let store = begun(&engine, &anchor);
    let at_five = store.anchored_head().unwrap();
    let five = copy(&engine);
    put(&trees(&store).unwrap()[0], b"key", b"new").unwrap();
    let at_six = store.anchored_head().unwrap();
    let kept = |head| {
        let kept = Kept::default();
        kept.0.lock().head = Some(head);
        kept
    };
    let cases = [
        (&engine, at_six, at_six, ""),
        (&engine, at_six, at_five, ""),
        (&five, at_five, at_five, ""),
        // The anchor was put back together with the store: paper is not.
        (&five, at_five, at_six, "RolledBack"),
    ];
    for (index, (engine, anchored, expected, want)) in cases.into_iter().enumerate() {
        let mut anchoring = anchoring(Some(&kept(anchored)), AnchorMode::Check);
        anchoring.expected = Some(expected);
        assert_eq!(refusal(engine, anchoring), want, "case {index}");
    }
}

/// Makes trees, commits to them, removes one; what was acknowledged, in order.
fn workload(store: &Arc<TreeStore>) -> Vec<u8> {
    let Ok([first, second]) = trees(store) else {
        return Vec::new();
    };
    let mut acknowledged = Vec::new();
    for commit in 1..=4 {
        if put(&first, b"newest", &[commit]).is_ok() {
            acknowledged.push(commit);
        }
        let _ = put(&second, &[commit], &[commit; 700]);
    }
    let _ = store.remove_tree(OTHER);
    if put(&first, b"newest", &[5]).is_ok() {
        acknowledged.push(5);
    }
    acknowledged
}

/// Runs the workload with one fault, then opens again without one. False when the fault did not come up.
fn survives(plan: Option<Plan>, fails: Option<(u64, bool)>) -> bool {
    let (engine, anchor) = (memory(), Kept::default());
    drop(open_store(engine.clone(), anchoring(Some(&anchor), AnchorMode::Begin)).unwrap());
    let (faulty, handle): (Faulty<dyn Engine>, FaultHandle) = Faulty::new(Box::new(engine.clone()));
    handle.set(Scope::Writes, plan);
    let written = anchor.0.lock().writes;
    anchor.0.lock().fails = fails.map(|(number, keeps)| (written + number, keeps));
    let opened = open_store(faulty, anchoring(Some(&anchor), AnchorMode::Check));
    let acknowledged = opened.as_ref().map_or_else(|_| Vec::new(), workload);
    if let (Ok(store), Some(_)) = (
        &opened,
        fails.filter(|(number, _)| anchor.0.lock().writes >= written + number),
    ) {
        let late = store.create_tree(ScopeId([9; 16]), tree_key(ScopeId([9; 16])));
        assert!(late.is_err(), "a failed anchor stops all later writes");
    }
    anchor.0.lock().fails = None;
    let came_up =
        handle.failed() > 0 || fails.is_some_and(|(number, _)| anchor.0.lock().writes >= written + number);
    let store = open_store(engine, anchoring(Some(&anchor), AnchorMode::Check));
    let store = store.unwrap_or_else(|error| panic!("locked out after {plan:?} {fails:?}: {error}"));
    let found = store.open_tree(TREE, tree_key(TREE)).ok();
    let found = found
        .and_then(|tree| tree.get(b"newest").unwrap())
        .map_or(0, |value| value[0]);
    assert!(
        found >= acknowledged.last().copied().unwrap_or_default(),
        "{plan:?} {fails:?}"
    );
    assert_eq!(
        store.anchored_head(),
        anchor.0.lock().head,
        "the anchor has caught up"
    );
    came_up
}

#[test]
fn a_fault_at_any_write_of_engine_or_anchor_locks_nobody_out() {
    let mut faults = 0;
    for fault in [Fault::Io, Fault::UnavailableApplied, Fault::UnavailableNotApplied] {
        for lasting in [Lasting::Once, Lasting::FromThenOn] {
            faults += (0..)
                .take_while(|call| {
                    let call = *call;
                    survives(Some(Plan { call, lasting, fault }), None)
                })
                .count();
        }
    }
    for keeps in [true, false] {
        faults += (1..)
            .take_while(|number| survives(None, Some((*number, keeps))))
            .count();
    }
    assert!(faults > 100, "{faults}");
}

/// What the engine and the anchor were asked to write for one small commit.
fn cost(anchor: Option<&Kept>, others: u8) -> (WriteCounts, u64) {
    let engine = memory();
    let store = open_store(engine, anchoring(anchor, AnchorMode::Begin)).unwrap();
    for id in 20..20 + others {
        store
            .create_tree(ScopeId([id; 16]), tree_key(ScopeId([id; 16])))
            .unwrap();
    }
    let [tree, _] = trees(&store).unwrap();
    put(&tree, b"key", b"before").unwrap();
    let writes = || anchor.map_or(0, |anchor| anchor.0.lock().writes);
    let before = (store.write_counts(), writes());
    put(&tree, b"key", b"after!").unwrap();
    (store.write_counts().since(&before.0), writes() - before.1)
}

#[test]
fn a_commit_costs_one_record_and_one_write_of_the_anchor_however_many_trees_there_are() {
    let (plain, _) = cost(None, 0);
    let (few, written) = cost(Some(&Kept::default()), 0);
    let (many, _) = cost(Some(&Kept::default()), 100);
    assert_eq!(written, 1);
    // The key and the record: frame 10, version 1, store 16, number 8, digest 32, code 32.
    assert_eq!(few.record_bytes - plain.record_bytes, 5 + 99);
    assert_eq!(few.syncs, plain.syncs, "the same sync covers it");
    assert_eq!(few, many);
}

#[test]
fn a_group_of_commits_is_anchored_at_once_and_by_ascending_numbers() {
    let (engine, anchor) = (memory(), Kept::default());
    let store = begun(&engine, &anchor);
    let tree = store.open_tree(TREE, tree_key(TREE)).unwrap();
    let before = (store.write_counts().syncs, anchor.0.lock().writes);
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let tree = &tree;
            scope.spawn(move || (0..20).for_each(|n| put(tree, &[b'k', thread, n], b"value").unwrap()));
        }
    });
    let groups = store.write_counts().syncs - before.0;
    assert_eq!(anchor.0.lock().writes - before.1, groups);
    assert_eq!(anchor.number(), anchor.0.lock().writes, "one number a write");
    assert_eq!(refusal(&engine, anchoring(Some(&anchor), AnchorMode::Check)), "");
}
