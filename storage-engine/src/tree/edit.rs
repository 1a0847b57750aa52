//! Changing a tree in memory: insertion and removal along one path, splits and merges on the way back up.
//!
//! A page that is touched becomes a fresh node, and its id goes to the freed list. An error in the middle
//! leaves the root unusable: the transaction it belongs to must be rolled back.

use std::sync::Arc;

use super::TreeError;
use super::node::{Bytes, Node, NodeError, Payload, Slot, merge, split};
use super::page_id::PageId;
use super::pages::{Pages, damaged};

/// Edits a root.
pub(super) struct Editor<'a> {
    pub(super) pages: &'a Pages,
    /// Pages that were replaced.
    pub(super) freed: &'a mut Vec<PageId>,
}

/// What an insertion did.
struct Inserted {
    old: Option<Payload>,
    /// At the end of the subtree.
    last: bool,
}

impl Editor<'_> {
    /// Sets `slot.key`; the payload it had before.
    pub(super) fn put(
        &mut self,
        root: &mut Option<Payload>,
        slot: Slot,
    ) -> Result<Option<Payload>, TreeError> {
        let mut payload = root
            .take()
            .unwrap_or_else(|| Payload::Fresh(Arc::new(Node::default())));
        let node = self.own(&mut payload, None)?;
        let inserted = self.insert(node, slot)?;
        if node.oversize(self.target()) {
            let level = node.level + 1;
            let slots = split(std::mem::take(node), self.target(), inserted.last);
            payload = Payload::Fresh(Arc::new(Node { level, slots }));
        }
        *root = Some(payload);
        Ok(inserted.old)
    }

    /// Removes `key`; the payload it had.
    pub(super) fn delete(
        &mut self,
        root: &mut Option<Payload>,
        key: &[u8],
    ) -> Result<Option<Payload>, TreeError> {
        let Some(mut payload) = root.take() else {
            return Ok(None);
        };
        let node = self.own(&mut payload, None)?;
        let old = self.remove(node, key)?;
        *root = match node.slots.as_mut_slice() {
            [] => None,
            [only] if node.level > 0 => Some(std::mem::replace(
                &mut only.payload,
                Payload::Inline(Bytes::default()),
            )),
            _ => Some(payload),
        };
        Ok(old)
    }

    fn target(&self) -> usize {
        self.pages.core.settings.page_target_bytes
    }

    /// The node a child payload leads to, ready to be changed.
    fn own<'n>(&mut self, payload: &'n mut Payload, level: Option<u8>) -> Result<&'n mut Node, TreeError> {
        if let Payload::Page(id) = payload {
            let node = self.pages.load(id, level)?;
            self.freed.push(*id);
            *payload = Payload::Fresh(node);
        }
        match payload {
            Payload::Fresh(node) => Ok(Arc::make_mut(node)),
            _ => Err(damaged("a branch", NodeError::Malformed)),
        }
    }

    fn insert(&mut self, node: &mut Node, slot: Slot) -> Result<Inserted, TreeError> {
        let Some(below) = node.level.checked_sub(1) else {
            return Ok(insert_into_leaf(node, slot));
        };
        let at = node.child_index(&slot.key);
        let end = at + 1 == node.slots.len();
        let parent = node.slots.get_mut(at);
        let parent = parent.ok_or_else(|| damaged("a branch", NodeError::Malformed))?;
        let child = self.own(&mut parent.payload, Some(below))?;
        let mut inserted = self.insert(child, slot)?;
        if child.oversize(self.target()) {
            let mut parts = split(std::mem::take(child), self.target(), inserted.last);
            adopt_key(&mut parts, parent.key.clone());
            node.slots.splice(at..=at, parts);
        }
        inserted.last &= end;
        Ok(inserted)
    }

    fn remove(&mut self, node: &mut Node, key: &[u8]) -> Result<Option<Payload>, TreeError> {
        let Some(below) = node.level.checked_sub(1) else {
            let found = node.search(key).ok();
            return Ok(found.map(|index| node.slots.remove(index).payload));
        };
        let at = node.child_index(key);
        let parent = node.slots.get_mut(at);
        let parent = parent.ok_or_else(|| damaged("a branch", NodeError::Malformed))?;
        let child = self.own(&mut parent.payload, Some(below))?;
        let old = self.remove(child, key)?;
        if child.undersize(self.target()) && node.slots.len() > 1 {
            self.rebalance(node, at.min(node.slots.len() - 2))?;
        }
        Ok(old)
    }

    /// Joins the children `left` and `left + 1`, into one if they fit.
    fn rebalance(&mut self, node: &mut Node, left: usize) -> Result<(), TreeError> {
        let below = node.level.checked_sub(1);
        let Some([first, second]) = node.slots.get_mut(left..=left + 1) else {
            return Ok(());
        };
        let a = std::mem::take(self.own(&mut first.payload, below)?);
        let b = std::mem::take(self.own(&mut second.payload, below)?);
        let mut parts = split(merge(a, b, second.key.clone()), self.target(), false);
        adopt_key(&mut parts, first.key.clone());
        node.slots.splice(left..=left + 1, parts);
        Ok(())
    }
}

fn insert_into_leaf(node: &mut Node, slot: Slot) -> Inserted {
    match node.search(&slot.key) {
        Ok(index) => Inserted {
            old: node
                .slots
                .get_mut(index)
                .map(|there| std::mem::replace(&mut there.payload, slot.payload)),
            last: false,
        },
        Err(index) => {
            node.slots.insert(index, slot);
            Inserted {
                old: None,
                last: index + 1 == node.slots.len(),
            }
        }
    }
}

/// The first part of a split keeps the key its node had in the parent.
fn adopt_key(parts: &mut [Slot], key: Bytes) {
    if let Some(first) = parts.first_mut() {
        first.key = key;
    }
}
