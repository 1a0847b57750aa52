//! Recovery keys while one-time keys cannot be read, and recovery keys that somebody planted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use strongroom_keyvault::testing;

use super::super::side_files::{FileSystem, RealFiles};
use super::super::tests::World;
use super::*;
use crate::account::Account;

/// The next so many reads of a one-time key fail.
#[derive(Clone, Default)]
struct Unreadable(Arc<AtomicUsize>);

impl FileSystem for Unreadable {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let left = self.0.load(SeqCst);
        if left > 0 && path.extension().is_some_and(|extension| extension == "onetime") {
            self.0.store(left - 1, SeqCst);
            return Err(io::Error::other("planted"));
        }
        RealFiles.read(path)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        RealFiles.write_new(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFiles.rename(from, to)
    }

    fn sync_name(&self, path: &Path) -> io::Result<()> {
        RealFiles.sync_name(path)
    }

    fn destroy(&self, path: &Path) -> io::Result<()> {
        RealFiles.destroy(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        RealFiles.list(directory)
    }
}

fn one_time_file(account: &Account) -> [u8; 16] {
    let envelope = account.core.custody.envelope().unwrap();
    envelope.source.one_time_file().unwrap()
}

/// Takes the root key back to the platform, which holds it already, while so many reads fail.
#[track_caller]
fn check(unreadable: usize, succeeds: bool, changes: bool) {
    let mut world = World::new();
    let files = Unreadable::default();
    world.reopen(Box::new(files.clone()));
    let (account, pair) = (world.account(), testing::key(2));
    account.set_recovery_key(&pair.public).unwrap();
    let before = one_time_file(&account);
    files.0.store(unreadable, SeqCst);
    let outcome = account.recover(&RecoveryPrivateKey(pair), &RecoverTo::Platform);
    assert_eq!(files.0.load(SeqCst), 0, "{unreadable}: every fault has struck");
    assert_eq!(outcome.is_ok(), succeeds, "{unreadable}");
    assert_eq!(one_time_file(&account) != before, changes, "{unreadable}");
    assert_eq!(world.one_time_keys(), 1, "{unreadable}");
    world.reopen(Box::new(RealFiles));
    world.account().core.guard.check().unwrap();
}

#[test]
fn a_one_time_key_in_force_outlives_a_recovery_that_fails() {
    check(0, true, false);
    check(1, true, true);
    check(2, false, false);
}

#[test]
fn a_planted_recovery_key_is_refused_by_the_next_change_of_the_key() {
    let world = World::new();
    let account = world.account();
    account.use_customer_key(&world.customer_key()).unwrap();
    account.set_recovery_key(&testing::key(2).public).unwrap();
    let custody = &account.core.custody;
    let planted = RecoveryRecord {
        public: testing::key(3).public.to_spki_der().unwrap(),
        ..custody.recovery_record().unwrap().unwrap()
    };
    assert!(custody.put_recovery(Some(planted), None).unwrap());
    let newer = world.customer_key();
    let before = account.encryption().unwrap();
    let changes: [&dyn Fn() -> Result<()>; 3] = [
        &|| account.use_customer_key(&newer).map(drop),
        &|| account.refresh_key_version().map(drop),
        &|| account.use_platform_key().map(drop),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let error = change().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "change {index}");
        assert!(error.to_string().contains("vouch"), "change {index}: {error}");
        assert_eq!(account.encryption().unwrap(), before, "change {index}");
    }
    account.set_recovery_key(&testing::key(2).public).unwrap();
    account.use_customer_key(&newer).unwrap();
}
