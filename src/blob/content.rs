//! Reading a blob's content: the extents it is made of as one run of bytes.
//!
//! Bodies are opened when a read reaches them, a few are kept open; of a manifest one part is in memory.

use std::sync::Arc;

use parking_lot::Mutex;
use strongroom_engine::body::{BodyReader, Lent};
use strongroom_engine::tree::Snapshot;

use super::entries::{BlockId, Placed, at, place};
use super::ids::ContentId;
use super::page::map::{self, SPAN_BYTES, Span, View};
use super::record::{BlobContent, BlobRecord};
use super::{body_error, manifest, page};
use crate::account::AccountCore;
use crate::encryption::BlobKeys;
use crate::error::{Error, ErrorKind, Result};

/// Bodies kept open at once.
const READERS_MAX: usize = 4;

/// Opens the content of one blob at any position.
pub(super) struct Content {
    opener: Opener,
    length: u64,
    extents: Extents,
    /// Used last, last.
    readers: Mutex<Vec<OpenExtent>>,
}

enum Extents {
    /// All of them are open, so nothing else has to be kept.
    Open,
    Manifest {
        /// Keeps everything the manifest refers to, whatever others commit meanwhile.
        snapshot: Snapshot,
        id: ContentId,
        entries: u64,
        /// How many of them are blocks.
        blocks: u32,
        /// The part read last.
        part: Mutex<Option<(u32, Vec<Placed>)>>,
    },
    Pages {
        snapshot: Snapshot,
        view: View,
        /// The span read last.
        span: Mutex<Option<(u64, Span)>>,
    },
}

#[derive(Clone)]
struct OpenExtent {
    /// Position in the blob.
    offset: u64,
    /// Position in the body.
    start: u64,
    length: u64,
    reader: Arc<BodyReader>,
}

/// Some bytes of content.
pub(super) enum Piece {
    Plain(Arc<BodyReader>, Lent),
    /// So many of a hole between pages.
    Zeros(usize),
}

/// What a hole reads as.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

impl Piece {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Plain(_, lent) => lent.as_slice(),
            Self::Zeros(count) => ZEROS.get(..*count).unwrap_or_default(),
        }
    }

    /// It is done with: the next one takes its memory.
    pub(super) fn give_back(self) {
        if let Self::Plain(reader, lent) = self {
            reader.give_back(lent);
        }
    }
}

impl Content {
    /// Opens the content of `record`, read from `snapshot`. Its streams are stopped when access is revoked.
    pub(super) fn open(
        core: &Arc<AccountCore>,
        snapshot: Snapshot,
        (record, keys): (&BlobRecord, &BlobKeys),
    ) -> Result<Self> {
        let opener = Opener {
            core: core.clone(),
            keys: keys.clone(),
        };
        let mut readers = Vec::new();
        let extents = match &record.content {
            BlobContent::Own(extents) => {
                let placed = place(0, extents.iter().cloned());
                if placed.last().map_or(0, Placed::end) != record.length {
                    return Err(damaged());
                }
                for extent in &placed {
                    readers.push(opener.open(&snapshot, extent)?);
                }
                Extents::Open
            }
            BlobContent::Manifest { id, entries, blocks } => Extents::Manifest {
                snapshot,
                id: *id,
                entries: *entries,
                blocks: *blocks,
                part: Mutex::new(None),
            },
            BlobContent::Pages { .. } => Extents::Pages {
                snapshot,
                view: record.content.view()?,
                span: Mutex::new(None),
            },
        };
        Ok(Self {
            opener,
            length: record.length,
            extents,
            readers: Mutex::new(readers),
        })
    }

    /// Copies bytes from `position` on into `out`; 0 only at the end. Asks the key guard first.
    pub(super) fn read_at(&self, position: u64, out: &mut [u8]) -> Result<usize> {
        self.opener.keys.guard.check()?;
        if position >= self.length {
            return Ok(0);
        }
        let Some(open) = self.reader(position)? else {
            let room = self.hole(position, out.len());
            out.get_mut(..room).unwrap_or_default().fill(0);
            return Ok(room);
        };
        let within = position.saturating_sub(open.offset);
        let rest = usize::try_from(open.length.saturating_sub(within)).unwrap_or(usize::MAX);
        let room = out.len().min(rest);
        let out = out.get_mut(..room).unwrap_or_default();
        open.reader
            .read_at(open.start + within, out)
            .map_err(|error| body_error(&self.opener.keys, error))
    }

