//! Splits leaf pages before they hold data.
//!
//! sled rewrites a leaf page when it splits (at the 17th entry) and after nine changes, so stripes appended
//! one after the other reach the log three times. A page that is split while its entries are still empty
//! costs next to nothing, and is then filled with nine changes or fewer. So the names of many new stripes are
//! first inserted in order and empty, and behind them a fence of empty names that nobody reads, which makes
//! sure that the last page with data is split off too: the next stripes do not rewrite it.
//!
//! A stripe 0 without bytes is reserved: readers pass over it, as over everything that follows no stripe 0. A
//! record notes the names before the first of them is inserted, and goes with the batch that fills them; what
//! a crash leaves is removed before the engine opens.

use sled::Tree;

use super::super::{EngineError, Space};
use super::clearing::removal;
use super::keys::Stem;
use super::records::{self, StripedBatch, sled_error};

/// New stripes below which a batch is applied as it is.
const STRIPES_MIN: usize = 16;
/// Empty names behind the last stripe. As many as a leaf page holds: 9 leave 1.23 log bytes per byte, 16
/// leave 1.10, none 1.73.
pub(super) const FENCE: u16 = 16;
/// Number of the first of them, far beyond the stripes of any value.
pub(super) const FENCE_FIRST: u16 = 0xff00;
/// What sled's log takes for an empty stripe besides its name, at most.
pub(super) const LOG_BYTES_PER_NAME: u64 = 64;

const RECORD: &[u8] = b"presplit";

/// The names of new stripes, each value's in order and the values in order of their keys.
#[derive(Default)]
pub(super) struct Fresh {
    names: Vec<Vec<u8>>,
    last: Option<Stem>,
}

impl Fresh {
    /// Notes the stripes of a value that was not there before. A value of one stripe gains nothing.
    pub(super) fn add(&mut self, stem: &Stem, stripes: u16) {
        if stripes > 1 {
            self.names.extend((0..stripes).map(|number| stem.stripe(number)));
            self.last = Some(stem.clone());
        }
    }

    /// Adds to `batch` what is to be inserted before it; nothing if it is too little to matter.
    pub(super) fn plan(mut self, batch: &mut StripedBatch) {
        let Some(last) = self.last.filter(|_| self.names.len() >= STRIPES_MIN) else {
            return;
        };
        batch.filled = self.names.len() as u64;
        self.names.extend(fence().map(|number| last.stripe(number)));
        batch.empty_first = self.names;
        batch.remove(note().stripe(0));
    }
}

/// Stripe numbers of a fence.
pub(super) fn fence() -> std::ops::Range<u16> {
    FENCE_FIRST..FENCE_FIRST + FENCE
}

/// Inserts `names`, which are in order, without data. Call it with the writer's turn, before their batch.
pub(super) fn insert_empty(tree: &Tree, names: &[Vec<u8>]) -> Result<(), EngineError> {
    let (Some(first), Some(last)) = (names.first(), names.last()) else {
        return Ok(());
    };
    let mut noted = StripedBatch::default();
    noted.put(&note(), &encode(first, last));
    tree.apply_batch(noted.writes).map_err(sled_error)?;
    names
        .iter()
        .try_for_each(|name| tree.insert(name, &[]).map(drop).map_err(sled_error))
}

/// What a crash left: batches that remove the empty names between the noted ones, `step` by `step`, and last
/// the note.
pub(super) fn steps(tree: &Tree, step: usize) -> Result<Vec<StripedBatch>, EngineError> {
    let Some(bytes) = records::get(tree, Space::META, RECORD)? else {
        return Ok(Vec::new());
    };
    let (first, last) =
        decode(&bytes).ok_or_else(|| EngineError::corrupt("the record of empty stripes cannot be read"))?;
    let mut empty = Vec::new();
    for stripe in tree.range(first..=last) {
        let (name, data) = stripe.map_err(sled_error)?;
        if data.is_empty() {
            empty.push(name.to_vec());
        }
    }
    let mut steps: Vec<_> = empty.chunks(step).map(removal).collect();
    steps.push(removal(&[note().stripe(0)]));
    Ok(steps)
}

fn note() -> Stem {
    Stem::new(Space::META, RECORD)
}

/// Length of the first name (u16, little-endian), first name, last name.
fn encode(first: &[u8], last: &[u8]) -> Vec<u8> {
    let length = u16::try_from(first.len()).unwrap_or(u16::MAX);
    [length.to_le_bytes().as_slice(), first, last].concat()
}

