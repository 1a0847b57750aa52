//! The sled engine: every space in one sled tree, values in stripes, syncs of our own.
//!
//! Invariants:
//! * one batch is one sled batch on one tree, which sled recovers whole or not at all;
//! * nothing is acknowledged before `fdatasync` returned, and nothing that landed in `blobs/`, see
//!   [`durable`];
//! * readers hold the view lock shared and a batch is applied under it exclusively, so nobody sees half a
//!   batch (sled itself locks out readers for as long);
//! * after the first failed write or sync no later write succeeds; after a batch that may be half applied in
//!   memory no read does either.
//!
//! sled panics on some damaged files. Panics are caught at each call and become [`EngineError::Corrupt`].

mod clearing;
mod durable;
mod keys;
mod presplit;
mod records;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use sled::Db;

pub use self::durable::SyncMode;
use self::durable::{Durable, log_bytes, prepare_recovery};
use self::keys::{LEAF_STRIPES, STRIPE_BYTES};
use self::records::{StripedBatch, sled_error};
use super::directory::{Brand, Layout, Stage, bytes_under};
use super::guard;
use super::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KEY_BYTES_MAX, KeyRange, ScanOptions,
    ScanPage, Space,
};

/// Settings of [`SledEngine::open`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SledOptions {
    /// Bytes of pages that sled keeps in memory; 64 MiB by default. Its page table comes on top.
    pub cache_bytes: u64,
    /// Bytes of a log segment, the same at every open of a directory: 16 MiB. A batch of 64 small values may
    /// make sled rewrite some 4 MiB, which a segment has to outweigh. Tests, which scale everything down, may
    /// go to 2 MiB.
    pub segment_bytes: usize,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            segment_bytes: 16 << 20,
        }
    }
}

/// An engine in a directory of its own.
pub struct SledEngine {
    /// `None` once closed. Writers take it exclusively, see the module.
    view: RwLock<Option<Db>>,
    /// One batch at a time.
    writer: Mutex<()>,
    durable: Durable,
    health: AtomicU8,
    /// Held until the files are released.
    layout: Mutex<Option<Layout>>,
    dir: PathBuf,
}

const HEALTHY: u8 = 0;
const NO_WRITES: u8 = 1;
const NO_READS: u8 = 2;

/// Format of the directory and of the records in it.
const FORMAT: u32 = 1;
pub(super) const BRAND: Brand = Brand {
    name: "sled",
    format: FORMAT,
};
const FORMAT_KEY: &[u8] = b"format";
/// A power of two. Below 2 MiB a leaf page could outgrow a quarter of a segment, and sled would move it to a
/// side file; below 16 MiB the largest batches could outgrow a segment, see [`SledOptions`].
const SEGMENT_BYTES_MIN: usize = if cfg!(feature = "testing") {
    2 << 20
} else {
    16 << 20
};
const LEAF_BYTES_MAX: usize = LEAF_STRIPES * (STRIPE_BYTES + 2 * KEY_BYTES_MAX);
const _: () = assert!(
    LEAF_BYTES_MAX < SEGMENT_BYTES_MIN / 4,
    "a leaf page must stay in the log"
);

/// How long sled's threads may take to let go of a closed database.
const RELEASE_PATIENCE: Duration = Duration::from_secs(10);

impl SledEngine {
    /// Opens the engine in `dir`, creating it where there is none.
    ///
    /// # Errors
    /// `InUse`, `NotAnEngine`, `NewerFormat` (all three before anything is changed), `Corrupt`, `Io`.
    pub fn open(dir: impl AsRef<Path>, options: &SledOptions) -> Result<Self, EngineError> {
        Self::open_in(dir.as_ref(), options, SyncMode::DataSync)
    }

    /// As [`open`](Self::open), but with a measure against power cuts left out: acknowledged data can be
    /// lost. For the test that proves the power-cut test finds such a loss.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[cfg(feature = "testing")]
    pub fn danger_open(
        dir: impl AsRef<Path>,
        options: &SledOptions,
        mode: SyncMode,
    ) -> Result<Self, EngineError> {
        Self::open_in(dir.as_ref(), options, mode)
    }

