//! What a blob was: its snapshots, its previous versions, and what was deleted and can still be restored.
//!
//! A state of the past has a record of its own under name, time and kind, and shares content with others by
//! reference. The times of one name's snapshots and versions are all different, whatever the clock does. A
//! deleted base waits in a slot of its own behind all others. A state whose time to be restored is over is
//! gone for every reader, whether the maintenance has removed it or not.

use strongroom_engine::Timestamp;
use strongroom_engine::codec::decode;
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::Txn;

use super::properties::BlobType;
use super::record::{BlobRecord, Deleted};
use super::version::BlobVersionRef;
use crate::account::AccountCore;
use crate::agenda::{self, Task};
use crate::commit::Failure;
use crate::container::record::{ContainerId, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::lease::Lease;
use crate::names::BlobName;
use crate::protection::DataProtection;
use crate::rooms;

/// Records read at once.
const BATCH: usize = 64;
/// The time in the key of a deleted base: behind all others.
const SLOT: u64 = u64::MAX;

/// What a state of the past is. The number is in its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Snapshot = 1,
    Version = 2,
    /// The base, deleted.
    Deleted = 3,
}

/// A state of the past.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) kind: Kind,
    /// Of a snapshot or version.
    pub(crate) time: Timestamp,
    pub(crate) record: BlobRecord,
}

impl State {
    /// True if it is deleted, whether it can be restored or not.
    pub(crate) fn is_deleted(&self) -> bool {
        self.record.deleted.is_some()
    }
}

impl BlobRecord {
    /// True if it was deleted so long ago that it cannot be restored.
    pub(crate) fn is_gone(&self, now: Timestamp) -> bool {
        self.deleted.is_some_and(|deleted| deleted.until <= now)
    }

    /// The state that `which` names, or `BlobNotFound`. What is deleted cannot be read.
    pub(crate) fn read_state(
        source: &impl Source,
        (container, name): (ContainerId, &BlobName),
        which: BlobVersionRef,
    ) -> Result<Self> {
        let past = |time, kind| -> Result<Option<Self>> {
            let bytes = source.value(&key(container, name, (time, kind)))?;
            let record: Option<Self> = bytes.map(|bytes| decode(&bytes)).transpose()?;
            Ok(record.filter(|record| record.deleted.is_none()))
        };
        let found = match which {
            BlobVersionRef::Base => Self::find(source, container, name)?,
            BlobVersionRef::Snapshot(time) => past(time, Kind::Snapshot)?,
            BlobVersionRef::Version(id) => match Self::find(source, container, name)? {
                Some(base) if base.version == Some(id) => Some(base),
                _ => past(id, Kind::Version)?,
            },
        };
        found.ok_or_else(Self::not_found)
    }
}

/// The past of one blob, inside a transaction, at one moment.
pub(crate) struct History<'a> {
    pub(crate) container: ContainerId,
    pub(crate) name: &'a BlobName,
    pub(crate) protection: DataProtection,
    pub(crate) now: Timestamp,
}

