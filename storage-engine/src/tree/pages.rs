//! Pages of one tree: reading through the cache, sealing.

use std::sync::Arc;

use super::TreeError;
use super::core::{Cached, Core};
use super::node::{Node, NodeError, OVERFLOW_PART_BYTES, Overflow, Payload};
use super::page_id::PageId;
use crate::codec::{FRAME_BYTES, FrameKind, frame_with, unframe};
use crate::engine::{Engine, Space};
use crate::keys::{PurposeKey, ScopeId};
use crate::seal::{ITEM_SEAL_BYTES, Place, SealKind, TAG_BYTES};

/// A page that was changed keeps the buffers of its parts until they have so many times its bytes.
const HELD_MAX: usize = 4;

/// Sealed bytes of the largest body that is cached: a few large ones would drive many pages out.
const CACHED_BODY_BYTES_MAX: usize = 16 << 10;
/// What errors call a part of a large value.
const OVERFLOW_PART: &str = "overflow part";

/// Where a tree's pages are and the key that opens them.
pub(super) struct Pages {
    pub(super) core: Arc<Core>,
    pub(super) tree: ScopeId,
    pub(super) key: PurposeKey,
}

/// What a record is, on both sides of its seal.
#[derive(Clone, Copy)]
pub(super) struct RecordKind(pub(super) FrameKind, pub(super) SealKind);

impl RecordKind {
    pub(super) const HEAD: Self = Self(FrameKind::Head, SealKind::Head);
    pub(super) const PAGE: Self = Self(FrameKind::Page, SealKind::Page);
    pub(super) const OVERFLOW: Self = Self(FrameKind::Overflow, SealKind::Overflow);
    pub(super) const FREED: Self = Self(FrameKind::Freed, SealKind::Freed);

    /// `plaintext` sealed as the item `id`, framed.
    pub(super) fn seal(
        self,
        key: &PurposeKey,
        id: &[u8],
        plaintext: &[u8],
        core: &Core,
    ) -> Result<Vec<u8>, TreeError> {
        let capacity = FRAME_BYTES + ITEM_SEAL_BYTES + plaintext.len() + TAG_BYTES;
        frame_with(self.0, capacity, |out| {
            let (item, seal) = key.new_item(self.1, id, core.entropy.as_ref())?;
            out.extend_from_slice(&seal.salt);
            out.extend_from_slice(&seal.commitment);
            Ok(item.seal_into(Place::WHOLE, plaintext, out)?)
        })
    }

    /// The plaintext of what [`seal`](Self::seal) made.
    pub(super) fn open(
        self,
        key: &PurposeKey,
        id: &[u8],
        bytes: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, TreeError> {
        Ok(key.open(self.1, id, unframe(self.0, bytes)?)?)
    }
}

impl Pages {
    /// Longest value kept inside its page.
    pub(super) fn inline_max(&self) -> usize {
        self.core.settings.page_target_bytes / 4
    }

    /// The node a child payload leads to, which must be on `level` if one is given.
    pub(super) fn node(&self, payload: &Payload, level: Option<u8>) -> Result<Arc<Node>, TreeError> {
        match payload {
            Payload::Page(id) => self.load(id, level),
            Payload::Fresh(node) => Ok(node.clone()),
            _ => Err(damaged("a branch", NodeError::Malformed)),
        }
    }

    /// The page `id`, from the cache or the engine.
    pub(super) fn load(&self, id: &PageId, level: Option<u8>) -> Result<Arc<Node>, TreeError> {
        let node = match self.core.cache.get(&(self.tree, *id)) {
            Some(Cached::Page(node)) => node,
            Some(Cached::Body(_)) | None => {
                let node = Arc::new(self.read_page(id)?);
                let cached = Cached::Page(node.clone());
                self.core.cache.insert((self.tree, *id), cached);
                node
            }
        };
        if level.is_none_or(|level| level == node.level) {
            Ok(node)
        } else {
            Err(damaged(format!("page {id}"), NodeError::Level))
        }
    }

    /// The sealed bytes of a small body, from the cache or the engine; `None` once it is gone.
    pub(super) fn small_body(&self, id: &PageId) -> Result<Option<Arc<Vec<u8>>>, TreeError> {
        if let Some(Cached::Body(sealed)) = self.core.cache.get(&(self.tree, *id)) {
            return Ok(Some(sealed));
        }
        let stored = self.core.engine.get(Space::PAGES, &id.record(self.tree))?;
        let sealed = stored.map(Arc::new);
        if let Some(sealed) = sealed
            .as_ref()
            .filter(|sealed| sealed.len() <= CACHED_BODY_BYTES_MAX)
        {
            let cached = Cached::Body(sealed.clone());
            self.core.cache.insert((self.tree, *id), cached);
        }
        Ok(sealed)
    }

    /// The page `id` as the engine has it.
    pub(super) fn read_page(&self, id: &PageId) -> Result<Node, TreeError> {
        let plaintext = self.read(RecordKind::PAGE, id, "page")?;
        Node::decode(&plaintext).map_err(|error| damaged(format!("page {id}"), error))
    }

