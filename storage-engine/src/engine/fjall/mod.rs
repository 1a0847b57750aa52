//! The fjall engine: every space in one keyspace, one batch one entry of the journal, syncs of the journal.
//!
//! Invariants:
//! * one batch is one batch of fjall's, which its journal recovers whole or not at all; the tail that a power
//!   cut tore is cut off before fjall sees it, see [`journal`];
//! * nothing is acknowledged before `fsync` of the journal returned. fjall syncs the journal before it
//!   writes tables, and tables with their directory before it deletes a journal;
//! * readers see a snapshot, so nobody sees half a batch;
//! * after the first failed write or sync, in a call or in a thread of fjall's, no later write succeeds.
//!
//! One keyspace, because a journal can only go when each keyspace in it was flushed, and an idle one never
//! is.
//! No separation of large values: the names of fjall's value files are not synced.
//!
//! fjall panics on some damaged files. Panics are caught at each call and become [`EngineError::Corrupt`].

mod journal;
mod records;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use fjall::{AbstractTree, Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use parking_lot::{Mutex, RwLock};

use self::records::fjall_error;
use super::directory::{Brand, Layout, Stage, bytes_under, sync_dir};
use super::guard;
use super::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, ScanOptions, ScanPage, Space,
};

/// Settings of [`FjallEngine::open`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FjallOptions {
    /// Bytes of blocks of tables kept in memory; 64 MiB by default. The memtables come on top.
    pub cache_bytes: u64,
    /// Bytes of a table in memory before it is flushed to a file; 16 MiB by default. Up to five of them exist
    /// at once.
    pub memtable_bytes: u64,
}

impl Default for FjallOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            memtable_bytes: 16 << 20,
        }
    }
}

/// An engine in a directory of its own.
pub struct FjallEngine {
    /// `None` once closed. Everything that uses it holds it shared meanwhile.
    files: RwLock<Option<Files>>,
    /// One batch at a time.
    writer: Mutex<()>,
    /// Number of batches applied.
    applied: AtomicU64,
    /// Number of batches known to be durable. Locked during a sync, so that one sync serves all who wait.
    synced: Mutex<u64>,
    poisoned: AtomicBool,
    /// Held until the files are released.
    layout: Mutex<Option<Layout>>,
    dir: PathBuf,
}

struct Files {
    db: Database,
    records: Keyspace,
}

/// Format of the directory and of the records in it.
const FORMAT: u32 = 1;
pub(super) const BRAND: Brand = Brand {
    name: "fjall",
    format: FORMAT,
};
const FORMAT_KEY: &[u8] = b"format";
const KEYSPACE: &str = "records";
/// What is there from the end of the creation on: the mark of a database, and those of fjall's own tree and
/// of our keyspace, its first.
const NEEDED: [&str; 3] = ["version", "keyspaces/0/current", "keyspaces/1/current"];
/// One flushes while the other compacts.
const WORKERS: usize = 2;
/// At these counts of tables we wait: above them (4 and 30) fjall itself would, also for a thread that died.
const MEMTABLES_WAITING: usize = 3;
const RUNS_WAITING: usize = 24;
const PAUSE: Duration = Duration::from_millis(1);
/// How long fjall's threads may take to let go of a closed database.
const RELEASE_PATIENCE: Duration = Duration::from_secs(10);

impl FjallEngine {
    /// Opens the engine in `dir`, creating it where there is none.
    ///
    /// # Errors
    /// `InUse`, `NotAnEngine`, `NewerFormat` (all three before anything is changed), `Corrupt`, `Io`.
    pub fn open(dir: impl AsRef<Path>, options: &FjallOptions) -> Result<Self, EngineError> {
        let dir = dir.as_ref();
        let layout = Layout::open(dir, &BRAND)?;
        let files = start(&layout, options)?;
        let engine = Self {
            files: RwLock::new(Some(files)),
            writer: Mutex::new(()),
            applied: AtomicU64::new(0),
            synced: Mutex::new(0),
            poisoned: AtomicBool::new(false),
            layout: Mutex::new(None),
            dir: dir.to_path_buf(),
        };
        engine.settle_format(layout)?;
        Ok(engine)
    }

