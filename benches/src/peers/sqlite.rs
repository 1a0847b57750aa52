//! The peers `sqlite` and `sqlcipher`: one table of names and bodies, WAL, `synchronous=FULL`, 16 KiB pages.
//!
//! SQLCipher without a key is plain SQLite, so one library serves both and the difference is the encryption.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, MAIN_DB, OptionalExtension};

use strongroom_bench_store::{Result, Store, random};

/// Which of the two peers this is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// SQLite as it is.
    None,
    /// SQLCipher with a raw 256-bit key, so that no time goes into a passphrase.
    SqlCipher,
}

/// How much memory it may use for pages, which it keeps in clear.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// As it comes: 2 MB.
    Default,
    /// 64 MiB, as much as our own engine and pages have together.
    Large,
}

/// One connection behind a lock: for many threads faster than one connection each, which wait for one another
/// by sleeping.
pub(crate) struct Sqlite {
    connection: Mutex<Connection>,
    encryption: Encryption,
    cache: Cache,
}

impl Sqlite {
    /// A new database in `dir`.
    pub(crate) fn create(dir: &Path, encryption: Encryption, cache: Cache) -> Result<Self> {
        let connection = Connection::open(dir.join("database"))?;
        if encryption == Encryption::SqlCipher {
            let key = random(32)?;
            let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            connection.execute_batch(&format!(
                "PRAGMA key = \"x'{hex}'\"; PRAGMA cipher_page_size = 16384;"
            ))?;
        }
        connection.execute_batch(
            "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE blobs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BLOB NOT NULL);",
        )?;
        if cache == Cache::Large {
            connection.execute_batch("PRAGMA cache_size = -65536;")?;
        }
        Ok(Self {
            connection: Mutex::new(connection),
            encryption,
            cache,
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        work(&self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// SQLCipher's version, as it tells it: proof that the encryption is there.
pub(crate) fn cipher_version() -> Option<String> {
    let connection = Connection::open_in_memory().ok()?;
    connection
        .query_row("PRAGMA cipher_version", [], |row| row.get(0))
        .optional()
        .ok()?
}

impl Store for Sqlite {
    fn name(&self) -> &'static str {
        match (self.encryption, self.cache) {
            (Encryption::None, _) => "sqlite",
            (Encryption::SqlCipher, Cache::Default) => "sqlcipher",
            (Encryption::SqlCipher, Cache::Large) => "sqlcipher, 64 MiB cache",
        }
    }

    fn put(&self, name: &str, body: &[u8]) -> Result<()> {
        self.with(|connection| {
            let mut insert = connection.prepare_cached("INSERT INTO blobs (name, body) VALUES (?1, ?2)")?;
            insert.execute((name, body))?;
            Ok(())
        })
    }

    fn get(&self, name: &str, out: &mut Vec<u8>) -> Result<()> {
        self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT body FROM blobs WHERE name = ?1")?;
            let mut rows = select.query([name])?;
            let row = rows.next()?.ok_or("no such row")?;
            out.clear();
            out.extend_from_slice(row.get_ref(0)?.as_blob()?);
            Ok(())
        })
    }

    /// Incremental I/O through one open handle, which remembers where the pages of the body are.
    fn read(&self, name: &str, offsets: &[u64], out: &mut [u8]) -> Result<()> {
        self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT id FROM blobs WHERE name = ?1")?;
            let id: i64 = select.query_row([name], |row| row.get(0))?;
            let blob = connection.blob_open(MAIN_DB, "blobs", "body", id, true)?;
            offsets
                .iter()
                .try_for_each(|&offset| Ok(blob.read_at_exact(out, usize::try_from(offset)?)?))
        })
    }
}
