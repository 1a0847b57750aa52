//! Manifests: long lists of entries, in parts, which several states of blobs may refer to.
//!
//! A manifest is not changed once a commit has made it visible, except that the one of an append blob grows.
//! Each entry holds one reference to its body, also where a body occurs several times, so taking a manifest
//! apart needs no memory of what it has met. References to a manifest beyond the first are counted in a
//! record of their own.

use serde::{Deserialize, Serialize};
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::Txn;

use super::doomed::{Doomed, doom};
use super::entries::Entry;
use super::ids::ContentId;
use crate::commit::Failure;
use crate::container::record::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::rooms;

/// Entries of every part but the last. One part is what one step of the maintenance takes apart.
pub(crate) const PART_ENTRIES: usize = 64;

/// Consecutive entries of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Position of the first entry in the content.
    pub(crate) offset: u64,
    pub(crate) entries: Vec<Entry>,
}

impl Record for Part {
    const NAME: &'static str = "part of a manifest";
    const VERSION: u8 = 2;
    const OLDEST: u8 = 2;
}

/// References beyond the first.
#[derive(Serialize, Deserialize)]
struct Others(u64);

impl Record for Others {
    const NAME: &'static str = "manifest count";
    const VERSION: u8 = 1;
}

impl Part {
    /// Position behind the last entry.
    pub(crate) fn end(&self) -> u64 {
        let lengths = self.entries.iter().map(|entry| entry.extent.length);
        lengths.fold(self.offset, u64::saturating_add)
    }
}

/// Writes a manifest with one reference. Its entries bring a reference to their body each.
pub(crate) fn write(txn: &mut Txn<'_>, entries: &[Entry]) -> Result<ContentId, Failure> {
    let id = ContentId::take(txn)?;
    let mut offset = 0;
    for (number, entries) in (0..).zip(entries.chunks(PART_ENTRIES)) {
        let part = Part {
            offset,
            entries: entries.to_vec(),
        };
        offset = part.end();
        txn.put(&part_key(id, number), &encode(&part)?)?;
    }
    Ok(id)
}

/// One part, cut to what a state that sees `entries` entries sees of it.
pub(crate) fn part(source: &impl Source, id: ContentId, (number, entries): (u32, u64)) -> Result<Part> {
    let bytes = source.value(&part_key(id, number))?.ok_or_else(missing)?;
    let mut part: Part = decode(&bytes)?;
    let seen = entries.saturating_sub(u64::from(number) * PART_ENTRIES as u64);
    part.entries.truncate(usize::try_from(seen).unwrap_or(usize::MAX));
    Ok(part)
}

/// How many parts a state sees.
pub(crate) fn parts(entries: u64) -> Result<u32> {
    u32::try_from(entries.div_ceil(PART_ENTRIES as u64)).map_err(|_| missing())
}

/// All entries that a state sees.
pub(crate) fn entries(source: &impl Source, id: ContentId, entries: u64) -> Result<Vec<Entry>> {
    let mut all = Vec::new();
    for number in 0..parts(entries)? {
        all.extend(part(source, id, (number, entries))?.entries);
    }
    if all.len() as u64 == entries {
        Ok(all)
    } else {
        Err(missing())
    }
}

/// The number of the part that holds `position`, for a state that sees `entries` entries.
pub(crate) fn find(source: &impl Source, id: ContentId, (entries, position): (u64, u64)) -> Result<u32> {
    let (mut low, mut high) = (0, parts(entries)?);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if part(source, id, (middle, entries))?.offset <= position {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// References beyond the first.
pub(crate) fn others(source: &impl Source, id: ContentId) -> Result<u64> {
    match source.value(&id.prefix(rooms::MANIFEST_COUNTS))? {
        Some(bytes) => Ok(decode::<Others>(&bytes)?.0),
        None => Ok(0),
    }
}

/// Counts one more reference.
pub(crate) fn add_reference(txn: &mut Txn<'_>, id: ContentId) -> Result<(), Failure> {
    let others = others(txn, id)?;
    let more = others.checked_add(1).ok_or_else(missing)?;
    Ok(txn.put(&id.prefix(rooms::MANIFEST_COUNTS), &encode(&Others(more))?)?)
}

/// Drops one reference. The last one takes the manifest apart: at once if it is a single part, else by and
/// by in the maintenance.
pub(crate) fn release(txn: &mut Txn<'_>, id: ContentId) -> Result<(), Failure> {
    let count = id.prefix(rooms::MANIFEST_COUNTS);
    match others(txn, id)? {
        0 => {}
        1 => {
            txn.delete(&count)?;
            return Ok(());
        }
        more => return Ok(txn.put(&count, &encode(&Others(more - 1))?)?),
    }
    if txn.get(&part_key(id, 1))?.is_some() {
        return doom(txn, id, Doomed::Manifest);
    }
    take_apart(txn, id).map(drop)
}

/// Releases the entries of the last part and deletes it; false when there was none left.
pub(crate) fn take_apart(txn: &mut Txn<'_>, id: ContentId) -> Result<bool, Failure> {
    let range = KeyRange::prefix(&id.prefix(rooms::MANIFESTS));
    let last = txn.range(&range, Order::Descending, 1)?;
    let Some((key, bytes)) = last.first() else {
        return Ok(false);
    };
    for entry in &decode::<Part>(bytes)?.entries {
        txn.release_body(&entry.extent.body)?;
    }
    txn.delete(key)?;
    Ok(true)
}

/// Deletes the parts of a manifest whose entries have been given to others.
pub(crate) fn forget_parts(txn: &mut Txn<'_>, id: ContentId, entries: u64) -> Result<(), Failure> {
    for number in 0..parts(entries)? {
        txn.delete(&part_key(id, number))?;
    }
    Ok(())
}

pub(super) fn part_key(id: ContentId, number: u32) -> Vec<u8> {
    rooms::key(rooms::MANIFESTS, &[&id.0.to_be_bytes(), &number.to_be_bytes()])
}

pub(super) fn missing() -> Error {
    let message = "a part of a blob's manifest is missing";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
        .hint("run scrub to see what is damaged, and restore it from a backup")
}
