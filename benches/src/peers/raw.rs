//! The limit `raw`: one file, `pwrite` and `fdatasync` where we acknowledge, `pread`. Nobody is faster.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use strongroom_bench_store::{Result, Store};

/// One file, and in memory where each body lies in it.
pub(crate) struct Raw {
    file: File,
    end: AtomicU64,
    places: Mutex<HashMap<String, (u64, usize)>>,
}

impl Raw {
    /// A new file in `dir`.
    pub(crate) fn create(dir: &Path) -> Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(dir.join("raw"))?;
        Ok(Self {
            file,
            end: AtomicU64::new(0),
            places: Mutex::default(),
        })
    }

    fn place(&self, name: &str) -> Result<(u64, usize)> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places
            .get(name)
            .copied()
            .ok_or_else(|| format!("no body {name}").into())
    }
}

impl Store for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn put(&self, name: &str, body: &[u8]) -> Result<()> {
        let offset = self.end.fetch_add(body.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(body, offset)?;
        self.file.sync_data()?;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.insert(name.to_owned(), (offset, body.len()));
        Ok(())
    }

    fn get(&self, name: &str, out: &mut Vec<u8>) -> Result<()> {
        let (offset, length) = self.place(name)?;
        out.resize(length, 0);
        Ok(self.file.read_exact_at(out, offset)?)
    }

    fn read(&self, name: &str, offsets: &[u64], out: &mut [u8]) -> Result<()> {
        let (start, _) = self.place(name)?;
        offsets
            .iter()
            .try_for_each(|offset| Ok(self.file.read_exact_at(out, start + offset)?))
    }
}
