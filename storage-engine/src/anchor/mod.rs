//! Anchors: where a store stands, kept outside it, so that the replay of an older state shows.
//!
//! Inside a tree no old page can be replayed, as the head names every page. An anchor does the same for the
//! heads of all trees of a store. With every commit the *store's head* moves: a number that grows by one, and
//! a digest of the heads of all trees. It is a record of the engine, in the batch that swaps the heads, and
//! after the sync of that batch it is written to the anchor, before anybody is told that the commit happened.
//! So an anchor is never ahead of its store, and at most one commit behind.
//!
//! Opening compares three things: the heads of the trees with the store's head (a tree, or part of them, was
//! put back), and the store's head with the anchor (everything was put back).

mod error;
mod file;
mod head;
mod heads;

pub use error::AnchorError;
pub use file::FileAnchor;
pub use head::{AnchoredHead, NotAHead};
pub(crate) use heads::Heads;

use std::sync::Arc;

use crate::keys::PurposeKey;

/// Where one head is kept: a file on other media, a record of another system.
///
/// # Contract
/// * [`write`](Self::write) returns only after the head is durable, and leaves the old one or the new one
///   whatever happens. It is called once for each group commit, with ascending numbers, by one caller at a
///   time, and every writer of the store waits for it.
/// * What is kept is no secret, and is authenticated: whoever changes it is found out, whoever puts back an
///   older one is not. Keep it where the disk's writer does not reach.
pub trait HeadAnchor: Send + Sync {
    /// The head that was written last; `None` if there never was one.
    ///
    /// # Errors
    /// [`AnchorError::Io`]; [`AnchorError::Damaged`] when what is there is no head.
    fn read(&self) -> Result<Option<AnchoredHead>, AnchorError>;

    /// Replaces the head, durably.
    ///
    /// # Errors
    /// [`AnchorError::Io`]: the store takes no more changes until it is opened again.
    fn write(&self, head: &AnchoredHead) -> Result<(), AnchorError>;
}

/// What opening a store does about its anchor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnchorMode {
    /// Refuses what is older than the anchor or differs from it, an anchor without a head, and an anchored
    /// store without its anchor.
    #[default]
    Check,
    /// The same, but a store that has no anchor yet, or whose anchor is lost, begins to keep this one.
    Begin,
    /// Takes the store as it is, whatever the anchor says. In force with the next commit, which has a number
    /// above both.
    AcceptRollback,
    /// The store is not anchored any more, and can be opened without. A given anchor is compared once more.
    End,
}

/// An anchor for a store of trees.
pub struct Anchoring {
    /// Where the head is kept; `None` for a store without an anchor.
    pub anchor: Option<Arc<dyn HeadAnchor>>,
    /// The store root's key of the purpose *anchor*, in the store's own scope.
    pub key: PurposeKey,
    /// What to do about differences.
    pub mode: AnchorMode,
    /// A head that was written down: the store must have come as far.
    pub expected: Option<AnchoredHead>,
}

/// What was found, and taken all the same, by [`AnchorMode::AcceptRollback`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedRollback {
    /// The number of the anchor's head.
    pub anchored: u64,
    /// The number of the store's head; 0 when it had none.
    pub found: u64,
}