    /// As [`read_at`](Self::read_at), without a copy, for one who asks for the rest of `most` bytes next.
    pub(super) fn piece_at(&self, position: u64, most: usize) -> Result<Piece> {
        self.opener.keys.guard.check()?;
        if position >= self.length {
            return Ok(Piece::Zeros(0));
        }
        let Some(open) = self.reader(position)? else {
            return Ok(Piece::Zeros(self.hole(position, most.min(ZEROS.len()))));
        };
        let within = position.saturating_sub(open.offset);
        let rest = usize::try_from(open.length.saturating_sub(within)).unwrap_or(usize::MAX);
        let lent = open.reader.lend(open.start + within, most.min(rest));
        let lent = lent.map_err(|error| body_error(&self.opener.keys, error))?;
        Ok(Piece::Plain(open.reader, lent))
    }

    /// The block that begins at `position`, and its bytes; `None` where the content is not made of blocks.
    pub(super) fn block_at(&self, position: u64) -> Result<Option<(BlockId, u64)>> {
        let Extents::Manifest {
            snapshot,
            id,
            entries,
            blocks: 1..,
            ..
        } = &self.extents
        else {
            return Ok(None);
        };
        let number = manifest::find(snapshot, *id, (*entries, position))?;
        let part = manifest::part(snapshot, *id, (number, *entries))?;
        let mut offset = part.offset;
        for entry in part.entries {
            if offset == position && entry.extent.length > 0 {
                let length = entry.extent.length;
                return Ok(entry.block.map(|block| (block, length)));
            }
            offset = offset.saturating_add(entry.extent.length);
        }
        Err(damaged())
    }

    /// Of pages: the first that were written at `position` or behind it, as far as they follow each other, at
    /// most `most` bytes: where they begin and end. `None` if there are none, and for other content.
    pub(super) fn written_at(&self, position: u64, most: u64) -> Result<Option<(u64, u64)>> {
        let Extents::Pages { snapshot, view, .. } = &self.extents else {
            return Ok(None);
        };
        let (mut run, mut first) = (None::<(u64, u64)>, position / SPAN_BYTES);
        while let Some((number, span)) = page::map::next_span(snapshot, *view, first)? {
            for piece in span.0.iter().filter(|piece| piece.end() > position) {
                run = match run {
                    None => Some((piece.offset.max(position), piece.end())),
                    Some((start, end)) if end == piece.offset => Some((start, piece.end())),
                    found => return Ok(found),
                };
                if let Some((start, end)) = run.filter(|(start, end)| end - start >= most) {
                    return Ok(Some((start, end.min(start + most))));
                }
            }
            first = number + 1;
        }
        Ok(run)
    }

    /// Bytes of the hole at `position`, at most `most`.
    fn hole(&self, position: u64, most: usize) -> usize {
        let end = match &self.extents {
            Extents::Pages { span, .. } => match span.lock().as_ref() {
                Some((number, span)) => hole_end((*number, span), position),
                None => position,
            },
            _ => position,
        };
        let rest = usize::try_from(end.min(self.length).saturating_sub(position)).unwrap_or(usize::MAX);
        most.min(rest)
    }

    /// Opens every chunk once, also those that no extent needs whole.
    pub(super) fn check(&self) -> Result<u64> {
        match &self.extents {
            Extents::Open => self.readers.lock().iter().map(|open| self.check_open(open)).sum(),
            Extents::Manifest {
                snapshot,
                id,
                entries,
                ..
            } => {
                let (mut chunks, mut end) = (0, 0);
                for number in 0..manifest::parts(*entries)? {
                    let placed = part(snapshot, *id, (number, *entries))?;
                    for extent in &placed {
                        chunks += self.check_open(&self.opener.open(snapshot, extent)?)?;
                    }
                    end = placed.last().map_or(end, Placed::end);
                }
                if end == self.length {
                    Ok(chunks)
                } else {
                    Err(damaged())
                }
            }
            Extents::Pages { snapshot, view, .. } => self.check_pages(snapshot, *view),
        }
    }

    /// A body that several spans name one after the other is checked once.
    fn check_pages(&self, snapshot: &Snapshot, view: View) -> Result<u64> {
        let (mut chunks, mut first, mut last) = (0, 0, None);
        while let Some((number, span)) = page::map::next_span(snapshot, view, first)? {
            for piece in span.0 {
                if piece.end() > self.length {
                    return Err(damaged());
                }
                if last.replace(piece.extent.body.id) != Some(piece.extent.body.id) {
                    chunks += self.check_open(&self.opener.open(snapshot, &placed(piece))?)?;
                }
            }
            first = number + 1;
        }
        Ok(chunks)
    }

