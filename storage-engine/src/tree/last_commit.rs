//! A note beside the engine of the commit that was acknowledged last, so that a lost end of its log shows.
//!
//! An engine cannot tell a log that a power cut ended from one that decayed in the middle: it opens with
//! everything up to there, silently. Commits are durable in their order, so if the newest one is there, all
//! are.
//!
//! Commits of two trees are noted: the newest one, and that of the store's own tree, which names all others
//! and is never removed. So a loss that goes back to before a tree was made shows, too.
//!
//! Invariants:
//! * A note is written after the sync of its commit. It is not synced itself, so it may be old after a
//!   power cut. It is never ahead of the engine, unless the engine has lost something.
//! * It is no protection against whoever writes the disk, and missing or damaged it says nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::TreeError;
use super::head::Head;
use super::page_id::hex;
use crate::codec::{FRAME_BYTES, FrameKind, frame, unframe};
use crate::engine::{Engine, EngineError, Space};
use crate::keys::{PurposeKey, ScopeId};

/// Version, id of the tree, number of the commit, number of the newest commit of the store's own tree.
const NOTE_BYTES: usize = 1 + 16 + 8 + 8;
const VERSION: u8 = 1;

/// The file that holds the note, and what it said when it was opened.
pub struct LastCommit {
    path: PathBuf,
    file: File,
    noted: Option<Noted>,
    /// The store's own tree, and its newest commit.
    root: Option<ScopeId>,
    root_commit: AtomicU64,
    /// Set when it could not be written: it stays as it is then, which is never wrong.
    given_up: AtomicBool,
}

/// Trees with the commits that they must show, and their keys.
struct Noted(Vec<(ScopeId, u64, PurposeKey)>);

impl LastCommit {
    /// Opens the note at `path`, or makes an empty one. `root` is the store's own tree, if there are
    /// others; `key` gives the keys of trees.
    ///
    /// # Errors
    /// [`TreeError::Engine`] with the file's name when it can be neither opened nor made.
    pub fn open(
        path: &Path,
        root: Option<ScopeId>,
        key: impl Fn(ScopeId) -> PurposeKey,
    ) -> Result<Self, TreeError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let failed = |error| EngineError::io("open the note", path.to_path_buf(), error);
        let file = options.open(path).map_err(failed)?;
        let noted = read(&file);
        let root_commit = AtomicU64::new(noted.map_or(0, |(.., root_commit)| root_commit));
        let noted = noted.map(|(tree, commit, of_root)| {
            let own = root.map(|root| (root, of_root, key(root)));
            Noted(std::iter::once((tree, commit, key(tree))).chain(own).collect())
        });
        Ok(Self {
            path: path.to_path_buf(),
            file,
            noted,
            root,
            root_commit,
            given_up: AtomicBool::new(false),
        })
    }

    /// Fails if the engine does not show the commits that were noted. A tree that is gone may have been
    /// removed.
    pub(super) fn check(&self, engine: &dyn Engine) -> Result<(), TreeError> {
        let noted = self
            .noted
            .as_ref()
            .map_or([].as_slice(), |noted| noted.0.as_slice());
        for (tree, commit, key) in noted {
            let Some(bytes) = engine.get(Space::HEADS, &tree.0)? else {
                continue;
            };
            // A head that does not open is damage of its tree, and is told when that is opened.
            match Head::open(*tree, key, &bytes) {
                Ok(head) if head.commit < *commit => {
                    return Err(TreeError::LostCommits {
                        tree: hex(&tree.0),
                        found: head.commit,
                        noted: *commit,
                        path: self.path.clone(),
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Nothing is noted until the next commit.
    pub(super) fn forget(&self) {
        self.root_commit.store(0, Relaxed);
        // Synced, as what was noted before must not come back with the power.
        if let Err(error) = self.file.set_len(0).and_then(|()| self.file.sync_all()) {
            tracing::warn!(%error, path = %self.path.display(), "the last commit is still noted");
        }
    }

    /// Notes commits that are durable, all of one batch: any of them tells whether it is there.
    pub(super) fn note(&self, commits: impl Iterator<Item = (ScopeId, u64)>) {
        let mut last = None;
        for (tree, commit) in commits {
            if Some(tree) == self.root {
                self.root_commit.store(commit, Relaxed);
            }
            last = Some((tree, commit));
        }
        let Some((tree, commit)) = last.filter(|_| !self.given_up.load(Relaxed)) else {
            return;
        };
        let root_commit = self.root_commit.load(Relaxed).to_be_bytes();
        let note = [&[VERSION], tree.0.as_slice(), &commit.to_be_bytes(), &root_commit].concat();
        let written = frame(FrameKind::File, &note)
            .map_err(io::Error::other)
            .and_then(|bytes| write(&self.file, &bytes));
        if let Err(error) = written {
            self.given_up.store(true, Relaxed);
            tracing::warn!(%error, path = %self.path.display(), "the last commit is no longer noted");
        }
    }
}

fn read(file: &File) -> Option<(ScopeId, u64, u64)> {
    let mut bytes = [0; FRAME_BYTES + NOTE_BYTES];
    read_exact(file, &mut bytes).ok()?;
    let note = unframe(FrameKind::File, &bytes).ok()?;
    let (&VERSION, rest) = note.split_first()? else {
        return None;
    };
    let (tree, rest) = rest.split_first_chunk()?;
    let (commit, root_commit) = rest.split_first_chunk()?;
    let root_commit = u64::from_be_bytes(root_commit.try_into().ok()?);
    Some((ScopeId(*tree), u64::from_be_bytes(*commit), root_commit))
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
