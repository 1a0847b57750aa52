//! What needs a damaged entry inside: one that cannot be carried out keeps nothing else from being done.

use std::time::Duration;

use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::{Clock, ManualClock, SystemEntropy};

use super::*;
use crate::account::NewAccount;
use crate::blob::{BlobExpiry, Conditions, UploadOptions};
use crate::metadata::Metadata;
use crate::store::{KeyFile, Store};

/// Puts an entry with this task in front of, between and behind those of a few dozen blobs that expire.
#[track_caller]
fn check(task: &[u8]) {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyFile::create(&directory.path().join("key"), &SystemEntropy).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_000_000_000)));
    let store = Store::builder(directory.path().join("data"), key)
        .engine(Box::new(MemoryEngine::new()))
        .clock(clock.clone())
        .init()
        .unwrap();
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47".parse().unwrap();
    let new = NewAccount::new("account".parse().unwrap(), tenant, "westus".parse().unwrap());
    let account = store.create_account(&new).unwrap();
    let container = account.container(&"box".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    for number in 0..3 * TASKS_PER_STEP as u64 {
        let name = number.to_string().parse().unwrap();
        container
            .upload(&name, &b"x"[..], UploadOptions::default())
            .unwrap();
        let expiry = BlobExpiry::FromNow(Duration::from_secs(number + 1));
        container
            .set_blob_expiry(&name, expiry, &Conditions::default())
            .unwrap();
        if number % 20 == 0 {
            let when = clock.now().ticks() + number * 10_000_000;
            let damaged = rooms::key(rooms::AGENDA, &[&when.to_be_bytes(), task]);
            let put = account
                .core
                .transact(move |txn| Ok::<_, Failure>(txn.put(&damaged, &[])?));
            put.unwrap();
        }
    }
    clock.advance(Duration::from_secs(3600));
    for _ in 0..2 {
        let error = store.maintain().unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Corrupt,
            "said in the end, and every time"
        );
        let listed = container.list_blobs(&crate::blob::ListBlobs::default()).unwrap();
        assert_eq!(listed.entries.len(), 0, "the blobs are gone all the same");
    }
}

#[test]
fn a_damaged_entry_keeps_no_other_from_being_carried_out() {
    let unnamed = Task::ExpireBlob {
        container: ContainerId(1),
        name: String::new(),
    };
    // No task at all, and one about a name that cannot be.
    for task in [vec![1, 0xff], encode(&unnamed).unwrap()] {
        check(&task);
    }
}
