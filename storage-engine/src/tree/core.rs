//! What all trees of a store share: engine, chunk store, page cache, and the latch that stops all promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::anchored::Anchor;
use super::last_commit::LastCommit;
use super::node::Node;
use super::page_id::PageId;
use super::{TreeError, TreeSettings};
use crate::chunks::ChunkStore;
use crate::engine::counting::Counting;
use crate::engine::{
    BATCH_OPERATIONS_MAX, Batch, Durability, Engine, EngineError, KeyRange, Mutation, Order, ScanOptions,
    Space,
};
use crate::keys::ScopeId;
use crate::{Clock, Entropy};

/// Fewest and most bytes at which pages split.
const PAGE_TARGET_MIN: usize = 256;
const PAGE_TARGET_MAX: usize = 64 << 10;

/// Bytes of memory of a cached body beside its own.
const SEALED_OVERHEAD: u64 = 64;

/// Shared by a store, its trees and their handles.
pub(super) struct Core {
    pub(super) engine: Arc<Counting<dyn Engine>>,
    pub(super) chunks: Arc<dyn ChunkStore>,
    last_commit: Option<LastCommit>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: TreeSettings,
    pub(super) cache: PageCache,
    /// `None` unless the store's head is kept elsewhere too.
    pub(super) anchor: Option<Anchor>,
    poisoned: AtomicBool,
    closed: AtomicBool,
    /// Durable commits of all trees since the store was opened, plus one.
    commits: AtomicU64,
}

pub(super) type PageCache = Cache<(ScopeId, PageId), Cached, ByBytes>;

/// A record of the page space.
#[derive(Clone)]
pub(super) enum Cached {
    Page(Arc<Node>),
    /// A small body as it is stored: sealed. Its plaintext is never kept.
    Body(Arc<Vec<u8>>),
}

/// Weighs what is cached by the memory it takes.
#[derive(Clone)]
pub(super) struct ByBytes;

impl Weighter<(ScopeId, PageId), Cached> for ByBytes {
    fn weight(&self, _: &(ScopeId, PageId), cached: &Cached) -> u64 {
        match cached {
            Cached::Page(node) => node.weight(),
            Cached::Body(sealed) => sealed.len() as u64 + SEALED_OVERHEAD,
        }
    }
}

impl Core {
    pub(super) fn new(
        engine: Arc<Counting<dyn Engine>>,
        (chunks, last_commit): (Arc<dyn ChunkStore>, Option<LastCommit>),
        (entropy, clock): (Arc<dyn Entropy>, Arc<dyn Clock>),
        mut settings: TreeSettings,
    ) -> Self {
        settings.page_target_bytes = settings.page_target_bytes.clamp(PAGE_TARGET_MIN, PAGE_TARGET_MAX);
        let pages = settings.page_cache_bytes / settings.page_target_bytes as u64;
        Self {
            engine,
            chunks,
            last_commit,
            entropy,
            clock,
            settings,
            cache: Cache::with_weighter(
                usize::try_from(pages).unwrap_or(usize::MAX),
                settings.page_cache_bytes,
                ByBytes,
            ),
            anchor: None,
            poisoned: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            commits: AtomicU64::new(1),
        }
    }

    /// Fails once the store was closed.
    pub(super) fn check_open(&self) -> Result<(), TreeError> {
        if self.closed.load(SeqCst) {
            Err(EngineError::Closed.into())
        } else {
            Ok(())
        }
    }

    /// Fails once anything that was to be written may not have been.
    pub(super) fn check_writable(&self) -> Result<(), TreeError> {
        self.check_open()?;
        if self.poisoned.load(SeqCst) {
            Err(EngineError::Poisoned.into())
        } else {
            Ok(())
        }
    }

    pub(super) fn poison(&self) {
        if !self.poisoned.swap(true, SeqCst) {
            tracing::error!("a write failed: the store takes no more changes until it is opened again");
        }
    }

    pub(super) fn mark_closed(&self) -> bool {
        !self.closed.swap(true, SeqCst)
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(SeqCst)
    }

    /// Counts a commit to these trees, and notes it.
    pub(super) fn count_commit(&self, commits: impl Iterator<Item = (ScopeId, u64)>) {
        self.commits.fetch_add(1, SeqCst);
        if let Some(last) = &self.last_commit {
            last.note(commits);
        }
    }

    /// Fails if the engine has lost the commit that was noted last, unless that is accepted.
    pub(super) fn check_last_commit(&self, accepted: bool) -> Result<(), TreeError> {
        let Some(last) = &self.last_commit else {
            return Ok(());
        };
        if accepted {
            last.forget();
            return Ok(());
        }
        last.check(self.engine.as_ref())
    }

    /// Passes a result of a write on; an error stops all later writes.
    pub(super) fn latch<T, E: Into<TreeError>>(&self, result: Result<T, E>) -> Result<T, TreeError> {
        result.map_err(|error| {
            self.poison();
            error.into()
        })
    }

    /// Applies `batch` unless an earlier write failed.
    pub(super) fn apply(&self, batch: Batch, durability: Durability) -> Result<(), TreeError> {
        self.check_writable()?;
        if batch.mutations.is_empty() {
            return Ok(());
        }
        self.latch(self.engine.apply(batch, durability))
    }

    /// Makes earlier writes durable where the engine does not keep their order by itself.
    pub(super) fn order(&self) -> Result<(), TreeError> {
        if self.engine.capabilities().ordered_batches {
            Ok(())
        } else {
            self.latch(self.engine.sync())
        }
    }

    /// Keys of `range`, a page at a time; `each` returns false to stop.
    pub(super) fn keys(
        &self,
        space: Space,
        mut range: KeyRange,
        mut each: impl FnMut(Vec<Vec<u8>>) -> Result<bool, TreeError>,
    ) -> Result<(), TreeError> {
        loop {
            let options = ScanOptions {
                order: Order::Ascending,
                limit: BATCH_OPERATIONS_MAX,
                max_bytes: usize::MAX,
                keys_only: true,
            };
            let page = self.engine.scan(space, &range, options)?;
            let more = each(page.entries.into_iter().map(|(key, _)| key).collect())?;
            match page.resume_after {
                Some(key) if more => range = range.after(&key),
                _ => return Ok(()),
            }
        }
    }

    /// Deletes every record of `range`.
    pub(super) fn delete_range(&self, space: Space, range: KeyRange) -> Result<(), TreeError> {
        self.keys(space, range, |keys| {
            let mutations = keys
                .into_iter()
                .map(|key| Mutation::Delete { space, key })
                .collect();
            let batch = Batch {
                mutations,
                ..Batch::default()
            };
            self.apply(batch, Durability::Buffered)?;
            Ok(true)
        })
    }

    /// Deletes everything that belongs to a tree without a head.
    pub(super) fn erase(&self, tree: ScopeId) -> Result<(), TreeError> {
        let mut after = None;
        loop {
            let bodies = self.chunks.list(&tree.0, after, BATCH_OPERATIONS_MAX)?;
            let Some(last) = bodies.last() else { break };
            after = Some(*last);
            self.check_writable()?;
            self.latch(self.chunks.delete(&bodies))?;
        }
        self.chunks.cover(&tree.0)?;
        for space in [Space::PAGES, Space::FREED, Space::RESERVATIONS] {
            self.delete_range(space, KeyRange::prefix(&tree.0))?;
        }
        Ok(())
    }
}
