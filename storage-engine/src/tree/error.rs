//! Errors of trees.

use std::sync::Arc;

use super::Gate;
use crate::anchor::AnchorError;
use crate::codec::CodecError;
use crate::engine::EngineError;
use crate::entropy::EntropyError;
use crate::seal::SealError;

/// What a gate says that lets nobody through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateClosed;

/// A gate of a transaction was closed before its head swap.
#[derive(Clone, thiserror::Error)]
#[error("access was revoked before the change could be committed")]
pub struct ClosedGate(pub Arc<dyn Gate>);

impl std::fmt::Debug for ClosedGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClosedGate").finish_non_exhaustive()
    }
}

/// Why a tree call failed. Clones share one cause: a failed group commit is reported to every waiting caller.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The store's anchor speaks against it, or cannot be kept.
    #[error(transparent)]
    Anchor(Arc<AnchorError>),
    /// Another writer owns the store. Close it here.
    #[error(
        "the head of tree {tree} is not the one this process wrote; another process has written to the store"
    )]
    Fenced {
        /// The tree, in hexadecimal.
        tree: String,
    },
    /// Stored bytes are damaged or forged. Restore a backup.
    #[error("{what} is damaged: {source}")]
    Corrupt {
        /// What was being read.
        what: String,
        /// The cause.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(Arc<EngineError>),
    /// A tree of that id exists already.
    #[error("tree {0} exists already")]
    Exists(String),
    /// See [`ClosedGate`].
    #[error(transparent)]
    GateClosed(#[from] ClosedGate),
    /// The key or value is over its limit, or the key is empty or begins with byte 0.
    #[error(
        "a {what} of {size} bytes is not allowed; at most {limit}, and a key is not empty and does not begin with 0"
    )]
    Limit {
        /// Key or value.
        what: &'static str,
        /// What was given.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The engine shows an older state than the one that was acknowledged: its files are damaged, or older
    /// ones were put back. Nothing was written. Restore a backup, or remove the file of the note to go on
    /// without what is lost.
    #[error(
        "tree {tree} is as of commit {found}, but commit {noted} was acknowledged: the engine's files are damaged, or \
         older ones were put back"
    )]
    LostCommits {
        /// The tree, in hexadecimal.
        tree: String,
        /// The commit it shows.
        found: u64,
        /// The commit it has shown.
        noted: u64,
        /// The file of the note.
        path: std::path::PathBuf,
    },
    /// No tree of that id.
    #[error("there is no tree {0}")]
    NotFound(String),
    /// No randomness, nothing sealed.
    #[error("{0}")]
    Entropy(Arc<EntropyError>),
    /// Nothing refers to the body any more, or it was given up before a transaction adopted it.
    #[error("there is no body {0}; it was released or given up")]
    UnknownBody(String),
    /// The snapshot is older than the store allows. Take a new one.
    #[error("the snapshot is too old; take a new one")]
    SnapshotExpired,
}

impl From<AnchorError> for TreeError {
    fn from(error: AnchorError) -> Self {
        Self::Anchor(Arc::new(error))
    }
}

impl From<EngineError> for TreeError {
    fn from(error: EngineError) -> Self {
        Self::Engine(Arc::new(error))
    }
}

impl From<EntropyError> for TreeError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(Arc::new(error))
    }
}

impl TreeError {
    /// True when the change that failed may be in force all the same, or come into force at the next open:
    /// what depends on either must stay until then.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        let error = match self {
            Self::Engine(error) => error,
            // The anchor is written when the commit is durable already.
            other => return matches!(other, Self::Anchor(_)),
        };
        !matches!(
            **error,
            EngineError::Closed
                | EngineError::Conflict
                | EngineError::InvalidKey
                | EngineError::OutOfSequence { .. }
                | EngineError::PreconditionFailed
                | EngineError::TooLarge { .. }
                | EngineError::Unavailable { maybe_applied: false }
        )
    }

    /// True when stored bytes are not what was written.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Corrupt { .. } | Self::LostCommits { .. } => true,
            Self::Engine(error) => matches!(**error, EngineError::Corrupt { .. }),
            _ => false,
        }
    }

    pub(crate) fn corrupt(
        what: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Corrupt {
            what: what.into(),
            source: Arc::new(source),
        }
    }
}

impl From<CodecError> for TreeError {
    fn from(error: CodecError) -> Self {
        Self::corrupt("a record", error)
    }
}

impl From<SealError> for TreeError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Entropy(error) => error.into(),
            error => Self::corrupt("a sealed item", error),
        }
    }
}
