//! The calls by which files of chunks are made, grow and become durable: one place, so that a test can see
//! their order and make each of them fail.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::names;

pub(super) trait Disk: Send + Sync {
    /// A new file to append to.
    fn create(&self, path: &Path) -> io::Result<File> {
        names::private(OpenOptions::new().read(true).append(true).create_new(true)).open(path)
    }

    /// A file that is there, to append to.
    fn reopen(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).append(true).open(path)
    }

    /// A caller has chosen the file to write to, and holds no lock.
    fn chosen(&self) {}

    /// Adds to the end of a file.
    fn append(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Makes the bytes of the file at `path` durable.
    fn sync(&self, _path: &Path, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Makes the names in a directory durable; a directory that is gone has none.
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        names::sync_directory(path)
    }
}

/// The operating system's.
pub(super) struct RealDisk;

impl Disk for RealDisk {}