    fn open_in(dir: &Path, options: &SledOptions, mode: SyncMode) -> Result<Self, EngineError> {
        let layout = Layout::open(dir, &BRAND)?;
        let sled_dir = layout.files();
        prepare_recovery(&sled_dir)?;
        let db = start(&sled_dir, options)?;
        let durable = Durable::open(&sled_dir, options.segment_bytes, mode)?;
        let engine = Self {
            view: RwLock::new(Some(db.clone())),
            writer: Mutex::new(()),
            durable,
            health: AtomicU8::new(HEALTHY),
            layout: Mutex::new(None),
            dir: dir.to_path_buf(),
        };
        guarded(|| engine.durable.sync_files(&db))?;
        let leftovers = guarded(|| clearing::noted(&db))?;
        if !leftovers.is_empty() {
            let (hiding, clearing) = clearing::steps(&leftovers, engine.durable.step())?;
            engine.write_all(hiding, &db)?;
            engine.write_all(clearing, &db)?;
        }
        let reserved = guarded(|| presplit::steps(&db, engine.durable.step()))?;
        engine.write_all(reserved, &db)?;
        drop(db);
        engine.settle_format(layout)?;
        Ok(engine)
    }

    /// Writes the format of a new engine, or checks the one that is there.
    fn settle_format(&self, mut layout: Layout) -> Result<(), EngineError> {
        if layout.stage == Stage::Creating {
            let batch = Batch::new().put(Space::META, FORMAT_KEY, FORMAT.to_be_bytes());
            self.apply(batch, Durability::Synced)?;
            layout.finish_creation()?;
        } else {
            let stored = self.get(Space::META, FORMAT_KEY)?;
            let found = stored
                .and_then(|bytes| bytes.try_into().ok())
                .map(u32::from_be_bytes);
            match found {
                Some(FORMAT) => {}
                Some(found) if found > FORMAT => {
                    return Err(EngineError::NewerFormat {
                        found,
                        supported: FORMAT,
                    });
                }
                _ => {
                    let dir = self.dir.display();
                    return Err(EngineError::corrupt(format!(
                        "the log in {dir} lacks the record of its format"
                    )));
                }
            }
        }
        *self.layout.lock() = Some(layout);
        Ok(())
    }

    /// Runs a read under the view lock.
    fn read<T>(&self, read: impl FnOnce(&Db) -> Result<T, EngineError>) -> Result<T, EngineError> {
        let view = self.view.read();
        let db = view.as_ref().ok_or(EngineError::Closed)?;
        if self.health.load(SeqCst) >= NO_READS {
            return Err(EngineError::Poisoned);
        }
        guarded(|| read(db))
    }

    fn check_writable(&self) -> Result<(), EngineError> {
        match self.health.load(SeqCst) {
            HEALTHY => Ok(()),
            _ => Err(EngineError::Poisoned),
        }
    }

    fn poison(&self, level: u8) {
        self.health.fetch_max(level, SeqCst);
    }

    fn handle(&self) -> Result<Db, EngineError> {
        self.view.read().clone().ok_or(EngineError::Closed)
    }

    fn sync_through(&self, number: u64, db: &Db) -> Result<(), EngineError> {
        let result = guarded(|| self.durable.sync_through(number, db, || self.check_writable()));
        if result.is_err() {
            self.poison(NO_WRITES);
        }
        result
    }

    /// Applies a batch in memory and log, and returns its number.
    fn apply_buffered(&self, batch: &Batch, db: &Db) -> Result<u64, EngineError> {
        let _turn = self.writer.lock();
        self.check_writable()?;
        let plan = guarded(|| {
            for precondition in &batch.preconditions {
                if !records::holds(db, precondition)? {
                    return Err(EngineError::PreconditionFailed);
                }
            }
            clearing::plan(records::striped(db, &batch.mutations)?, self.durable.step())
        })?;
        let number = self.write(plan.batch, plan.hiding, db)?;
        self.write_all(plan.clearing, db)?;
        Ok(number)
    }

    /// Hands one batch to sled, and after it those that hide what it deletes, which readers see together.
    /// Returns the number of the first. Call it with the writer's turn.
    fn write(&self, batch: StripedBatch, hiding: Vec<StripedBatch>, db: &Db) -> Result<u64, EngineError> {
        self.make_room(&batch, db)?;
        let emptied = guarded(|| presplit::insert_empty(db, &batch.empty_first));
        emptied.inspect_err(|_| self.poison(NO_WRITES))?;
        let view = self.view.write();
        if view.is_none() {
            return Err(EngineError::Closed);
        }
        let number = self.hand_over(batch, db)?;
        for step in hiding {
            // Before the view is released, since readers would see half of the deletes.
            let room = self.make_room(&step, db);
            room.inspect_err(|_| self.poison(NO_READS))?;
            self.hand_over(step, db)?;
        }
        drop(view);
        Ok(number)
    }

