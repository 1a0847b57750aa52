//! Reading a tree from a root: one key, or a range in either direction.

use std::ops::Range;
use std::sync::Arc;

use super::node::{Node, NodeError, Payload};
use super::pages::{Pages, damaged};
use super::{Entry, TreeError};
use crate::engine::{KeyRange, Order};

/// The payload of `key` below `root`.
pub(super) fn find(pages: &Pages, root: Option<&Payload>, key: &[u8]) -> Result<Option<Payload>, TreeError> {
    let Some(root) = root else { return Ok(None) };
    let mut node = pages.node(root, None)?;
    while node.level > 0 {
        let slot = node.slots.get(node.child_index(key));
        let slot = slot.ok_or_else(|| damaged("a branch", NodeError::Malformed))?;
        node = pages.node(&slot.payload, Some(node.level - 1))?;
    }
    let found = node.search(key).ok().and_then(|index| node.slots.get(index));
    Ok(found.map(|slot| slot.payload.clone()))
}

/// The value of `key` below `root`.
pub(super) fn get(pages: &Pages, root: Option<&Payload>, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
    match find(pages, root, key)? {
        Some(payload) => pages.value(&payload).map(Some),
        None => Ok(None),
    }
}

/// A leaf, and which of its slots are meant.
pub(super) type PartOfLeaf = (Arc<Node>, Range<usize>);

/// The first leaf below `root` that has keys of `range`, and which of its slots have. Room 0 is left out.
pub(super) fn first_leaf(
    pages: &Pages,
    root: Option<&Payload>,
    range: &KeyRange,
) -> Result<Option<PartOfLeaf>, TreeError> {
    let outside = KeyRange {
        start: range.start.clone().max(vec![1]),
        end: range.end.clone(),
    };
    match root {
        Some(root) if !outside.is_empty() => first_leaf_below(pages, (root, None), &outside),
        _ => Ok(None),
    }
}

fn first_leaf_below(
    pages: &Pages,
    (payload, level): (&Payload, Option<u8>),
    range: &KeyRange,
) -> Result<Option<PartOfLeaf>, TreeError> {
    let node = pages.node(payload, level)?;
    let Some(below) = node.level.checked_sub(1) else {
        let slots = node.indexes(range);
        return Ok((!slots.is_empty()).then_some((node, slots)));
    };
    for slot in node.within(range) {
        let found = first_leaf_below(pages, (&slot.payload, Some(below)), range)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Which entries to collect.
pub(super) struct Query<'a> {
    pub(super) range: &'a KeyRange,
    pub(super) order: Order,
    pub(super) limit: usize,
}

/// Entries below `root`. Room 0, the tree's own, is left out.
pub(super) fn range(
    pages: &Pages,
    root: Option<&Payload>,
    query: &Query<'_>,
) -> Result<Vec<Entry>, TreeError> {
    let outside = KeyRange {
        start: query.range.start.clone().max(vec![1]),
        end: query.range.end.clone(),
    };
    let mut entries = Vec::new();
    if let (Some(root), false, 1..) = (root, outside.is_empty(), query.limit) {
        let query = Query {
            range: &outside,
            ..*query
        };
        collect(pages, (root, None), &query, &mut entries)?;
    }
    Ok(entries)
}

fn collect(
    pages: &Pages,
    (payload, level): (&Payload, Option<u8>),
    query: &Query<'_>,
    entries: &mut Vec<Entry>,
) -> Result<(), TreeError> {
    let node = pages.node(payload, level)?;
    let slots = node.within(query.range);
    for index in 0..slots.len() {
        let index = match query.order {
            Order::Ascending => index,
            Order::Descending => slots.len() - 1 - index,
        };
        let Some(slot) = slots.get(index) else { break };
        if entries.len() >= query.limit {
            break;
        }
        match node.level.checked_sub(1) {
            None => entries.push((slot.key.to_vec(), pages.value(&slot.payload)?)),
            below => collect(pages, (&slot.payload, below), query, entries)?,
        }
    }
    Ok(())
}
