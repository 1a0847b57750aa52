//! Files of records: what the trees of a store consist of, in no engine's format.
//!
//! ```text
//! 4 bytes   "SRR1"
//! records:  space (1): 1 head, 2 page, 3 chunk
//!           key: 16, 40 or 44 bytes, by the space
//!           length of the value (4, big-endian), value
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use strongroom_engine::engine::{Space, VALUE_BYTES_MAX};

use super::manifest::FileEntry;
use super::steps::Steps;
use super::{damaged, unwritten};
use crate::error::{Error, Result};

/// The directory of these files in a backup.
pub(super) const FOLDER: &str = "records";
const MAGIC: &[u8] = b"SRR1";
/// Bytes of the buffers between records and files.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes records into files of a bounded size.
pub(super) struct RecordsWriter<'a> {
    backup: &'a Path,
    steps: &'a dyn Steps,
    file_bytes: u64,
    open: Option<Open>,
    done: Vec<FileEntry>,
}

struct Open {
    path: PathBuf,
    entry: FileEntry,
    file: BufWriter<File>,
    hash: Sha256,
}

impl<'a> RecordsWriter<'a> {
    /// Writes into the folder of `backup`, a new file whenever one has `file_bytes`.
    pub(super) fn new(backup: &'a Path, steps: &'a dyn Steps, file_bytes: u64) -> Self {
        Self {
            backup,
            steps,
            file_bytes,
            open: None,
            done: Vec::new(),
        }
    }

    /// Adds one record.
    pub(super) fn put(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<()> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.create()?,
        };
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes();
        self.steps
            .step(&open.path)
            .and_then(|()| {
                open.write(&[space.0])?;
                open.write(key)?;
                open.write(&length)?;
                open.write(value)
            })
            .map_err(|error| unwritten(&open.path, error))?;
        if open.entry.bytes >= self.file_bytes {
            self.close(open)
        } else {
            self.open = Some(open);
            Ok(())
        }
    }

    /// Syncs the last file; all files, in order.
    pub(super) fn finish(mut self) -> Result<Vec<FileEntry>> {
        if let Some(open) = self.open.take() {
            self.close(open)?;
        }
        Ok(self.done)
    }

    fn create(&self) -> Result<Open> {
        let name = format!("{FOLDER}/{:08}", self.done.len());
        let path = self.backup.join(&name);
        let file = self.steps.step(&path).and_then(|()| create_private(&path));
        let file = file.map_err(|error| unwritten(&path, error))?;
        let mut open = Open {
            entry: FileEntry {
                name,
                bytes: 0,
                sha256: [0; 32],
            },
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            hash: Sha256::new(),
            path,
        };
        open.write(MAGIC).map_err(|error| unwritten(&open.path, error))?;
        Ok(open)
    }

    fn close(&mut self, mut open: Open) -> Result<()> {
        let synced = self.steps.step(&open.path).and_then(|()| {
            open.file.flush()?;
            open.file.get_ref().sync_all()
        });
        synced.map_err(|error| unwritten(&open.path, error))?;
        open.entry.sha256 = open.hash.finalize().into();
        self.done.push(open.entry);
        Ok(())
    }
}

impl Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.entry.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

/// Hands out the records of one file. It was checked before, and is again, as somebody may have changed it
/// since: what was handed out counts only when this returns without an error.
pub(super) fn read(path: &Path, entry: &FileEntry, each: &mut RecordVisitor<'_>) -> Result<()> {
    let unread = |error: io::Error| Error::io(format!("cannot read {}", path.display()), error);
    let file = File::open(path).map_err(unread)?;
    let left = file.metadata().map_err(unread)?.len();
    let mut records = Records {
        path,
        left,
        file: BufReader::with_capacity(BUFFER_BYTES, file),
        hash: Sha256::new(),
    };
    if records.take(MAGIC.len())? != MAGIC {
        return Err(damaged(path));
    }
    while records.left > 0 {
        let space = Space(records.number::<1>()? as u8);
        let key = records.take(key_bytes(space).ok_or_else(|| damaged(path))?)?;
        let length = records.number::<4>()?;
        if length > VALUE_BYTES_MAX {
            return Err(damaged(path));
        }
        let value = records.take(length)?;
        each(space, key, value)?;
    }
    if <[u8; 32]>::from(records.hash.finalize()) == entry.sha256 {
        Ok(())
    } else {
        Err(damaged(path))
    }
}

/// Takes the space, key and value of a record.
pub(super) type RecordVisitor<'a> = dyn FnMut(Space, Vec<u8>, Vec<u8>) -> Result<()> + 'a;

struct Records<'a> {
    path: &'a Path,
    left: u64,
    file: BufReader<File>,
    hash: Sha256,
}

impl Records<'_> {
    fn take(&mut self, count: usize) -> Result<Vec<u8>> {
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or_else(|| damaged(self.path))?;
        let mut bytes = vec![0; count];
        let unread = |error| Error::io(format!("cannot read {}", self.path.display()), error);
        self.file.read_exact(&mut bytes).map_err(unread)?;
        self.hash.update(&bytes);
        Ok(bytes)
    }

    /// A number of N bytes, big-endian.
    fn number<const N: usize>(&mut self) -> Result<usize> {
        let bytes = self.take(N)?;
        Ok(bytes
            .iter()
            .fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    }
}

/// Bytes of the keys of a space; `None` for one that no backup holds.
fn key_bytes(space: Space) -> Option<usize> {
    match space {
        Space::HEADS => Some(16),
        Space::PAGES => Some(40),
        Space::CHUNKS => Some(44),
        _ => None,
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
