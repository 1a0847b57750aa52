//! Page maps: which body holds which page of a page blob, for every state that shares the map.
//!
//! A map is cut into spans of 256 KiB. A span has a record for every generation in which it was written, and
//! none for others; a state of generation `g` sees the newest record that is not younger than `g`. So a
//! snapshot costs one count, whatever the size, pages never written cost nothing, and what changed between
//! two states stands in an index by generation.
//!
//! Invariants:
//! * The newest generation of a map is written by one state only, and only while no other state shares it:
//!   `writable` moves that state on before.
//! * Each extent in a span's record holds one reference to its body.
//! * A record is needed while a state of a generation from its own up to the one before the span's next
//!   record lives. What is not needed any more is found by `sweep`, in steps, after a state has gone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strongroom_engine::body::BodyRef;
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::engine::KeyRange;
use strongroom_engine::tree::Txn;

use super::super::doomed;
use super::super::ids::ContentId;
use super::super::record::Extent;
use crate::commit::Failure;
use crate::container::record::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::rooms;

/// Bytes of a page.
pub(crate) const PAGE_BYTES: u64 = 512;
/// Bytes of a span.
pub(crate) const SPAN_BYTES: u64 = 256 << 10;
/// Spans looked at in one step.
const STEP: usize = 64;
/// Spans that [`changed_spans`] gives at once.
pub(crate) const CHANGED_MAX: usize = 4096;

const HEAD: u8 = 0;
const LIVE: u8 = 1;
const SPANS: u8 = 2;
const CHANGES: u8 = 3;

/// A map as one state sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct View {
    pub(crate) map: ContentId,
    pub(crate) generation: u64,
}

/// Pages of a span that one body holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// Position in the blob.
    pub(crate) offset: u64,
    pub(crate) extent: Extent,
}

impl Piece {
    /// First position behind it; saturates on damaged lengths.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.extent.length)
    }

    /// What of it lies between two positions.
    fn cut(&self, from: u64, to: u64) -> Option<Self> {
        let (offset, end) = (self.offset.max(from), self.end().min(to));
        (offset < end).then(|| Self {
            offset,
            extent: Extent {
                body: self.extent.body.clone(),
                start: self.extent.start + (offset - self.offset),
                length: end - offset,
            },
        })
    }
}

/// What a span holds: pieces in order, with holes between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span(pub(crate) Vec<Piece>);

impl Record for Span {
    const NAME: &'static str = "span of a page map";
    const VERSION: u8 = 2;
    const OLDEST: u8 = 2;
}

#[derive(Serialize, Deserialize)]
struct Number(u64);

impl Record for Number {
    const NAME: &'static str = "number of a page map";
    const VERSION: u8 = 1;
}

/// Makes an empty map with one state.
pub(crate) fn create(txn: &mut Txn<'_>) -> Result<View, Failure> {
    let view = View {
        map: ContentId::take(txn)?,
        generation: 1,
    };
    put_number(txn, &head_key(view.map), 1)?;
    put_number(txn, &live_key(view), 1)?;
    Ok(view)
}

/// Counts one more state that sees the map as `view` does.
pub(crate) fn share(txn: &mut Txn<'_>, view: View) -> Result<(), Failure> {
    let count = states(txn, view)?;
    put_number(txn, &live_key(view), count.saturating_add(1))
}

/// A state of `view` has gone. What nobody sees any more is left to the maintenance.
pub(crate) fn release(txn: &mut Txn<'_>, view: View) -> Result<(), Failure> {
    match states(txn, view)? {
        0 => Err(damaged().into()),
        1 => {
            txn.delete(&live_key(view))?;
            let range = number_range(view.map, LIVE, (0, view.generation));
            let before = match txn.last_value(&range)? {
                Some((key, _)) => last_number(&key)?,
                None => 0,
            };
            doomed::doom_pages(txn, view.map, before + 1)
        }
        count => put_number(txn, &live_key(view), count - 1),
    }
}

