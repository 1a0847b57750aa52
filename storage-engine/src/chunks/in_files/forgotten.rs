//! Names that an earlier process made or removed become durable when they are covered, and directories that
//! it left empty go.

use std::collections::HashSet;

use super::tests::id;
use super::*;

/// Directories that were synced.
#[derive(Default)]
struct Recorder(Mutex<HashSet<PathBuf>>);

impl Disk for Recorder {
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.0.lock().insert(path.to_path_buf());
        RealDisk.sync_directory(path)
    }
}

/// What the earlier process left: directories with a file, without one, or nothing at all.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Left {
    File,
    Directories,
    Nothing,
}

/// Covers a prefix of so many bytes.
#[track_caller]
fn check(left: Left, prefix: usize) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("bodies");
    let body = id(1, 0).body;
    let file = names::path(&root, &body);
    let earlier = FileChunks::open(root.clone()).unwrap();
    earlier.put(vec![(id(1, 0), vec![7; 10])]).unwrap();
    match left {
        Left::File => {}
        Left::Directories => fs::remove_file(&file).unwrap(),
        Left::Nothing => earlier.delete(&[body]).unwrap(),
    }
    drop(earlier);
    let disk = Arc::new(Recorder::default());
    let store = FileChunks::on(root.clone(), disk.clone()).unwrap();
    store.cover(&body.0[..prefix]).unwrap();
    store.sync().unwrap();
    let case = format!("{left:?}, {prefix} bytes");
    let synced = disk.0.lock();
    let above: Vec<_> = file.ancestors().skip(1).take(3).collect();
    // A block's directory that is gone was a name in the tree's.
    let wanted = if left == Left::File {
        &above[..]
    } else {
        &above[1..]
    };
    assert!(
        wanted.iter().all(|path| synced.contains(*path)),
        "{case}: {synced:?}"
    );
    let there = fs::read_dir(&root).unwrap().count();
    assert_eq!(there, usize::from(left == Left::File), "{case}");
}

#[test]
fn what_is_covered_is_synced_whoever_left_it() {
    for left in [Left::File, Left::Directories, Left::Nothing] {
        for prefix in [16, 24] {
            check(left, prefix);
        }
    }
}

#[test]
fn a_body_deleted_again_is_durably_gone() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("bodies");
    let disk = Arc::new(Recorder::default());
    let earlier = FileChunks::open(root.clone()).unwrap();
    earlier.put(vec![(id(1, 0), vec![7; 10])]).unwrap();
    earlier.delete(&[id(1, 0).body]).unwrap();
    drop(earlier);
    let store = FileChunks::on(root.clone(), disk.clone()).unwrap();
    store.delete(&[id(1, 0).body]).unwrap();
    store.sync().unwrap();
    assert!(disk.0.lock().contains(&root), "{:?}", disk.0.lock());
}
