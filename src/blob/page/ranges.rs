//! Get Page Ranges: which pages hold data, and which changed since a snapshot. Needs no key.

use strongroom_engine::Timestamp;

use super::super::history::{self, Kind};
use super::super::properties::BlobType;
use super::super::record::BlobRecord;
use super::super::{BlobVersionRef, ByteRange, Conditions};
use super::map::{self, SPAN_BYTES, Span, View};
use crate::container::Container;
use crate::container::record::{ContainerId, ContainerRecord, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::names::BlobName;
use crate::operations::Operation;
use crate::paging::PageSize;

/// Which pages of a page blob to tell of. The default: all that hold data, the first 5000 ranges.
#[derive(Clone, Debug, Default)]
pub struct ListPageRanges {
    /// Which state of the blob.
    pub which: BlobVersionRef,
    /// Which of its bytes.
    pub range: ByteRange,
    /// Only what has changed since this snapshot.
    pub since: Option<Timestamp>,
    /// What must hold of the blob.
    pub conditions: Conditions,
    /// Go on at this position, as the page before said.
    pub marker: Option<u64>,
    /// Ranges of one answer at most.
    pub page_size: PageSize,
}

/// Some pages that follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageRange {
    /// Position of the first byte.
    pub start: u64,
    /// Bytes.
    pub length: u64,
    /// True if they hold data; false if they were cleared since the snapshot.
    pub is_written: bool,
}

/// Ranges of pages, in order; none touches another of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageRanges {
    /// The ranges.
    pub ranges: Vec<PageRange>,
    /// Where to go on; `None` at the end.
    pub next: Option<u64>,
    /// Bytes of the blob.
    pub length: u64,
    /// The blob's tag.
    pub etag: ETag,
    /// When it changed last, in whole seconds.
    pub last_modified: Timestamp,
}

impl Container {
    /// Which pages of a page blob hold data, or differ from a snapshot of it. Costs in proportion to what is
    /// told. A page that was written with zeros holds data; one that was written again counts as changed,
    /// whatever it holds.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `InvalidRange` (416); 409: `InvalidBlobType`,
    /// `PreviousSnapshotNotFound`, `BlobOverwritten` if the blob was made anew since the snapshot;
    /// `PreviousSnapshotCannotBeNewer` (400); `ConditionNotMet` (412, 304) and the other errors of
    /// conditional reads.
    pub fn page_ranges(&self, name: &BlobName, options: &ListPageRanges) -> Result<PageRanges> {
        let snapshot = self.core.tree.snapshot()?;
        let container = ContainerRecord::read(&snapshot, &self.name)?.id;
        self.core.admit(Operation::GetPageRanges)?;
        let record = BlobRecord::read_state(&snapshot, (container, name), options.which)?;
        record.require_type(BlobType::PageBlob)?;
        record.check_read(&options.conditions, self.core.clock.now())?;
        let view = record.content.view()?;
        let since = match options.since {
            Some(time) => Some(previous(&snapshot, (container, name), (options, time), view)?),
            None => None,
        };
        let (start, end) = match record.length {
            0 => (0, 0),
            length => options.range.resolve(length)?,
        };
        let from = options.marker.map_or(start, |marker| marker.clamp(start, end));
        let mut found = Found {
            limit: options.page_size.get(),
            bounds: (from, end),
            ranges: Vec::new(),
            next: None,
        };
        match since {
            None => found.written(&snapshot, view)?,
            Some(since) => found.changed(&snapshot, (since, view))?,
        }
        Ok(PageRanges {
            ranges: found.ranges,
            next: found.next,
            length: record.length,
            etag: record.etag,
            last_modified: record.last_modified,
        })
    }
}

