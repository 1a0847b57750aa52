//! Scrubbing: reads everything a tree refers to, and names what is damaged.
//!
//! Pages, large values and freed lists are authenticated. Content is not opened: the checksum of each chunk
//! shows bit rot without any content key. What a damaged page leads to is out of reach; everything else is
//! looked at.

use std::collections::HashSet;

use super::handle::{Snapshot, Tree};
use super::head::Freed;
use super::node::{Node, NodeError, Payload, Slot};
use super::page_id::PageId;
use super::pages::{Pages, damaged};
use super::work::{is_small_reference, large_body_of, large_reference_key, parse_references};
use super::{TreeError, head, read};
use crate::body::BodyId;
use crate::chunks::ChunkId;
use crate::codec::{FrameKind, unframe};
use crate::engine::{Engine, KeyRange, Order, ScanOptions, Space};

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScrubItem {
    /// The tree's head as it lies on disk: while the tree is open nothing is lost, and the next commit
    /// writes it again.
    Head,
    /// A page: everything below it is out of reach.
    Page(PageId),
    /// The value of an entry, stored in parts of its own.
    Value,
    /// A body that travelled with its commit.
    SmallBody(PageId),
    /// A chunk of a body.
    Chunk(BodyId, u32),
    /// The list of what a commit released: that space does not come back.
    FreedList(u64),
}

/// What a scrub comes across.
#[derive(Debug)]
pub enum ScrubEvent<'a> {
    /// Something is damaged.
    Finding(ScrubFinding),
    /// An entry of the tree, whole, in ascending order of keys.
    Entry(&'a [u8], &'a [u8]),
}

/// Whether a scrub reads the chunks of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScrubBodies {
    /// The checksum of every chunk.
    Checksums,
    /// Left to the caller, who may have the key that opens them.
    Skip,
}

/// One damaged thing.
#[derive(Debug)]
pub struct ScrubFinding {
    /// What is damaged.
    pub item: ScrubItem,
    /// The key of the entry, or the first key that a page can hold; empty for bodies. This is plaintext:
    /// names.
    pub key: Vec<u8>,
    /// How it shows.
    pub error: TreeError,
}

/// What a scrub has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrubCounts {
    /// Pages.
    pub pages: u64,
    /// Parts of large values.
    pub overflow_parts: u64,
    /// Small bodies that were not released, referenced or not: only their users know.
    pub small_bodies: u64,
    /// References to small bodies beyond the first of each.
    pub small_references: u64,
    /// Large bodies.
    pub bodies: u64,
    /// References to large bodies.
    pub references: u64,
    /// Chunks of large bodies.
    pub chunks: u64,
    /// What released pages and bodies are waiting for: to be deleted.
    pub released: u64,
    /// Records and large bodies that nothing refers to and nobody released or reserved: they take space and
    /// do no harm. 0 when a page or a freed list is damaged, because then it cannot be told.
    pub leftovers: u64,
    /// Findings.
    pub damaged: u64,
}

impl Tree {
    /// Reads everything of the newest state and reports all damage; never stops at the first.
    ///
    /// Holds a snapshot for as long as it runs. Counts are exact while nothing else writes.
    ///
    /// # Errors
    /// [`TreeError::SnapshotExpired`]; errors of the engine other than damage.
    pub fn scrub(&self, report: &mut dyn FnMut(ScrubFinding)) -> Result<ScrubCounts, TreeError> {
        self.scrub_with(ScrubBodies::Checksums, &mut |event| {
            if let ScrubEvent::Finding(finding) = event {
                report(finding);
            }
        })
    }