/// The view that a state of `view` writes to instead of it: nobody else sees that one. A state that was
/// copied has `borrowed` the map and leaves going on with it to the others.
pub(crate) fn writable(txn: &mut Txn<'_>, view: View, borrowed: bool) -> Result<View, Failure> {
    let newest = number(txn, &head_key(view.map))?;
    if newest != view.generation {
        return fork(txn, view);
    }
    if states(txn, view)? == 1 {
        return Ok(view);
    }
    if borrowed {
        return fork(txn, view);
    }
    let next = View {
        generation: newest.checked_add(1).ok_or_else(damaged)?,
        ..view
    };
    release(txn, view)?;
    put_number(txn, &head_key(view.map), next.generation)?;
    put_number(txn, &live_key(next), 1)?;
    Ok(next)
}

/// A copy of the map for a state that goes another way than the others: a copy, the first time it is written
/// to. Costs as much as there are spans; no data is copied.
fn fork(txn: &mut Txn<'_>, view: View) -> Result<View, Failure> {
    let copy = create(txn)?;
    let mut next = 0;
    while let Some((number, span)) = next_span(txn, view, next)? {
        for piece in &span.0 {
            txn.add_reference(&piece.extent.body)?;
        }
        write_span(txn, copy, (number, &span))?;
        next = number + 1;
    }
    release(txn, view)?;
    Ok(copy)
}

/// Puts `body`, or nothing, in place of the bytes from `from` to `to`. Brings one reference to the body, and
/// takes up more where it lies in more than one span.
pub(crate) fn replace(
    txn: &mut Txn<'_>,
    view: View,
    (from, to): (u64, u64),
    body: Option<&BodyRef>,
) -> Result<(), Failure> {
    let mut spare = body.is_some();
    let mut position = from;
    while position < to {
        let number = match body {
            Some(_) => position / SPAN_BYTES,
            // Only what is there can be cleared.
            None => match next_number(txn, view.map, position / SPAN_BYTES)? {
                Some(number) if number * SPAN_BYTES < to => number,
                _ => break,
            },
        };
        let (start, end) = (
            position.max(number * SPAN_BYTES),
            to.min((number + 1) * SPAN_BYTES),
        );
        let piece = body.map(|body| Piece {
            offset: start,
            extent: Extent {
                body: body.clone(),
                start: start - from,
                length: end - start,
            },
        });
        if let Some(piece) = piece.as_ref().filter(|_| !std::mem::take(&mut spare)) {
            txn.add_reference(&piece.extent.body)?;
        }
        replace_in_span(txn, (view, number), (start, end), piece)?;
        position = end;
    }
    Ok(())
}

/// [`replace`] within one span. The piece brings its reference.
fn replace_in_span(
    txn: &mut Txn<'_>,
    (view, number): (View, u64),
    (start, end): (u64, u64),
    piece: Option<Piece>,
) -> Result<(), Failure> {
    let (generation, before) = match span_record(txn, view, number)? {
        Some(found) => found,
        None if piece.is_none() => return Ok(()),
        None => (view.generation, Span::default()),
    };
    let own = generation == view.generation;
    let mut after = Span::default();
    for old in &before.0 {
        let kept = [old.cut(0, start), old.cut(end, u64::MAX)];
        let kept: Vec<_> = kept.into_iter().flatten().collect();
        // The record that is replaced gives its reference to the first part; one that stays keeps it.
        let needed = kept.len() as u64;
        let given = u64::from(own);
        for _ in given..needed {
            txn.add_reference(&old.extent.body)?;
        }
        if given > needed {
            txn.release_body(&old.extent.body)?;
        }
        after.0.extend(kept);
    }
    after.0.extend(piece);
    after.0.sort_by_key(|piece| piece.offset);
    write_span(txn, view, (number, &after))?;
    if own {
        return Ok(());
    }
    // The states that saw the older record may have gone while this one still saw it.
    drop_if_unseen(txn, View { generation, ..view }, number)
}

