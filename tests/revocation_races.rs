//! Under load: once a revocation has returned nothing more is committed or handed out until access is
//! restored, and nobody waits for ever.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use common::{KEY, NEEDED, VAULT, World, latest};
use strongroom::{Container, DownloadOptions, ErrorKind, ListBlobs, Metadata, UploadOptions};

fn names(container: &Container) -> BTreeSet<String> {
    let page = container.list_blobs(&ListBlobs::default()).unwrap();
    page.blobs().map(|blob| blob.name.to_string()).collect()
}

#[test]
fn what_was_revoked_stays_revoked_until_restored() {
    let world = World::customer();
    let container = world.account().container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let upload = |name: &str| {
        let name = name.parse().unwrap();
        container.upload(&name, [7; 100_000].as_slice(), UploadOptions::default())
    };
    upload("first").unwrap();
    let principal = world.principal();
    // The phase is odd while access is revoked.
    let (done, phase) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (uploaded, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (upload, done, uploaded, refused) = (&upload, &done, &uploaded, &refused);
            scope.spawn(move || {
                for number in 0.. {
                    match upload(&format!("{thread}-{number}")) {
                        Ok(_) => uploaded.fetch_add(1, SeqCst),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::KeyUnavailable, "{error}");
                            refused.fetch_add(1, SeqCst)
                        }
                    };
                    if done.load(SeqCst) {
                        break;
                    }
                }
            });
        }
        scope.spawn(|| {
            while !done.load(SeqCst) {
                let before = phase.load(SeqCst);
                let read =
                    container.download(&"first".parse().unwrap(), &DownloadOptions::default(), Vec::new());
                let revoked = before % 2 == 1 && phase.load(SeqCst) == before;
                assert!(!(read.is_ok() && revoked), "read while revoked");
            }
        });
        for round in 0..8 {
            world.revoke(VAULT, principal);
            phase.fetch_add(1, SeqCst);
            let before = names(&container);
            let seen = refused.load(SeqCst);
            while refused.load(SeqCst) < seen + 6 {
                std::thread::yield_now();
            }
            assert_eq!(names(&container), before, "committed after the revocation");
            phase.fetch_add(1, SeqCst);
            world.grant(VAULT, principal, &NEEDED);
            let seen = uploaded.load(SeqCst);
            while uploaded.load(SeqCst) < seen + 3 {
                std::thread::yield_now();
            }
            rotate(&world, round);
        }
        done.store(true, SeqCst);
    });
}

/// Rotation and unrelated changes, which go on under the same load.
fn rotate(world: &World, round: usize) {
    let key = world.make_key(VAULT, KEY);
    world.account().use_customer_key(&latest(&key)).unwrap();
    world.make_key(VAULT, &format!("unrelated-{round}"));
}
