//! The access epoch: what a guard compares to know that nothing in the vault has changed.
//!
//! A change is committed first, then the epoch moves, then the watchers are called, and only then does the
//! changing call return. A guard reads the epoch *before* it unwraps and keeps it with the key: an unwrap
//! that overlaps a change was begun under the older epoch and is therefore never taken for a newer one.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// A moment in the life of one opened vault store. Equal epochs mean: no change in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// Random for every opening of the store.
    pub instance: [u8; 16],
    /// Moves with every change.
    pub counter: u64,
}

/// Somebody who keeps keys that the vault unwrapped, and drops them when told.
pub trait AccessWatcher: Send + Sync {
    /// Something in the vault has changed: forget what was unwrapped under an older epoch.
    ///
    /// Called before the changing call returns, on its thread and with no lock of the vault held; it may call
    /// the vault. It must not wait for the thread that made the change.
    fn access_changed(&self);
}

pub(crate) struct EpochCell {
    instance: [u8; 16],
    counter: AtomicU64,
    watchers: Mutex<Vec<Weak<dyn AccessWatcher>>>,
}

impl EpochCell {
    pub(crate) fn new(instance: [u8; 16]) -> Self {
        Self {
            instance,
            counter: AtomicU64::new(0),
            watchers: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn now(&self) -> Epoch {
        Epoch {
            instance: self.instance,
            counter: self.counter.load(SeqCst),
        }
    }

    pub(crate) fn watch(&self, watcher: Weak<dyn AccessWatcher>) {
        let mut watchers = self.watchers.lock();
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(watcher);
    }

    /// Moves the epoch and tells every watcher. The list is copied first: a watcher may call `watch` or the
    /// vault.
    pub(crate) fn advance(&self) {
        self.counter.fetch_add(1, SeqCst);
        let watchers: Vec<Arc<dyn AccessWatcher>> =
            self.watchers.lock().iter().filter_map(Weak::upgrade).collect();
        for watcher in watchers {
            watcher.access_changed();
        }
    }
}
