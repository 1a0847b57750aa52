//! Directories whose names are to be made durable: which ones the next sync must take.
//!
//! A sync of a directory is a flush of the disk. A file in a directory whose own name this process has made
//! durable asks for that directory alone; what is above it stays as it is.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What no sync covers, and what one did.
#[derive(Default)]
pub(super) struct Directories {
    /// Hold names that no sync covers.
    unsynced: HashSet<PathBuf>,
    /// Have got a file, and their own name may not be durable.
    made: HashSet<PathBuf>,
    /// Their own names are durable.
    durable: HashSet<PathBuf>,
    /// How many directories were removed: a sync that one came in between proves nothing of those it began
    /// with.
    removals: u64,
}

/// What one sync takes.
pub(super) struct Taken {
    pub(super) directories: HashSet<PathBuf>,
    made: HashSet<PathBuf>,
    removals: u64,
}

impl Directories {
    /// There is a new file at `path`, below `root`.
    pub(super) fn add_file(&mut self, root: &Path, path: &Path) {
        for directory in path.ancestors().skip(1) {
            self.unsynced.insert(directory.to_path_buf());
            if directory == root || self.durable.contains(directory) {
                return;
            }
            self.made.insert(directory.to_path_buf());
        }
    }

    /// Names in `directory` have changed.
    pub(super) fn change(&mut self, directory: &Path) {
        self.unsynced.insert(directory.to_path_buf());
    }

    /// `directory` is gone.
    pub(super) fn remove(&mut self, directory: &Path) {
        self.removals += 1;
        self.made.remove(directory);
        self.durable.remove(directory);
    }

    /// What a sync that begins now has to take.
    pub(super) fn take(&mut self) -> Taken {
        Taken {
            directories: std::mem::take(&mut self.unsynced),
            made: std::mem::take(&mut self.made),
            removals: self.removals,
        }
    }

    /// All of `taken` was synced.
    pub(super) fn synced(&mut self, taken: Taken) {
        if self.removals == taken.removals {
            self.durable.extend(taken.made);
        }
    }
}
