//! A sync takes the directories whose names it must make durable, and no other: each costs a flush.

use std::collections::{BTreeSet, HashSet};

use super::*;

/// Notes which directories are synced, and deletes a body in the middle of it where it is told to.
#[derive(Default)]
struct Recorder {
    synced: Mutex<HashSet<PathBuf>>,
    between: Mutex<Option<(std::sync::Weak<FileChunks>, BodyKey)>>,
}

impl Disk for Recorder {
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.synced.lock().insert(path.to_path_buf());
        if let Some((store, body)) = self.between.lock().take() {
            store.upgrade().unwrap().delete(&[body]).unwrap();
        }
        RealDisk.sync_directory(path)
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A body of this tree, block and number.
    Put(u8, u8, u8),
    Delete(u8, u8, u8),
    /// A sync that takes so many directories: of blocks, of trees, and of all trees.
    Sync([usize; 3]),
    /// The same of a flush of that body.
    Flush((u8, u8, u8), [usize; 3]),
    /// A sync in the midst of which that body is deleted.
    SyncDeleting(u8, u8, u8),
}
use Step::{Delete, Flush, Put, Sync, SyncDeleting};

fn body(tree: u8, block: u8, number: u8) -> BodyKey {
    let mut key = [number; BodyKey::BYTES];
    key[..16].fill(tree);
    key[16..24].fill(block);
    BodyKey(key)
}

#[track_caller]
fn check(steps: &[Step]) {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Recorder::default());
    let store = Arc::new(FileChunks::on(directory.path().join("bodies"), disk.clone()).unwrap());
    let root = store.root.components().count();
    for (at, step) in steps.iter().enumerate() {
        match *step {
            Put(tree, block, number) => {
                let body = body(tree, block, number);
                store.put(vec![(ChunkId { body, index: 0 }, vec![7])]).unwrap();
            }
            Delete(tree, block, number) => store.delete(&[body(tree, block, number)]).unwrap(),
            SyncDeleting(tree, block, number) => {
                *disk.between.lock() = Some((Arc::downgrade(&store), body(tree, block, number)));
                store.sync().unwrap();
            }
            Sync(wanted) | Flush(_, wanted) => {
                disk.synced.lock().clear();
                match *step {
                    Flush((tree, block, number), _) => store.flush(&body(tree, block, number)).unwrap(),
                    _ => store.sync().unwrap(),
                }
                let synced: BTreeSet<_> = disk.synced.lock().drain().collect();
                let levels = synced.iter().map(|path| path.components().count() - root);
                let mut counts = [0; 3];
                levels.for_each(|level| counts[2 - level] += 1);
                assert_eq!(counts, wanted, "step {at} of {steps:?}: {synced:?}");
            }
        }
    }
}

#[test]
fn a_sync_takes_the_directories_that_it_must() {
    // What is known to be durable is left alone.
    check(&[
        Put(1, 1, 1),
        Sync([1, 1, 1]),
        Put(1, 1, 2),
        Sync([1, 0, 0]),
        Sync([0, 0, 0]),
    ]);
    check(&[Put(1, 1, 1), Sync([1, 1, 1]), Put(1, 2, 1), Sync([1, 1, 0])]);
    check(&[
        Put(1, 1, 1),
        Sync([1, 1, 1]),
        Put(2, 1, 1),
        Put(1, 1, 2),
        Sync([2, 1, 1]),
    ]);
    // A directory that went and came again is a new one.
    check(&[
        Put(1, 1, 1),
        Sync([1, 1, 1]),
        Delete(1, 1, 1),
        Sync([1, 1, 1]),
        Put(1, 1, 2),
        Sync([1, 1, 1]),
    ]);
    check(&[
        Put(1, 1, 1),
        Put(1, 2, 1),
        Sync([2, 1, 1]),
        Delete(1, 1, 1),
        Put(1, 1, 2),
        Sync([1, 1, 0]),
        Put(1, 2, 2),
        Sync([1, 0, 0]),
    ]);
    check(&[
        Put(1, 1, 1),
        Delete(1, 1, 1),
        Sync([1, 1, 1]),
        Put(1, 1, 2),
        Sync([1, 1, 1]),
    ]);
    // Nor does a sync say anything of a directory that went meanwhile.
    check(&[Put(1, 1, 1), SyncDeleting(1, 1, 1), Put(1, 1, 2), Sync([1, 1, 1])]);
    check(&[
        Put(1, 1, 1),
        SyncDeleting(1, 1, 1),
        Sync([1, 1, 1]),
        Put(1, 1, 2),
        Sync([1, 1, 1]),
    ]);
}

#[test]
fn a_flush_takes_them_too_and_leaves_nothing_of_them_to_the_sync() {
    check(&[
        Put(1, 1, 1),
        Flush((1, 1, 1), [1, 1, 1]),
        Sync([0, 0, 0]),
        Put(1, 1, 2),
        Put(1, 2, 1),
        Flush((1, 1, 2), [2, 1, 0]),
        Flush((1, 2, 1), [0, 0, 0]),
        Sync([0, 0, 0]),
    ]);
}
