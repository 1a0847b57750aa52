//! Why an anchor keeps a store from being opened, or from going on.

use std::io;

/// What an anchor, or its comparison with the store, has to say. Nothing was written then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// The store is older than its anchor: somebody has put back an old copy of it.
    #[error(
        "the store is at commit {found}, its anchor at commit {anchored}: an older state of the whole store was put back"
    )]
    RolledBack {
        /// The anchor's number.
        anchored: u64,
        /// The store's number; 0 when it is not anchored at all.
        found: u64,
    },
    /// The store has the anchor's number and is not what the anchor saw: two copies have gone different ways.
    #[error(
        "the store and its anchor are both at commit {number}, and differ: this is another copy of the store"
    )]
    Diverged {
        /// The number of both.
        number: u64,
    },
    /// The trees are not those of the store's newest commit: some were put back or removed.
    #[error(
        "the trees are not those of the store's commit {number}: records of a tree were put back or removed"
    )]
    TreesPutBack {
        /// The store's number.
        number: u64,
        /// The anchor's number, if an anchor was given.
        anchored: Option<u64>,
    },
    /// An anchor was given, and has no head.
    #[error("the anchor holds no head: it was lost, or this store was never anchored there")]
    Missing,
    /// The store is anchored, and was opened without its anchor.
    #[error("the store is anchored, at commit {number}, and no anchor was given")]
    NotGiven {
        /// The store's number.
        number: u64,
    },
    /// The head is another store's.
    #[error("the head is that of another store")]
    Foreign,
    /// The head was not written by this store.
    #[error("the head is forged or damaged: its authentication code does not fit")]
    Forged,
    /// What the anchor holds is no head.
    #[error("what the anchor holds is no head")]
    Damaged,
    /// The anchor cannot be read or written.
    #[error("the anchor cannot be {doing}: {source}")]
    Io {
        /// Read or written.
        doing: &'static str,
        /// The cause.
        source: io::Error,
    },
}

impl AnchorError {
    /// True when the store is not what its anchor has seen: what an explicit acceptance is about.
    pub(crate) fn is_rollback(&self) -> bool {
        matches!(
            self,
            Self::RolledBack { .. } | Self::Diverged { .. } | Self::TreesPutBack { .. }
        )
    }
}
