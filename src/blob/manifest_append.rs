//! Growing a manifest by one entry at its end, for append blobs.
//!
//! Of the states that share a manifest the first to grow goes on in it. Every other one takes a copy of the
//! list when it grows first, once, in one commit: some 160 bytes for each of its entries, 8 MB for 50,000.

use strongroom_engine::codec::{decode, encode};
use strongroom_engine::tree::Txn;

use super::entries::Entry;
use super::ids::ContentId;
use super::manifest::{self, PART_ENTRIES, Part, missing, part, part_key};
use crate::commit::Failure;
use crate::container::record::Source;
use crate::error::Result;

/// Adds an entry behind the `entries` that a state sees, and returns the manifest to refer to instead. Where
/// somebody else has appended to the same manifest already, that is a copy, and the reference to `id` is
/// dropped. The entry brings its reference to its body.
pub(crate) fn append(
    txn: &mut Txn<'_>,
    (id, entries): (ContentId, u64),
    entry: Entry,
) -> Result<ContentId, Failure> {
    let (number, within) = split(entries)?;
    let there = match txn.value(&part_key(id, number))? {
        Some(bytes) => decode::<Part>(&bytes)?.entries,
        None => Vec::new(),
    };
    if there.len() > within {
        return copy(txn, (id, entries), entry);
    }
    if there.len() < within {
        return Err(missing().into());
    }
    let offset = match number.checked_sub(1) {
        _ if within > 0 => part(txn, id, (number, entries))?.offset,
        Some(before) => part(txn, id, (before, entries))?.end(),
        None => 0,
    };
    let mut grown = Part {
        offset,
        entries: there,
    };
    grown.entries.push(entry);
    txn.put(&part_key(id, number), &encode(&grown)?)?;
    Ok(id)
}

fn copy(txn: &mut Txn<'_>, (id, entries): (ContentId, u64), entry: Entry) -> Result<ContentId, Failure> {
    let mut all = manifest::entries(txn, id, entries)?;
    for entry in &all {
        txn.add_reference(&entry.extent.body)?;
    }
    all.push(entry);
    let copy = manifest::write(txn, &all)?;
    manifest::release(txn, id)?;
    Ok(copy)
}

/// Part number and position within it of the entry behind `entries`.
fn split(entries: u64) -> Result<(u32, usize)> {
    let number = u32::try_from(entries / PART_ENTRIES as u64).map_err(|_| missing())?;
    let within = usize::try_from(entries % PART_ENTRIES as u64).map_err(|_| missing())?;
    Ok((number, within))
}