fn write_span(txn: &mut Txn<'_>, view: View, (number, span): (u64, &Span)) -> Result<(), Failure> {
    let key = span_key(view, number);
    // An empty span hides what earlier generations have there.
    let hides = {
        let range = number_range_of(&span_prefix(view.map, number), (0, view.generation));
        txn.last_value(&range)?.is_some()
    };
    if span.0.is_empty() && !hides {
        txn.delete(&key)?;
        txn.delete(&change_key(view, number))?;
        return Ok(());
    }
    txn.put(&key, &encode(span)?)?;
    Ok(txn.put(&change_key(view, number), &[])?)
}

/// What a state sees of a span; empty if it was never written.
pub(crate) fn span(source: &impl Source, view: View, number: u64) -> Result<Span> {
    Ok(span_record(source, view, number)?
        .map(|(_, span)| span)
        .unwrap_or_default())
}

fn span_record(source: &impl Source, view: View, number: u64) -> Result<Option<(u64, Span)>> {
    let past = view.generation.checked_add(1).ok_or_else(damaged)?;
    let range = number_range_of(&span_prefix(view.map, number), (0, past));
    match source.last_value(&range)? {
        Some((key, value)) => Ok(Some((last_number(&key)?, decode(&value)?))),
        None => Ok(None),
    }
}

/// The first span from `first` on in which a state sees pages.
pub(crate) fn next_span(source: &impl Source, view: View, first: u64) -> Result<Option<(u64, Span)>> {
    let mut from = first;
    while let Some(number) = next_number(source, view.map, from)? {
        let found = span(source, view, number)?;
        if !found.0.is_empty() {
            return Ok(Some((number, found)));
        }
        from = number + 1;
    }
    Ok(None)
}

/// The first span from `first` on that any state has written.
fn next_number(source: &impl Source, map: ContentId, first: u64) -> Result<Option<u64>> {
    let range = KeyRange {
        start: span_prefix(map, first),
        end: Some(kind_prefix(map, SPANS + 1)),
    };
    let found = source.values(&range, 1)?;
    let key = found.first().map(|(key, _)| key);
    key.map(|key| number_at(key, 10)).transpose()
}