    /// Writes the format of a new engine, or checks the one that is there.
    fn settle_format(&self, mut layout: Layout) -> Result<(), EngineError> {
        if layout.stage == Stage::Creating {
            let batch = Batch::new().put(Space::META, FORMAT_KEY, FORMAT.to_be_bytes());
            self.apply(batch, Durability::Synced)?;
            sync_all_under(&layout.files())?;
            layout.finish_creation()?;
        } else {
            let stored = self.get(Space::META, FORMAT_KEY)?;
            match stored
                .and_then(|bytes| bytes.try_into().ok())
                .map(u32::from_be_bytes)
            {
                Some(FORMAT) => {}
                Some(found) if found > FORMAT => {
                    return Err(EngineError::NewerFormat {
                        found,
                        supported: FORMAT,
                    });
                }
                _ => {
                    let dir = self.dir.display();
                    let what = format!("the tables in {dir} lack the record of their format");
                    return Err(EngineError::corrupt(what));
                }
            }
        }
        *self.layout.lock() = Some(layout);
        Ok(())
    }

    fn with<T>(&self, call: impl FnOnce(&Files) -> Result<T, EngineError>) -> Result<T, EngineError> {
        let files = self.files.read();
        let files = files.as_ref().ok_or(EngineError::Closed)?;
        guarded(|| call(files))
    }

    fn check_writable(&self) -> Result<(), EngineError> {
        if self.poisoned.load(SeqCst) {
            Err(EngineError::Poisoned)
        } else {
            Ok(())
        }
    }

    /// Runs what may leave a write half done: an error or a panic of it poisons.
    fn write<T>(&self, call: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
        guarded(call).inspect_err(|_| self.poisoned.store(true, SeqCst))
    }

    /// Applies a batch in memory and journal, and returns its number.
    fn apply_buffered(&self, batch: &Batch, files: &Files) -> Result<u64, EngineError> {
        let _turn = self.writer.lock();
        self.check_writable()?;
        let snapshot = files.db.snapshot();
        for precondition in &batch.preconditions {
            if !records::holds((&snapshot, &files.records), precondition)? {
                return Err(EngineError::PreconditionFailed);
            }
        }
        drop(snapshot);
        self.write(|| {
            files.make_room()?;
            // Without a mode of its own: the journal goes to the system when its buffer is full, or at a
            // sync.
            let mut writes = files.db.batch().durability(None);
            records::fill(&mut writes, &files.records, &batch.mutations);
            writes.commit().map_err(fjall_error)
        })?;
        Ok(self.applied.fetch_add(1, SeqCst) + 1)
    }

    /// Returns once the batch with this number and all before it are on stable storage. Whoever waited for
    /// the turn must see the failure before it.
    fn sync_through(&self, number: u64, files: &Files) -> Result<(), EngineError> {
        let mut synced = self.synced.lock();
        self.check_writable()?;
        if *synced >= number && number > 0 {
            return Ok(());
        }
        let last = self.applied.load(SeqCst);
        self.write(|| files.db.persist(PersistMode::SyncAll).map_err(fjall_error))?;
        *synced = last;
        Ok(())
    }

    fn release(&self) {
        let held = self.files.write().take();
        if held.is_some() {
            // Dropping a database makes fjall sync once more, which may fail or panic after an I/O error.
            let _ = guarded(|| {
                drop(held);
                Ok(())
            });
            wait_until_released(&self.dir.join(BRAND.name));
        }
        *self.layout.lock() = None;
    }
}

