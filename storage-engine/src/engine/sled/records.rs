//! Records over stripes: reads whole values, pages of a range, and turns mutations into one sled batch.
//!
//! Stripe 0 begins with the length of the value (u32, little-endian). Callers hold the engine's view lock, so
//! a value is never seen half replaced.

use std::collections::BTreeMap;

use sled::{IVec, Tree};

use super::super::{
    EngineError, KeyRange, Mutation, Order, Precondition, ScanOptions, ScanPage, Space, VALUE_BYTES_MAX,
};
use super::clearing::Leftover;
use super::keys::{STRIPE_BYTES, Stem, bounds, decode, stripes_of};
use super::presplit::{self, Fresh};

/// Bytes in front of the data of stripe 0.
const LENGTH_BYTES: usize = 4;

type Stripe = sled::Result<(IVec, IVec)>;
/// Key, length of the value, and the value unless it is left out.
type Record = (Vec<u8>, usize, Vec<u8>);

/// The value of a key.
pub(super) fn get(tree: &Tree, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
    let stem = Stem::new(space, key);
    let Some(first) = first_stripe(tree, &stem)? else {
        return Ok(None);
    };
    let mut rest = tree.range(stem.stripe(1)..stem.past());
    whole_value(&first, &mut rest).map(Some)
}

/// One page of a range.
pub(super) fn scan(
    tree: &Tree,
    space: Space,
    range: &KeyRange,
    options: ScanOptions,
) -> Result<ScanPage, EngineError> {
    if range.is_empty() {
        return Ok(ScanPage::default());
    }
    let mut cursor = Cursor {
        tree,
        space,
        bounds: bounds(space, range),
        options,
        stripes: None,
    };
    let mut page = ScanPage::default();
    let mut bytes = 0;
    while let Some((key, length, value)) = cursor.next()? {
        let full = page.entries.len() >= options.limit.max(1) || bytes >= options.max_bytes;
        if full && !page.entries.is_empty() {
            page.resume_after = page.entries.last().map(|(key, _)| key.clone());
            break;
        }
        bytes += length;
        page.entries.push((key, value));
    }
    Ok(page)
}

/// True when `precondition` holds now.
pub(super) fn holds(tree: &Tree, precondition: &Precondition) -> Result<bool, EngineError> {
    let present =
        |space: Space, key: &[u8]| first_stripe(tree, &Stem::new(space, key)).map(|first| first.is_some());
    match precondition {
        Precondition::Absent { space, key } => present(*space, key).map(|present| !present),
        Precondition::Present { space, key } => present(*space, key),
        Precondition::ValueEquals { space, key, value } => {
            Ok(get(tree, *space, key)?.as_ref() == Some(value))
        }
    }
}

/// What a batch becomes in sled, and how large it is.
#[derive(Default)]
pub(super) struct StripedBatch {
    pub(super) writes: sled::Batch,
    /// Stripes written or removed.
    pub(super) stripes: u64,
    /// Bytes of their names and data.
    pub(super) bytes: u64,
    /// Names to insert empty before the batch, in order: see `presplit`.
    pub(super) empty_first: Vec<Vec<u8>>,
    /// How many of `stripes` fill such names.
    pub(super) filled: u64,
}

/// A batch, and the stripes that go with it: see `clearing`.
pub(super) struct Planned {
    pub(super) batch: StripedBatch,
    pub(super) leftovers: Vec<Leftover>,
}

