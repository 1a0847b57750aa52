//! The committer: one caller at a time leads, and commits for everybody who waits (group commit).
//!
//! A caller that finds no leader leads at once, so a lone writer waits for nobody. While a leader syncs,
//! others queue; the next leader takes them all. Nothing is acknowledged before the batch that holds it is
//! durable.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::core::Core;
use super::group;
use super::reap::{Effort, reap};
use super::state::TreeState;
use super::{TreeError, Txn};
use crate::engine::EngineError;

/// Trees in one group: a head and a freed list each, and room for other records in the batch that swaps the
/// heads.
const TREES_PER_GROUP: usize = 16;

/// Runs a caller's function; true to commit what it did.
pub(super) type Change = Box<dyn FnMut(&mut Txn<'_>) -> bool + Send>;

/// A transaction that waits to be committed.
pub(super) struct Job {
    pub(super) tree: Arc<TreeState>,
    pub(super) change: Change,
    ticket: Arc<Ticket>,
}

/// The queue of a store.
#[derive(Default)]
pub(super) struct Committer {
    queue: Mutex<Queue>,
    /// Held by whoever changes heads.
    pub(super) turn: Mutex<()>,
    /// Held by whoever carries out freed lists.
    pub(super) reaping: Mutex<()>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    /// Somebody leads, or has been told to.
    led: bool,
}

#[derive(Default)]
struct Ticket {
    turn: Mutex<Turn>,
    changed: Condvar,
}

#[derive(Default)]
enum Turn {
    #[default]
    Waiting,
    /// The last leader has left; whoever waits here is next.
    Lead,
    Done(Result<(), TreeError>),
}

impl Committer {
    /// Commits `change`: durable, or dropped, when this returns.
    pub(super) fn submit(&self, core: &Core, tree: Arc<TreeState>, change: Change) -> Result<(), TreeError> {
        let ticket = Arc::new(Ticket::default());
        let job = Job {
            tree,
            change,
            ticket: ticket.clone(),
        };
        let led = {
            let mut queue = self.queue.lock();
            queue.waiting.push_back(job);
            std::mem::replace(&mut queue.led, true)
        };
        if led && let Some(done) = ticket.wait() {
            return done;
        }
        self.lead(core);
        // The leader's own job is the first of its group.
        ticket.wait().unwrap_or(Err(EngineError::Poisoned.into()))
    }

    fn lead(&self, core: &Core) {
        let turn = self.turn.lock();
        let jobs = self.take_group();
        let tickets: Vec<_> = jobs.iter().map(|job| job.ticket.clone()).collect();
        let mut trees: Vec<Arc<TreeState>> = jobs.iter().map(|job| job.tree.clone()).collect();
        trees.dedup_by(|a, b| Arc::ptr_eq(a, b));
        // Callers' panics are caught where they happen; one that arrives here is a gate's, or our own.
        let outcomes = catch_unwind(AssertUnwindSafe(|| group::commit(core, jobs))).unwrap_or_else(|_| {
            core.poison();
            vec![Err(EngineError::Poisoned.into()); tickets.len()]
        });
        for (ticket, outcome) in tickets.iter().zip(outcomes) {
            ticket.set(Turn::Done(outcome));
        }
        drop(turn);
        self.hand_over();
        if let Some(_reaping) = self.reaping.try_lock() {
            let reaped = trees
                .iter()
                .try_for_each(|tree| reap(tree, Effort::Step).map(drop));
            if let Err(error) = reaped {
                tracing::warn!(%error, "released pages could not be deleted; this is repeated at the next open");
            }
        }
    }

    fn take_group(&self) -> Vec<Job> {
        let mut queue = self.queue.lock();
        let mut trees: Vec<*const TreeState> = Vec::new();
        let fits = |job: &Job| {
            let tree = Arc::as_ptr(&job.tree);
            let known = trees.contains(&tree);
            if !known && trees.len() < TREES_PER_GROUP {
                trees.push(tree);
                return true;
            }
            known
        };
        let count = queue.waiting.iter().map(fits).take_while(|fits| *fits).count();
        queue.waiting.drain(..count).collect()
    }

    fn hand_over(&self) {
        let mut queue = self.queue.lock();
        match queue.waiting.front() {
            Some(next) => next.ticket.set(Turn::Lead),
            None => queue.led = false,
        }
    }
}

impl Ticket {
    fn set(&self, turn: Turn) {
        *self.turn.lock() = turn;
        self.changed.notify_one();
    }

    /// The outcome, or `None` when it is this caller's turn to lead.
    fn wait(&self) -> Option<Result<(), TreeError>> {
        let mut turn = self.turn.lock();
        loop {
            match std::mem::take(&mut *turn) {
                Turn::Waiting => self.changed.wait(&mut turn),
                Turn::Lead => return None,
                Turn::Done(outcome) => return Some(outcome),
            }
        }
    }
}
