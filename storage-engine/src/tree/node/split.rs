//! Splitting and merging nodes by bytes.

use std::sync::Arc;

use super::{Bytes, Node, Payload, SLOTS_MIN, Slot, common};

impl Node {
    /// True when this node should be split: over the target, and with enough slots for two.
    pub(in super::super) fn oversize(&self, target: usize) -> bool {
        self.slots.len() >= 2 * SLOTS_MIN && self.size() > target
    }

    /// True when this node should be merged with a neighbour.
    pub(in super::super) fn undersize(&self, target: usize) -> bool {
        let one_child = self.level > 0 && self.slots.len() < 2;
        self.slots.is_empty() || one_child || self.size() < target / 4
    }
}

/// `node` as slots of its parent, each within `target` bytes where its slots allow. The first key is empty:
/// it is the parent's. After an insertion at the end (`appended`) the left part stays full, as keys that
/// ascend want it.
pub(in super::super) fn split(mut node: Node, target: usize, appended: bool) -> Vec<Slot> {
    if !node.oversize(target) {
        return vec![Slot {
            key: Bytes::default(),
            payload: Payload::Fresh(Arc::new(node)),
        }];
    }
    let at = if appended {
        node.slots.len() - SLOTS_MIN
    } else {
        middle(&node)
    };
    let mut right = Node {
        level: node.level,
        slots: node.slots.split_off(at),
    };
    let key = separator(&node, &mut right);
    let mut parts = split(node, target, false);
    let start = parts.len();
    parts.extend(split(right, target, false));
    if let Some(first) = parts.get_mut(start) {
        first.key = key;
    }
    parts
}

/// Neighbours as one node; `key` is the right one's key in their parent.
pub(in super::super) fn merge(mut left: Node, mut right: Node, key: Bytes) -> Node {
    if let (1.., Some(first)) = (right.level, right.slots.first_mut()) {
        first.key = key;
    }
    left.slots.append(&mut right.slots);
    left
}

/// The index that halves the node's bytes, with enough slots on either side.
fn middle(node: &Node) -> usize {
    let cost = |slot: &Slot| slot.key.len() + slot.payload.size() + 2;
    let half = node.slots.iter().map(cost).sum::<usize>() / 2;
    let mut bytes = 0;
    let at = node.slots.iter().take_while(|slot| {
        bytes += cost(slot);
        bytes <= half
    });
    at.count().clamp(SLOTS_MIN, node.slots.len() - SLOTS_MIN)
}

/// The key between two new neighbours: for branches the right one's first key moves up, for leaves the
/// shortest byte string that is above the left one's last key and not above the right one's first.
fn separator(left: &Node, right: &mut Node) -> Bytes {
    let Some(first) = right.slots.first_mut() else {
        return Bytes::default();
    };
    if right.level > 0 {
        return std::mem::take(&mut first.key);
    }
    let last = left.slots.last().map_or(&[][..], |slot| &slot.key);
    let shared = common(&first.key, last).len();
    first.key.get(..=shared).unwrap_or(&first.key).into()
}
