//! A file that cannot be opened fails its body alone; a write or sync that fails stops everything.

use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use super::tests::id;
use super::*;

/// The call that fails: none, or one of the constants below.
#[derive(Default)]
struct Failing(AtomicU8);

const CREATE: u8 = 1;
const REOPEN: u8 = 2;
const APPEND: u8 = 3;
const SYNC: u8 = 4;
const SYNC_DIRECTORY: u8 = 5;

impl Failing {
    fn call(&self, call: u8) -> io::Result<()> {
        // As when the process has as many open files as it may.
        let too_many = || Err(io::Error::other("too many open files"));
        if self.0.load(SeqCst) == call {
            too_many()
        } else {
            Ok(())
        }
    }
}

impl Disk for Failing {
    fn create(&self, path: &Path) -> io::Result<fs::File> {
        self.call(CREATE)?;
        RealDisk.create(path)
    }

    fn reopen(&self, path: &Path) -> io::Result<fs::File> {
        self.call(REOPEN)?;
        RealDisk.reopen(path)
    }

    fn append(&self, file: &fs::File, bytes: &[u8]) -> io::Result<()> {
        self.call(APPEND)?;
        RealDisk.append(file, bytes)
    }

    fn sync(&self, path: &Path, file: &fs::File) -> io::Result<()> {
        self.call(SYNC)?;
        RealDisk.sync(path, file)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.call(SYNC_DIRECTORY)?;
        RealDisk.sync_directory(path)
    }
}

/// Whether the store goes on, the same body included, after `call` has failed once.
#[track_caller]
fn check(call: u8, goes_on: bool) {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Failing::default());
    let store = FileChunks::on(directory.path().join("bodies"), disk.clone()).unwrap();
    let put = |body, index| store.put(vec![(id(body, index), vec![body; 10])]);
    put(1, 0).unwrap();
    store.sync().unwrap();
    disk.0.store(call, SeqCst);
    let tries = [put(2, 0), put(1, 1), store.sync()];
    assert!(tries.iter().any(Result::is_err), "call {call} fails");
    disk.0.store(0, SeqCst);
    if goes_on {
        let (second, first) = if call == CREATE {
            ((2, 0), (1, 2))
        } else {
            ((2, 1), (1, 1))
        };
        put(second.0, second.1).unwrap();
        put(first.0, first.1).unwrap();
        store.sync().unwrap();
        assert_eq!(store.get(id(1, 1)).unwrap(), Some(vec![1; 10]));
    } else {
        for after in [put(3, 0), store.sync(), store.delete(&[id(1, 0).body])] {
            assert!(
                matches!(after, Err(EngineError::Poisoned)),
                "call {call}: {after:?}"
            );
        }
    }
    assert_eq!(store.get(id(1, 0)).unwrap(), Some(vec![1; 10]), "reads go on");
}

#[test]
fn only_what_may_be_half_done_stops_the_others() {
    for (call, goes_on) in [
        (CREATE, true),
        (REOPEN, true),
        (APPEND, false),
        (SYNC, false),
        (SYNC_DIRECTORY, false),
    ] {
        check(call, goes_on);
    }
}

#[test]
fn a_flush_that_failed_stops_everything() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Failing::default());
    let store = FileChunks::on(directory.path().join("bodies"), disk.clone()).unwrap();
    store.put(vec![(id(1, 0), vec![1; 10])]).unwrap();
    disk.0.store(SYNC, SeqCst);
    let body = id(1, 0).body;
    assert!(matches!(store.flush(&body), Err(EngineError::Io { .. })));
    disk.0.store(0, SeqCst);
    for after in [store.flush(&body), store.sync()] {
        assert!(matches!(after, Err(EngineError::Poisoned)), "{after:?}");
    }
}

/// Somebody else's failure, in the midst of a sync that may cover the same file.
#[derive(Default)]
struct FailingMeanwhile(Mutex<Option<std::sync::Weak<FileChunks>>>);

impl Disk for FailingMeanwhile {
    fn sync(&self, path: &Path, file: &fs::File) -> io::Result<()> {
        if let Some(store) = self.0.lock().take().and_then(|store| store.upgrade()) {
            let failed = EngineError::io("syncing", path.to_path_buf(), io::Error::other("planted"));
            store.poison::<()>(Err(failed)).unwrap_err();
        }
        RealDisk.sync(path, file)
    }
}

#[test]
fn a_sync_during_which_another_one_failed_proves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(FailingMeanwhile::default());
    let store = Arc::new(FileChunks::on(directory.path().join("bodies"), disk.clone()).unwrap());
    store.put(vec![(id(1, 0), vec![1; 10])]).unwrap();
    *disk.0.lock() = Some(Arc::downgrade(&store));
    assert!(matches!(store.sync(), Err(EngineError::Poisoned)));
}
