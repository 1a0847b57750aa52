//! The state of one open tree: its published version, and who still reads older ones.
//!
//! Loading the current version and pinning it is one step under the lock with which the oldest pin is
//! computed, so no reader can hold a version whose pages are being deleted. Lock order: the store's map of
//! trees, the committer's turn, the reaper's turn, reservations, pins; nothing is locked while pins are.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::head::{Freed, Head};
use super::node::Payload;
use super::page_id::hex;
use super::pages::Pages;
use super::reservations::Reservations;
use super::{TreeError, TreeSettings};
use crate::body::BodyId;
use crate::entropy::{EntropyError, random};
use crate::{Entropy, Timestamp};

/// One open tree.
pub(super) struct TreeState {
    pub(super) pages: Pages,
    pub(super) reservations: Mutex<Reservations>,
    /// Bodies begun by this process; their ids rise with it.
    bodies: AtomicU32,
    pins: Mutex<Pins>,
    removed: AtomicBool,
}

/// One committed state. Whoever holds it pins its pages.
pub(super) struct Version(pub(super) Head);

impl Version {
    pub(super) fn root(&self) -> Option<Payload> {
        self.0.root.map(Payload::Page)
    }
}

/// What one commit released and what is still to be deleted of it.
pub(super) struct FreedList {
    pub(super) commit: u64,
    /// Records of the list.
    pub(super) parts: Vec<Vec<u8>>,
    /// Read from the records when it is needed, unless it is small and recent.
    pub(super) freed: Option<Freed>,
    /// The store's durable commits when this list became durable.
    pub(super) durable_at: u64,
    /// True once a body was among what was deleted of it: that must be durable before the records go.
    pub(super) had_bodies: bool,
}

impl FreedList {
    /// Bodies that are still to be deleted, as far as they are known without reading the records.
    pub(super) fn bodies(&self) -> usize {
        self.freed.as_ref().map_or(0, |freed| freed.bodies.len())
    }
}

pub(super) struct Pins {
    current: Arc<Version>,
    /// The bytes of the current head, which the next one replaces.
    head: Arc<[u8]>,
    /// Earlier versions that may have readers, ascending.
    older: VecDeque<(u64, Weak<Version>)>,
    snapshots: HashMap<u64, (Timestamp, Arc<Version>)>,
    next_snapshot: u64,
    bodies: HashMap<BodyId, usize>,
    /// Ascending.
    pub(super) freed: VecDeque<FreedList>,
    /// Lists of which only pinned bodies are left.
    pub(super) deferred: Vec<FreedList>,
    /// Lists whose records are damaged.
    pub(super) unreadable: usize,
}

/// Freed lists kept in memory besides their records: at most this many, of at most this many ids.
const FREED_LISTS_KEPT: usize = 64;
const FREED_IDS_KEPT: usize = 1 << 12;

impl TreeState {
    /// A new body's part of its id: a number that rises (4 bytes, big-endian), so that bodies written one
    /// after the other are neighbours in the engine, and 12 random bytes.
    pub(super) fn body_name(&self, entropy: &dyn Entropy) -> Result<[u8; 16], EntropyError> {
        let mut name: [u8; 16] = random(entropy)?;
        let number = self.bodies.fetch_add(1, SeqCst).to_be_bytes();
        name.iter_mut().zip(number).for_each(|(to, from)| *to = from);
        Ok(name)
    }

    pub(super) fn new(pages: Pages, head: Head, bytes: &[u8], freed: VecDeque<FreedList>) -> Self {
        Self {
            pages,
            reservations: Mutex::default(),
            bodies: AtomicU32::new(0),
            pins: Mutex::new(Pins {
                current: Arc::new(Version(head)),
                head: bytes.into(),
                older: VecDeque::new(),
                snapshots: HashMap::new(),
                next_snapshot: 0,
                bodies: HashMap::new(),
                freed,
                deferred: Vec::new(),
                unreadable: 0,
            }),
            removed: AtomicBool::new(false),
        }
    }

    pub(super) fn settings(&self) -> &TreeSettings {
        &self.pages.core.settings
    }

    /// Fails once the tree was removed or the store closed.
    pub(super) fn check_open(&self) -> Result<(), TreeError> {
        self.pages.core.check_open()?;
        if self.removed.load(SeqCst) {
            return Err(TreeError::NotFound(hex(&self.pages.tree.0)));
        }
        Ok(())
    }