    /// Syncs what waits when `batch` would make it too much.
    fn make_room(&self, batch: &StripedBatch, db: &Db) -> Result<(), EngineError> {
        if self.durable.is_due_before(batch) {
            self.sync_through(self.durable.last(), db)?;
        }
        Ok(())
    }

    /// Call it with the view locked exclusively.
    fn hand_over(&self, batch: StripedBatch, db: &Db) -> Result<u64, EngineError> {
        let bytes = log_bytes(&batch);
        let apply = || guarded(|| db.apply_batch(batch.writes).map_err(sled_error));
        let applied = self.durable.count(bytes, apply);
        // Before the view is released: what readers would see may be half a batch.
        applied.inspect_err(|_| self.poison(NO_READS))
    }

    /// Removes, step by step, what nobody reads any more. Call it with the writer's turn.
    fn write_all(&self, steps: Vec<StripedBatch>, db: &Db) -> Result<(), EngineError> {
        let written = steps
            .into_iter()
            .try_for_each(|step| self.write(step, Vec::new(), db).map(drop));
        written.inspect_err(|_| self.poison(NO_WRITES))
    }

    fn release(&self) {
        let held = self.view.write().take();
        if held.is_some() {
            // Dropping a database makes sled flush once more, which may fail or panic after an I/O error.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(held)));
            wait_until_released(&self.dir.join(BRAND.name));
        }
        *self.layout.lock() = None;
    }
}

impl Engine for SledEngine {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.read(|db| records::get(db, space, key))
    }

    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.read(|db| records::scan(db, space, range, options))
    }

    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        let db = self.handle()?;
        batch.check_limits()?;
        let number = self.apply_buffered(&batch, &db)?;
        match durability {
            Durability::Buffered => Ok(()),
            Durability::Synced => self.sync_through(number, &db),
        }
    }

    fn sync(&self) -> Result<(), EngineError> {
        let db = self.handle()?;
        self.sync_through(self.durable.last(), &db)
    }

    /// sled rewrites its segments as it goes and its snapshot when it opens, so there is nothing to fold:
    /// this is a sync.
    fn checkpoint(&self) -> Result<(), EngineError> {
        self.sync()
    }

    fn stats(&self) -> Result<EngineStats, EngineError> {
        let _db = self.handle()?;
        Ok(EngineStats {
            bytes_on_disk: bytes_under(&self.dir)?,
        })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ordered_batches: true,
            persistent: true,
        }
    }

    fn close(&self) -> Result<(), EngineError> {
        let Ok(db) = self.handle() else {
            return Ok(());
        };
        let _turn = self.writer.lock();
        let synced = self.sync_through(self.durable.last(), &db);
        drop(db);
        self.release();
        synced
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        // Nobody is left to hear of an error, and nothing unsynced was acknowledged.
        let _ = self.close();
    }
}

/// Starts sled. A database that this process closed a moment ago may still hold sled's lock; a foreign
/// process cannot, since it would hold ours.
fn start(dir: &Path, options: &SledOptions) -> Result<Db, EngineError> {
    if options.segment_bytes < SEGMENT_BYTES_MIN {
        let text = format!(
            "a segment of {} bytes is below {SEGMENT_BYTES_MIN}",
            options.segment_bytes
        );
        let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, text);
        return Err(EngineError::io("opening", dir.to_path_buf(), source));
    }
    let config = sled::Config::new()
        .path(dir)
        .cache_capacity(options.cache_bytes)
        .segment_size(options.segment_bytes)
        .flush_every_ms(None);
    wait_until_released(dir);
    guarded(|| config.open().map_err(sled_error))
}

/// Waits, for a while, until nobody holds sled's lock on the log.
fn wait_until_released(dir: &Path) {
    let Ok(log) = std::fs::File::open(dir.join("db")) else {
        return;
    };
    let begin = Instant::now();
    while log.try_lock().is_err() && begin.elapsed() < RELEASE_PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs a sled call; a panic inside it becomes an error.
fn guarded<T>(call: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    guard::guarded(BRAND.name, call)
}