/// The generation of the snapshot that `view` is compared with.
fn previous(
    source: &impl Source,
    (container, name): (ContainerId, &BlobName),
    (options, time): (&ListPageRanges, Timestamp),
    view: View,
) -> Result<u64> {
    if options.which.snapshot().is_some_and(|of| of < time) {
        let message = "The prevsnapshot query parameter value cannot be newer than snapshot query parameter \
                       value.";
        return Err(Error::invalid("PreviousSnapshotCannotBeNewer", message));
    }
    let conflict = |code, message| Error::new(ErrorKind::Conflict, code, 409, message);
    let before = history::record(source, (container, name), (time, Kind::Snapshot))?;
    let before = before
        .filter(|record| record.deleted.is_none())
        .ok_or_else(|| conflict("PreviousSnapshotNotFound", "The previous snapshot is not found."))?;
    match before.content.view() {
        // A state copied from one older than the snapshot does not descend from it, though it shares the map.
        Ok(before) if before.map == view.map && before.generation <= view.generation => Ok(before.generation),
        _ => Err(conflict(
            "BlobOverwritten",
            "The blob has been recreated since the previous snapshot was taken.",
        )),
    }
}

/// Ranges being gathered within bounds.
struct Found {
    limit: usize,
    bounds: (u64, u64),
    ranges: Vec<PageRange>,
    next: Option<u64>,
}

impl Found {
    fn written(&mut self, source: &impl Source, view: View) -> Result<()> {
        let mut first = self.bounds.0 / SPAN_BYTES;
        while let Some((number, span)) = map::next_span(source, view, first)? {
            if self.next.is_some() || number * SPAN_BYTES >= self.bounds.1 {
                break;
            }
            for piece in &span.0 {
                self.add((piece.offset, piece.end()), true);
            }
            first = number + 1;
        }
        Ok(())
    }

    fn changed(&mut self, source: &impl Source, (since, view): (u64, View)) -> Result<()> {
        let before = View {
            generation: since,
            ..view
        };
        let mut first = self.bounds.0 / SPAN_BYTES;
        loop {
            let changed = map::changed_spans(source, view, (since, first))?;
            for &number in &changed {
                if self.next.is_some() || number * SPAN_BYTES >= self.bounds.1 {
                    return Ok(());
                }
                let old = map::span(source, before, number)?;
                let new = map::span(source, view, number)?;
                for (start, end, is_written) in differences(&old, &new) {
                    self.add((start, end), is_written);
                }
            }
            match changed.last() {
                Some(last) if changed.len() == map::CHANGED_MAX => first = last + 1,
                _ => return Ok(()),
            }
        }
    }

    /// Adds what of the range lies within the bounds, or notes where the next answer begins.
    fn add(&mut self, (start, end): (u64, u64), is_written: bool) {
        let (start, end) = (start.max(self.bounds.0), end.min(self.bounds.1));
        if start >= end || self.next.is_some() {
            return;
        }
        if let Some(last) = self.ranges.last_mut()
            && last.is_written == is_written
            && last.start + last.length == start
        {
            last.length += end - start;
        } else if self.ranges.len() < self.limit {
            self.ranges.push(PageRange {
                start,
                length: end - start,
                is_written,
            });
        } else {
            self.next = Some(start);
        }
    }
}

/// Where two states of a span differ, in order: first position, first one behind it, and whether the new
/// state has data there.
fn differences(old: &Span, new: &Span) -> Vec<(u64, u64, bool)> {
    let pieces = old.0.iter().chain(&new.0);
    let mut edges: Vec<u64> = pieces.flat_map(|piece| [piece.offset, piece.end()]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut found = Vec::new();
    for pair in edges.windows(2) {
        let &[start, end] = pair else { continue };
        // What holds a position: a body, and where in it.
        let holder = |span: &Span| {
            let piece = span
                .0
                .iter()
                .find(|piece| piece.offset <= start && start < piece.end())?;
            Some((piece.extent.body.id, piece.extent.start + (start - piece.offset)))
        };
        let (before, after) = (holder(old), holder(new));
        if before != after {
            found.push((start, end, after.is_some()));
        }
    }
    found
}
