//! Chunks in files: one write-once file per body, which the file system reads and writes in sequence.
//!
//! ```text
//! <tree id>/<reservation block>/<rest of the body id>     all in hexadecimal
//!   4 bytes  "SRB1"
//!   4 bytes  bytes of every chunk but the last, little-endian
//!   chunks, in order, as they were given
//! ```
//! Invariants:
//! * A file that is being written to has one writer. It stays where a sync finds it for as long as somebody
//!   has chosen it or has written what no sync covers.
//! * A file only grows. What a crash cuts short belongs to a body that no commit has adopted: a commit comes
//!   after the sync that covers its chunks, their file's name and the names of the directories above it.
//! * Directories are made and removed under the lock under which files are created, so that none vanishes
//!   under a new file.

mod directories;
mod disk;
mod file;
mod names;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use self::directories::{Directories, Taken};
use self::disk::{Disk, RealDisk};
use self::file::{Reader, Writer};
use super::{BodyKey, ChunkId, ChunkStore};
use crate::SecretBuffer;
use crate::engine::EngineError;

/// Files that are kept open for writing, besides those that callers write to at this moment.
const WRITERS_MAX: usize = 64;
/// Files that are kept open for reading.
const READERS_MAX: usize = 32;

/// The placement of bodies in files of their own.
pub struct FileChunks {
    root: PathBuf,
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
    /// One sync at a time: whoever comes second must not return before what the first one took is durable.
    syncing: Mutex<()>,
    readers: Mutex<Vec<(BodyKey, Arc<Reader>)>>,
}

#[derive(Default)]
struct State {
    /// Files with bytes that no sync covers.
    writing: HashMap<BodyKey, Chosen>,
    /// How many times a file was chosen.
    choices: u64,
    directories: Directories,
    poisoned: bool,
}

/// A file that was chosen to be written to.
struct Chosen {
    writer: Arc<Mutex<Writer>>,
    /// Rises with each choice of any file.
    last: u64,
}

impl Chosen {
    /// True if nobody can be about to write to it. Exact under the lock under which files are chosen.
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.writer) == 1
    }
}

impl FileChunks {
    /// Chunks in files below `root`, which is made if it is not there.
    ///
    /// # Errors
    /// `Io`.
    pub fn open(root: PathBuf) -> Result<Self, EngineError> {
        Self::on(root, Arc::new(RealDisk))
    }

    fn on(root: PathBuf, disk: Arc<dyn Disk>) -> Result<Self, EngineError> {
        names::create_directory(&root).map_err(|error| EngineError::io("creating", root.clone(), error))?;
        Ok(Self {
            root,
            disk,
            state: Mutex::default(),
            syncing: Mutex::default(),
            readers: Mutex::default(),
        })
    }

    /// The writer of a body, made with its file if this is its first chunk. What cannot be opened harms
    /// nobody else: nothing was written.
    fn writer(&self, id: ChunkId, bytes: &[u8]) -> Result<Arc<Mutex<Writer>>, EngineError> {
        let mut state = self.state.lock();
        if state.poisoned {
            return Err(EngineError::Poisoned);
        }
        state.choices += 1;
        let last = state.choices;
        if let Some(chosen) = state.writing.get_mut(&id.body) {
            chosen.last = last;
            return Ok(Arc::clone(&chosen.writer));
        }
        let path = names::path(&self.root, &id.body);
        let disk = self.disk.as_ref();
        let writer = if id.index == 0 {
            let mut new = Writer::create(disk, &path)?;
            new.begin(disk, bytes).inspect_err(|_| state.poisoned = true)?;
            new
        } else {
            // A body whose file is gone was deleted: it does not come back without its beginning.
            Writer::reopen(disk, &path, id.index)?
        };
        let writer = Arc::new(Mutex::new(writer));
        let chosen = Chosen {
            writer: Arc::clone(&writer),
            last,
        };
        state.writing.insert(id.body, chosen);
        state.directories.add_file(&self.root, &path);
        Ok(writer)
    }

    fn reader(&self, body: &BodyKey) -> Result<Option<Arc<Reader>>, EngineError> {
        let mut readers = self.readers.lock();
        if let Some(index) = readers.iter().position(|(known, _)| known == body) {
            let found = readers.remove(index);
            let reader = Arc::clone(&found.1);
            readers.push(found);
            return Ok(Some(reader));
        }
        let path = names::path(&self.root, body);
        let opened = Reader::open(&path).map_err(|error| EngineError::io("opening", path, error))?;
        let Some(reader) = opened.map(Arc::new) else {
            return Ok(None);
        };
        if readers.len() >= READERS_MAX {
            readers.remove(0);
        }
        readers.push((*body, Arc::clone(&reader)));
        Ok(Some(reader))
    }

    /// Closes a file if as many are open as may be: the one that was chosen longest ago, once it is durable,
    /// as no sync will find it any more.
    fn make_room(&self, body: &BodyKey) -> Result<(), EngineError> {
        let oldest = {
            let state = self.state.lock();
            if state.writing.len() < WRITERS_MAX || state.writing.contains_key(body) {
                return Ok(());
            }
            let idle = state.writing.values().filter(|chosen| chosen.is_idle());
            let oldest = idle.min_by_key(|chosen| chosen.last);
            oldest.map(|chosen| Arc::clone(&chosen.writer))
        };
        if let Some(oldest) = oldest {
            self.poison(oldest.lock().sync(self.disk.as_ref()))?;
            drop(oldest);
            self.close_idle();
        }
        Ok(())
    }

