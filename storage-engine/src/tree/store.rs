//! The store: trees over one engine, opened, made, removed; and what a crash interrupted, finished.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::anchored::Plan;
use super::committer::Committer;
use super::core::Core;
use super::handle::Tree;
use super::head::{Head, commit_of};
use super::page_id::hex;
use super::pages::Pages;
use super::pin::Pinned;
use super::reap::{Effort, reap};
use super::reservations::{self, block_key, sync_chunks};
use super::state::{FreedList, Pins, TreeState, Version};
use super::{TreeError, TreeSettings, TreeStoreParts};
use crate::anchor::{AcceptedRollback, AnchoredHead, Anchoring};
use crate::chunks::{BodyKey, ChunkStore, EngineChunks};
use crate::engine::counting::{Counting, WriteCounts};
use crate::engine::{Batch, Durability, Engine, EngineError, KeyRange, Precondition, Space};
use crate::keys::{PurposeKey, ScopeId};

/// Trees over one engine.
pub struct TreeStore {
    pub(super) core: Arc<Core>,
    pub(super) committer: Committer,
    pub(super) pinned: Mutex<Pinned>,
    trees: Mutex<HashMap<ScopeId, Arc<TreeState>>>,
}

/// What a store knows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeStats {
    /// Bytes of decoded pages and small sealed bodies in memory.
    pub cache_bytes: u64,
    /// Ages of the snapshots that are held, of all open trees, oldest first.
    pub snapshot_ages: Vec<Duration>,
    /// Commits whose released pages have not been deleted yet.
    pub freed_lists: usize,
}

