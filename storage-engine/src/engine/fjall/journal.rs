//! fjall's journal before fjall reads it: a torn tail goes, and nothing in it is longer than we write.
//!
//! A batch is a start marker (tag 1, number of items u32, sequence number u64), its items (tag 2, kind of
//! value, compression, keyspace u64, lengths of key u16, of value u32 and of stored value u32, key, value),
//! and an end marker (tag 3, XXH3 of all items u64, four magic bytes); little-endian throughout. fjall sets a
//! new journal's length to 64 MiB, so zeros follow the last batch.
//!
//! fjall 3.1.13 cuts a journal off behind its last batch where that lacks its end, but refuses to open where
//! the end is there and something before it is not: what a power cut leaves that kept the later of two
//! unsynced sectors. Only the journal with the highest number can be so torn; each other one was synced
//! before the next was created. So we cut that one behind its last whole batch ourselves, and look through
//! the others for damage. Both also keep hostile lengths away from fjall, which allocates what an item says.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::super::directory::sync_dir;
use super::super::{BATCH_OPERATIONS_MAX, EngineError, KEY_BYTES_MAX, VALUE_BYTES_MAX};

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const MAGIC: [u8; 4] = *b"FJL\x03";
/// Behind its tag: kind of value, compression, keyspace, lengths of key, value and stored value.
const ITEM_HEAD_BYTES: usize = 20;
/// No checksum covers sequence numbers. fjall stops beyond half of them; nobody gets this far.
const SEQUENCE_MAX: u64 = 1 << 62;
/// The kinds of values that our batches have: values and tombstones.
const KINDS: [u8; 2] = [0, 1];

/// Makes the journals in `dir` ready for fjall, and durable: fjall flushes what it replays to tables. So are
/// their names: fjall does not sync the removal of a journal, and sequence numbers may start lower after an
/// open, so that an old journal which comes back later would hide what is new.
pub(super) fn prepare(dir: &Path) -> Result<(), EngineError> {
    sync_dir(dir)?;
    let mut journals = journals(dir)?;
    let active = journals.pop();
    for (_, path) in journals {
        let walked = walk(&path)?;
        if walked.rest == Rest::Torn {
            let place = format!("{} behind byte {}", path.display(), walked.whole);
            return Err(EngineError::corrupt(format!("the journal {place}")));
        }
    }
    match active {
        Some((_, path)) => cut(&path, walk(&path)?),
        // The next one is durable before the last one goes.
        None => Err(EngineError::corrupt(format!("{} has no journal", dir.display()))),
    }
}

