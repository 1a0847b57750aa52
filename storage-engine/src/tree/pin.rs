//! Pins: several trees as they were at one moment, to be copied sealed as they are.
//!
//! A pin is a snapshot, and more: the head of that moment stays at hand, and a tree that is removed
//! meanwhile is gone for everybody else but leaves its records until the last pin is dropped. All trees are
//! pinned under the committer's turn, so that no commit lies between two of them. What is copied needs only
//! the keys of the trees: pages are opened and must authenticate, bodies are compared with their checksums.

use std::collections::HashMap;
use std::sync::Arc;

use super::TreeError;
use super::handle::{Snapshot, Tree};
use super::head::{Freed, commit_of};
use super::node::{NodeError, Payload, Slot};
use super::page_id::PageId;
use super::pages::{Pages, damaged};
use super::reservations::body_key;
use super::state::Version;
use super::store::TreeStore;
use super::work::{large_body_of, parse_references};
use crate::body::BodyId;
use crate::chunks::ChunkId;
use crate::codec::{FrameKind, unframe};
use crate::engine::{Engine, KeyRange, Order, ScanOptions, Space};
use crate::keys::ScopeId;

/// Takes one record of a copied tree: its space, key and sealed bytes. Chunks of large bodies come under
/// [`Space::CHUNKS`] wherever they lie: tree id (16), body id (24), index (4).
pub type RecordSink<'a, E> = dyn FnMut(Space, &[u8], &[u8]) -> Result<(), E> + 'a;

/// One tree as it was when it was pinned.
pub struct Pin {
    store: Arc<TreeStore>,
    snapshot: Snapshot,
    head: Arc<[u8]>,
}

/// Trees that somebody has pinned.
#[derive(Default)]
pub(super) struct Pinned(HashMap<ScopeId, PinnedTree>);

#[derive(Default)]
struct PinnedTree {
    pins: usize,
    /// It was removed: its records go with the last pin.
    removed: bool,
}

impl Pinned {
    fn pin(&mut self, tree: ScopeId) {
        self.0.entry(tree).or_default().pins += 1;
    }

    /// True when the tree was removed and nobody pins it any more.
    fn unpin(&mut self, tree: ScopeId) -> bool {
        let Some(pinned) = self.0.get_mut(&tree) else {
            return false;
        };
        pinned.pins -= 1;
        let removed = pinned.removed;
        pinned.pins == 0 && self.0.remove(&tree).is_some() && removed
    }

    /// True when the records of a tree that is removed now have to stay for a while.
    pub(super) fn keep(&mut self, tree: ScopeId) -> bool {
        let pinned = self.0.get_mut(&tree);
        pinned.map(|pinned| pinned.removed = true).is_some()
    }
}

impl TreeStore {
    /// Pins trees of this store as they are at one moment: no commit is in one of them and not yet in
    /// another.
    ///
    /// # Errors
    /// [`TreeError::NotFound`] when one was removed; when the store is closed.
    pub fn pin(self: &Arc<Self>, trees: &[Tree]) -> Result<Vec<Pin>, TreeError> {
        let _turn = self.committer.turn.lock();
        trees.iter().for_each(|tree| self.pinned.lock().pin(tree.id()));
        let mut pins: Vec<Pin> = Vec::with_capacity(trees.len());
        for tree in trees {
            let head = tree.state.head_bytes();
            match tree.snapshot() {
                Ok(snapshot) => pins.push(Pin {
                    store: Arc::clone(self),
                    snapshot,
                    head,
                }),
                Err(error) => {
                    // Those that have a pin already give theirs up with it.
                    let rest = trees.iter().skip(pins.len());
                    rest.for_each(|tree| self.give_up(tree.id()));
                    return Err(error);
                }
            }
        }
        Ok(pins)
    }

    /// Ends one pin of a tree. What cannot be deleted now is deleted when the store is opened next.
    fn give_up(&self, tree: ScopeId) {
        if self.pinned.lock().unpin(tree) {
            let erased = self.core.check_writable().and_then(|()| self.core.erase(tree));
            if let Err(error) = erased {
                tracing::warn!(%error, "a removed tree could not be deleted; the next open repeats this");
            }
        }
    }
}

impl Pin {
    /// The tree's id.
    #[must_use]
    pub fn id(&self) -> ScopeId {
        self.pages().tree
    }

    /// The tree as it was.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Hands every record of the tree to `sink`: head, pages, parts of large values, bodies. Holds one record
    /// in memory at a time.
    ///
    /// # Errors
    /// [`TreeError::Corrupt`] when something is damaged or missing, [`TreeError::SnapshotExpired`], errors of
    /// the engine; what `sink` returned.
    pub fn copy<E: From<TreeError>>(&self, sink: &mut RecordSink<'_, E>) -> Result<(), E> {
        sink(Space::HEADS, &self.id().0, &self.head)?;
        let version = self.version()?;
        if let Some(root) = version.0.root {
            self.page(&root, None, sink)?;
        }
        self.small_bodies(version.0.commit, sink)
    }

    fn pages(&self) -> &Pages {
        &self.snapshot.state.pages
    }

