//! Reaping: carrying out freed lists, in small steps that can be repeated after a crash.
//!
//! A list may be carried out once it is durable and older than every pin; a body also waits until one more
//! commit is durable and nobody pins it. A list's records are deleted last. A list that cannot be read is
//! left where it is: what it names stays on disk, nothing else suffers, and a scrub reports it.

use std::sync::Arc;

use super::TreeError;
use super::core::Core;
use super::head::Freed;
use super::reservations::{body_key, sync_chunks};
use super::state::{FreedList, TreeState};
use crate::engine::{Batch, Durability, Engine, Space};

/// Lists, and bodies left of earlier ones, before a commit takes a step of its own; what such a step does at
/// most.
const WAITING_PER_STEP: usize = 12;
const PAGES_PER_STEP: usize = 256;
/// A step deletes this many bodies, or this part of those that wait if that is more: then what waits stays
/// below what a few commits release, however much they do.
const BODIES_PER_STEP: usize = 4;
const PART_OF_BODIES: usize = 4;

/// How much one call may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// A bounded number of deletions, once enough have come together.
    Step,
    /// The same, however little there is.
    Some,
    /// Everything that is possible now.
    All,
}

/// Carries out freed lists of one tree; false if there is more to do that is possible now. One call at a time
/// per store.
pub(super) fn reap(tree: &Arc<TreeState>, effort: Effort) -> Result<bool, TreeError> {
    let (lists, bodies) = tree.with_pins(|pins, _| {
        let bodies = pins.deferred.iter().map(FreedList::bodies);
        (pins.freed.len(), bodies.sum::<usize>())
    });
    let waiting = lists + bodies;
    if waiting == 0 || (effort == Effort::Step && waiting < WAITING_PER_STEP) {
        return Ok(true);
    }
    let all = effort == Effort::All;
    let mut step = Step {
        tree,
        core: &tree.pages.core,
        batch: Batch::new(),
        pages_left: if all { usize::MAX } else { PAGES_PER_STEP },
        bodies_left: if all {
            usize::MAX
        } else {
            BODIES_PER_STEP.max(bodies / PART_OF_BODIES)
        },
        done: Vec::new(),
    };
    step.retry_deferred()?;
    while step.pages_left > 0 {
        let list = tree.with_pins(|pins, oldest| {
            let ready = pins.freed.front().is_some_and(|list| list.commit <= oldest);
            if ready { pins.freed.pop_front() } else { None }
        });
        let Some(list) = list else { break };
        step.carry_out(list)?;
    }
    let is_done = step.pages_left > 0 && step.bodies_left > 0;
    step.finish()?;
    Ok(is_done)
}

struct Step<'a> {
    tree: &'a Arc<TreeState>,
    core: &'a Core,
    batch: Batch,
    pages_left: usize,
    bodies_left: usize,
    /// Lists of which nothing is left but their records.
    done: Vec<FreedList>,
}

impl Step<'_> {
    fn retry_deferred(&mut self) -> Result<(), TreeError> {
        let deferred = self.tree.with_pins(|pins, _| std::mem::take(&mut pins.deferred));
        deferred.into_iter().try_for_each(|list| self.carry_out(list))
    }

    fn carry_out(&mut self, mut list: FreedList) -> Result<(), TreeError> {
        let mut freed = match list.freed.take() {
            Some(freed) => freed,
            None => match self.read_list(&list) {
                Err(error) if error.is_damage() => {
                    self.tree.with_pins(|pins, _| pins.unreadable += 1);
                    return Ok(());
                }
                read => read?,
            },
        };
        let rest = freed.pages.split_off(freed.pages.len().min(self.pages_left));
        for id in &freed.pages {
            self.core.cache.remove(&(self.tree.pages.tree, *id));
            self.delete(Space::PAGES, id.record(self.tree.pages.tree))?;
        }
        self.pages_left -= freed.pages.len();
        list.had_bodies |= !freed.bodies.is_empty();
        freed = Freed {
            pages: rest,
            bodies: self.delete_bodies(freed.bodies, list.durable_at)?,
        };
        if freed.is_empty() {
            self.done.push(list);
            return Ok(());
        }
        let pages_left = !freed.pages.is_empty();
        list.freed = Some(freed);
        self.tree.with_pins(|pins, _| {
            if pages_left {
                pins.freed.push_front(list);
            } else {
                pins.deferred.push(list);
            }
        });
        Ok(())
    }

    /// Deletes the chunks of bodies that nobody pins; the others.
    fn delete_bodies(
        &mut self,
        bodies: Vec<crate::body::BodyId>,
        durable_at: u64,
    ) -> Result<Vec<crate::body::BodyId>, TreeError> {
        let followed = self.core.commits() > durable_at;
        let mut left = Vec::new();
        for id in bodies {
            let pinned = self.tree.with_pins(|pins, _| pins.is_pinned(&id));
            if pinned || !followed || self.bodies_left == 0 {
                left.push(id);
                continue;
            }
            self.bodies_left -= 1;
            self.core.check_writable()?;
            let key = body_key(self.tree.pages.tree, id);
            self.core.latch(self.core.chunks.delete(&[key]))?;
        }
        Ok(left)
    }

    /// The records of lists that are done go, after everything these named, in earlier steps too.
    fn finish(mut self) -> Result<(), TreeError> {
        if self.done.iter().any(|list| list.had_bodies) {
            sync_chunks(self.core)?;
        }
        if !self.done.is_empty() && !self.core.engine.capabilities().ordered_batches {
            self.flush()?;
            self.core.order()?;
        }
        for list in std::mem::take(&mut self.done) {
            for key in list.parts {
                self.delete(Space::FREED, key)?;
            }
        }
        self.flush()
    }

    fn read_list(&self, list: &FreedList) -> Result<Freed, TreeError> {
        let mut all = Freed::default();
        for key in &list.parts {
            let Some(bytes) = self.core.engine.get(Space::FREED, key)? else {
                continue;
            };
            let Freed { pages, bodies } = Freed::open(&self.tree.pages, key, &bytes)?;
            all.pages.extend(pages);
            all.bodies.extend(bodies);
        }
        Ok(all)
    }

    fn delete(&mut self, space: Space, key: Vec<u8>) -> Result<(), TreeError> {
        if !self.batch.fits(key.len()) {
            self.flush()?;
        }
        self.batch = std::mem::take(&mut self.batch).delete(space, key);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TreeError> {
        self.core
            .apply(std::mem::take(&mut self.batch), Durability::Buffered)
    }
}
