//! A backup is the store of one moment, whatever goes on; restored, on any engine and in any placement, it is
//! that store, byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod backup_world;
mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use backup_world::{KEPT, Kept, Source, blob, container, number, options, put};
use common::{VAULT, pinned};
use strongroom::{
    DeleteBlobOptions, EngineKind, ErrorKind, NewEncryptionScope, Placement, RestoreOptions, Store,
};

const PLAIN: Kept = (EngineKind::Sled, Placement::Engine);
/// Blobs that a writer overwrites in turn.
const TURN: u64 = 4;

/// Overwrites blobs in turn until told to stop: number n goes to blob n modulo TURN of both accounts, first
/// of `one`, then of `two`. Everything else it writes it deletes again.
fn write(store: &Store, stop: &AtomicBool, acknowledged: &AtomicU64) {
    let (one, two) = (container(store, "one"), container(store, "two"));
    for n in 1.. {
        let name = (n % TURN).to_string();
        put(&one, &name, n);
        put(&two, &name, n);
        put(&one, &format!("gone-{n}"), n);
        one.delete_blob(&blob(&format!("gone-{n}")), DeleteBlobOptions::default())
            .unwrap();
        acknowledged.store(n, SeqCst);
        if stop.load(SeqCst) {
            return;
        }
    }
}

/// Moves the root key of `one` between the customer and the platform.
fn rotate(source: &Source, stop: &AtomicBool) {
    let account = source.store.account(&common::name("one")).unwrap();
    let key = pinned(&source.world.current(VAULT, "k"));
    while !stop.load(SeqCst) {
        account.use_customer_key(&key).unwrap();
        account.use_platform_key().unwrap();
    }
}

/// The number that was written last, of a state in which every number up to it was.
fn last(store: &Store, account: &str) -> u64 {
    let container = container(store, account);
    let found: Vec<u64> = (0..TURN).map(|at| number(&container, &at.to_string())).collect();
    let last = found.iter().copied().max().unwrap();
    for (at, n) in (0..).zip(&found) {
        let want = (0..=last).rev().find(|n| n % TURN == at).unwrap_or(0);
        assert_eq!(*n, want, "blob {at} when {last} was the last: {found:?}");
    }
    last
}

fn under_load(kept: Kept) {
    let source = Source::new(kept);
    source.account("one");
    source.account("two");
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0));
    let (before, after) = std::thread::scope(|scope| {
        scope.spawn(|| write(&source.store, &stop, &acknowledged));
        scope.spawn(|| rotate(&source, &stop));
        while acknowledged.load(SeqCst) < TURN {
            std::thread::yield_now();
        }
        let taken = [1, 2, 3].map(|nth| {
            let before = acknowledged.load(SeqCst);
            let made = source.backup(&format!("backup-{nth}"));
            // Writers that are not told would go on for ever.
            stop.fetch_or(made.is_err(), SeqCst);
            made.unwrap();
            (before, acknowledged.load(SeqCst))
        });
        stop.store(true, SeqCst);
        (taken.map(|(before, _)| before), taken.map(|(_, after)| after))
    });
    for nth in 0..3 {
        let store = source.restored(&format!("backup-{}", nth + 1), &format!("restored-{nth}"));
        let (one, two) = (last(&store, "one"), last(&store, "two"));
        // One moment for both: `two` is written right after `one`, and never before it.
        assert!(one == two || one == two + 1, "{kept:?}: {one} and {two}");
        assert!(
            (before[nth]..=after[nth] + 1).contains(&two),
            "{kept:?}: {before:?} {two} {after:?}"
        );
        store.close().unwrap();
    }
}

#[test]
fn a_backup_under_load_is_of_one_moment() {
    KEPT.iter().for_each(|kept| under_load(*kept));
}

#[test]
fn a_backup_is_restored_on_any_engine_and_in_any_placement() {
    for from in KEPT {
        let source = Source::new(*from);
        let account = source.account("one");
        account
            .create_encryption_scope(&"scope".parse().unwrap(), &NewEncryptionScope::default())
            .unwrap();
        (1..=TURN).for_each(|n| put(&container(&source.store, "one"), &n.to_string(), n));
        let made = source.backup("backup").unwrap();
        assert!(made.files > 4 && made.chunks > 0, "{made:?}");
        for (engine, placement) in KEPT {
            let directory = format!("{engine:?}-{placement:?}");
            let mut choice = RestoreOptions::default();
            (choice.engine, choice.placement) = (Some(*engine), Some(*placement));
            let to = source.options(&directory);
            let restored = Store::restore(&source.path("backup"), to, &choice, |_| ()).unwrap();
            assert_eq!(restored, made);
            let data = source.path(&directory);
            assert_eq!(EngineKind::of(data.join("engine")).unwrap(), Some(*engine));
            assert_eq!(data.join("bodies").exists(), *placement == Placement::Files);
            let store = source.options(&directory).open().unwrap();
            assert_eq!(store.scrub(None, |_| ()).unwrap().damage, []);
            (1..=TURN).for_each(|n| assert_eq!(number(&container(&store, "one"), &n.to_string()), n));
            // It is a store like any other.
            put(&container(&store, "one"), "new", 6);
            assert_eq!(number(&container(&store, "one"), "new"), 6);
        }
        let as_it_was = source.restored("backup", "as it was");
        as_it_was.close().unwrap();
        let data = source.path("as it was");
        assert_eq!(EngineKind::of(data.join("engine")).unwrap(), Some(from.0));
        assert_eq!(data.join("bodies").exists(), from.1 == Placement::Files);
    }
}