    fn check_open(&self, open: &OpenExtent) -> Result<u64> {
        for index in 0..open.reader.chunks() {
            self.opener.keys.guard.check()?;
            let checked = open.reader.check_chunk(index);
            checked.map_err(|error| body_error(&self.opener.keys, error))?;
        }
        Ok(open.reader.chunks().into())
    }

    /// The open extent that holds `position`; `None` in a hole between pages.
    fn reader(&self, position: u64) -> Result<Option<OpenExtent>> {
        let mut readers = self.readers.lock();
        let holds = |open: &OpenExtent| {
            position
                .checked_sub(open.offset)
                .is_some_and(|at| at < open.length)
        };
        if let Some(index) = readers.iter().position(holds) {
            let open = readers.remove(index);
            readers.push(open.clone());
            return Ok(Some(open));
        }
        let (snapshot, placed) = match &self.extents {
            Extents::Open => return Err(damaged()),
            Extents::Manifest {
                snapshot,
                id,
                entries,
                part,
                ..
            } => {
                let placed = locate(snapshot, (*id, *entries), (position, &mut part.lock()))?;
                (snapshot, placed)
            }
            Extents::Pages { snapshot, view, span } => {
                match at_page(snapshot, *view, (position, &mut span.lock()))? {
                    Some(placed) => (snapshot, placed),
                    None => return Ok(None),
                }
            }
        };
        let open = self.opener.open(snapshot, &placed)?;
        if readers.len() >= READERS_MAX {
            readers.remove(0);
        }
        readers.push(open.clone());
        Ok(Some(open))
    }
}

/// What holds a position of a page blob, from the span read last or the one that has it.
fn at_page(
    snapshot: &Snapshot,
    view: View,
    (position, last): (u64, &mut Option<(u64, Span)>),
) -> Result<Option<Placed>> {
    let number = position / SPAN_BYTES;
    if last.as_ref().is_none_or(|(known, _)| *known != number) {
        *last = Some((number, page::map::span(snapshot, view, number)?));
    }
    let pieces = last.iter().flat_map(|(_, span)| &span.0);
    let holds = |piece: &&map::Piece| piece.offset <= position && position < piece.end();
    Ok(pieces.into_iter().find(holds).cloned().map(placed))
}

fn placed(piece: map::Piece) -> Placed {
    Placed {
        offset: piece.offset,
        extent: piece.extent,
    }
}

/// Where the hole at `position` ends, within its span.
fn hole_end((number, span): (u64, &Span), position: u64) -> u64 {
    let next = span.0.iter().find(|piece| piece.offset > position);
    next.map_or((number + 1) * SPAN_BYTES, |piece| piece.offset)
}

/// The extent at `position`, from the part read last or the one that has it.
fn locate(
    snapshot: &Snapshot,
    (id, entries): (ContentId, u64),
    (position, last): (u64, &mut Option<(u32, Vec<Placed>)>),
) -> Result<Placed> {
    let next = match last.as_ref() {
        Some((number, placed)) => {
            if let Some(found) = at(placed, position) {
                return Ok(found.clone());
            }
            (placed.last().map(Placed::end) == Some(position)).then(|| number + 1)
        }
        None => None,
    };
    let number = match next {
        Some(next) if next < manifest::parts(entries)? => next,
        _ => manifest::find(snapshot, id, (entries, position))?,
    };
    let placed = part(snapshot, id, (number, entries))?;
    let found = at(&placed, position).cloned().ok_or_else(damaged)?;
    *last = Some((number, placed));
    Ok(found)
}

fn part(snapshot: &Snapshot, id: ContentId, which: (u32, u64)) -> Result<Vec<Placed>> {
    let part = manifest::part(snapshot, id, which)?;
    let extents = part.entries.into_iter().map(|entry| entry.extent);
    Ok(place(part.offset, extents))
}

/// What bodies are opened with.
struct Opener {
    core: Arc<AccountCore>,
    keys: BlobKeys,
}

impl Opener {
    fn open(&self, snapshot: &Snapshot, placed: &Placed) -> Result<OpenExtent> {
        let (keys, extent) = (&self.keys, &placed.extent);
        let opened =
            keys.with_content(|key| BodyReader::open(&self.core.tree, snapshot, &extent.body, key))?;
        let reader = opened.map_err(|error| body_error(keys, error))?;
        keys.register(&Arc::downgrade(&reader.slot()))?;
        let end = extent.start.checked_add(extent.length);
        if end.is_none_or(|end| end > extent.body.length) {
            return Err(damaged());
        }
        Ok(OpenExtent {
            offset: placed.offset,
            start: extent.start,
            length: extent.length,
            reader: Arc::new(reader),
        })
    }
}

fn damaged() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "InternalError",
        500,
        "the extents of a blob do not add up to its length",
    )
}
