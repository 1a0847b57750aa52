//! What sled leaves out: the sync that a power cut respects.
//!
//! sled 0.34.7 ends a flush with `sync_file_range`, which neither waits for the disk's cache nor for the
//! file's metadata. So each flush is followed by our own `fdatasync` of the log, and both happen at the
//! latest when a quarter segment of log may have been written: sled puts the flushed position into segment
//! headers and overwrites old segments on the strength of it, which is only safe while that position never
//! runs ahead of our `fdatasync` by a segment.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use parking_lot::Mutex;
use sled::Db;

use super::super::EngineError;
use super::super::directory::sync_dir;
use super::keys::{LEAF_STRIPES, STRIPE_BYTES};
use super::presplit::LOG_BYTES_PER_NAME;
use super::records::{StripedBatch, sled_error};

/// How flushes are made durable. There is one way; the others exist for the test that proves their harm.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// `fdatasync` after each flush, and both whenever a quarter segment of log may wait.
    DataSync,
    /// Nothing after sled's flush: loses acknowledged data on power failure. For the test that proves it.
    #[cfg(feature = "testing")]
    DangerFlushOnly,
    /// Flush and `fdatasync` at acknowledgements only, however long the log grows meanwhile. Likewise.
    #[cfg(feature = "testing")]
    DangerNoQuarters,
}

impl SyncMode {
    fn syncs_flushes(self) -> bool {
        match self {
            Self::DataSync => true,
            #[cfg(feature = "testing")]
            Self::DangerFlushOnly => false,
            #[cfg(feature = "testing")]
            Self::DangerNoQuarters => true,
        }
    }

    fn counts_quarters(self) -> bool {
        match self {
            Self::DataSync => true,
            #[cfg(feature = "testing")]
            Self::DangerFlushOnly => true,
            #[cfg(feature = "testing")]
            Self::DangerNoQuarters => false,
        }
    }
}

/// Counts the log, and syncs it.
pub(super) struct Durable {
    log: File,
    dir: PathBuf,
    mode: SyncMode,
    quarter: u64,
    /// Log bytes, by the estimate, since the last sync began.
    pending: AtomicU64,
    /// Actual log bytes for a hundred estimated ones, as seen lately.
    rate: AtomicU64,
    /// Number of batches applied.
    applied: AtomicU64,
    /// Locked during a sync.
    synced: Mutex<Synced>,
}

#[derive(Default)]
struct Synced {
    /// Number of batches known to be durable.
    batches: u64,
    /// A sync failed, or is under way. The next one might succeed without what the failed one lost.
    broken: bool,
}

/// Log bytes for each stripe changed besides its own: sled rewrites a leaf page after ten changes of it and
/// moves another one out of a segment that it cleans, and splits a full one in two; about 3.3 log bytes per
/// byte were measured for fresh records. The estimate is multiplied by what the flushes report beyond it.
const LOG_BYTES_PER_STRIPE: u64 = (STRIPE_BYTES * LEAF_STRIPES * 3 / 20) as u64;
/// Most stripes removed by one batch, however long a segment is.
const STEP_MAX: u64 = 32;
/// Hundredths: the estimate itself.
const RATE_MIN: u64 = 100;

/// Stripes that fill empty names count as they are; the pages at both ends may be rewritten all the same.
pub(super) fn log_bytes(batch: &StripedBatch) -> u64 {
    let names: u64 = batch
        .empty_first
        .iter()
        .map(|name| name.len() as u64 + LOG_BYTES_PER_NAME)
        .sum();
    let ends = if batch.filled > 0 {
        (STRIPE_BYTES * LEAF_STRIPES) as u64
    } else {
        0
    };
    batch.bytes + names + ends + (batch.stripes - batch.filled) * LOG_BYTES_PER_STRIPE
}

impl Durable {
    pub(super) fn open(dir: &Path, segment_bytes: usize, mode: SyncMode) -> Result<Self, EngineError> {
        let path = dir.join("db");
        let log = OpenOptions::new()
            .write(true)
            .open(&path)
            .map_err(|error| EngineError::io("opening", path, error))?;
        Ok(Self {
            log,
            dir: dir.to_path_buf(),
            mode,
            quarter: segment_bytes as u64 / 4,
            pending: AtomicU64::new(0),
            rate: AtomicU64::new(RATE_MIN),
            applied: AtomicU64::new(0),
            synced: Mutex::default(),
        })
    }

    /// Makes the files that sled created or replaced while it opened durable, and their names.
    pub(super) fn sync_files(&self, db: &Db) -> Result<(), EngineError> {
        let mut synced = self.synced.lock();
        self.flush(db, &mut synced)?;
        drop(synced);
        for entry in fs::read_dir(&self.dir).map_err(|error| self.io("reading", error))? {
            let path = entry.map_err(|error| self.io("reading", error))?.path();
            if path.is_file() {
                File::open(&path)
                    .and_then(|file| file.sync_all())
                    .map_err(|error| EngineError::io("syncing", path, error))?;
            }
        }
        sync_dir(&self.dir.join("blobs"))?;
        sync_dir(&self.dir)
    }

    /// Applies a batch and returns its number. Counted only afterwards: a sync that runs meanwhile may miss
    /// it. One at a time.
    pub(super) fn count(
        &self,
        log_bytes: u64,
        apply: impl FnOnce() -> Result<(), EngineError>,
    ) -> Result<u64, EngineError> {
        apply()?;
        self.pending.fetch_add(log_bytes, SeqCst);
        Ok(self.applied.fetch_add(1, SeqCst) + 1)
    }

    /// The number of the last batch applied.
    pub(super) fn last(&self) -> u64 {
        self.applied.load(SeqCst)
    }

