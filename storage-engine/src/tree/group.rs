//! One group commit: run the waiting transactions, seal what changed, swap all heads in one batch, publish.

use std::sync::Arc;

use super::anchored::Moving;
use super::committer::Job;
use super::core::{Cached, Core};
use super::page_id::hex;
use super::reservations::{block_key, sync_chunks};
use super::state::FreedList;
use super::work::{Sealed, Work};
use super::{Gate, Pass, TreeError, Txn};
use crate::engine::{
    BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX, Batch, Durability, Engine, EngineError, Mutation, Precondition,
    Space,
};

/// Ended blocks of reservations in one batch, of one tree.
const ENDED_PER_TREE: usize = 2;

struct Member {
    job: Job,
    gates: Vec<Arc<dyn Gate>>,
    /// Set when this transaction fails alone.
    failed: Option<TreeError>,
}

/// Commits the jobs; the outcome of each, in order.
pub(super) fn commit(core: &Core, jobs: Vec<Job>) -> Vec<Result<(), TreeError>> {
    let member = |job| Member {
        job,
        gates: Vec::new(),
        failed: None,
    };
    let mut members: Vec<_> = jobs.into_iter().map(member).collect();
    let outcome = loop {
        match attempt(core, &mut members) {
            Ok(true) => break Ok(()),
            // A gate was closed or a body given up: the others run again, without that transaction.
            Ok(false) => {}
            Err(error) => break Err(error),
        }
    };
    let outcome = |member: Member| member.failed.map_or_else(|| outcome.clone(), Err);
    members.into_iter().map(outcome).collect()
}

/// True when the group is committed; false when a transaction must be taken out of it.
fn attempt(core: &Core, members: &mut [Member]) -> Result<bool, TreeError> {
    core.check_writable()?;
    let mut works = run(members);
    works.retain(Work::changed);
    if works.is_empty() {
        return enter(members).map(|_| true).or(Ok(true));
    }
    let sealed = works.iter_mut().map(Work::seal).collect::<Result<Vec<_>, _>>()?;
    let mut commit = Commit {
        core,
        works,
        sealed,
        early: Vec::new(),
    };
    if !commit.mark_adopted() {
        commit.unmark_adopted();
        return Ok(false);
    }
    let done = commit.carry_out(members);
    // After a failed write nobody may touch what it was about.
    if !matches!(done, Ok(true)) && core.check_writable().is_ok() {
        commit.unmark_adopted();
        commit.discard()?;
    }
    done
}

/// Runs each transaction over what the ones before it left.
fn run(members: &mut [Member]) -> Vec<Work> {
    let mut works: Vec<Work> = Vec::new();
    for member in members.iter_mut().filter(|member| member.failed.is_none()) {
        let tree = &member.job.tree;
        if let Err(error) = tree.check_open() {
            member.failed = Some(error);
            continue;
        }
        let index = works.iter().position(|work| Arc::ptr_eq(&work.tree, tree));
        let index = index.unwrap_or_else(|| {
            works.push(Work::new(tree.clone()));
            works.len() - 1
        });
        let Some(work) = works.get_mut(index) else {
            continue;
        };
        let savepoint = work.savepoint();
        let mut txn = Txn::new(work);
        let keep = (member.job.change)(&mut txn);
        let Txn { gates, broken, .. } = txn;
        match (keep, broken) {
            (true, None) => member.gates = gates,
            (keep, broken) => {
                work.roll_back(savepoint);
                member.gates.clear();
                member.failed = broken.filter(|_| keep);
            }
        }
    }
    works
}

/// Enters every gate once; `Err` when some were closed: their transactions have failed.
fn enter(members: &mut [Member]) -> Result<Vec<Pass>, ()> {
    let mut entered: Vec<(*const (), Option<Pass>)> = Vec::new();
    let mut closed = false;
    for member in members.iter_mut().filter(|member| member.failed.is_none()) {
        for gate in &member.gates {
            let name = Arc::as_ptr(gate).cast::<()>();
            if !entered.iter().any(|(known, _)| *known == name) {
                entered.push((name, gate.enter().ok()));
            }
            let refused = |(known, pass): &(*const (), Option<Pass>)| *known == name && pass.is_none();
            if entered.iter().any(refused) {
                member.failed = Some(super::ClosedGate(Arc::clone(gate)).into());
                closed = true;
                break;
            }
        }
    }
    if closed {
        Err(())
    } else {
        Ok(entered.into_iter().filter_map(|(_, pass)| pass).collect())
    }
}

