//! A sync covers every chunk whose `put` returned before it began, whatever other syncs come in between.

use std::sync::Weak;

use super::tests::id;
use super::*;

/// Notes how many bytes of each file are durable, and runs a sync of its own where it is told to.
#[derive(Default)]
struct Recorder {
    durable: Mutex<HashMap<PathBuf, u64>>,
    /// The store, and how many more choices of a file until it is synced.
    between: Mutex<Option<(Weak<FileChunks>, u32)>>,
}

impl Disk for Recorder {
    fn chosen(&self) {
        let store = {
            let mut between = self.between.lock();
            match between.take() {
                Some((store, 0)) => store,
                later => {
                    *between = later.map(|(store, left)| (store, left - 1));
                    return;
                }
            }
        };
        store.upgrade().unwrap().sync().unwrap();
    }

    fn sync(&self, path: &Path, file: &fs::File) -> io::Result<()> {
        let length = file.metadata()?.len();
        self.durable.lock().insert(path.to_path_buf(), length);
        Ok(())
    }
}

/// Puts `chunks` chunks with another caller's sync in the middle of put number `at`; all must be covered.
#[track_caller]
fn check(chunks: u32, at: u32) {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Recorder::default());
    let store = Arc::new(FileChunks::on(directory.path().join("bodies"), disk.clone()).unwrap());
    *disk.between.lock() = Some((Arc::downgrade(&store), at));
    for index in 0..chunks {
        store.put(vec![(id(1, index), vec![7; 100])]).unwrap();
    }
    store.sync().unwrap();
    let path = names::path(&store.root, &id(1, 0).body);
    let length = fs::metadata(&path).unwrap().len();
    assert_eq!(length, 8 + 100 * u64::from(chunks));
    let durable = disk.durable.lock().get(&path).copied();
    assert_eq!(durable, Some(length), "{chunks} chunks, a sync within put {at}");
    assert!(store.state.lock().writing.is_empty(), "no file stays open");
}

#[test]
fn a_sync_covers_what_was_put_while_another_one_ran() {
    for (chunks, at) in [(1, 0), (2, 0), (2, 1), (5, 2), (5, 4)] {
        check(chunks, at);
    }
}

#[test]
fn a_flush_takes_one_body_and_the_next_sync_what_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Recorder::default());
    let store = FileChunks::on(directory.path().join("bodies"), disk.clone()).unwrap();
    let durable = |body| {
        let path = names::path(&store.root, &id(body, 0).body);
        disk.durable.lock().get(&path).copied()
    };
    for body in [1, 2] {
        store.put(vec![(id(body, 0), vec![body; 100])]).unwrap();
    }
    for body in [1, 3] {
        store.flush(&id(body, 0).body).unwrap();
    }
    assert_eq!([1, 2, 3].map(durable), [Some(108), None, None]);
    // What comes after it has a sync of its own.
    store.put(vec![(id(1, 1), vec![1; 100])]).unwrap();
    store.sync().unwrap();
    assert_eq!([1, 2, 3].map(durable), [Some(208), Some(108), None]);
    assert!(store.state.lock().writing.is_empty(), "no file stays open");
}

#[test]
fn many_bodies_at_once_keep_few_files_open_and_are_all_covered() {
    const BODIES: u8 = 200;
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Recorder::default());
    let store = FileChunks::on(directory.path().join("bodies"), disk.clone()).unwrap();
    for index in 0..3 {
        for body in 0..BODIES {
            store.put(vec![(id(body, index), vec![body; 100])]).unwrap();
            let open = store.state.lock().writing.len();
            assert!(open <= WRITERS_MAX, "{open} files are open");
        }
    }
    store.sync().unwrap();
    let durable = disk.durable.lock();
    assert_eq!(durable.len(), usize::from(BODIES));
    assert!(durable.values().all(|length| *length == 308), "{durable:?}");
}