impl TreeStore {
    /// Opens the store; finishes what a crash interrupted.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn open(parts: TreeStoreParts, settings: TreeSettings) -> Result<Arc<Self>, TreeError> {
        Self::open_with(parts, settings, None)
    }

    /// Opens a store whose head may be kept elsewhere too: refuses, before anything is changed, one that is
    /// not what its anchor has seen.
    ///
    /// # Errors
    /// [`TreeError::Anchor`] is the refusal.
    pub fn open_anchored(
        parts: TreeStoreParts,
        settings: TreeSettings,
        anchoring: Anchoring,
    ) -> Result<Arc<Self>, TreeError> {
        Self::open_with(parts, settings, Some(anchoring))
    }

    fn open_with(
        parts: TreeStoreParts,
        settings: TreeSettings,
        anchoring: Option<Anchoring>,
    ) -> Result<Arc<Self>, TreeError> {
        let engine: Arc<Counting<dyn Engine>> = Arc::new(Counting::new(parts.engine));
        let chunks: Arc<dyn ChunkStore> = match parts.chunks {
            Some(chunks) => Arc::from(chunks),
            None => Arc::new(EngineChunks::new(engine.clone())),
        };
        let (chunks, clock) = ((chunks, parts.last_commit), (parts.entropy, parts.clock));
        let mut core = Core::new(engine, chunks, clock, settings);
        // A killed process may have left a head that no sync covers; what readers see must not vanish with
        // the power.
        core.latch(core.engine.sync())?;
        let plan = match anchoring {
            Some(anchoring) => core.judge_anchor(anchoring)?,
            None => Plan::Nothing,
        };
        // Before anything is written or deleted: what belongs to a lost commit would be taken for leftovers.
        core.check_last_commit(plan.accepts_rollback())?;
        core.settle_anchor(plan)?;
        let store = Self {
            core: Arc::new(core),
            committer: Committer::default(),
            pinned: Mutex::default(),
            trees: Mutex::default(),
        };
        store.erase_headless()?;
        Ok(Arc::new(store))
    }

    /// Makes an empty tree, durably.
    ///
    /// # Errors
    /// [`TreeError::Exists`].
    pub fn create_tree(self: &Arc<Self>, id: ScopeId, key: PurposeKey) -> Result<Tree, TreeError> {
        let core = &self.core;
        core.check_writable()?;
        let mut trees = self.trees.lock();
        if core.engine.get(Space::HEADS, &id.0)?.is_some() {
            return Err(TreeError::Exists(hex(&id.0)));
        }
        core.erase(id)?;
        core.order()?;
        let head = Head::default();
        let bytes = head.seal(id, &key, core)?;
        let absent = Precondition::Absent {
            space: Space::HEADS,
            key: id.0.to_vec(),
        };
        let batch = Batch::new()
            .require(absent)
            .put(Space::HEADS, id.0, bytes.clone());
        let (batch, moving) = core.move_one(batch, id, (None, Some(&bytes)))?;
        match core.engine.apply(batch, Durability::Synced) {
            Err(EngineError::PreconditionFailed) => return Err(TreeError::Exists(hex(&id.0))),
            result => core.latch(result)?,
        }
        core.moved(moving)?;
        let pages = self.pages(id, key);
        let state = Arc::new(TreeState::new(pages, head, &bytes, VecDeque::new()));
        trees.insert(id, state.clone());
        Ok(self.handle(state))
    }

    /// Opens an existing tree.
    ///
    /// # Errors
    /// [`TreeError::NotFound`]; [`TreeError::Corrupt`] also when `key` is not the tree's.
    pub fn open_tree(self: &Arc<Self>, id: ScopeId, key: PurposeKey) -> Result<Tree, TreeError> {
        self.core.check_open()?;
        let mut trees = self.trees.lock();
        let bytes = self.core.engine.get(Space::HEADS, &id.0)?;
        let bytes = bytes.ok_or_else(|| TreeError::NotFound(hex(&id.0)))?;
        let head = Head::open(id, &key, &bytes)?;
        if let Some(state) = trees.get(&id) {
            return Ok(self.handle(state.clone()));
        }
        let state = Arc::new(self.recover(self.pages(id, key), head, &bytes)?);
        reap(&state, Effort::All)?;
        trees.insert(id, state.clone());
        Ok(self.handle(state))
    }

    /// Removes a tree with everything in it; handles that are still open fail. What a pin holds of it goes
    /// when the pin does.
    ///
    /// # Errors
    /// [`TreeError::NotFound`].
    pub fn remove_tree(&self, id: ScopeId) -> Result<(), TreeError> {
        let core = &self.core;
        core.check_writable()?;
        let mut trees = self.trees.lock();
        let _turn = self.committer.turn.lock();
        let _reaping = self.committer.reaping.lock();
        let Some(head) = core.engine.get(Space::HEADS, &id.0)? else {
            return Err(TreeError::NotFound(hex(&id.0)));
        };
        if let Some(state) = trees.remove(&id) {
            state.mark_removed();
        }
        let batch = Batch::new().delete(Space::HEADS, id.0);
        let (batch, moving) = core.move_one(batch, id, (Some(&head), None))?;
        core.apply(batch, Durability::Synced)?;
        core.moved(moving)?;
        if self.pinned.lock().keep(id) {
            return Ok(());
        }
        core.erase(id)
    }

    /// Ids of all trees.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn tree_ids(&self) -> Result<Vec<ScopeId>, TreeError> {
        let mut ids = Vec::new();
        self.core.keys(Space::HEADS, KeyRange::all(), |keys| {
            let scopes = keys.into_iter().filter_map(|key| key.try_into().ok());
            ids.extend(scopes.map(ScopeId));
            Ok(true)
        })?;
        Ok(ids)
    }

    /// Where the whole store stands, if it is anchored: to be kept elsewhere, on paper for example.
    #[must_use]
    pub fn anchored_head(&self) -> Option<AnchoredHead> {
        self.core.anchored_head()
    }

    /// The rollback that this opening has accepted. It is in force with the next commit, which should be the
    /// one that records it.
    #[must_use]
    pub fn accepted_rollback(&self) -> Option<AcceptedRollback> {
        self.core.accepted_rollback()
    }

    /// Commits the store's head, and nothing else, if it is anchored.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn commit_head(&self) -> Result<(), TreeError> {
        self.core.commit_head()
    }

    /// What was written since the store was opened.
    pub fn write_counts(&self) -> WriteCounts {
        self.core.engine.counts()
    }

    /// Cache, snapshots, and what waits to be deleted.
    #[must_use]
    pub fn stats(&self) -> TreeStats {
        let now = self.core.clock.now();
        let trees: Vec<_> = self.trees.lock().values().cloned().collect();
        let mut snapshot_ages: Vec<_> = trees
            .iter()
            .flat_map(|tree| tree.snapshots())
            .map(|taken| now.since(taken))
            .collect();
        snapshot_ages.sort_unstable_by(|a, b| b.cmp(a));
        let freed_lists = |pins: &mut Pins, _| pins.freed.len() + pins.deferred.len() + pins.unreadable;
        TreeStats {
            cache_bytes: self.core.cache.weight(),
            snapshot_ages,
            freed_lists: trees.iter().map(|tree| tree.with_pins(freed_lists)).sum(),
        }
    }

    /// Deletes everything that was released and that nobody reads any more. Commits do this by themselves, in
    /// small steps; this is for idle times.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn reap(&self) -> Result<(), TreeError> {
        self.core.check_writable()?;
        let trees: Vec<_> = self.trees.lock().values().cloned().collect();
        let _reaping = self.committer.reaping.lock();
        trees
            .iter()
            .try_for_each(|tree| reap(tree, Effort::All).map(drop))
    }

    /// A bounded part of what [`reap`](Self::reap) does, for each open tree; true if nothing more is possible
    /// now.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn reap_some(&self) -> Result<bool, TreeError> {
        self.core.check_writable()?;
        let trees: Vec<_> = self.trees.lock().values().cloned().collect();
        let _reaping = self.committer.reaping.lock();
        let mut done = true;
        for tree in trees {
            done &= tree.check_open().is_err() || reap(&tree, Effort::Some)?;
        }
        Ok(done)
    }

    /// Syncs and closes; ends reservations of which nothing is outstanding. Calling it again does nothing.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn close(&self) -> Result<(), TreeError> {
        let trees: Vec<_> = self.trees.lock().values().cloned().collect();
        let _turn = self.committer.turn.lock();
        let _reaping = self.committer.reaping.lock();
        let ended = if self.core.check_writable().is_ok() {
            trees.iter().try_for_each(end_reservations)
        } else {
            Ok(())
        };
        self.core.mark_closed();
        self.core.engine.close()?;
        ended
    }

    fn pages(&self, tree: ScopeId, key: PurposeKey) -> Pages {
        let core = self.core.clone();
        Pages { core, tree, key }
    }

    fn handle(self: &Arc<Self>, state: Arc<TreeState>) -> Tree {
        Tree {
            store: self.clone(),
            state,
        }
    }

    /// Undoes what a commit wrote before it was interrupted, and lists what earlier ones released.
    fn recover(&self, pages: Pages, head: Head, bytes: &[u8]) -> Result<TreeState, TreeError> {
        let core = &self.core;
        let tree = KeyRange::prefix(&pages.tree.0);
        let next = [pages.tree.0.as_slice(), &(head.commit + 1).to_be_bytes()].concat();
        let unfinished = KeyRange {
            start: next,
            end: tree.end.clone(),
        };
        core.delete_range(Space::PAGES, unfinished.clone())?;
        core.delete_range(Space::FREED, unfinished)?;
        // The next commit uses the same number.
        core.order()?;
        let mut freed: VecDeque<FreedList> = VecDeque::new();
        core.keys(Space::FREED, tree, |keys| {
            for key in keys {
                let commit = commit_of(&key).unwrap_or_default();
                match freed.back_mut() {
                    Some(list) if list.commit == commit => list.parts.push(key),
                    _ => freed.push_back(FreedList {
                        commit,
                        parts: vec![key],
                        freed: None,
                        durable_at: 0,
                        had_bodies: false,
                    }),
                }
            }
            Ok(true)
        })?;
        reservations::recover(&pages, &Version(head))?;
        Ok(TreeState::new(pages, head, bytes, freed))
    }

    /// Finishes removals that were interrupted: deletes the records of trees that have no head.
    fn erase_headless(&self) -> Result<(), TreeError> {
        let core = &self.core;
        let has_head = |id: ScopeId| Ok::<_, TreeError>(core.engine.get(Space::HEADS, &id.0)?.is_some());
        for space in [Space::PAGES, Space::FREED, Space::RESERVATIONS] {
            let mut range = KeyRange::all();
            while let Some(id) = self.first_tree(space, &range)? {
                if !has_head(id)? {
                    core.erase(id)?;
                }
                match KeyRange::prefix(&id.0).end {
                    Some(end) => range.start = end,
                    None => break,
                }
            }
        }
        let mut after = None;
        while let Some(body) = core.chunks.list(&[], after, 1)?.first() {
            let id = ScopeId(body.0.first_chunk().copied().unwrap_or_default());
            if !has_head(id)? {
                core.erase(id)?;
            }
            let mut last = BodyKey([u8::MAX; BodyKey::BYTES]);
            last.0.iter_mut().zip(id.0).for_each(|(to, from)| *to = from);
            after = Some(last);
        }
        Ok(())
    }

    fn first_tree(&self, space: Space, range: &KeyRange) -> Result<Option<ScopeId>, TreeError> {
        let options = crate::engine::ScanOptions {
            order: crate::engine::Order::Ascending,
            limit: 1,
            max_bytes: usize::MAX,
            keys_only: true,
        };
        let page = self.core.engine.scan(space, range, options)?;
        let first = page.entries.first().and_then(|(key, _)| key.first_chunk());
        Ok(first.map(|id| ScopeId(*id)))
    }
}

/// Ends every block of which nothing is outstanding.
fn end_reservations(tree: &Arc<TreeState>) -> Result<(), TreeError> {
    let core = &tree.pages.core;
    let mut reservations = tree.reservations.lock();
    reservations.retire_current();
    let ended = reservations.ended(usize::MAX);
    if ended.is_empty() {
        return Ok(());
    }
    sync_chunks(core)?;
    for blocks in ended.chunks(crate::engine::BATCH_OPERATIONS_MAX) {
        let batch = blocks.iter().fold(Batch::new(), |batch, block| {
            batch.delete(Space::RESERVATIONS, block_key(tree.pages.tree, *block))
        });
        core.apply(batch, Durability::Buffered)?;
    }
    reservations.forget_blocks(&ended);
    Ok(())
}