fn decode(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (length, names) = bytes.split_first_chunk()?;
    let (first, last) = names.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    (first <= last).then(|| (first.to_vec(), last.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Batch, Durability, Engine, KeyRange, Order, Precondition, ScanOptions};
    use super::super::{SledEngine, SledOptions};
    use super::*;

    const MIB: usize = 1 << 20;

    fn engine() -> (tempfile::TempDir, SledEngine) {
        let dir = tempfile::tempdir().unwrap();
        let engine = SledEngine::open(dir.path().join("engine"), &SledOptions::default()).unwrap();
        (dir, engine)
    }

    fn names(engine: &SledEngine) -> Vec<Vec<u8>> {
        let db = engine.handle().unwrap();
        db.iter().keys().map(|name| name.unwrap().to_vec()).collect()
    }

    fn chunks(first: u32, count: u32) -> Batch {
        (first..first + count).fold(Batch::new(), |batch, number| {
            batch.put(Space::CHUNKS, number.to_be_bytes(), vec![number as u8; 65_600])
        })
    }

    #[test]
    fn a_note_comes_back_and_half_of_one_does_not() {
        let bytes = encode(b"abc", b"abd");
        assert_eq!(decode(&bytes), Some((b"abc".to_vec(), b"abd".to_vec())));
        for cut in 0..5 {
            assert_eq!(decode(&bytes[..cut]), None, "cut at {cut}");
        }
    }

    /// 2.2 bytes of disk for each byte without it.
    #[test]
    fn appended_values_are_written_about_once() {
        let (_dir, engine) = engine();
        let before = engine.stats().unwrap().bytes_on_disk;
        for batch in 0..64 {
            engine
                .apply(chunks(batch * 15, 15), Durability::Buffered)
                .unwrap();
        }
        engine.sync().unwrap();
        let taken = (engine.stats().unwrap().bytes_on_disk - before) as usize;
        let stored = 64 * 15 * 65_600;
        assert!(taken < stored * 5 / 4 + 16 * MIB, "{taken} for {stored}");
    }

    #[test]
    fn deleted_values_leave_no_name() {
        let (_dir, engine) = engine();
        let empty = names(&engine);
        engine.apply(chunks(0, 15), Durability::Buffered).unwrap();
        assert_eq!(names(&engine).len(), empty.len() + 15 * 4 + usize::from(FENCE));
        let delete = (0..14u32).fold(Batch::new(), |batch, number| {
            batch.delete(Space::CHUNKS, number.to_be_bytes())
        });
        engine.apply(delete, Durability::Buffered).unwrap();
        let shorter = Batch::new().put(Space::CHUNKS, 14u32.to_be_bytes(), vec![1]);
        engine.apply(shorter, Durability::Buffered).unwrap();
        assert_eq!(names(&engine).len(), empty.len() + 1);
    }

    /// What a crash between the empty names and their batch leaves.
    #[test]
    fn reserved_names_are_no_records_and_go_when_the_engine_opens() {
        let (dir, engine) = engine();
        let before = names(&engine);
        let mut fresh = Fresh::default();
        (0..20u32).for_each(|number| fresh.add(&Stem::new(Space::CHUNKS, &number.to_be_bytes()), 4));
        let mut batch = StripedBatch::default();
        fresh.plan(&mut batch);
        insert_empty(&engine.handle().unwrap(), &batch.empty_first).unwrap();
        assert_eq!(names(&engine).len(), before.len() + 80 + usize::from(FENCE) + 1);

        assert_eq!(engine.get(Space::CHUNKS, &3u32.to_be_bytes()).unwrap(), None);
        for order in [Order::Ascending, Order::Descending] {
            let options = ScanOptions {
                order,
                limit: 10,
                max_bytes: MIB,
                keys_only: true,
            };
            let page = engine.scan(Space::CHUNKS, &KeyRange::all(), options).unwrap();
            assert!(page.entries.is_empty(), "{order:?}");
        }
        let absent = Precondition::Absent {
            space: Space::CHUNKS,
            key: 3u32.to_be_bytes().to_vec(),
        };
        let batch = Batch {
            preconditions: vec![absent],
            ..Batch::default()
        };
        engine.apply(batch, Durability::Synced).unwrap();

        engine.close().unwrap();
        let engine = SledEngine::open(dir.path().join("engine"), &SledOptions::default()).unwrap();
        assert_eq!(names(&engine), before);
    }
}
