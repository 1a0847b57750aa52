//! A commit in the making: the in-progress state of one tree, over which transactions run in turn.

use std::sync::Arc;

use super::edit::Editor;
use super::head::{Freed, Head};
use super::node::{Node, Payload, Slot};
use super::page_id::{PageId, hex};
use super::pages::Sealer;
use super::state::{TreeState, Version};
use super::{Entry, TreeError, read};
use crate::body::{BodyId, BodyRef, FinishedBody, Location};

/// What the waiting transactions of one tree have made of it so far.
pub(super) struct Work {
    pub(super) tree: Arc<TreeState>,
    /// The version everything started from; kept pinned.
    pub(super) base: Arc<Version>,
    state: State,
}

#[derive(Clone, Default)]
struct State {
    root: Option<Payload>,
    entries: u64,
    freed: Freed,
    small: Vec<(PageId, Arc<Vec<u8>>)>,
    adopted: Vec<BodyId>,
}

/// A point to go back to.
pub(super) struct Savepoint {
    root: Option<Payload>,
    entries: u64,
    lengths: [usize; 4],
}

/// Everything a commit writes for one tree.
pub(super) struct Sealed {
    pub(super) head: Head,
    pub(super) head_bytes: Vec<u8>,
    /// Pages, overflow parts and small bodies.
    pub(super) records: Vec<(PageId, Vec<u8>)>,
    pub(super) freed: Freed,
    /// Keys and values of the freed list.
    pub(super) freed_records: Vec<Entry>,
    pub(super) nodes: Vec<(PageId, Arc<Node>)>,
    pub(super) adopted: Vec<BodyId>,
}

impl Work {
    pub(super) fn new(tree: Arc<TreeState>) -> Self {
        let base = tree.current();
        let state = State {
            root: base.root(),
            entries: base.0.entries,
            ..State::default()
        };
        Self { tree, base, state }
    }

    /// The number this commit will have.
    fn commit(&self) -> u64 {
        self.base.0.commit + 1
    }

    pub(super) fn root(&self) -> Option<&Payload> {
        self.state.root.as_ref()
    }

    pub(super) fn savepoint(&self) -> Savepoint {
        let State {
            freed,
            small,
            adopted,
            ..
        } = &self.state;
        Savepoint {
            root: self.state.root.clone(),
            entries: self.state.entries,
            lengths: [freed.pages.len(), freed.bodies.len(), small.len(), adopted.len()],
        }
    }

    pub(super) fn roll_back(&mut self, to: Savepoint) {
        let [pages, bodies, small, adopted] = to.lengths;
        self.state.root = to.root;
        self.state.entries = to.entries;
        self.state.freed.pages.truncate(pages);
        self.state.freed.bodies.truncate(bodies);
        self.state.small.truncate(small);
        self.state.adopted.truncate(adopted);
    }

    /// True when there is something to commit.
    pub(super) fn changed(&self) -> bool {
        let same_root = match (&self.state.root, &self.base.0.root) {
            (None, None) => true,
            (Some(Payload::Page(now)), Some(before)) => now == before,
            _ => false,
        };
        let State {
            freed,
            small,
            adopted,
            ..
        } = &self.state;
        !(same_root && freed.is_empty() && small.is_empty() && adopted.is_empty())
    }