    /// As [`scrub`](Self::scrub), and hands out every entry that can be read.
    ///
    /// # Errors
    /// As [`scrub`](Self::scrub).
    pub fn scrub_with(
        &self,
        bodies: ScrubBodies,
        visit: &mut dyn FnMut(ScrubEvent<'_>),
    ) -> Result<ScrubCounts, TreeError> {
        let snapshot = self.snapshot()?;
        let version = snapshot.version()?;
        let mut scrub = Scrub {
            tree: self,
            snapshot: &snapshot,
            pages: &self.state.pages,
            bodies,
            visit,
            counts: ScrubCounts::default(),
            released: HashSet::new(),
            is_whole: true,
        };
        scrub.head()?;
        scrub.freed_lists(version.0.commit)?;
        if let Some(id) = version.0.root {
            scrub.page(&id, None, &[])?;
        }
        scrub.records(version.0.commit)?;
        scrub.unreferenced_bodies()?;
        if !scrub.is_whole {
            scrub.counts.leftovers = 0;
        }
        Ok(scrub.counts)
    }
}

struct Scrub<'a> {
    tree: &'a Tree,
    snapshot: &'a Snapshot,
    pages: &'a Pages,
    bodies: ScrubBodies,
    visit: &'a mut dyn FnMut(ScrubEvent<'_>),
    counts: ScrubCounts,
    /// What the freed lists name: record keys of pages, and bodies.
    released: HashSet<Vec<u8>>,
    /// Every page and freed list could be read.
    is_whole: bool,
}