    /// How many stripes one batch may remove: so many that a quarter segment holds what it logs.
    pub(super) fn step(&self) -> usize {
        (self.quarter / LOG_BYTES_PER_STRIPE).clamp(1, STEP_MAX) as usize
    }

    /// True when a quarter segment of log may wait for its sync once `batch` is applied, and something waits
    /// now.
    pub(super) fn is_due_before(&self, batch: &StripedBatch) -> bool {
        let (pending, rate) = (self.pending.load(SeqCst), self.rate.load(SeqCst));
        let after = pending.saturating_add(log_bytes(batch)).saturating_mul(rate) / RATE_MIN;
        self.mode.counts_quarters() && pending > 0 && after >= self.quarter
    }

    /// Returns once the batch with this number and all before it are on stable storage. One sync serves
    /// everybody who waits. `check` is asked after the turn has come: who waited must see the failure before
    /// it.
    pub(super) fn sync_through(
        &self,
        number: u64,
        db: &Db,
        check: impl Fn() -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let mut synced = self.synced.lock();
        check()?;
        if synced.broken {
            return Err(EngineError::Poisoned);
        }
        if synced.batches >= number && number > 0 {
            return Ok(());
        }
        self.flush(db, &mut synced)
    }

    /// Flushes, syncs, and makes sure that nothing went where no sync reaches it. After an error or a panic
    /// nobody who waits for the lock may try again: the kernel reports a failed write once.
    fn flush(&self, db: &Db, synced: &mut Synced) -> Result<(), EngineError> {
        synced.broken = true;
        let last = self.last();
        let pending = self.pending.swap(0, SeqCst);
        let flushed = db.flush().map_err(sled_error)?;
        self.follow_rate(pending, flushed as u64);
        if self.mode.syncs_flushes() {
            self.log
                .sync_data()
                .map_err(|error| self.io("syncing the log in", error))?;
        }
        self.refuse_side_files()?;
        *synced = Synced {
            batches: last,
            broken: false,
        };
        Ok(())
    }

    /// Rises at once and falls slowly: a flush reports too little when a full segment was written before it.
    fn follow_rate(&self, pending: u64, flushed: u64) {
        if pending >= self.quarter / 64 {
            let slowly = self.rate.load(SeqCst) * 7 / 8;
            let seen = flushed * 100 / pending;
            self.rate.store(seen.max(slowly).max(RATE_MIN), SeqCst);
        }
    }

    /// sled moves large items to files under `blobs/` that it never syncs; striped values never get there.
    fn refuse_side_files(&self) -> Result<(), EngineError> {
        let blobs = self.dir.join("blobs");
        let mut entries =
            fs::read_dir(&blobs).map_err(|error| EngineError::io("reading", blobs.clone(), error))?;
        match entries.next() {
            None => Ok(()),
            Some(_) => Err(EngineError::corrupt(format!(
                "unsynced side files in {}",
                blobs.display()
            ))),
        }
    }

    fn io(&self, action: &'static str, error: std::io::Error) -> EngineError {
        EngineError::io(action, self.dir.clone(), error)
    }
}

/// Before sled reads its files: drops half-written snapshots, which sled would take for the newest one, and
/// makes the log that a killed process left in the page cache durable, since sled's recovery trusts what it
/// reads.
pub(super) fn prepare_recovery(dir: &Path) -> Result<(), EngineError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| EngineError::io("reading", dir.to_path_buf(), error))?,
    };
    for entry in entries {
        let path = entry
            .map_err(|error| EngineError::io("reading", dir.to_path_buf(), error))?
            .path();
        if path
            .extension()
            .is_some_and(|extension| extension == "generating")
        {
            fs::remove_file(&path).map_err(|error| EngineError::io("removing", path.clone(), error))?;
        } else if path.file_name().is_some_and(|name| name == "db") {
            File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(|error| EngineError::io("syncing", path.clone(), error))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durable() -> (tempfile::TempDir, Db, Durable) {
        let dir = tempfile::tempdir().unwrap();
        let config = sled::Config::new().path(dir.path()).flush_every_ms(None);
        let db = config.open().unwrap();
        let durable = Durable::open(dir.path(), 2 << 20, SyncMode::DataSync).unwrap();
        durable.sync_files(&db).unwrap();
        (dir, db, durable)
    }

    #[test]
    fn a_sync_in_the_middle_of_a_batch_does_not_cover_it() {
        let (_dir, db, durable) = durable();
        let insert = |key: &[u8]| db.insert(key, b"value").map(drop).map_err(sled_error);
        durable.count(1, || insert(b"first")).unwrap();
        let number = durable.count(1, || {
            durable.sync_through(durable.last(), &db, || Ok(()))?;
            insert(b"second")
        });
        durable.sync_through(number.unwrap(), &db, || Ok(())).unwrap();
        assert_eq!(db.flush().unwrap(), 0, "acknowledged without a sync");
    }

    #[test]
    fn who_waited_for_a_sync_that_failed_does_not_sync_again() {
        let (dir, db, durable) = durable();
        let number = durable.count(1, || db.insert(b"key", b"value").map(drop).map_err(sled_error));
        let side_file = dir.path().join("blobs").join("1");
        fs::write(&side_file, b"").unwrap();
        let number = number.unwrap();
        assert!(matches!(
            durable.sync_through(number, &db, || Ok(())),
            Err(EngineError::Corrupt { .. })
        ));
        fs::remove_file(&side_file).unwrap();
        assert!(matches!(
            durable.sync_through(number, &db, || Ok(())),
            Err(EngineError::Poisoned)
        ));
    }
}