#[test]
fn a_backup_needs_no_key_of_the_customers() {
    let source = Source::new(PLAIN);
    let account = source.account("one");
    account
        .use_customer_key(&pinned(&source.world.current(VAULT, "k")))
        .unwrap();
    put(&container(&source.store, "one"), "a", 2);
    let principal = account
        .properties()
        .unwrap()
        .system_identity
        .unwrap()
        .principal_id;
    source.world.revoke(VAULT, principal);
    source.backup("backup").unwrap();
    source.restore("backup", "again").unwrap();
    let store = source.options("again").open().unwrap();
    let mut nothing = Vec::new();
    let refused = container(&store, "one").download(&blob("a"), &Default::default(), &mut nothing);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::KeyUnavailable);
    source.world.grant(VAULT, principal, &common::NEEDED);
    assert_eq!(number(&container(&store, "one"), "a"), 2);
}

/// As docs/KEYS.md has it.
#[test]
fn who_opens_a_backup_is_decided_when_it_begins() {
    let source = Source::new(PLAIN);
    let account = source.account("one");
    put(&container(&source.store, "one"), "a", 2);
    let principal = account
        .properties()
        .unwrap()
        .system_identity
        .unwrap()
        .principal_id;
    let mut key = Some(pinned(&source.world.current(VAULT, "k")));
    let made = source
        .store
        .backup(&source.path("of the platform"), &options(), |_| {
            if let Some(key) = key.take() {
                account.use_customer_key(&key).unwrap();
            }
        });
    made.unwrap();
    source.backup("of the customer").unwrap();
    source.world.revoke(VAULT, principal);
    for (backup, readable) in [("of the platform", true), ("of the customer", false)] {
        let again = format!("again {backup}");
        source.restore(backup, &again).unwrap();
        let store = source.options(&again).open().unwrap();
        let mut found = Vec::new();
        let read = container(&store, "one").download(&blob("a"), &Default::default(), &mut found);
        assert_eq!(read.is_ok(), readable, "{backup}");
        let side_files = std::fs::read_dir(source.path(backup).join("keys")).unwrap();
        let one_time = side_files.filter(|file| {
            let name = file.as_ref().unwrap().file_name();
            name.to_string_lossy().ends_with(".onetime")
        });
        assert_eq!(one_time.count(), usize::from(readable), "{backup}");
    }
}

/// Runs `change` when as many records were copied as `at` says; the backup must be of the moment before.
#[track_caller]
fn check_change(what: &str, change: impl Fn(&Source)) {
    for at in 0.. {
        let source = Source::new(PLAIN);
        source.account("one");
        source.account("two");
        put(&container(&source.store, "one"), "a", 2);
        put(&container(&source.store, "two"), "b", 3);
        let mut seen = 0;
        let made = source.store.backup(&source.path("backup"), &options(), |_| {
            if seen == at {
                change(&source);
            }
            seen += 1;
        });
        made.unwrap();
        let store = source.restored("backup", "again");
        assert_eq!(number(&container(&store, "one"), "a"), 2, "{what} at {at}");
        assert_eq!(number(&container(&store, "two"), "b"), 3, "{what} at {at}");
        // What was kept for the backup is gone: nothing is left of it in the store.
        let scrubbed = source.store.scrub(None, |_| ()).unwrap();
        assert_eq!(
            (scrubbed.damage.len(), scrubbed.leftovers),
            (0, 0),
            "{what} at {at}"
        );
        if at >= seen {
            assert!(at > 8, "{what} was tried at {at} records");
            return;
        }
    }
}

#[test]
fn a_rotation_at_any_record_leaves_the_moment_as_it_was() {
    check_change("enabling", |source| {
        let account = source.store.account(&common::name("one")).unwrap();
        let key = pinned(&source.world.current(VAULT, "k"));
        account.use_customer_key(&key).unwrap();
        let again = pinned(&source.world.make_key(VAULT, "k"));
        account.use_customer_key(&again).unwrap();
    });
}

#[test]
fn an_account_deleted_at_any_record_is_in_the_backup() {
    check_change("deleting", |source| {
        source.store.delete_account(&common::name("one")).unwrap();
    });
}

#[test]
fn blobs_deleted_at_any_record_are_in_the_backup() {
    check_change("deleting blobs", |source| {
        for (account, name) in [("one", "a"), ("two", "b")] {
            let container = container(&source.store, account);
            container
                .delete_blob(&blob(name), DeleteBlobOptions::default())
                .unwrap();
        }
        while !source.store.maintain().unwrap().done {}
    });
}

#[test]
fn a_view_that_is_too_old_ends_the_backup() {
    let age = Duration::from_secs(60);
    let source = Source::with(PLAIN, |mut settings| {
        settings.view_age_max = age;
        settings
    });
    source.account("one");
    put(&container(&source.store, "one"), "a", 2);
    let mut seen = Vec::new();
    let failed = source.store.backup(&source.path("backup"), &options(), |_| {
        seen.push(source.store.stats().unwrap().oldest_snapshot);
        source.world.clock.advance(age * 2);
    });
    assert_eq!(failed.unwrap_err().code(), "SnapshotExpired");
    assert_eq!(seen[0], Some(Duration::ZERO), "it shows in the statistics");
    assert!(!source.path("backup").exists());
    assert_eq!(source.store.stats().unwrap().oldest_snapshot, None);
    source.backup("backup").unwrap();
}