impl Scrub<'_> {
    /// Damage is reported, anything else ends the scrub.
    fn found<T>(
        &mut self,
        item: ScrubItem,
        key: &[u8],
        result: Result<T, TreeError>,
    ) -> Result<Option<T>, TreeError> {
        let error = match result {
            Ok(found) => return Ok(Some(found)),
            Err(error) => error,
        };
        if !error.is_damage() {
            return Err(error);
        }
        self.counts.damaged += 1;
        self.is_whole &= !matches!(
            item,
            ScrubItem::Page(_) | ScrubItem::Value | ScrubItem::FreedList(_)
        );
        let key = key.to_vec();
        (self.visit)(ScrubEvent::Finding(ScrubFinding { item, key, error }));
        Ok(None)
    }

    fn head(&mut self) -> Result<(), TreeError> {
        let tree = self.pages.tree;
        let bytes = self.pages.core.engine.get(Space::HEADS, &tree.0);
        let read = match bytes {
            Ok(Some(bytes)) => head::Head::open(tree, &self.pages.key, &bytes),
            Ok(None) => Err(damaged("the head", NodeError::Missing)),
            Err(error) => Err(error.into()),
        };
        self.found(ScrubItem::Head, &[], read)?;
        Ok(())
    }

    fn freed_lists(&mut self, newest: u64) -> Result<(), TreeError> {
        let mut keys = Vec::new();
        let core = &self.pages.core;
        core.keys(Space::FREED, KeyRange::prefix(&self.pages.tree.0), |page| {
            keys.extend(page);
            Ok(true)
        })?;
        for key in keys {
            let Some(commit) = head::commit_of(&key).filter(|commit| *commit <= newest) else {
                continue;
            };
            let read = match core.engine.get(Space::FREED, &key) {
                Ok(Some(bytes)) => Freed::open(self.pages, &key, &bytes),
                // Carried out since it was listed.
                Ok(None) => continue,
                Err(error) => Err(error.into()),
            };
            if let Some(freed) = self.found(ScrubItem::FreedList(commit), &[], read)? {
                let tree = self.pages.tree;
                let pages = freed.pages.iter().map(|id| id.record(tree));
                let bodies = freed.bodies.iter().map(|id| id.0.to_vec());
                self.released.extend(pages.chain(bodies));
            }
        }
        self.counts.released = self.released.len() as u64;
        Ok(())
    }

    fn page(&mut self, id: &PageId, level: Option<u8>, key: &[u8]) -> Result<(), TreeError> {
        self.snapshot.version()?;
        let read = self.pages.read_page(id).and_then(|node: Node| {
            if level.is_none_or(|level| level == node.level) {
                Ok(node)
            } else {
                Err(damaged(format!("page {id}"), NodeError::Level))
            }
        });
        let Some(node) = self.found(ScrubItem::Page(*id), key, read)? else {
            return Ok(());
        };
        self.counts.pages += 1;
        for slot in &node.slots {
            let first = if slot.key.is_empty() { key } else { &slot.key };
            match &slot.payload {
                Payload::Page(id) => self.page(id, node.level.checked_sub(1), first)?,
                _ => self.entry(slot)?,
            }
        }
        Ok(())
    }

    fn entry(&mut self, slot: &Slot) -> Result<(), TreeError> {
        let value = self.pages.value(&slot.payload);
        let Some(value) = self.found(ScrubItem::Value, &slot.key, value)? else {
            return Ok(());
        };
        if let Payload::Overflow(overflow) = &slot.payload {
            self.counts.overflow_parts += overflow.parts.len() as u64;
        }
        (self.visit)(ScrubEvent::Entry(&slot.key, &value));
        let Some((references, chunks)) = parse_references(&value) else {
            return Ok(());
        };
        if is_small_reference(&slot.key) {
            self.counts.small_references += references.saturating_sub(1);
        }
        match large_body_of(&slot.key) {
            Some(id) => {
                self.counts.references += references;
                self.body(id, chunks)
            }
            None => Ok(()),
        }
    }

    fn body(&mut self, id: BodyId, chunks: u64) -> Result<(), TreeError> {
        self.counts.bodies += 1;
        if self.bodies == ScrubBodies::Skip {
            return Ok(());
        }
        let body = super::reservations::body_key(self.pages.tree, id);
        for index in 0..u32::try_from(chunks).unwrap_or(u32::MAX) {
            let bytes = self.pages.core.chunks.get(ChunkId { body, index });
            let checked = match bytes {
                Ok(Some(bytes)) => unframe(FrameKind::Chunk, &bytes)
                    .map(|_| ())
                    .map_err(TreeError::from),
                Ok(None) => Err(damaged("a chunk", NodeError::Missing)),
                Err(error) => Err(error.into()),
            };
            self.found(ScrubItem::Chunk(id, index), &[], checked)?;
            self.counts.chunks += 1;
        }
        Ok(())
    }

    /// Small bodies, and records that nothing refers to: everything the tree wrote up to `newest`.
    fn records(&mut self, newest: u64) -> Result<(), TreeError> {
        let mut range = KeyRange::prefix(&self.pages.tree.0);
        let mut others = 0;
        loop {
            self.snapshot.version()?;
            let options = ScanOptions {
                order: Order::Ascending,
                limit: 64,
                max_bytes: 1 << 20,
                keys_only: false,
            };
            let page = self.pages.core.engine.scan(Space::PAGES, &range, options)?;
            for (key, bytes) in &page.entries {
                let newer = head::commit_of(key).is_none_or(|commit| commit > newest);
                if newer || self.released.contains(key) {
                    continue;
                }
                if bytes.get(1) == Some(&(FrameKind::Chunk as u8)) {
                    self.small_body(key, bytes)?;
                } else {
                    others += 1;
                }
            }
            match page.resume_after {
                Some(key) => range = range.after(&key),
                None => break,
            }
        }
        let reached = self.counts.pages + self.counts.overflow_parts;
        self.counts.leftovers = u64::saturating_sub(others, reached);
        Ok(())
    }

    fn small_body(&mut self, key: &[u8], bytes: &[u8]) -> Result<(), TreeError> {
        self.counts.small_bodies += 1;
        if self.bodies == ScrubBodies::Skip {
            return Ok(());
        }
        let id = key.last_chunk().map(|id| PageId(*id));
        let checked = unframe(FrameKind::Chunk, bytes).map(|_| ());
        let item = id.map_or(ScrubItem::Value, ScrubItem::SmallBody);
        self.found(item, &[], checked.map_err(TreeError::from))?;
        Ok(())
    }

    /// Large bodies without an entry, which no upload under way has reserved.
    fn unreferenced_bodies(&mut self) -> Result<(), TreeError> {
        let core = &self.pages.core;
        let mut after = None;
        loop {
            self.snapshot.version()?;
            let bodies = core.chunks.list(&self.pages.tree.0, after, 64)?;
            let Some(last) = bodies.last() else { return Ok(()) };
            after = Some(*last);
            for id in bodies.iter().filter_map(|body| body.0.last_chunk()) {
                // First the reservation: a body is adopted before its reservation ends.
                let reserved = self.tree.state.reservations.lock().is_outstanding(BodyId(*id));
                if reserved || self.released.contains(id.as_slice()) || !self.is_whole {
                    continue;
                }
                let (root, key) = (self.tree.state.current().root(), large_reference_key(BodyId(*id)));
                let entry = read::find(self.pages, root.as_ref(), &key)?;
                self.counts.leftovers += u64::from(entry.is_none());
            }
        }
    }
}