impl Engine for FjallEngine {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.with(|files| records::get((&files.db.snapshot(), &files.records), space, key))
    }

    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.with(|files| records::scan((&files.db.snapshot(), &files.records), space, range, options))
    }

    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.with(|files| {
            batch.check_limits()?;
            let number = self.apply_buffered(&batch, files)?;
            match durability {
                Durability::Buffered => Ok(()),
                Durability::Synced => self.sync_through(number, files),
            }
        })
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.with(|files| self.sync_through(self.applied.load(SeqCst), files))
    }

    /// Flushes the memtable to a table, so that the journals before it can go. Compaction follows by itself.
    fn checkpoint(&self) -> Result<(), EngineError> {
        self.sync()?;
        self.with(|files| {
            self.write(|| {
                files.records.rotate_memtable().map_err(fjall_error)?;
                files.wait_while(|records| records.sealed_memtable_count() > 0)
            })
        })
    }

    fn stats(&self) -> Result<EngineStats, EngineError> {
        self.with(|_| {
            Ok(EngineStats {
                bytes_on_disk: bytes_under(&self.dir)?,
            })
        })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ordered_batches: true,
            persistent: true,
        }
    }

    fn close(&self) -> Result<(), EngineError> {
        let synced = match self.sync() {
            Err(EngineError::Closed) => return Ok(()),
            synced => synced,
        };
        self.release();
        synced
    }
}

impl Drop for FjallEngine {
    fn drop(&mut self) {
        // Nobody is left to hear of an error, and nothing unsynced was acknowledged.
        let _ = self.close();
    }
}

impl Files {
    /// Waits until one more batch meets none of fjall's own waits, which do not end when its threads died.
    fn make_room(&self) -> Result<(), EngineError> {
        self.wait_while(|records| {
            records.sealed_memtable_count() >= MEMTABLES_WAITING
                || records.tree.l0_run_count() >= RUNS_WAITING
        })
    }

    fn wait_while(&self, busy: impl Fn(&Keyspace) -> bool) -> Result<(), EngineError> {
        while busy(&self.records) {
            // Fails once a thread of fjall's has given up.
            self.db.persist(PersistMode::Buffer).map_err(fjall_error)?;
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }
}

/// Starts fjall in a directory that we have locked. A database that this process closed a moment ago may
/// still hold fjall's lock; a foreign process cannot, since it would hold ours.
fn start(layout: &Layout, options: &FjallOptions) -> Result<Files, EngineError> {
    let dir = layout.files();
    if layout.stage == Stage::Ready {
        // fjall would make it anew.
        if let Some(lost) = NEEDED.iter().find(|name| !dir.join(name).is_file()) {
            return Err(EngineError::corrupt(format!("{} lacks {lost}", dir.display())));
        }
        journal::prepare(&dir)?;
    }
    wait_until_released(&dir);
    guarded(|| {
        let db = Database::builder(&dir)
            .cache_size(options.cache_bytes)
            .worker_threads(WORKERS)
            .manual_journal_persist(true)
            .open()
            .map_err(fjall_error)?;
        let create = || {
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                .max_memtable_size(options.memtable_bytes)
        };
        let records = db.keyspace(KEYSPACE, create).map_err(fjall_error)?;
        let files = Files { db, records };
        // What was replayed from old journals is in tables before anybody writes.
        files.wait_while(|records| records.sealed_memtable_count() > 0)?;
        Ok(files)
    })
}

/// Waits, for a while, until nobody holds fjall's lock.
fn wait_until_released(dir: &Path) {
    let Ok(lock) = File::open(dir.join("lock")) else {
        return;
    };
    let begin = Instant::now();
    while lock.try_lock().is_err() && begin.elapsed() < RELEASE_PATIENCE {
        std::thread::sleep(PAUSE);
    }
}

/// Makes all files and names under `dir` durable: fjall leaves out the names of a new keyspace.
fn sync_all_under(dir: &Path) -> Result<(), EngineError> {
    let io = |error| EngineError::io("syncing", dir.to_path_buf(), error);
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.is_dir() {
            sync_all_under(&path)?;
        } else {
            File::open(&path).and_then(|file| file.sync_all()).map_err(io)?;
        }
    }
    sync_dir(dir)
}

/// Runs a fjall call; a panic inside it becomes an error.
fn guarded<T>(call: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    guard::guarded(BRAND.name, call)
}