impl<'a> History<'a> {
    /// The past of a blob as the account's properties have it now.
    pub(crate) fn of(core: &AccountCore, (container, name): (ContainerId, &'a BlobName)) -> Self {
        Self {
            container,
            name,
            protection: core.protection(),
            now: core.clock.now(),
        }
    }

    /// True if `old`, the base, is to be kept when its content is replaced. What has a version id is always
    /// kept; what is archived is not protected by soft delete.
    pub(crate) fn keeps(&self, old: &BlobRecord) -> bool {
        let archived = old.tier.is_archived(self.now);
        self.is_versioned(old) || (self.protection.retention.is_some() && !archived)
    }

    /// True if `old` stays as a previous version, whatever happens to the base.
    pub(crate) fn is_versioned(&self, old: &BlobRecord) -> bool {
        self.protection.versioning || old.version.is_some()
    }

    /// Keeps the base, whose content is being replaced or which is deleted: as a version, else as a deleted
    /// snapshot. Its references go with it. Only if [`keeps`](Self::keeps) says so.
    fn keep(&self, txn: &mut Txn<'_>, old: BlobRecord) -> Result<(), Failure> {
        if self.is_versioned(&old) {
            let time = self.free_time(txn, old.version.unwrap_or(old.last_modified))?;
            return self.put(txn, (time, Kind::Version), &past(old));
        }
        let time = self.fresh_time(txn)?;
        let deleted = self.deleted_now();
        self.put_deleted(txn, (time, Kind::Snapshot), &BlobRecord { deleted, ..past(old) })
    }

    /// Keeps the base as it is before its properties change, if versions are kept, and gives it the id of the
    /// new version. The caller writes `record` afterwards.
    pub(crate) fn before_change(&self, txn: &mut Txn<'_>, record: &mut BlobRecord) -> Result<(), Failure> {
        if !self.is_versioned(record) {
            return Ok(());
        }
        record.content = record.content.share(txn)?;
        self.keep(txn, record.clone())?;
        record.version = self.new_version(txn)?;
        Ok(())
    }

    /// The id of a version that begins now; `None` without versioning.
    pub(crate) fn new_version(&self, txn: &Txn<'_>) -> Result<Option<Timestamp>> {
        if !self.protection.versioning {
            return Ok(None);
        }
        self.fresh_time(txn).map(Some)
    }

    /// To be called before the base is made or replaced: keeps `old` if it is to be kept, and makes room for
    /// a new base if there is none. True if the caller has to release the content of `old`.
    pub(crate) fn replace(
        &self,
        txn: &mut Txn<'_>,
        old: Option<&BlobRecord>,
        new_type: BlobType,
    ) -> Result<bool, Failure> {
        let Some(old) = old else {
            self.before_create(txn, new_type)?;
            return Ok(false);
        };
        if self.is_versioned(old) {
            old.require_type(new_type)?;
        }
        if !self.keeps(old) {
            return Ok(true);
        }
        self.keep(txn, old.clone())?;
        Ok(false)
    }

    /// Where the base goes that was deleted: among the versions, into its slot, or away.
    pub(crate) fn after_delete(&self, txn: &mut Txn<'_>, old: BlobRecord) -> Result<(), Failure> {
        if self.is_versioned(&old) {
            return self.keep(txn, old);
        }
        match self.deleted_now() {
            Some(_) => self.keep_deleted_base(txn, old),
            None => old.content.release(txn),
        }
    }

    /// To be called before a base is made where there is none: what was deleted under this name becomes a
    /// deleted snapshot, or is lost if it was of another type.
    pub(crate) fn before_create(&self, txn: &mut Txn<'_>, new_type: BlobType) -> Result<(), Failure> {
        let slot = (Timestamp::default(), Kind::Deleted);
        let Some(old) = self.get(txn, slot)? else {
            return Ok(());
        };
        self.forget(txn, slot, &old)?;
        if old.is_gone(self.now) {
            return old.content.release(txn);
        }
        if old.blob_type != new_type {
            old.content.release(txn)?;
            return self.purge_deleted(txn);
        }
        let time = self.fresh_time(txn)?;
        self.put_deleted(txn, (time, Kind::Snapshot), &old)
    }

    /// Puts the deleted base into its slot.
    fn keep_deleted_base(&self, txn: &mut Txn<'_>, old: BlobRecord) -> Result<(), Failure> {
        self.before_create(txn, old.blob_type)?;
        let deleted = self.deleted_now();
        let slot = (Timestamp::default(), Kind::Deleted);
        self.put_deleted(txn, slot, &BlobRecord { deleted, ..past(old) })
    }

    /// Deletes a snapshot or version: for a while if deleted states are kept, else for good.
    pub(crate) fn delete(&self, txn: &mut Txn<'_>, state: State) -> Result<(), Failure> {
        let place = (state.time, state.kind);
        match self.deleted_now() {
            Some(deleted) => {
                let deleted = Some(deleted);
                let record = BlobRecord {
                    deleted,
                    ..state.record
                };
                self.put_deleted(txn, place, &record)
            }
            None => self.purge(txn, place, &state.record),
        }
    }

    /// Removes a state for good.
    pub(crate) fn purge(
        &self,
        txn: &mut Txn<'_>,
        place: (Timestamp, Kind),
        record: &BlobRecord,
    ) -> Result<(), Failure> {
        self.forget(txn, place, record)?;
        record.content.release(txn)
    }

    /// Restores every deleted state of the name, and the base if it was deleted and there is no other now;
    /// how many.
    pub(crate) fn restore(&self, txn: &mut Txn<'_>, base_key: &[u8]) -> Result<usize, Failure> {
        let mut restored = 0;
        for State { kind, time, record } in states(txn, self.container, self.name)? {
            if record.deleted.is_none() || record.is_gone(self.now) {
                continue;
            }
            self.forget(txn, (time, kind), &record)?;
            let live = BlobRecord {
                deleted: None,
                ..record
            };
            match kind {
                Kind::Deleted if txn.get(base_key)?.is_none() => live.write(txn, base_key)?,
                Kind::Deleted => {
                    let time = self.fresh_time(txn)?;
                    self.put(txn, (time, Kind::Snapshot), &live)?;
                }
                Kind::Snapshot | Kind::Version => self.put(txn, (time, kind), &live)?,
            }
            restored += 1;
        }
        Ok(restored)
    }

    /// What is due: removes a state whose time to be restored is over.
    pub(crate) fn expire(&self, txn: &mut Txn<'_>, place: (Timestamp, Kind)) -> Result<bool, Failure> {
        match self.get(txn, place)? {
            Some(record) if record.is_gone(self.now) => {
                self.purge(txn, place, &record)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The record of one state.
    pub(crate) fn get(&self, source: &impl Source, place: (Timestamp, Kind)) -> Result<Option<BlobRecord>> {
        record(source, (self.container, self.name), place)
    }

    /// Stores a state.
    pub(crate) fn put(
        &self,
        txn: &mut Txn<'_>,
        place: (Timestamp, Kind),
        record: &BlobRecord,
    ) -> Result<(), Failure> {
        record.write(txn, &key(self.container, self.name, place))
    }

    /// A time later than that of every snapshot and version, and not before now.
    pub(crate) fn fresh_time(&self, source: &impl Source) -> Result<Timestamp> {
        let base = BlobRecord::find(source, self.container, self.name)?;
        let newest = newest(source, self.container, self.name)?;
        let newest = newest.max(base.and_then(|base| base.version));
        let after = newest.map(|time| Timestamp::from_ticks(time.ticks().saturating_add(1)));
        Ok(after.unwrap_or_default().max(self.now))
    }

    /// The first time from `wanted` on that no version has.
    fn free_time(&self, txn: &Txn<'_>, wanted: Timestamp) -> Result<Timestamp> {
        let mut time = wanted;
        while self.get(txn, (time, Kind::Version))?.is_some() {
            time = Timestamp::from_ticks(time.ticks().saturating_add(1));
        }
        Ok(time)
    }

    fn purge_deleted(&self, txn: &mut Txn<'_>) -> Result<(), Failure> {
        for state in states(txn, self.container, self.name)? {
            if state.is_deleted() {
                self.purge(txn, (state.time, state.kind), &state.record)?;
            }
        }
        Ok(())
    }

    fn put_deleted(
        &self,
        txn: &mut Txn<'_>,
        place: (Timestamp, Kind),
        record: &BlobRecord,
    ) -> Result<(), Failure> {
        if let Some(deleted) = record.deleted {
            agenda::schedule(txn, deleted.until, &self.task(place))?;
        }
        self.put(txn, place, record)
    }

    /// Removes a state's record and what is on the agenda for it.
    fn forget(
        &self,
        txn: &mut Txn<'_>,
        place: (Timestamp, Kind),
        record: &BlobRecord,
    ) -> Result<(), Failure> {
        if let Some(deleted) = record.deleted {
            agenda::cancel(txn, deleted.until, &self.task(place))?;
        }
        txn.delete(&key(self.container, self.name, place))?;
        Ok(())
    }

    fn task(&self, (time, kind): (Timestamp, Kind)) -> Task {
        Task::DeletedState {
            container: self.container,
            name: self.name.as_str().to_owned(),
            time,
            kind: kind as u8,
        }
    }

    /// `None` if what is deleted is gone at once.
    fn deleted_now(&self) -> Option<Deleted> {
        self.protection.retention.map(|retention| Deleted {
            when: self.now,
            until: self.now.plus(retention),
        })
    }
}

/// A record as a state of the past: nobody leases it.
fn past(record: BlobRecord) -> BlobRecord {
    BlobRecord {
        lease: Lease::None,
        ..record
    }
}

/// The record of one past state.
pub(crate) fn record(
    source: &impl Source,
    (container, name): (ContainerId, &BlobName),
    place: (Timestamp, Kind),
) -> Result<Option<BlobRecord>> {
    let bytes = source.value(&key(container, name, place))?;
    bytes.map(|bytes| decode(&bytes).map_err(Error::from)).transpose()
}

/// All past states of a name, in order of their times, a deleted base last.
pub(crate) fn states(source: &impl Source, container: ContainerId, name: &BlobName) -> Result<Vec<State>> {
    let prefix = name_prefix(container, name);
    let mut range = KeyRange::prefix(&prefix);
    let mut states = Vec::new();
    loop {
        let page = source.values(&range, BATCH)?;
        for (key, value) in &page {
            let (time, kind) = place_of(key.get(prefix.len()..).unwrap_or_default())?;
            states.push(State {
                kind,
                time,
                record: decode(value)?,
            });
        }
        match page.last() {
            Some((last, _)) if page.len() == BATCH => range = range.after(last),
            _ => return Ok(states),
        }
    }
}

/// The time of the newest snapshot or version of a name.
fn newest(source: &impl Source, container: ContainerId, name: &BlobName) -> Result<Option<Timestamp>> {
    let prefix = name_prefix(container, name);
    let range = KeyRange {
        start: prefix.clone(),
        end: Some([prefix.as_slice(), &SLOT.to_be_bytes()].concat()),
    };
    let last = source.last_value(&range)?;
    let place = last.map(|(key, _)| place_of(key.get(prefix.len()..).unwrap_or_default()));
    Ok(place.transpose()?.map(|(time, _)| time))
}

/// What the keys of a container's past states begin with.
pub(crate) fn prefix(container: ContainerId) -> Vec<u8> {
    rooms::key(rooms::HISTORY, &[&container.0.to_be_bytes()])
}

fn name_prefix(container: ContainerId, name: &BlobName) -> Vec<u8> {
    let mut key = prefix(container);
    key.extend(rooms::escape(name.as_str()));
    key
}

pub(super) fn key(container: ContainerId, name: &BlobName, (time, kind): (Timestamp, Kind)) -> Vec<u8> {
    let ticks = match kind {
        Kind::Deleted => SLOT,
        Kind::Snapshot | Kind::Version => time.ticks(),
    };
    let mut key = name_prefix(container, name);
    key.extend(ticks.to_be_bytes());
    key.push(kind as u8);
    key
}

/// Time and kind from what follows the name in a key. The time of a deleted base is 0.
pub(crate) fn place_of(bytes: &[u8]) -> Result<(Timestamp, Kind)> {
    let damaged = || {
        let message = "the key of a snapshot or version is damaged";
        Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
    };
    let (ticks, kind) = bytes.split_first_chunk().ok_or_else(damaged)?;
    let kind = match kind {
        [kind] => kind_of(*kind).ok_or_else(damaged)?,
        _ => return Err(damaged()),
    };
    let time = match kind {
        Kind::Deleted => Timestamp::default(),
        Kind::Snapshot | Kind::Version => Timestamp::from_ticks(u64::from_be_bytes(*ticks)),
    };
    Ok((time, kind))
}

/// The kind of that number.
pub(crate) fn kind_of(number: u8) -> Option<Kind> {
    [Kind::Snapshot, Kind::Version, Kind::Deleted]
        .into_iter()
        .find(|kind| *kind as u8 == number)
}

/// Removes at most `limit` past states of a container that is deleted; how many.
pub(crate) fn drop_some(txn: &mut Txn<'_>, container: ContainerId, limit: usize) -> Result<usize, Failure> {
    let range = KeyRange::prefix(&prefix(container));
    let states = txn.range(&range, Order::Ascending, limit)?;
    for (key, value) in &states {
        decode::<BlobRecord>(value)?.content.release(txn)?;
        txn.delete(key)?;
    }
    Ok(states.len())
}
