//! Removal of many stripes in bounded steps.
//!
//! Removing a stripe rewrites pages, and 64 deletes would log several segments in one batch, with no sync
//! between them. So a batch that would remove more than a few stripes removes none, and notes them all in one
//! record. Then small batches remove them, first stripes before readers see the batch, the rest before the
//! next batch starts, or, after a crash, all of them before the engine opens. Readers skip stripes without a
//! first one meanwhile.

use std::ops::Range;

use sled::Tree;

use super::super::{EngineError, Space};
use super::keys::Stem;
use super::records::{self, Planned, StripedBatch};

const RECORD: &[u8] = b"leftovers";

/// Stripes of one key that nobody reads any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leftover {
    pub(super) stem: Stem,
    pub(super) numbers: Range<u16>,
}

/// Batches that hide, batches that clear.
type TwoParts = (Vec<StripedBatch>, Vec<StripedBatch>);

/// What one batch becomes: itself, the batches that hide its deletes, and the batches that clear the rest.
pub(super) struct Plan {
    pub(super) batch: StripedBatch,
    pub(super) hiding: Vec<StripedBatch>,
    pub(super) clearing: Vec<StripedBatch>,
}

/// Removes up to `step` stripes with the batch itself, and notes more.
pub(super) fn plan(planned: Planned, step: usize) -> Result<Plan, EngineError> {
    let Planned { mut batch, leftovers } = planned;
    if names(&leftovers).take(step + 1).count() <= step {
        names(&leftovers).for_each(|name| batch.remove(name));
        return Ok(Plan {
            batch,
            hiding: Vec::new(),
            clearing: Vec::new(),
        });
    }
    batch.put(&Stem::new(Space::META, RECORD), &encode(&leftovers)?);
    let (hiding, clearing) = steps(&leftovers, step)?;
    Ok(Plan {
        batch,
        hiding,
        clearing,
    })
}

/// The leftovers that a crash left.
pub(super) fn noted(tree: &Tree) -> Result<Vec<Leftover>, EngineError> {
    match records::get(tree, Space::META, RECORD)? {
        None => Ok(Vec::new()),
        Some(bytes) => {
            decode(&bytes).ok_or_else(|| EngineError::corrupt("the record of leftovers cannot be read"))
        }
    }
}

/// The batches that remove the first stripes of `leftovers`, and those that remove the others and at last the
/// record.
pub(super) fn steps(leftovers: &[Leftover], step: usize) -> Result<TwoParts, EngineError> {
    let is_first = |leftover: &&Leftover| leftover.numbers.start == 0;
    let first: Vec<_> = leftovers
        .iter()
        .filter(is_first)
        .map(|leftover| leftover.stem.stripe(0))
        .collect();
    let rest: Vec<_> = leftovers
        .iter()
        .flat_map(|leftover| {
            let numbers = leftover.numbers.start.max(1)..leftover.numbers.end;
            numbers.map(|number| leftover.stem.stripe(number))
        })
        .collect();
    let removals = |names: &[Vec<u8>]| names.chunks(step).map(removal).collect::<Vec<_>>();
    let mut last = StripedBatch::default();
    let record = Stem::new(Space::META, RECORD);
    for number in 0..super::keys::stripes_of(encode(leftovers)?.len()) {
        last.remove(record.stripe(u16::try_from(number).unwrap_or(u16::MAX)));
    }
    let mut clearing = removals(&rest);
    clearing.push(last);
    Ok((removals(&first), clearing))
}

/// A batch that removes these stripes.
pub(super) fn removal(names: &[Vec<u8>]) -> StripedBatch {
    let mut step = StripedBatch::default();
    names.iter().for_each(|name| step.remove(name.clone()));
    step
}

fn names(leftovers: &[Leftover]) -> impl Iterator<Item = Vec<u8>> {
    leftovers.iter().flat_map(|leftover| {
        leftover
            .numbers
            .clone()
            .map(|number| leftover.stem.stripe(number))
    })
}

/// Each leftover: length of its stem (u16), stem, first number, number behind the last; little-endian.
fn encode(leftovers: &[Leftover]) -> Result<Vec<u8>, EngineError> {
    let mut bytes = Vec::new();
    for leftover in leftovers {
        let stem = leftover.stem.as_bytes();
        let length = u16::try_from(stem.len()).map_err(|_| EngineError::corrupt("a key beyond the limit"))?;
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(stem);
        bytes.extend_from_slice(&leftover.numbers.start.to_le_bytes());
        bytes.extend_from_slice(&leftover.numbers.end.to_le_bytes());
    }
    Ok(bytes)
}

fn decode(mut bytes: &[u8]) -> Option<Vec<Leftover>> {
    let mut leftovers = Vec::new();
    while !bytes.is_empty() {
        let length = take_u16(&mut bytes)?;
        let (stem, rest) = bytes.split_at_checked(usize::from(length))?;
        bytes = rest;
        let numbers = take_u16(&mut bytes)?..take_u16(&mut bytes)?;
        leftovers.push(Leftover {
            stem: Stem::from_bytes(stem),
            numbers,
        });
    }
    Some(leftovers)
}

fn take_u16(bytes: &mut &[u8]) -> Option<u16> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u16::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_come_back_and_no_prefix_of_them_decodes_to_more() {
        let leftover = |key: &[u8], numbers| Leftover {
            stem: Stem::new(Space::PAGES, key),
            numbers,
        };
        let leftovers = vec![leftover(b"a\0b", 1..64), leftover(&[0; 256], 3..4)];
        let bytes = encode(&leftovers).unwrap();
        assert_eq!(decode(&bytes), Some(leftovers.clone()));
        for cut in 0..bytes.len() {
            let whole = decode(&bytes[..cut]);
            assert!(
                whole.is_none_or(|found| leftovers.starts_with(&found)),
                "cut at {cut}"
            );
        }
    }
}
