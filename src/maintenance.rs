//! Maintenance: what has to be done because time has passed, and what a commit has left to do.
//!
//! Everything is done in small commits, each complete, so it can be interrupted anywhere and goes on where
//! it was. Nothing of it needs the customer's key, except copies between accounts, which end without it.

use crate::account::{Account, AccountName};
use crate::error::Result;
use crate::store::Store;
use crate::{agenda, blob, container};

/// Commits of one call for one account, at most.
const STEPS_MAX: usize = 64;

/// What a call of the maintenance has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintained {
    /// Blobs removed with their container.
    pub blobs_of_deleted_containers: u64,
    /// Steps of at most 64 blocks in which content that nothing refers to was taken apart.
    pub content_steps: u64,
    /// Uncommitted blocks dropped because none was added for seven days.
    pub uncommitted_blocks: u64,
    /// Blobs removed because the time had come that was set for them.
    pub expiries: u64,
    /// Deleted blobs, snapshots and versions removed because their time to be restored was over.
    pub expired_blobs: u64,
    /// Pieces copied from other accounts, and copies ended because that failed.
    pub copy_steps: u64,
    /// True when nothing is left to do now.
    pub done: bool,
}

impl Maintained {
    /// Adds what `other` did; done only if both are.
    pub(crate) fn add(&mut self, other: Self) {
        self.blobs_of_deleted_containers += other.blobs_of_deleted_containers;
        self.content_steps += other.content_steps;
        self.uncommitted_blocks += other.uncommitted_blocks;
        self.expiries += other.expiries;
        self.expired_blobs += other.expired_blobs;
        self.copy_steps += other.copy_steps;
        self.done &= other.done;
    }
}

impl Account {
    /// Does up to 64 small commits of what has become due: drops uncommitted blocks that nobody added to for
    /// seven days, removes blobs that have expired and deleted ones that cannot be restored any more, gives
    /// up deleted containers whose retention is over, takes apart what deleted blobs and containers have
    /// left, and carries on copies from other accounts
    /// ([`Container::start_copy`](crate::Container::start_copy)).
    /// Call it until [`Maintained::done`]. Works without the customer's key; copies fail then.
    ///
    /// # Errors
    /// When the store fails; when nothing is left to do but what is damaged. What was done until then stays
    /// done.
    pub fn maintain(&self) -> Result<Maintained> {
        let mut total = Maintained::default();
        let mut damaged = agenda::Damaged::default();
        for _ in 0..STEPS_MAX {
            match self.maintain_once(&mut damaged)? {
                Some(done) => total.add(done),
                None => {
                    total.done = true;
                    break;
                }
            }
        }
        // Said in the end, when it keeps nothing else from being done; or when there was nothing else to see.
        let is_all = total.done || total == Maintained::default();
        match damaged.into_error().filter(|_| is_all) {
            Some(error) => Err(error),
            None => Ok(total),
        }
    }

    /// One commit of work, or `None` if there is nothing to do.
    fn maintain_once(&self, damaged: &mut agenda::Damaged) -> Result<Option<Maintained>> {
        if let Some(done) = agenda::step(&self.core, damaged)? {
            return Ok(Some(done));
        }
        if let Some(blobs) = container::reap_step(&self.core)? {
            return Ok(Some(Maintained {
                blobs_of_deleted_containers: blobs,
                ..Maintained::default()
            }));
        }
        if blob::doomed::step(&self.core)? {
            return Ok(Some(Maintained {
                content_steps: 1,
                ..Maintained::default()
            }));
        }
        Ok(blob::copy::step(&self.core)?.then(|| Maintained {
            copy_steps: 1,
            ..Maintained::default()
        }))
    }
}

impl Store {
    /// [`Account::maintain`] for every account, in order of their names, and the deletion of what their
    /// changes released. One that fails does not keep the others from being looked after.
    ///
    /// # Errors
    /// The first failure of an account. What was done stays done.
    pub fn maintain(&self) -> Result<Maintained> {
        let mut total = Maintained {
            done: true,
            ..Maintained::default()
        };
        let mut failed = None;
        for properties in self.accounts()? {
            let name: AccountName = properties.name;
            match self.account(&name).and_then(|account| account.maintain()) {
                Ok(done) => total.add(done),
                // Deleted meanwhile.
                Err(error) if error.kind() == crate::ErrorKind::NotFound => {}
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        total.done &= self.reap()?;
        failed.map_or(Ok(total), Err)
    }

    /// Gives back the space of what commits released and nobody reads any more; false if there is more.
    fn reap(&self) -> Result<bool> {
        for _ in 0..STEPS_MAX {
            if self.trees().reap_some()? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