/// The journals, oldest first.
fn journals(dir: &Path) -> Result<Vec<(u64, PathBuf)>, EngineError> {
    let io = |error| EngineError::io("reading", dir.to_path_buf(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            let number = number
                .ok_or_else(|| EngineError::corrupt(format!("{} is no name of a journal", path.display())))?;
            found.push((number, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn cut(path: &Path, walked: Walked) -> Result<(), EngineError> {
    let io = |error| EngineError::io("repairing", path.to_path_buf(), error);
    let file = OpenOptions::new().write(true).open(path).map_err(io)?;
    if walked.rest == Rest::Torn {
        tracing::warn!(journal = %path.display(), at = walked.whole, "the journal ends in a batch that is not whole");
        file.set_len(walked.whole).map_err(io)?;
    }
    file.sync_all().map_err(io)
}

/// How far a journal can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Walked {
    /// Where its last whole batch ends.
    whole: u64,
    rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Nothing, or the zeros of a length set ahead.
    Unused,
    /// Something that is no whole batch.
    Torn,
}

fn walk(path: &Path) -> Result<Walked, EngineError> {
    let io = |error| EngineError::io("reading", path.to_path_buf(), error);
    let file = File::open(path).map_err(io)?;
    let mut reader = Reader {
        from: BufReader::with_capacity(1 << 16, file),
        at: 0,
    };
    let mut value = Vec::new();
    let mut whole = 0;
    loop {
        match reader.batch(&mut value).map_err(io)? {
            Found::Batch => whole = reader.at,
            Found::Nothing => {
                let rest = Rest::Unused;
                return Ok(Walked { whole, rest });
            }
            Found::Broken => {
                let rest = Rest::Torn;
                return Ok(Walked { whole, rest });
            }
        }
    }
}

enum Found {
    Batch,
    /// The end of the file, or a zero where a batch would begin.
    Nothing,
    Broken,
}

/// Reads batches and counts bytes.
struct Reader<R> {
    from: R,
    at: u64,
}

impl<R: Read> Reader<R> {
    /// One batch. `value` is room for values, kept between calls.
    fn batch(&mut self, value: &mut Vec<u8>) -> std::io::Result<Found> {
        match self.array()? {
            None | Some([0]) => return Ok(Found::Nothing),
            Some([START]) => {}
            Some(_) => return Ok(Found::Broken),
        }
        let whole = self.rest_of_batch(value)?;
        Ok(whole.map_or(Found::Broken, |()| Found::Batch))
    }

    /// What follows the tag of a start marker; `None` where it is broken.
    fn rest_of_batch(&mut self, value: &mut Vec<u8>) -> std::io::Result<Option<()>> {
        let (Some(items), Some(sequence)) = (self.array()?, self.array()?) else {
            return Ok(None);
        };
        let items = u32::from_le_bytes(items);
        if items as usize > BATCH_OPERATIONS_MAX || u64::from_le_bytes(sequence) > SEQUENCE_MAX {
            return Ok(None);
        }
        let mut sum = Xxh3::new();
        for _ in 0..items {
            if self.item(&mut sum, value)?.is_none() {
                return Ok(None);
            }
        }
        let (tag, stored, magic) = (self.array()?, self.array()?, self.array()?);
        let ended = tag == Some([END]) && magic == Some(MAGIC);
        let intact = stored.map(u64::from_le_bytes) == Some(sum.digest());
        Ok((ended && intact).then_some(()))
    }

    fn item(&mut self, sum: &mut Xxh3, value: &mut Vec<u8>) -> std::io::Result<Option<()>> {
        let (Some(tag), Some(head)) = (self.array::<1>()?, self.array::<ITEM_HEAD_BYTES>()?) else {
            return Ok(None);
        };
        let [kind, compression, _, _, _, _, _, _, _, _, lengths @ ..] = head;
        let [k0, k1, v0, v1, v2, v3, s0, s1, s2, s3] = lengths;
        let key_bytes = usize::from(u16::from_le_bytes([k0, k1]));
        let value_bytes = u32::from_le_bytes([v0, v1, v2, v3]) as usize;
        let stored_bytes = u32::from_le_bytes([s0, s1, s2, s3]) as usize;
        let ours = tag == [ITEM] && KINDS.contains(&kind) && compression == 0 && value_bytes == stored_bytes;
        // The space comes before the key.
        if !ours || key_bytes > 1 + KEY_BYTES_MAX || value_bytes > VALUE_BYTES_MAX {
            return Ok(None);
        }
        value.resize(key_bytes + value_bytes, 0);
        if !self.fill(value)? {
            return Ok(None);
        }
        sum.update(&tag);
        sum.update(&head);
        sum.update(value);
        Ok(Some(()))
    }

    /// The next bytes, or `None` where the file ends first.
    fn array<const N: usize>(&mut self) -> std::io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        Ok(self.fill(&mut bytes)?.then_some(bytes))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> std::io::Result<bool> {
        match self.from.read_exact(bytes) {
            Ok(()) => {
                self.at += bytes.len() as u64;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(key: u16, value: u32, bytes: &[u8]) -> Vec<u8> {
        let lengths = [&key.to_le_bytes()[..], &value.to_le_bytes(), &value.to_le_bytes()].concat();
        [&[ITEM, 0, 0][..], &1u64.to_le_bytes(), &lengths, bytes].concat()
    }

    fn batch(items: u32, sequence: u64, bytes: &[u8]) -> Vec<u8> {
        let mut sum = Xxh3::new();
        sum.update(bytes);
        let start = [&[START][..], &items.to_le_bytes(), &sequence.to_le_bytes()].concat();
        let end = [&[END][..], &sum.digest().to_le_bytes(), &MAGIC].concat();
        [&start[..], bytes, &end].concat()
    }

    fn whole() -> Vec<u8> {
        let items = [item(3, 5, b"keyvalue"), item(1, 0, b"k")].concat();
        [
            batch(2, 7, &items),
            batch(0, 8, &[]),
            batch(1, 9, &item(1, 1, b"kv")),
        ]
        .concat()
    }

    /// Bytes that `prepare` leaves of the last journal, and of one before it.
    fn check(tail: &[u8], kept: usize) {
        let dir = tempfile::tempdir().unwrap();
        let bytes = [&whole(), tail].concat();
        let (old, active) = (dir.path().join("9.jnl"), dir.path().join("10.jnl"));
        fs::write(&active, &bytes).unwrap();
        prepare(dir.path()).unwrap();
        assert_eq!(
            fs::read(&active).unwrap(),
            bytes[..whole().len() + kept],
            "{tail:?}"
        );
        fs::write(&old, &bytes).unwrap();
        let damaged = matches!(prepare(dir.path()), Err(EngineError::Corrupt { .. }));
        assert_eq!(
            damaged,
            kept < tail.len(),
            "only the last one may be torn: {tail:?}"
        );
        assert_eq!(fs::read(&old).unwrap(), bytes);
    }

    #[test]
    fn whole_batches_and_unused_room_stay() {
        check(&[], 0);
        check(&[0; 100], 100);
        check(
            &batch(1, 10, &item(1, 1, b"kv")),
            batch(1, 10, &item(1, 1, b"kv")).len(),
        );
    }

    #[test]
    fn what_is_no_whole_batch_goes() {
        let last = batch(1, 10, &item(1, 1, b"kv"));
        for cut in 1..last.len() {
            check(&last[..cut], 0);
        }
        for at in (0..5).chain(13..last.len()) {
            let mut flipped = last.clone();
            flipped[at] ^= 0x55;
            check(&flipped, 0);
        }
        // Also when whole batches follow: a sync covers all of them or none.
        check(&[&last[..20], &last].concat(), 0);
    }

    #[test]
    fn hostile_lengths_go_before_anybody_allocates_them() {
        let kib = [0; 1024];
        check(&batch(1, 10, &item(u16::MAX, 0, &kib)), 0);
        check(&batch(1, 10, &item(1, u32::MAX, &kib)), 0);
        let long = vec![0; VALUE_BYTES_MAX + 2];
        check(&batch(1, 10, &item(1, VALUE_BYTES_MAX as u32 + 1, &long)), 0);
        let many = item(1, 0, b"k").repeat(BATCH_OPERATIONS_MAX + 1);
        check(&batch(BATCH_OPERATIONS_MAX as u32 + 1, 10, &many), 0);
        check(&batch(1, u64::MAX, &item(1, 0, b"k")), 0);
    }
}