/// The first [`CHANGED_MAX`] spans from `first` on that were written in the generations after `since` up to
/// that of `view`, in order, each once.
pub(crate) fn changed_spans(
    source: &impl Source,
    view: View,
    (since, first): (u64, u64),
) -> Result<BTreeSet<u64>> {
    let past = view.generation.checked_add(1).ok_or_else(damaged)?;
    let mut range = number_range(view.map, CHANGES, (since + 1, past));
    let mut numbers = BTreeSet::new();
    loop {
        let page = source.values(&range, STEP)?;
        for (key, _) in &page {
            let number = number_at(key, 18)?;
            if number >= first {
                numbers.insert(number);
            }
            if numbers.len() > CHANGED_MAX {
                numbers.pop_last();
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == STEP => range = range.after(last),
            _ => return Ok(numbers),
        }
    }
}

/// Removes what nobody sees of at most 64 changes from `after` on; where to go on, or `None` at the end.
pub(crate) fn sweep(
    txn: &mut Txn<'_>,
    map: ContentId,
    after: (u64, u64),
) -> Result<Option<(u64, u64)>, Failure> {
    let range = KeyRange {
        start: change_key(
            View {
                map,
                generation: after.0,
            },
            after.1,
        ),
        end: Some(kind_prefix(map, CHANGES + 1)),
    };
    let changes = txn.values(&range, STEP)?;
    for (key, _) in &changes {
        let view = View {
            map,
            generation: number_at(key, 10)?,
        };
        drop_if_unseen(txn, view, number_at(key, 18)?)?;
    }
    match changes.last() {
        Some((last, _)) if changes.len() == STEP => Ok(Some((
            number_at(last, 10)?,
            number_at(last, 18)?.saturating_add(1),
        ))),
        _ => {
            let live = KeyRange::prefix(&kind_prefix(map, LIVE));
            if txn.values(&live, 1)?.is_empty() {
                txn.delete(&head_key(map))?;
            }
            Ok(None)
        }
    }
}

/// The pieces of a record of a map, if it is a span.
pub(crate) fn pieces(key: &[u8], value: &[u8]) -> Result<Vec<Piece>> {
    match key.get(9) {
        Some(&SPANS) => Ok(decode::<Span>(value)?.0),
        _ => Ok(Vec::new()),
    }
}

fn drop_if_unseen(txn: &mut Txn<'_>, view: View, number: u64) -> Result<(), Failure> {
    let past = view.generation.checked_add(1).ok_or_else(damaged)?;
    let later = number_range_of(&span_prefix(view.map, number), (past, u64::MAX));
    let next = match txn.values(&later, 1)?.first() {
        Some((key, _)) => last_number(key)?,
        None => u64::MAX,
    };
    let seen = number_range(view.map, LIVE, (view.generation, next));
    if !txn.values(&seen, 1)?.is_empty() {
        return Ok(());
    }
    let key = span_key(view, number);
    if let Some(bytes) = txn.get(&key)? {
        for piece in &decode::<Span>(&bytes)?.0 {
            txn.release_body(&piece.extent.body)?;
        }
        txn.delete(&key)?;
    }
    txn.delete(&change_key(view, number))?;
    Ok(())
}

fn states(source: &impl Source, view: View) -> Result<u64> {
    match source.value(&live_key(view))? {
        Some(bytes) => Ok(decode::<Number>(&bytes)?.0),
        None => Err(damaged()),
    }
}

fn number(source: &impl Source, key: &[u8]) -> Result<u64> {
    let bytes = source.value(key)?.ok_or_else(damaged)?;
    Ok(decode::<Number>(&bytes)?.0)
}

fn put_number(txn: &mut Txn<'_>, key: &[u8], number: u64) -> Result<(), Failure> {
    Ok(txn.put(key, &encode(&Number(number))?)?)
}

fn kind_prefix(map: ContentId, kind: u8) -> Vec<u8> {
    let mut key = map.prefix(rooms::PAGE_MAPS);
    key.push(kind);
    key
}

fn head_key(map: ContentId) -> Vec<u8> {
    kind_prefix(map, HEAD)
}

fn live_key(view: View) -> Vec<u8> {
    [
        kind_prefix(view.map, LIVE),
        view.generation.to_be_bytes().to_vec(),
    ]
    .concat()
}

fn span_prefix(map: ContentId, number: u64) -> Vec<u8> {
    [kind_prefix(map, SPANS), number.to_be_bytes().to_vec()].concat()
}

fn span_key(view: View, number: u64) -> Vec<u8> {
    [
        span_prefix(view.map, number),
        view.generation.to_be_bytes().to_vec(),
    ]
    .concat()
}

fn change_key(view: View, number: u64) -> Vec<u8> {
    let generation = view.generation.to_be_bytes().to_vec();
    [
        kind_prefix(view.map, CHANGES),
        generation,
        number.to_be_bytes().to_vec(),
    ]
    .concat()
}

/// Keys of a kind whose first number is from `from` up to before `to`.
fn number_range(map: ContentId, kind: u8, bounds: (u64, u64)) -> KeyRange {
    number_range_of(&kind_prefix(map, kind), bounds)
}

fn number_range_of(prefix: &[u8], (from, to): (u64, u64)) -> KeyRange {
    KeyRange {
        start: [prefix, &from.to_be_bytes()].concat(),
        end: Some([prefix, &to.to_be_bytes()].concat()),
    }
}

fn number_at(key: &[u8], at: usize) -> Result<u64> {
    let bytes = key.get(at..).and_then(|rest| rest.first_chunk());
    bytes.map(|bytes| u64::from_be_bytes(*bytes)).ok_or_else(damaged)
}

fn last_number(key: &[u8]) -> Result<u64> {
    let bytes = key.last_chunk();
    bytes.map(|bytes| u64::from_be_bytes(*bytes)).ok_or_else(damaged)
}

fn damaged() -> Error {
    let message = "a record of a page map is missing or damaged";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
        .hint("run scrub to see what is damaged, and restore it from a backup")
}