/// Turns mutations into stripes. Where one key is changed twice the last change wins, as in the contract.
pub(super) fn striped(tree: &Tree, mutations: &[Mutation]) -> Result<Planned, EngineError> {
    let mut last = BTreeMap::new();
    for mutation in mutations {
        let (space, key, value) = match mutation {
            Mutation::Delete { space, key } => (*space, key, None),
            Mutation::Put { space, key, value } => (*space, key, Some(value)),
        };
        last.insert((space, key), value);
    }
    let (mut batch, mut leftovers, mut fresh) = (StripedBatch::default(), Vec::new(), Fresh::default());
    for ((space, key), value) in last {
        let stem = Stem::new(space, key);
        let before = stored_stripes(tree, &stem)?;
        let after = value.map_or(0, |value| batch.put(&stem, value));
        if before == 0 {
            fresh.add(&stem, stripe_number(after)?);
        }
        let numbers = stripe_number(after)?..stripe_number(before)?;
        if !numbers.is_empty() {
            let (stem, fence) = (stem.clone(), presplit::fence());
            if before > 1 && after <= 1 && has(tree, &stem.stripe(fence.start))? {
                leftovers.push(Leftover {
                    stem: stem.clone(),
                    numbers: fence,
                });
            }
            leftovers.push(Leftover { stem, numbers });
        }
    }
    fresh.plan(&mut batch);
    Ok(Planned { batch, leftovers })
}

/// Stripe 0 of a value that is there; one without bytes is only reserved.
fn first_stripe(tree: &Tree, stem: &Stem) -> Result<Option<IVec>, EngineError> {
    let first = tree.get(stem.stripe(0)).map_err(sled_error)?;
    Ok(first.filter(|first| !first.is_empty()))
}

fn has(tree: &Tree, name: &[u8]) -> Result<bool, EngineError> {
    tree.contains_key(name).map_err(sled_error)
}

impl StripedBatch {
    /// Returns the number of stripes.
    pub(super) fn put(&mut self, stem: &Stem, value: &[u8]) -> usize {
        let (head, tail) = value.split_at_checked(STRIPE_BYTES).unwrap_or((value, &[]));
        let mut first = Vec::with_capacity(LENGTH_BYTES + head.len());
        first.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
        first.extend_from_slice(head);
        self.insert(stem.stripe(0), &first);
        for (data, number) in tail.chunks(STRIPE_BYTES).zip(1u16..) {
            self.insert(stem.stripe(number), data);
        }
        stripes_of(value.len())
    }

    fn insert(&mut self, name: Vec<u8>, data: &[u8]) {
        self.count(name.len() + data.len());
        self.writes.insert(name, data);
    }

    pub(super) fn remove(&mut self, name: Vec<u8>) {
        self.count(name.len());
        self.writes.remove(name);
    }

    fn count(&mut self, bytes: usize) {
        self.stripes += 1;
        self.bytes += bytes as u64;
    }
}

/// Walks the records of a range, one call one record.
struct Cursor<'t> {
    tree: &'t Tree,
    space: Space,
    bounds: (Vec<u8>, Vec<u8>),
    options: ScanOptions,
    stripes: Option<sled::Iter>,
}

