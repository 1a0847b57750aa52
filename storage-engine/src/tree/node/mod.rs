//! Nodes: what a page holds, in memory.
//!
//! A leaf (level 0) maps keys to values; a branch of level n leads to nodes of level n - 1. A branch's first
//! slot has the empty key; slot i leads to the keys from its own key up to that of slot i + 1. Keys ascend
//! strictly. Nodes are immutable once shared: a change clones the path from the root to its leaf.

mod codec;
mod shared;
mod split;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

pub(super) use codec::NodeError;
pub use shared::Bytes;
pub(super) use split::{merge, split};

use super::page_id::PageId;
use crate::engine::KeyRange;

/// Fewest slots that a split leaves on either side.
pub(super) const SLOTS_MIN: usize = 4;
/// Plaintext bytes of one overflow part: with frame, seal and key it fits one batch of the engine.
pub(super) const OVERFLOW_PART_BYTES: usize = (1 << 20) - (1 << 10);

/// A value in parts of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overflow {
    /// Records that hold the parts, in order.
    pub(super) parts: Arc<[PageId]>,
    /// Bytes of the whole value.
    pub(super) length: u32,
}

impl Overflow {
    /// How many parts a value of `length` bytes has.
    pub(super) fn parts_of(length: usize) -> usize {
        length.div_ceil(OVERFLOW_PART_BYTES)
    }
}

/// What a slot leads to. The first three are values, the others children.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    Inline(Bytes),
    /// A large value that has not been sealed yet.
    Pending(Bytes),
    Overflow(Overflow),
    Page(PageId),
    /// A child that has not been sealed yet.
    Fresh(Arc<Node>),
}

/// A key and what it leads to.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) key: Bytes,
    pub(super) payload: Payload,
}

/// A leaf or a branch.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) level: u8,
    pub(super) slots: Vec<Slot>,
}

impl Node {
    /// Where `key` is in this leaf, or where it belongs.
    pub(super) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        self.slots.binary_search_by(|slot| (*slot.key).cmp(key))
    }

    /// The slot of this branch that leads to `key`.
    pub(super) fn child_index(&self, key: &[u8]) -> usize {
        self.slots
            .partition_point(|slot| *slot.key <= *key)
            .saturating_sub(1)
    }

    /// The slots that hold, or lead to, keys of `range`.
    pub(super) fn within(&self, range: &KeyRange) -> &[Slot] {
        self.slots.get(self.indexes(range)).unwrap_or_default()
    }

    /// Which slots those are.
    pub(super) fn indexes(&self, range: &KeyRange) -> Range<usize> {
        let first = match self.level {
            0 => self.slots.partition_point(|slot| *slot.key < *range.start),
            _ => self.child_index(&range.start),
        };
        let last = match &range.end {
            Some(end) => self.slots.partition_point(|slot| *slot.key < **end),
            None => self.slots.len(),
        };
        first..last.max(first)
    }

    /// Slots whose key is stored: all but the first of a branch.
    fn keyed(&self) -> &[Slot] {
        self.slots.get(usize::from(self.level > 0)..).unwrap_or_default()
    }

    /// What all stored keys begin with; keys ascend, so the outermost two decide.
    fn prefix(&self) -> &[u8] {
        match (self.keyed().first(), self.keyed().last()) {
            (Some(first), Some(last)) => common(&first.key, &last.key),
            _ => &[],
        }
    }

    /// Bytes of this node's encoding.
    pub(super) fn size(&self) -> usize {
        let prefix = self.prefix().len();
        let payloads: usize = self.slots.iter().map(|slot| slot.payload.size()).sum();
        let keys: usize = self.keyed().iter().map(|slot| 2 + slot.key.len() - prefix).sum();
        codec::FIXED_BYTES + prefix + keys + payloads
    }

    /// Rough bytes of memory of a node: its slots and the buffers that they keep.
    pub(super) fn weight(&self) -> u64 {
        let overflow: usize = self
            .slots
            .iter()
            .map(|slot| slot.payload.parts() * PageId::BYTES)
            .sum();
        (size_of::<Self>() + self.slots.len() * size_of::<Slot>() + overflow + self.held()) as u64
    }

    /// Bytes of the buffers that the slots keep. Few buffers are told apart; one that comes back behind many
    /// others counts again.
    pub(super) fn held(&self) -> usize {
        let (mut recent, mut oldest, mut held) = ([std::ptr::null(); 4], (0..4).cycle(), 0);
        let values = |slot: &Slot| match &slot.payload {
            Payload::Inline(value) => Some(value.buffer()),
            _ => None,
        };
        for slot in &self.slots {
            for (buffer, bytes) in [Some(slot.key.buffer()), values(slot)].into_iter().flatten() {
                if recent.contains(&buffer) {
                    continue;
                }
                held += bytes;
                if let Some(place) = oldest.next().and_then(|at| recent.get_mut(at)) {
                    *place = buffer;
                }
            }
        }
        held
    }
}

impl Payload {
    fn parts(&self) -> usize {
        match self {
            Self::Overflow(value) => value.parts.len(),
            _ => 0,
        }
    }

    fn size(&self) -> usize {
        let overflow = |parts: usize| codec::OVERFLOW_BYTES + parts * PageId::BYTES;
        match self {
            Self::Inline(value) => 2 + value.len(),
            Self::Pending(value) => overflow(Overflow::parts_of(value.len())),
            Self::Overflow(value) => overflow(value.parts.len()),
            Self::Page(_) | Self::Fresh(_) => PageId::BYTES,
        }
    }
}

/// What `a` and `b` both begin with.
fn common<'a>(a: &'a [u8], b: &[u8]) -> &'a [u8] {
    let length = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    a.get(..length).unwrap_or_default()
}
