//! The manifest: what a backup consists of, file by file, authenticated by the root key of what it is of.
//!
//! It is written last, and without it a directory is no backup. See docs/FORMAT.md.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::{self, CodecError, FrameKind, RECORD_BYTES_MAX, Record};
use strongroom_engine::keys::{PurposeKey, ScopeId};

use super::steps::Steps;
use super::{BackupReport, damaged, not_a_backup};
use crate::error::{Error, Result};
use crate::store::files;
use crate::store::header::Role;
use crate::store::open::Placement;

/// Name of the manifest's file.
pub(super) const NAME: &str = "strongroom.backup";

/// Everything about a backup but its content.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) role: Role,
    /// Of the store, which a restored one keeps.
    pub(super) id: ScopeId,
    /// The moment whose state this is.
    pub(super) taken: Timestamp,
    /// What the store's engine calls itself; none for one that has no directory.
    pub(super) engine: Option<String>,
    /// Where the store's bodies were.
    pub(super) placement: Placement,
    pub(super) counts: Counts,
    pub(super) files: Vec<FileEntry>,
    /// HMAC-SHA-256 of this record with zeros here.
    mac: [u8; 32],
}

/// How much there is of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) accounts: u64,
    pub(super) trees: u64,
    /// Heads, pages, parts of large values, small bodies.
    pub(super) records: u64,
    /// Of large bodies.
    pub(super) chunks: u64,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileEntry {
    /// Path from the backup's directory, with `/`.
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
}

impl Record for Manifest {
    const NAME: &'static str = "backup manifest";
    const VERSION: u8 = 1;
}

impl Manifest {
    /// A manifest that vouches for nothing yet.
    pub(super) fn new(role: Role, id: ScopeId, taken: Timestamp) -> Self {
        Self {
            role,
            id,
            taken,
            engine: None,
            placement: Placement::Engine,
            counts: Counts::default(),
            files: Vec::new(),
            mac: [0; 32],
        }
    }

    /// Reads the manifest of `backup`. Nobody vouches for it before [`verify`](Self::verify).
    pub(super) fn read(backup: &Path) -> Result<Self> {
        let path = backup.join(NAME);
        let mut bytes = Vec::new();
        let read = File::open(&path)
            .and_then(|file| file.take(RECORD_BYTES_MAX as u64 + 64).read_to_end(&mut bytes));
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(not_a_backup(backup)),
            Err(error) => return Err(Error::io(format!("cannot read {}", path.display()), error)),
            Ok(_) => {}
        }
        let decoded = codec::unframe(FrameKind::File, &bytes).and_then(codec::decode::<Self>);
        decoded.map_err(|error| match error {
            CodecError::Newer { .. } => {
                let message = format!("the backup {} was made by a newer release", backup.display());
                Error::newer(message).caused_by(error)
            }
            error => damaged(&path).caused_by(error),
        })
    }

    /// Fails unless whoever has `key` made this manifest.
    pub(super) fn verify(&self, backup: &Path, key: &PurposeKey) -> Result<()> {
        if key.verify_mac(&self.without_mac()?, &self.mac) {
            return Ok(());
        }
        Err(damaged(&backup.join(NAME)))
    }

    /// Writes the manifest durably: from here on the directory is a backup.
    pub(super) fn write(&mut self, backup: &Path, key: &PurposeKey, steps: &dyn Steps) -> Result<()> {
        self.mac = key.mac(&self.without_mac()?);
        let path = backup.join(NAME);
        let bytes = codec::frame(FrameKind::File, &codec::encode(self)?)?;
        steps
            .step(&path)
            .and_then(|()| files::replace(&path, &bytes))
            .map_err(|error| super::unwritten(&path, error))
    }

    /// What it says, for people.
    pub(super) fn report(&self) -> BackupReport {
        BackupReport {
            taken: self.taken,
            accounts: self.counts.accounts,
            records: self.counts.records,
            chunks: self.counts.chunks,
            files: self.files.len() as u64,
            // Nobody may have vouched for these numbers yet.
            bytes: (self.files.iter()).fold(0, |sum, file| sum.saturating_add(file.bytes)),
        }
    }

    /// Records and chunks.
    pub(super) fn wanted(&self) -> (u64, u64) {
        (self.counts.records, self.counts.chunks)
    }

    fn without_mac(&self) -> Result<Vec<u8>> {
        let mut bare = self.clone();
        bare.mac = [0; 32];
        Ok(codec::encode(&bare)?)
    }
}

impl FileEntry {
    /// The entry of a file of these bytes.
    pub(super) fn of(name: String, content: &[u8]) -> Self {
        Self {
            name,
            bytes: content.len() as u64,
            sha256: Sha256::digest(content).into(),
        }
    }

    /// The content of a small file, if it is the one that was written.
    pub(super) fn read(&self, backup: &Path) -> Result<Vec<u8>> {
        let path = backup.join(&self.name);
        let content = files::read(&path)
            .map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?
            .ok_or_else(|| damaged(&path))?;
        if Self::of(self.name.clone(), &content) == *self {
            Ok(content)
        } else {
            Err(damaged(&path))
        }
    }

    /// Fails unless the file in `backup` is the one that was written; reads all of it, a piece at a time.
    pub(super) fn check(&self, backup: &Path, read: &mut dyn FnMut(u64)) -> Result<()> {
        let path = backup.join(&self.name);
        let unread = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => damaged(&path).caused_by(error),
            _ => Error::io(format!("cannot read {}", path.display()), error),
        };
        let mut file = File::open(&path).map_err(unread)?;
        let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE_BYTES]);
        loop {
            let count = file.read(&mut piece).map_err(unread)?;
            let Some(new) = piece.get(..count).filter(|new| !new.is_empty()) else {
                break;
            };
            hash.update(new);
            bytes += count as u64;
            read(count as u64);
            if bytes > self.bytes {
                break;
            }
        }
        if bytes == self.bytes && <[u8; 32]>::from(hash.finalize()) == self.sha256 {
            return Ok(());
        }
        Err(damaged(&path))
    }
}

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 256 << 10;