    /// The version, or that it is too old. Held while something of it is read.
    fn version(&self) -> Result<Arc<Version>, TreeError> {
        self.pages().core.check_open()?;
        self.snapshot.version()
    }

    fn page<E: From<TreeError>>(
        &self,
        id: &PageId,
        level: Option<u8>,
        sink: &mut RecordSink<'_, E>,
    ) -> Result<(), E> {
        // Held while something is read, not while it is taken: a slow taker must not keep the version
        // beyond its age.
        let version = self.version()?;
        let (node, sealed) = self.pages().read_sealed_page(id)?;
        drop(version);
        if level.is_some_and(|level| level != node.level) {
            return Err(damaged(format!("page {id}"), NodeError::Level).into());
        }
        sink(Space::PAGES, &id.record(self.id()), &sealed)?;
        drop(sealed);
        for slot in &node.slots {
            match &slot.payload {
                Payload::Page(id) => self.page(id, node.level.checked_sub(1), sink)?,
                _ => self.entry(slot, sink)?,
            }
        }
        Ok(())
    }

    fn entry<E: From<TreeError>>(&self, slot: &Slot, sink: &mut RecordSink<'_, E>) -> Result<(), E> {
        if let Payload::Overflow(overflow) = &slot.payload {
            for id in overflow.parts.iter() {
                let version = self.version()?;
                let sealed = self.pages().read_sealed_part(id)?;
                drop(version);
                sink(Space::PAGES, &id.record(self.id()), &sealed)?;
            }
        }
        let Some(id) = large_body_of(&slot.key) else {
            return Ok(());
        };
        let version = self.version()?;
        let value = self.pages().value(&slot.payload)?;
        drop(version);
        match parse_references(&value) {
            Some((_, chunks)) => self.body(id, chunks, sink),
            None => Err(damaged("the count of a body's references", NodeError::Malformed).into()),
        }
    }

    fn body<E: From<TreeError>>(
        &self,
        id: BodyId,
        chunks: u64,
        sink: &mut RecordSink<'_, E>,
    ) -> Result<(), E> {
        let body = body_key(self.id(), id);
        let chunks = u32::try_from(chunks).map_err(|_| damaged("a body", NodeError::Malformed))?;
        for index in 0..chunks {
            let _version = self.version()?;
            let sealed = self.chunk(ChunkId { body, index })?;
            let key = [body.0.as_slice(), &index.to_be_bytes()].concat();
            sink(Space::CHUNKS, &key, &sealed)?;
        }
        Ok(())
    }

    fn chunk(&self, id: ChunkId) -> Result<Vec<u8>, TreeError> {
        let sealed = self.pages().core.chunks.get(id)?;
        let sealed = sealed.ok_or_else(|| damaged("a chunk", NodeError::Missing))?;
        unframe(FrameKind::Chunk, &sealed)?;
        Ok(sealed)
    }

    /// Bodies that travelled with a commit. No page names them, so everything of their kind is taken that was
    /// written up to `newest` and not released since.
    fn small_bodies<E: From<TreeError>>(&self, newest: u64, sink: &mut RecordSink<'_, E>) -> Result<(), E> {
        let released = self.released(newest)?;
        let mut range = KeyRange::prefix(&self.id().0);
        loop {
            let _version = self.version()?;
            let options = ScanOptions {
                order: Order::Ascending,
                limit: 64,
                max_bytes: 1 << 20,
                keys_only: false,
            };
            let page = self.pages().core.engine.scan(Space::PAGES, &range, options);
            let page = page.map_err(TreeError::from)?;
            for (key, sealed) in &page.entries {
                let is_older = commit_of(key).is_some_and(|commit| commit <= newest);
                let is_body = sealed.get(1) == Some(&(FrameKind::Chunk as u8));
                let name = key.last_chunk().map(|id| PageId(*id));
                if is_older && is_body && name.is_some_and(|id| released.binary_search(&id).is_err()) {
                    unframe(FrameKind::Chunk, sealed).map_err(TreeError::from)?;
                    sink(Space::PAGES, key, sealed)?;
                }
            }
            match page.resume_after {
                Some(key) => range = range.after(&key),
                None => return Ok(()),
            }
        }
    }

    /// What commits up to `newest` have released and is still there, in order.
    fn released(&self, newest: u64) -> Result<Vec<PageId>, TreeError> {
        let core = &self.pages().core;
        let mut keys = Vec::new();
        core.keys(Space::FREED, KeyRange::prefix(&self.id().0), |page| {
            keys.extend(page);
            Ok(true)
        })?;
        let mut released = Vec::new();
        for key in keys {
            if commit_of(&key).is_none_or(|commit| commit > newest) {
                continue;
            }
            let Some(bytes) = core.engine.get(Space::FREED, &key)? else {
                continue; // Carried out since it was listed.
            };
            match Freed::open(self.pages(), &key, &bytes) {
                Ok(freed) => released.extend(freed.pages),
                // What it names is copied, as it stays where it is.
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error),
            }
        }
        released.sort_unstable();
        Ok(released)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.store.give_up(self.snapshot.state.pages.tree);
    }
}