    /// No body is reserved from now on, and none is being reserved when this returns.
    pub(super) fn mark_removed(&self) {
        let mut reservations = self.reservations.lock();
        reservations.retire_current();
        self.removed.store(true, SeqCst);
    }

    /// The published version, pinned.
    pub(super) fn current(&self) -> Arc<Version> {
        self.pins.lock().current.clone()
    }

    /// The bytes that the next head swap expects.
    pub(super) fn head_bytes(&self) -> Arc<[u8]> {
        self.pins.lock().head.clone()
    }

    /// Runs a read of a pinned version; a tree removed meanwhile shows as such.
    pub(super) fn read<T>(
        &self,
        version: &Version,
        read: impl FnOnce(&Pages, Option<&Payload>) -> Result<T, TreeError>,
    ) -> Result<T, TreeError> {
        self.check_open()?;
        read(&self.pages, version.root().as_ref()).or_else(|error| {
            self.check_open()?;
            Err(error)
        })
    }

    /// Makes a durable commit visible.
    pub(super) fn publish(&self, head: Head, bytes: &[u8], freed: Option<FreedList>) {
        let mut pins = self.pins.lock();
        let previous = std::mem::replace(&mut pins.current, Arc::new(Version(head)));
        pins.older
            .push_back((previous.0.commit, Arc::downgrade(&previous)));
        drop(previous);
        pins.head = bytes.into();
        let kept = pins.freed.iter().filter(|list| list.freed.is_some()).count();
        pins.freed.extend(freed.map(|mut list| {
            let small = list
                .freed
                .as_ref()
                .is_some_and(|freed| freed.len() <= FREED_IDS_KEPT);
            list.freed = list.freed.filter(|_| small && kept < FREED_LISTS_KEPT);
            list
        }));
        pins.forget_unread();
    }

    /// Registers a snapshot of the current version.
    pub(super) fn add_snapshot(&self) -> u64 {
        let now = self.pages.core.clock.now();
        let mut pins = self.pins.lock();
        let id = pins.next_snapshot;
        pins.next_snapshot += 1;
        let version = pins.current.clone();
        pins.snapshots.insert(id, (now, version));
        id
    }

    /// The version of a snapshot, pinned for one read.
    pub(super) fn snapshot(&self, id: u64) -> Result<Arc<Version>, TreeError> {
        let mut pins = self.pins.lock();
        self.expire(&mut pins);
        let (_, version) = pins.snapshots.get(&id).ok_or(TreeError::SnapshotExpired)?;
        Ok(version.clone())
    }

    pub(super) fn drop_snapshot(&self, id: u64) {
        let dropped = self.pins.lock().snapshots.remove(&id);
        drop(dropped);
    }

    /// Times at which the snapshots that are held were taken.
    pub(super) fn snapshots(&self) -> Vec<Timestamp> {
        let mut pins = self.pins.lock();
        self.expire(&mut pins);
        pins.snapshots.values().map(|(taken, _)| *taken).collect()
    }

    fn expire(&self, pins: &mut Pins) {
        if !pins.snapshots.is_empty() {
            let (now, age_max) = (self.pages.core.clock.now(), self.settings().snapshot_age_max);
            pins.snapshots
                .retain(|_, (taken, _)| now.since(*taken) <= age_max);
        }
    }

    pub(super) fn pin_body(&self, id: BodyId) {
        *self.pins.lock().bodies.entry(id).or_default() += 1;
    }

    pub(super) fn unpin_body(&self, id: BodyId) {
        let mut pins = self.pins.lock();
        if let Some(count) = pins.bodies.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                pins.bodies.remove(&id);
            }
        }
    }

    /// Runs `with` on the pins, and on the oldest commit that anybody can still see.
    pub(super) fn with_pins<T>(&self, with: impl FnOnce(&mut Pins, u64) -> T) -> T {
        let mut pins = self.pins.lock();
        self.expire(&mut pins);
        pins.forget_unread();
        let oldest = pins
            .older
            .front()
            .map_or(pins.current.0.commit, |(commit, _)| *commit);
        with(&mut pins, oldest)
    }
}

impl Pins {
    pub(super) fn is_pinned(&self, body: &BodyId) -> bool {
        self.bodies.contains_key(body)
    }

    /// Drops the note of versions without readers. A version that is not current never gains a first reader
    /// again.
    fn forget_unread(&mut self) {
        self.older.retain(|(_, version)| version.strong_count() > 0);
    }
}
