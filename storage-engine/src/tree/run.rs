//! Runs: entries that lie one behind the other in one page, lent instead of copied.

use std::ops::Range;
use std::sync::Arc;

use super::node::{Node, Payload, Slot};
use super::{Bytes, Snapshot, TreeError, read};
use crate::engine::KeyRange;

/// Neighbouring entries of a snapshot, in order. It begins with its first entry and may be moved forward.
pub struct Run<'a> {
    snapshot: &'a Snapshot,
    leaf: Arc<Node>,
    left: Range<usize>,
}

impl Snapshot {
    /// The first entries of `range`, as many as lie in one page; `None` if there are none. More may follow
    /// behind the [last](Run::last_key).
    ///
    /// # Errors
    /// [`TreeError::SnapshotExpired`]; [`TreeError`].
    pub fn run(&self, range: &KeyRange) -> Result<Option<Run<'_>>, TreeError> {
        let version = self.version()?;
        let found = self
            .state
            .read(&version, |pages, root| read::first_leaf(pages, root, range))?;
        Ok(found.map(|(leaf, left)| Run {
            snapshot: self,
            leaf,
            left,
        }))
    }
}

impl Run<'_> {
    /// The key of the first entry that is left.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.slots().first().map(|slot| &*slot.key)
    }

    /// The key of the last entry that is left.
    #[must_use]
    pub fn last_key(&self) -> Option<&[u8]> {
        self.slots().last().map(|slot| &*slot.key)
    }

    /// The value of the first entry that is left.
    ///
    /// # Errors
    /// [`TreeError::SnapshotExpired`] of a value that is not in the page; [`TreeError`].
    pub fn value(&self) -> Result<Option<Bytes>, TreeError> {
        let Some(slot) = self.slots().first() else {
            return Ok(None);
        };
        if let Payload::Inline(value) = &slot.payload {
            return Ok(Some(value.clone()));
        }
        let state = &self.snapshot.state;
        let value = state.read(&*self.snapshot.version()?, |pages, _| pages.value(&slot.payload))?;
        Ok(Some(Bytes::from(value)))
    }

    /// Goes on behind the first entry that is left.
    pub fn advance(&mut self) {
        self.left.start = self.left.end.min(self.left.start + 1);
    }

    /// Goes on with the first entry whose key is not before `key`.
    pub fn skip_to(&mut self, key: &[u8]) {
        self.left.start += self.slots().partition_point(|slot| *slot.key < *key);
    }

    fn slots(&self) -> &[Slot] {
        self.leaf.slots.get(self.left.clone()).unwrap_or_default()
    }
}