    /// The page `id` as the engine has it, and the sealed bytes it was in.
    pub(super) fn read_sealed_page(&self, id: &PageId) -> Result<(Node, Vec<u8>), TreeError> {
        let sealed = self.sealed(id, "page")?;
        let plaintext = self.open(RecordKind::PAGE, (id, "page"), &sealed)?;
        let node = Node::decode(&plaintext).map_err(|error| damaged(format!("page {id}"), error))?;
        Ok((node, sealed))
    }

    /// The sealed bytes of a part of a large value, which opens.
    pub(super) fn read_sealed_part(&self, id: &PageId) -> Result<Vec<u8>, TreeError> {
        let sealed = self.sealed(id, OVERFLOW_PART)?;
        self.open(RecordKind::OVERFLOW, (id, OVERFLOW_PART), &sealed)?;
        Ok(sealed)
    }

    fn read(
        &self,
        kind: RecordKind,
        id: &PageId,
        name: &str,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, TreeError> {
        self.open(kind, (id, name), &self.sealed(id, name)?)
    }

    fn sealed(&self, id: &PageId, name: &str) -> Result<Vec<u8>, TreeError> {
        let record = self.core.engine.get(Space::PAGES, &id.record(self.tree))?;
        record.ok_or_else(|| damaged(format!("{name} {id}"), NodeError::Missing))
    }

    fn open(
        &self,
        kind: RecordKind,
        (id, name): (&PageId, &str),
        sealed: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, TreeError> {
        kind.open(&self.key, &id.record(self.tree), sealed)
            .map_err(|error| match error {
                TreeError::Corrupt { source, .. } => TreeError::Corrupt {
                    what: format!("{name} {id}"),
                    source,
                },
                error => error,
            })
    }

    /// The bytes of a value.
    pub(super) fn value(&self, payload: &Payload) -> Result<Vec<u8>, TreeError> {
        match payload {
            Payload::Inline(value) | Payload::Pending(value) => Ok(value.to_vec()),
            Payload::Overflow(overflow) => self.read_overflow(overflow),
            Payload::Page(_) | Payload::Fresh(_) => Err(damaged("a leaf", NodeError::Malformed)),
        }
    }

    fn read_overflow(&self, overflow: &Overflow) -> Result<Vec<u8>, TreeError> {
        let length = overflow.length as usize;
        let mut value = Vec::with_capacity(length);
        for id in overflow.parts.iter() {
            let part = self.read(RecordKind::OVERFLOW, id, OVERFLOW_PART)?;
            if part.len() != (length - value.len()).min(OVERFLOW_PART_BYTES) {
                return Err(damaged(format!("overflow part {id}"), NodeError::Malformed));
            }
            value.extend_from_slice(&part);
        }
        Ok(value)
    }
}

/// Damage with its place.
pub(super) fn damaged(what: impl Into<String>, error: NodeError) -> TreeError {
    TreeError::corrupt(what, error)
}

/// Seals what a commit changed, once, from the leaves up.
pub(super) struct Sealer<'a> {
    pub(super) pages: &'a Pages,
    pub(super) commit: u64,
    /// Records to be written.
    pub(super) records: Vec<(PageId, Vec<u8>)>,
    /// The new nodes, for the cache.
    pub(super) nodes: Vec<(PageId, Arc<Node>)>,
}

impl Sealer<'_> {
    /// Seals a node and everything below it that is not sealed yet.
    pub(super) fn node(&mut self, node: Arc<Node>) -> Result<PageId, TreeError> {
        let mut node = Arc::unwrap_or_clone(node);
        for slot in &mut node.slots {
            slot.payload = match &mut slot.payload {
                // Taken out, so that the child is not copied.
                Payload::Fresh(child) => Payload::Page(self.node(std::mem::take(child))?),
                Payload::Pending(value) => Payload::Overflow(self.overflow(value)?),
                _ => continue,
            };
        }
        let plaintext = node.encode().map_err(|error| damaged("a new page", error))?;
        let id = self.record(RecordKind::PAGE, &plaintext)?;
        if node.held() > HELD_MAX * plaintext.len() {
            // As it will be read: in one buffer, without what the pages it was made of have beside it.
            node = Node::decode(&plaintext).map_err(|error| damaged("a new page", error))?;
        }
        self.nodes.push((id, Arc::new(node)));
        Ok(id)
    }

    fn overflow(&mut self, value: &[u8]) -> Result<Overflow, TreeError> {
        let parts = value
            .chunks(OVERFLOW_PART_BYTES)
            .map(|part| self.record(RecordKind::OVERFLOW, part))
            .collect::<Result<_, _>>()?;
        let length = u32::try_from(value.len()).map_err(|_| damaged("a new value", NodeError::Malformed))?;
        Ok(Overflow { parts, length })
    }

    fn record(&mut self, kind: RecordKind, plaintext: &[u8]) -> Result<PageId, TreeError> {
        let core = &self.pages.core;
        let id = PageId::new(self.commit, core.entropy.as_ref())?;
        let bytes = kind.seal(&self.pages.key, &id.record(self.pages.tree), plaintext, core)?;
        self.records.push((id, bytes));
        Ok(id)
    }
}
