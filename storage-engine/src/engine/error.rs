//! Errors of engines and chunk stores: each says what to do next.

use std::path::PathBuf;

/// Why an engine call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The engine was closed. Open it again.
    #[error("the engine is closed; open the store again")]
    Closed,
    /// Another writer was faster. Retry from the start.
    #[error("another batch changed the same records at the same time; retry")]
    Conflict,
    /// Stored bytes are not what was written. Restore a backup.
    #[error("stored data is damaged: {what}; restore it from a backup")]
    Corrupt {
        /// What was found.
        what: String,
    },
    /// Somebody else owns the store now. Terminal.
    #[error("another process has taken this store over; stop using it here")]
    Fenced,
    /// The operating system refused. See the cause.
    #[error("{action}{}: {source}", path.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default())]
    Io {
        /// What was being done, as in "syncing".
        action: &'static str,
        /// The file, when one is known.
        path: Option<PathBuf>,
        /// The cause.
        source: std::io::Error,
    },
    /// The files are open elsewhere. Close the other one first.
    #[error("{} is in use by another process or another part of this one; close it there first", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// An empty key.
    #[error("a key has at least one byte")]
    InvalidKey,
    /// A newer release made these files, and they were left untouched. Use that release.
    #[error("format {found} is newer than {supported}, the newest this release knows; use the newer release")]
    NewerFormat {
        /// The format of the files.
        found: u32,
        /// The newest format known here.
        supported: u32,
    },
    /// Something else lives there, and was left untouched. Choose another directory.
    #[error("{} is not a directory of this engine: {what}; choose another or an empty one", path.display())]
    NotAnEngine {
        /// The directory.
        path: PathBuf,
        /// Why it is not.
        what: String,
    },
    /// A chunk that does not follow the ones that are stored of its body, or whose body is gone; nothing was
    /// written. Begin the body again.
    #[error("{what} does not follow what is stored of its body; begin the body again")]
    OutOfSequence {
        /// The chunk.
        what: String,
    },
    /// The files are those of an engine that this build leaves out. Build with the feature of its name.
    #[error("{} is kept by the engine {engine}, which this build leaves out; build with the feature `{engine}`",
        path.display())]
    NotBuiltIn {
        /// The directory.
        path: PathBuf,
        /// The engine, and the feature that adds it.
        engine: &'static str,
    },
    /// An earlier write or sync failed: nothing more is acknowledged until the store is opened again.
    #[error("an earlier write failed, so nothing more can be promised; close the store and open it again")]
    Poisoned,
    /// A precondition did not hold; nothing was applied. Read again.
    #[error("a record is no longer what the batch requires; read it again")]
    PreconditionFailed,
    /// A limit of the contract was exceeded; nothing was applied.
    #[error("{what}: {size} is over the limit of {limit}")]
    TooLarge {
        /// The limit's name.
        what: &'static str,
        /// What was given.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The engine cannot be reached. With `maybe_applied`, read again before deciding.
    #[error("the engine is not available")]
    Unavailable {
        /// The batch may have been applied all the same.
        maybe_applied: bool,
    },
}

impl EngineError {
    /// An I/O error with what was being done.
    #[must_use]
    pub fn io(action: &'static str, path: impl Into<Option<PathBuf>>, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.into(),
            source,
        }
    }

    /// Damage, with what was found.
    #[must_use]
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}
