//! Scrubbing: reads everything a tree refers to, and names what is damaged.
//!
//! Pages and large values are authenticated. Content is not opened: the checksum of each chunk shows bit rot
//! without any content key.

use super::handle::{Snapshot, Tree};
use super::node::{Node, NodeError, Payload, Slot};
use super::page_id::PageId;
use super::pages::{Pages, damaged};
use super::work::{large_body_of, parse_references};
use super::{TreeError, head};
use crate::body::BodyId;
use crate::chunks::ChunkId;
use crate::codec::{FrameKind, unframe};
use crate::engine::{Engine, EngineError, KeyRange, Order, ScanOptions, Space};

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScrubItem {
    /// A page: everything below it is out of reach.
    Page(PageId),
    /// The value of an entry, stored in parts of its own.
    Value,
    /// A body that travelled with its commit.
    SmallBody(PageId),
    /// A chunk of a body.
    Chunk(BodyId, u32),
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
    /// Small bodies, referenced or not: only their users know.
    pub small_bodies: u64,
    /// Large bodies.
    pub bodies: u64,
    /// Chunks of large bodies.
    pub chunks: u64,
    /// Records that nothing refers to: released and not deleted yet, or lost.
    pub leftovers: u64,
    /// Findings.
    pub damaged: u64,
}

impl Tree {
    /// Reads everything of the newest state and reports all damage; never stops at the first.
    ///
    /// Holds a snapshot for as long as it runs.
    ///
    /// # Errors
    /// [`TreeError::SnapshotExpired`]; errors of the engine other than damage.
    pub fn scrub(&self, report: &mut dyn FnMut(ScrubFinding)) -> Result<ScrubCounts, TreeError> {
        let snapshot = self.snapshot()?;
        let version = snapshot.version()?;
        let mut scrub = Scrub {
            snapshot: &snapshot,
            pages: &self.state.pages,
            report,
            counts: ScrubCounts::default(),
        };
        if let Some(id) = version.0.root {
            scrub.page(&id, None, &[])?;
        }
        scrub.records(version.0.commit)?;
        Ok(scrub.counts)
    }
}

struct Scrub<'a> {
    snapshot: &'a Snapshot,
    pages: &'a Pages,
    report: &'a mut dyn FnMut(ScrubFinding),
    counts: ScrubCounts,
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
        let is_damage = match &error {
            TreeError::Corrupt { .. } => true,
            TreeError::Engine(error) => matches!(**error, EngineError::Corrupt { .. }),
            _ => false,
        };
        if !is_damage {
            return Err(error);
        }
        self.counts.damaged += 1;
        let key = key.to_vec();
        (self.report)(ScrubFinding { item, key, error });
        Ok(None)
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
        match (large_body_of(&slot.key), parse_references(&value)) {
            (Some(id), Some((_, chunks))) => self.body(id, chunks),
            _ => Ok(()),
        }
    }

    fn body(&mut self, id: BodyId, chunks: u64) -> Result<(), TreeError> {
        self.counts.bodies += 1;
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
                if head::commit_of(key).is_none_or(|commit| commit > newest) {
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
        let reached = self.counts.pages + self.counts.overflow_parts + self.counts.damaged;
        self.counts.leftovers = u64::saturating_sub(others, reached);
        Ok(())
    }

    fn small_body(&mut self, key: &[u8], bytes: &[u8]) -> Result<(), TreeError> {
        self.counts.small_bodies += 1;
        let id = key.last_chunk().map(|id| PageId(*id));
        let checked = unframe(FrameKind::Chunk, bytes).map(|_| ());
        let item = id.map_or(ScrubItem::Value, ScrubItem::SmallBody);
        self.found(item, &[], checked.map_err(TreeError::from))?;
        Ok(())
    }
}
