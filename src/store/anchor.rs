//! The anchor of a store or of vaults: how it is asked for, how a refusal reads, and the record of every
//! rollback that was accepted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::anchor::{AnchorError, AnchorMode, AnchoredHead, Anchoring, HeadAnchor};
use strongroom_engine::codec::{self, Record};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::tree::TreeError;

use super::{Store, StoreShared};
use crate::commit::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::rooms;

/// What the options of a store and those of vaults say about an anchor. Default: none.
#[derive(Default)]
pub(super) struct AnchorOptions {
    pub(super) anchor: Option<Arc<dyn HeadAnchor>>,
    pub(super) mode: AnchorMode,
    pub(super) expected: Option<AnchoredHead>,
}

impl AnchorOptions {
    /// For the store or the vaults of that id.
    pub(super) fn anchoring(self, root: &RootKey, id: ScopeId) -> Anchoring {
        Anchoring {
            anchor: self.anchor,
            key: root.purpose(Purpose::Anchor, id),
            mode: self.mode,
            expected: self.expected,
        }
    }

    /// What is new has nothing to compare: it begins.
    pub(super) fn begun(self) -> Self {
        Self {
            mode: AnchorMode::Begin,
            ..self
        }
    }
}

/// A rollback of the store that somebody has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackRecord {
    /// When.
    pub time: Timestamp,
    /// The commit that the anchor had seen.
    pub anchored: u64,
    /// The commit of the store that was taken in its place; 0 when it had no head of its own.
    pub found: u64,
}

impl Record for RollbackRecord {
    const NAME: &'static str = "accepted rollback";
    const VERSION: u8 = 1;
}

impl Store {
    /// Where the whole store stands, if it is anchored: a line to keep elsewhere, on paper for example, and
    /// to give to [`expect_head`](super::StoreOptions::expect_head) one day.
    #[must_use]
    pub fn head(&self) -> Option<AnchoredHead> {
        self.inner.shared.trees.anchored_head()
    }

    /// Every rollback of this store that was accepted, oldest first. Older copies do not know of later ones.
    ///
    /// # Errors
    /// When the store fails.
    pub fn accepted_rollbacks(&self) -> Result<Vec<RollbackRecord>> {
        let range = KeyRange::prefix(&[rooms::ROLLBACKS]);
        let entries = self
            .inner
            .shared
            .tree
            .range(&range, Order::Ascending, usize::MAX)?;
        entries
            .iter()
            .map(|(_, bytes)| Ok(codec::decode(bytes)?))
            .collect()
    }
}

/// Writes down the rollback that opening has accepted, before anything else: it is in force with this commit.
pub(super) fn record_accepted(store: &StoreShared) -> Result<()> {
    let Some(accepted) = store.trees.accepted_rollback() else {
        return Ok(());
    };
    let record = RollbackRecord {
        time: store.clock.now(),
        anchored: accepted.anchored,
        found: accepted.found,
    };
    tracing::warn!(
        anchored = accepted.anchored,
        found = accepted.found,
        "the rollback of the store was accepted"
    );
    // The number of the commit it goes beyond: no two are equal.
    let number = accepted.anchored.max(accepted.found);
    let (key, bytes) = (
        rooms::key(rooms::ROLLBACKS, &[&number.to_be_bytes()]),
        codec::encode(&record)?,
    );
    let put = store
        .tree
        .transact::<_, Failure, _>(move |txn| Ok(txn.put(&key, &bytes)?));
    put.map_err(|failure| match failure {
        Failure::Refused(error) => error,
        Failure::Tree(error) => error.into(),
    })
}

/// A refusal of the anchor as the caller sees it.
pub(crate) fn refused(what: &str, error: &AnchorError) -> Error {
    const ACCEPT: &str = "if you have restored it yourself, accept that once, explicitly; or else find who wrote to \
                          the disk, and put the newest state back";
    let (code, hint) = match error {
        AnchorError::RolledBack { found: 0, .. } => (
            "StoreRolledBack",
            "if its anchoring was ended, remove the anchor; if you have restored it yourself, accept that once, \
             explicitly; or else find who wrote to the disk",
        ),
        AnchorError::RolledBack { .. } => ("StoreRolledBack", ACCEPT),
        AnchorError::Diverged { .. } => ("StoreDiverged", ACCEPT),
        AnchorError::TreesPutBack { .. } => ("TreesRolledBack", ACCEPT),
        AnchorError::Missing => (
            "AnchorMissing",
            "put the anchor back, for example mount its medium; or begin a new one, explicitly",
        ),
        AnchorError::NotGiven { .. } => (
            "AnchorNotGiven",
            "name the anchor; or end the anchoring, explicitly, if it is lost",
        ),
        AnchorError::Foreign => (
            "AnchorForeign",
            "name the anchor of this one (the vaults and the store each have their own); or remove it, if making a \
             store with it has failed",
        ),
        AnchorError::Forged | AnchorError::Damaged => (
            "AnchorDamaged",
            "put a good copy of the anchor in its place; or remove it and begin a new one, explicitly",
        ),
        _ => (
            "AnchorFailed",
            "see to the anchor's medium, then open again; nothing was acknowledged that it has not seen",
        ),
    };
    Error::new(ErrorKind::Store, code, 409, format!("{what}: {error}")).hint(hint)
}

/// The anchor's error in a chain of causes.
pub(super) fn cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a AnchorError> {
    match error.downcast_ref::<TreeError>() {
        Some(TreeError::Anchor(error)) => Some(error),
        _ => error.source().and_then(cause),
    }
}
