//! The calls by which files of chunks are made, grow and become durable: one place, so that a test can see
//! their order and make each of them fail.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::names;

pub(super) trait Disk: Send + Sync {
    /// A file to append to, made if it is not there.
    fn open(&self, path: &Path) -> io::Result<File> {
        names::private(OpenOptions::new().read(true).append(true).create(true)).open(path)
    }

    /// Somebody has chosen the file at `path` to write to it, and holds no lock.
    fn chosen(&self, _path: &Path) {}

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