/// A group that is being written.
struct Commit<'a> {
    core: &'a Core,
    works: Vec<Work>,
    sealed: Vec<Sealed>,
    /// Keys of records written before the batch that swaps the heads.
    early: Vec<(Space, Vec<u8>)>,
}

impl Commit<'_> {
    fn carry_out(&mut self, members: &mut [Member]) -> Result<bool, TreeError> {
        let (mut batch, ended) = self.heads();
        let records = self.records();
        let bytes: usize = records.iter().map(Mutation::size).sum();
        let (more, more_bytes) = self.core.store_head_room();
        let one_batch = batch.mutations.len() + records.len() + more <= BATCH_OPERATIONS_MAX
            && batch.size() + bytes + more_bytes <= BATCH_BYTES_MAX;
        if one_batch {
            batch.mutations.splice(0..0, records);
        } else {
            self.write_early(records)?;
        }
        let adopts = self.sealed.iter().any(|sealed| !sealed.adopted.is_empty());
        if adopts || ended.iter().any(|blocks| !blocks.is_empty()) {
            sync_chunks(self.core)?;
        }
        let Ok(passes) = enter(members) else {
            return Ok(false);
        };
        let moving = self.swap(batch)?;
        // Whoever revokes waits for the swap and not for an anchor that may be far away.
        drop(passes);
        self.core.moved(moving)?;
        self.publish(&ended);
        Ok(true)
    }

    /// The batch that makes the commit visible, and the reservations it ends, by tree.
    fn heads(&self) -> (Batch, Vec<Vec<[u8; 8]>>) {
        let mut batch = Batch::new();
        let mut all_ended = Vec::new();
        for (work, sealed) in self.works.iter().zip(&self.sealed) {
            let tree = work.tree.pages.tree;
            batch = batch
                .require(Precondition::ValueEquals {
                    space: Space::HEADS,
                    key: tree.0.to_vec(),
                    value: work.tree.head_bytes().to_vec(),
                })
                .put(Space::HEADS, tree.0, sealed.head_bytes.clone());
            let ended = work.tree.reservations.lock().ended(ENDED_PER_TREE);
            for block in &ended {
                batch = batch.delete(Space::RESERVATIONS, block_key(tree, *block));
            }
            all_ended.push(ended);
        }
        (batch, all_ended)
    }

    /// Everything but the heads. Invisible until they are swapped.
    fn records(&mut self) -> Vec<Mutation> {
        let mut records = Vec::new();
        for (work, sealed) in self.works.iter().zip(&mut self.sealed) {
            let pages = std::mem::take(&mut sealed.records).into_iter();
            records.extend(pages.map(|(id, value)| Mutation::Put {
                space: Space::PAGES,
                key: id.record(work.tree.pages.tree),
                value,
            }));
            let freed = sealed.freed_records.iter_mut();
            records.extend(freed.map(|(key, value)| Mutation::Put {
                space: Space::FREED,
                key: key.clone(),
                value: std::mem::take(value),
            }));
        }
        records
    }

    fn write_early(&mut self, records: Vec<Mutation>) -> Result<(), TreeError> {
        let mut batch = Batch::new();
        let mut bytes = 0;
        for record in records {
            let full =
                batch.mutations.len() >= BATCH_OPERATIONS_MAX || bytes + record.size() > BATCH_BYTES_MAX;
            if full {
                bytes = 0;
                self.core
                    .apply(std::mem::take(&mut batch), Durability::Buffered)?;
            }
            bytes += record.size();
            let (Mutation::Put { space, key, .. } | Mutation::Delete { space, key }) = &record;
            self.early.push((*space, key.clone()));
            batch.mutations.push(record);
        }
        self.core.apply(batch, Durability::Buffered)?;
        self.core.order()
    }

    /// The one moment at which the commit happens.
    fn swap(&self, mut batch: Batch) -> Result<Option<Moving<'_>>, TreeError> {
        self.core.check_writable()?;
        let mut moving = self.core.moving()?;
        if let Some(moving) = &mut moving {
            for (work, sealed) in self.works.iter().zip(&self.sealed) {
                let (tree, old) = (work.tree.pages.tree, work.tree.head_bytes());
                moving.swap(tree, Some(&old), Some(&sealed.head_bytes));
            }
            batch = moving.put(batch)?;
        }
        self.apply(batch)?;
        Ok(moving)
    }

    /// Applies the batch, durably.
    fn apply(&self, batch: Batch) -> Result<(), TreeError> {
        match self.core.engine.apply(batch, Durability::Synced) {
            Ok(()) => Ok(()),
            // Nothing was applied, and nobody else's head was seen: the callers may retry.
            Err(error @ EngineError::Conflict) => Err(error.into()),
            Err(EngineError::PreconditionFailed) => {
                self.core.poison();
                let tree = self.replaced_head().unwrap_or_default();
                Err(TreeError::Fenced { tree })
            }
            Err(EngineError::Unavailable { maybe_applied: true }) if self.is_applied() => {
                self.core.latch(self.core.engine.sync())
            }
            Err(error) => self.core.latch(Err(error)),
        }
    }

    /// After an answer that was lost: true when the engine has the new heads. Batches are atomic, so one
    /// would do.
    fn is_applied(&self) -> bool {
        self.works.iter().zip(&self.sealed).all(|(work, sealed)| {
            let found = self.core.engine.get(Space::HEADS, &work.tree.pages.tree.0);
            matches!(found, Ok(Some(bytes)) if bytes == sealed.head_bytes)
        })
    }

    /// The tree whose head somebody else has written.
    fn replaced_head(&self) -> Option<String> {
        let replaced = self.works.iter().find(|work| {
            let found = self.core.engine.get(Space::HEADS, &work.tree.pages.tree.0);
            !matches!(found, Ok(Some(bytes)) if *bytes == *work.tree.head_bytes())
        });
        replaced.map(|work| hex(&work.tree.pages.tree.0))
    }

    fn publish(&mut self, ended: &[Vec<[u8; 8]>]) {
        let durable_at = self.core.commits();
        for ((work, sealed), ended) in self.works.iter().zip(&mut self.sealed).zip(ended) {
            for (id, node) in sealed.nodes.drain(..) {
                self.core
                    .cache
                    .insert((work.tree.pages.tree, id), Cached::Page(node));
            }
            let mut reservations = work.tree.reservations.lock();
            reservations.finish_adoption(&sealed.adopted);
            reservations.forget_blocks(ended);
            drop(reservations);
            let freed = std::mem::take(&mut sealed.freed);
            let list = (!freed.is_empty()).then(|| FreedList {
                commit: sealed.head.commit,
                parts: sealed.freed_records.drain(..).map(|(key, _)| key).collect(),
                freed: Some(freed),
                durable_at: durable_at + 1,
                had_bodies: false,
            });
            work.tree.publish(sealed.head, &sealed.head_bytes, list);
        }
        let works = self.works.iter().zip(&self.sealed);
        self.core
            .count_commit(works.map(|(work, sealed)| (work.tree.pages.tree, sealed.head.commit)));
    }

    /// False when a body was given up after a transaction adopted it: that one must run again, and see it.
    fn mark_adopted(&self) -> bool {
        let mut works = self.works.iter().zip(&self.sealed);
        works.all(|(work, sealed)| work.tree.reservations.lock().begin_adoption(&sealed.adopted))
    }

    fn unmark_adopted(&self) {
        for (work, sealed) in self.works.iter().zip(&self.sealed) {
            work.tree.reservations.lock().cancel_adoption(&sealed.adopted);
        }
    }

    /// Deletes what was written before a commit was given up, as a later commit will use the same number.
    fn discard(&self) -> Result<(), TreeError> {
        for keys in self.early.chunks(BATCH_OPERATIONS_MAX) {
            let batch = keys.iter().fold(Batch::new(), |batch, (space, key)| {
                batch.delete(*space, key.clone())
            });
            self.core.apply(batch, Durability::Buffered)?;
        }
        if self.early.is_empty() {
            return Ok(());
        }
        self.core.order()
    }
}