impl Cursor<'_> {
    fn next(&mut self) -> Result<Option<Record>, EngineError> {
        match self.options.order {
            Order::Ascending => self.ascend(),
            Order::Descending => self.descend(),
        }
    }

    fn ascend(&mut self) -> Result<Option<Record>, EngineError> {
        loop {
            let mut stripes = self.open_stripes();
            let Some(found) = stripes.next() else {
                return Ok(None);
            };
            let (name, first) = found.map_err(sled_error)?;
            let (key, number) = decode(&name).ok_or_else(foreign_name)?;
            if number != 0 || first.is_empty() {
                self.bounds.0 = Stem::new(self.space, &key).past(); // Fence, or what is just being cleared.
                continue;
            }
            let length = value_length(&first)?;
            let value = if self.options.keys_only {
                self.skip_stripes(&key, length, stripes);
                Vec::new()
            } else {
                let value = whole_value(&first, &mut stripes)?;
                self.stripes = Some(stripes);
                value
            };
            return Ok(Some((key, length, value)));
        }
    }

    /// Goes on behind the stripes of `key`: one by one where there is one, by a new search where there are
    /// more.
    fn skip_stripes(&mut self, key: &[u8], length: usize, stripes: sled::Iter) {
        if stripes_of(length) == 1 {
            self.stripes = Some(stripes);
        } else {
            self.bounds.0 = Stem::new(self.space, key).past();
        }
    }

    fn descend(&mut self) -> Result<Option<Record>, EngineError> {
        loop {
            let mut stripes = self.open_stripes();
            let Some(found) = stripes.next_back() else {
                return Ok(None);
            };
            let (name, last) = found.map_err(sled_error)?;
            let (key, number) = decode(&name).ok_or_else(foreign_name)?;
            let stem = Stem::new(self.space, &key);
            let (first, mut rest) = if number == 0 {
                self.stripes = Some(stripes);
                (last, None)
            } else {
                self.bounds.1 = stem.stripe(0);
                let Some(first) = first_stripe(self.tree, &stem)? else {
                    continue; // Leftovers that are just being cleared.
                };
                (first, Some(self.tree.range(stem.stripe(1)..stem.past())))
            };
            if first.is_empty() {
                continue; // Just being filled.
            }
            let length = value_length(&first)?;
            let value = match (self.options.keys_only, &mut rest) {
                (true, _) => Vec::new(),
                (false, Some(rest)) => whole_value(&first, rest)?,
                (false, None) => whole_value(&first, &mut std::iter::empty())?,
            };
            return Ok(Some((key, length, value)));
        }
    }

    fn open_stripes(&mut self) -> sled::Iter {
        self.stripes
            .take()
            .unwrap_or_else(|| self.tree.range(self.bounds.0.clone()..self.bounds.1.clone()))
    }
}

/// Puts a value together; `rest` yields stripe 1 and what follows, and is left behind the value's last
/// stripe.
fn whole_value(first: &[u8], rest: &mut dyn Iterator<Item = Stripe>) -> Result<Vec<u8>, EngineError> {
    let length = value_length(first)?;
    let mut value = Vec::with_capacity(length);
    value.extend_from_slice(first.get(LENGTH_BYTES..).unwrap_or_default());
    for number in 1..stripes_of(length) {
        let (name, data) = rest
            .next()
            .ok_or_else(|| EngineError::corrupt("a value lacks its last stripes"))?
            .map_err(sled_error)?;
        let expected = stripe_number(number)?.to_be_bytes();
        if !name.ends_with(&expected) || data.len() > STRIPE_BYTES {
            return Err(EngineError::corrupt(
                "the stripes of a value do not follow one another",
            ));
        }
        value.extend_from_slice(&data);
    }
    if value.len() == length {
        Ok(value)
    } else {
        Err(EngineError::corrupt(
            "a value has another length than its first stripe says",
        ))
    }
}

fn stored_stripes(tree: &Tree, stem: &Stem) -> Result<usize, EngineError> {
    match first_stripe(tree, stem)? {
        Some(first) => value_length(&first).map(stripes_of),
        None => Ok(0),
    }
}

fn value_length(first: &[u8]) -> Result<usize, EngineError> {
    first
        .first_chunk::<LENGTH_BYTES>()
        .and_then(|bytes| usize::try_from(u32::from_le_bytes(*bytes)).ok())
        .filter(|&length| length <= VALUE_BYTES_MAX)
        .ok_or_else(|| EngineError::corrupt("a first stripe without a plausible length"))
}

fn stripe_number(number: usize) -> Result<u16, EngineError> {
    u16::try_from(number).map_err(|_| EngineError::corrupt("a stripe number beyond the limit"))
}

fn foreign_name() -> EngineError {
    EngineError::corrupt("a record name that this engine does not write")
}

/// What a sled error means to a caller of the engine.
pub(super) fn sled_error(error: sled::Error) -> EngineError {
    match error {
        sled::Error::Io(source) => EngineError::io("using the sled files", None, source),
        sled::Error::Unsupported(what) | sled::Error::ReportableBug(what) => EngineError::corrupt(what),
        other => EngineError::corrupt(other.to_string()),
    }
}
