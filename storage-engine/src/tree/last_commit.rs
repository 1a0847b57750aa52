//! A note beside the engine of the commit that was acknowledged last, so that a lost end of its log shows.
//!
//! An engine cannot tell a log that a power cut ended from one that decayed in the middle: it opens with
//! everything up to there, silently. Commits are durable in their order, so if the newest one is there, all
//! are.
//!
//! Invariants:
//! * A note is written after the sync of its commit. It is not synced itself, so it may be old after a
//!   power cut. It is never ahead of the engine, unless the engine has lost something.
//! * It is no protection against whoever writes the disk, and missing or damaged it says nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::TreeError;
use super::head::Head;
use super::page_id::hex;
use crate::codec::{FRAME_BYTES, FrameKind, frame, unframe};
use crate::engine::{Engine, EngineError, Space};
use crate::keys::{PurposeKey, ScopeId};

/// Version, id of the tree, number of the commit.
const NOTE_BYTES: usize = 1 + 16 + 8;
const VERSION: u8 = 1;

/// The file that holds the note, and what it said when it was opened.
pub struct LastCommit {
    path: PathBuf,
    file: File,
    noted: Option<Noted>,
    /// Set when it could not be written: it stays as it is then, which is never wrong.
    given_up: AtomicBool,
}

struct Noted {
    tree: ScopeId,
    commit: u64,
    key: PurposeKey,
}

impl LastCommit {
    /// Opens the note at `path`, or makes an empty one. `key` gives the key of the tree that it names.
    ///
    /// # Errors
    /// [`TreeError::Engine`] with the file's name when it can be neither opened nor made.
    pub fn open(path: &Path, key: impl FnOnce(ScopeId) -> PurposeKey) -> Result<Self, TreeError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let failed = |error| EngineError::io("open the note", path.to_path_buf(), error);
        let file = options.open(path).map_err(failed)?;
        let noted = read(&file).map(|(tree, commit)| Noted {
            tree,
            commit,
            key: key(tree),
        });
        Ok(Self {
            path: path.to_path_buf(),
            file,
            noted,
            given_up: AtomicBool::new(false),
        })
    }

    /// Fails if the engine does not show the commit that was noted. A tree that is gone may have been
    /// removed.
    pub(super) fn check(&self, engine: &dyn Engine) -> Result<(), TreeError> {
        let Some(noted) = &self.noted else {
            return Ok(());
        };
        let Some(bytes) = engine.get(Space::HEADS, &noted.tree.0)? else {
            return Ok(());
        };
        // A head that does not open is damage of its tree, and is told when that is opened.
        match Head::open(noted.tree, &noted.key, &bytes) {
            Ok(head) if head.commit < noted.commit => Err(TreeError::LostCommits {
                tree: hex(&noted.tree.0),
                found: head.commit,
                noted: noted.commit,
                path: self.path.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Nothing is noted until the next commit.
    pub(super) fn forget(&self) {
        if let Err(error) = self.file.set_len(0) {
            tracing::warn!(%error, path = %self.path.display(), "the last commit is still noted");
        }
    }

    /// Notes a commit that is durable.
    pub(super) fn note(&self, tree: ScopeId, commit: u64) {
        if self.given_up.load(Relaxed) {
            return;
        }
        let note = [&[VERSION], tree.0.as_slice(), &commit.to_be_bytes()].concat();
        let written = frame(FrameKind::File, &note)
            .map_err(io::Error::other)
            .and_then(|bytes| write(&self.file, &bytes));
        if let Err(error) = written {
            self.given_up.store(true, Relaxed);
            tracing::warn!(%error, path = %self.path.display(), "the last commit is no longer noted");
        }
    }
}

fn read(file: &File) -> Option<(ScopeId, u64)> {
    let mut bytes = [0; FRAME_BYTES + NOTE_BYTES];
    read_exact(file, &mut bytes).ok()?;
    let note = unframe(FrameKind::File, &bytes).ok()?;
    let (&VERSION, rest) = note.split_first()? else {
        return None;
    };
    let (tree, commit) = rest.split_first_chunk()?;
    Some((ScopeId(*tree), u64::from_be_bytes(commit.try_into().ok()?)))
}

#[cfg(unix)]
fn read_exact(file: &File, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, 0)
}

#[cfg(unix)]
fn write(file: &File, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, 0)
}

#[cfg(not(unix))]
fn read_exact(mut file: &File, bytes: &mut [u8]) -> io::Result<()> {
    use std::io::{Read, Seek};
    file.rewind().and_then(|()| file.read_exact(bytes))
}

#[cfg(not(unix))]
fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    use std::io::{Seek, Write};
    file.rewind().and_then(|()| file.write_all(bytes))
}