    /// Sets a key, of any room.
    pub(super) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), TreeError> {
        let pages = &self.tree.pages;
        let there = read::find(pages, self.root(), key)?;
        if matches!(&there, Some(Payload::Inline(old)) if **old == *value) {
            return Ok(());
        }
        let payload = if value.len() > pages.inline_max() {
            Payload::Pending(value.into())
        } else {
            Payload::Inline(value.into())
        };
        let slot = Slot {
            key: key.into(),
            payload,
        };
        let freed = &mut self.state.freed.pages;
        let old = Editor { pages, freed }.put(&mut self.state.root, slot)?;
        self.free_value(old.as_ref());
        if old.is_none() && !is_own(key) {
            self.state.entries += 1;
        }
        Ok(())
    }

    /// Removes a key, of any room; true if it was there.
    pub(super) fn delete(&mut self, key: &[u8]) -> Result<bool, TreeError> {
        let pages = &self.tree.pages;
        if read::find(pages, self.root(), key)?.is_none() {
            return Ok(false);
        }
        let freed = &mut self.state.freed.pages;
        let old = Editor { pages, freed }.delete(&mut self.state.root, key)?;
        self.free_value(old.as_ref());
        if !is_own(key) {
            self.state.entries = self.state.entries.saturating_sub(1);
        }
        Ok(true)
    }

    fn free_value(&mut self, old: Option<&Payload>) {
        if let Some(Payload::Overflow(overflow)) = old {
            self.state.freed.pages.extend_from_slice(&overflow.parts);
        }
    }

    /// See [`Txn::adopt_body`](super::Txn::adopt_body).
    pub(super) fn adopt(&mut self, body: &FinishedBody) -> Result<BodyRef, TreeError> {
        let mut reference = body.reference().clone();
        let Some(sealed) = body.shared_small() else {
            return self.adopt_large(reference);
        };
        let id = PageId::new(self.commit(), self.tree.pages.core.entropy.as_ref())?;
        self.state.small.push((id, sealed.clone()));
        reference.location = Location::Small(id.0);
        Ok(reference)
    }

    fn adopt_large(&mut self, reference: BodyRef) -> Result<BodyRef, TreeError> {
        let id = reference.id;
        let reserved = self.tree.reservations.lock().is_outstanding(id);
        let counts = self.references(&reference)?;
        // What this commit releases will be deleted, although its id is still reserved.
        if counts.is_none() && (!reserved || self.is_released(&reference)) {
            return Err(TreeError::UnknownBody(hex(&id.0)));
        }
        self.set_references(&reference, counts.unwrap_or_default() + 1)?;
        if reserved {
            self.state.adopted.push(id);
        }
        Ok(reference)
    }

    /// See [`Txn::add_reference`](super::Txn::add_reference).
    pub(super) fn add_reference(&mut self, body: &BodyRef) -> Result<(), TreeError> {
        let counts = self.references(body)?.or(match body.location {
            Location::Small(_) if !self.is_released(body) => Some(1),
            Location::Small(_) | Location::Chunks => None,
        });
        let counts = counts.ok_or_else(|| TreeError::UnknownBody(hex(&body.id.0)))?;
        self.set_references(body, counts + 1)
    }

    /// See [`Txn::release_body`](super::Txn::release_body).
    pub(super) fn release(&mut self, body: &BodyRef) -> Result<(), TreeError> {
        match (self.references(body)?, body.location) {
            (None, Location::Small(location)) if !self.is_released(body) => {
                self.state.freed.pages.push(PageId(location));
            }
            (None, _) => return Err(TreeError::UnknownBody(hex(&body.id.0))),
            // A small body with one reference has no entry.
            (Some(2), Location::Small(_)) => {
                self.delete(&reference_key(body))?;
            }
            (Some(..=1), Location::Chunks) => {
                self.delete(&reference_key(body))?;
                self.state.freed.bodies.push(body.id);
            }
            (Some(counts), _) => self.set_references(body, counts - 1)?,
        }
        Ok(())
    }

    /// True when a transaction of this commit dropped the last reference.
    fn is_released(&self, body: &BodyRef) -> bool {
        match body.location {
            Location::Small(location) => self.state.freed.pages.contains(&PageId(location)),
            Location::Chunks => self.state.freed.bodies.contains(&body.id),
        }
    }

    fn references(&self, body: &BodyRef) -> Result<Option<u64>, TreeError> {
        let value = read::get(&self.tree.pages, self.root(), &reference_key(body))?;
        Ok(value
            .as_deref()
            .and_then(parse_references)
            .map(|(references, _)| references))
    }

    fn set_references(&mut self, body: &BodyRef, counts: u64) -> Result<(), TreeError> {
        let chunks = body.length.div_ceil(u64::from(body.chunk_bytes).max(1)).max(1);
        let value = [counts.to_be_bytes(), chunks.to_be_bytes()].concat();
        self.put(&reference_key(body), &value)
    }

    /// Seals everything that changed.
    pub(super) fn seal(&mut self) -> Result<Sealed, TreeError> {
        let pages = &self.tree.pages;
        let State {
            root,
            entries,
            freed,
            small,
            adopted,
        } = std::mem::take(&mut self.state);
        let commit = self.base.0.commit + 1;
        let mut sealer = Sealer {
            pages,
            commit,
            records: Vec::new(),
            nodes: Vec::new(),
        };
        let root = match root {
            Some(Payload::Fresh(node)) => Some(sealer.node(node)?),
            Some(Payload::Page(id)) => Some(id),
            _ => None,
        };
        let Sealer {
            mut records, nodes, ..
        } = sealer;
        records.extend(
            small
                .into_iter()
                .map(|(id, bytes)| (id, Arc::unwrap_or_clone(bytes))),
        );
        let head = Head {
            commit,
            root,
            entries,
        };
        Ok(Sealed {
            head,
            head_bytes: head.seal(pages.tree, &pages.key, &pages.core)?,
            records,
            freed_records: freed.seal(pages, commit)?,
            freed,
            nodes,
            adopted,
        })
    }
}

/// Room 0, kind of entry.
const BODY: [u8; 2] = [0, b'b'];
const SMALL_BODY: [u8; 2] = [0, b's'];

fn is_own(key: &[u8]) -> bool {
    key.first() == Some(&0)
}

/// The entry that counts the references to a body. A small body has one only while there is more than one
/// reference.
pub(super) fn reference_key(body: &BodyRef) -> Vec<u8> {
    match &body.location {
        Location::Chunks => large_reference_key(body.id),
        Location::Small(location) => [SMALL_BODY.as_slice(), location].concat(),
    }
}

/// The entry that counts the references to a large body.
pub(super) fn large_reference_key(id: BodyId) -> Vec<u8> {
    [BODY.as_slice(), &id.0].concat()
}

/// The large body whose references are counted under `key`.
pub(super) fn large_body_of(key: &[u8]) -> Option<BodyId> {
    let id = key.strip_prefix(BODY.as_slice())?;
    id.try_into().ok().map(BodyId)
}

/// True for the count of the references to a small body.
pub(super) fn is_small_reference(key: &[u8]) -> bool {
    key.starts_with(&SMALL_BODY)
}

/// References and chunks, from the entry's value.
pub(super) fn parse_references(value: &[u8]) -> Option<(u64, u64)> {
    let (references, rest) = value.split_first_chunk()?;
    let chunks = rest.try_into().ok()?;
    Some((u64::from_be_bytes(*references), u64::from_be_bytes(chunks)))
}