    /// Closes every file that nobody has chosen and that has nothing left to sync.
    fn close_idle(&self) {
        let is_needed = |chosen: &Chosen| !chosen.is_idle() || chosen.writer.lock().is_dirty();
        self.state.lock().writing.retain(|_, chosen| is_needed(chosen));
    }

    /// The last part of every sync. Call it with the turn to sync.
    fn sync_directories(&self, taken: Taken) -> Result<(), EngineError> {
        for directory in &taken.directories {
            let synced = self.disk.sync_directory(directory);
            self.poison(synced.map_err(|error| EngineError::io("syncing", directory.clone(), error)))?;
        }
        let mut state = self.state.lock();
        if state.poisoned {
            // Somebody else's sync of one of these files may have failed meanwhile: a second one would
            // succeed and prove nothing.
            return Err(EngineError::Poisoned);
        }
        state.directories.synced(taken);
        Ok(())
    }

    fn poison<T>(&self, result: Result<T, EngineError>) -> Result<T, EngineError> {
        result.inspect_err(|_| self.state.lock().poisoned = true)
    }

    fn delete_one(&self, body: &BodyKey) -> Result<(), EngineError> {
        self.readers.lock().retain(|(known, _)| known != body);
        let mut state = self.state.lock();
        if state.poisoned {
            return Err(EngineError::Poisoned);
        }
        state.writing.remove(body);
        let path = names::path(&self.root, body);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                state.poisoned = true;
                return Err(EngineError::io("removing", path, error));
            }
            _ => {}
        }
        if let Some(block) = path.parent() {
            self.prune(&mut state, block);
        }
        Ok(())
    }

    /// Removes a directory and the one above it if they are empty; what becomes of their names is part of the
    /// next sync, also if somebody else removed them.
    fn prune(&self, state: &mut State, directory: &Path) {
        for path in directory.ancestors().take_while(|path| *path != self.root) {
            state.directories.change(path);
            match fs::remove_dir(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return,
                _ => state.directories.remove(path),
            }
        }
        state.directories.change(&self.root);
    }
}

impl ChunkStore for FileChunks {
    fn put(&self, chunks: Vec<(ChunkId, Vec<u8>)>) -> Result<(), EngineError> {
        for (id, bytes) in chunks {
            self.make_room(&id.body)?;
            let writer = self.writer(id, &bytes)?;
            self.disk.chosen();
            let mut writer = writer.lock();
            writer.check(id.index, &bytes)?;
            self.poison(writer.append(self.disk.as_ref(), &bytes))?;
        }
        Ok(())
    }

    fn get(&self, id: ChunkId) -> Result<Option<Vec<u8>>, EngineError> {
        let mut buffer = SecretBuffer::default();
        let found = self.get_into(id, &mut buffer)?;
        Ok(found.then(|| buffer.as_slice().to_vec()))
    }

    fn get_into(&self, id: ChunkId, buffer: &mut SecretBuffer) -> Result<bool, EngineError> {
        match self.reader(&id.body)? {
            Some(reader) => reader.chunk(id.index, buffer),
            None => {
                buffer.clear();
                Ok(false)
            }
        }
    }

    fn flush(&self, body: &BodyKey) -> Result<(), EngineError> {
        let writer = {
            let state = self.state.lock();
            if state.poisoned {
                return Err(EngineError::Poisoned);
            }
            state.writing.get(body).map(|chosen| Arc::clone(&chosen.writer))
        };
        if let Some(writer) = writer {
            self.poison(writer.lock().sync(self.disk.as_ref()))?;
        }
        // Whoever comes second finds that the first one has taken its directory with its own.
        let _one = self.syncing.lock();
        let taken = self.state.lock().directories.take();
        self.sync_directories(taken)
    }

    fn delete(&self, bodies: &[BodyKey]) -> Result<(), EngineError> {
        bodies.iter().try_for_each(|body| self.delete_one(body))
    }

    fn list(&self, prefix: &[u8], after: Option<BodyKey>, limit: usize) -> Result<Vec<BodyKey>, EngineError> {
        names::list(&self.root, (prefix, after), limit)
            .map_err(|error| EngineError::io("reading", self.root.clone(), error))
    }

    fn cover(&self, prefix: &[u8]) -> Result<(), EngineError> {
        let mut state = self.state.lock();
        let directories = names::directories(&self.root, prefix)
            .map_err(|error| EngineError::io("reading", self.root.clone(), error))?;
        for directory in directories {
            self.prune(&mut state, &directory);
            let above = directory
                .ancestors()
                .take_while(|path| path.starts_with(&self.root));
            above.for_each(|path| state.directories.change(path));
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), EngineError> {
        let _one = self.syncing.lock();
        let (writers, taken) = {
            let mut state = self.state.lock();
            if state.poisoned {
                return Err(EngineError::Poisoned);
            }
            let chosen = state.writing.values();
            let writers: Vec<_> = chosen.map(|chosen| Arc::clone(&chosen.writer)).collect();
            (writers, state.directories.take())
        };
        for writer in writers {
            self.poison(writer.lock().sync(self.disk.as_ref()))?;
        }
        self.close_idle();
        self.sync_directories(taken)
    }
}

#[cfg(test)]
mod covered;
#[cfg(test)]
mod flushes;
#[cfg(test)]
mod forgotten;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unopened;
