//! Chunks in files: one write-once file per body, which the file system reads and writes in sequence.
//!
//! ```text
//! <tree id>/<reservation block>/<rest of the body id>     all in hexadecimal
//!   4 bytes  "SRB1"
//!   4 bytes  bytes of every chunk but the last, little-endian
//!   chunks, in order, as they were given
//! ```
//! Invariants:
//! * A file only grows. What a crash cuts short belongs to a body that no commit has adopted: a commit comes
//!   after the sync that covers its chunks, their file's name and the names of the directories above it.
//! * Directories are made and removed under the lock under which files are created, so that none vanishes
//!   under a new file.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{BodyKey, ChunkId, ChunkStore, names};
use crate::engine::EngineError;

const MAGIC: [u8; 4] = *b"SRB1";
const HEADER_BYTES: u64 = 8;
/// Files that are kept open for reading.
const READERS_MAX: usize = 32;

/// The placement of bodies in files of their own.
pub struct FileChunks {
    root: PathBuf,
    state: Mutex<State>,
    /// One sync at a time: whoever comes second must not return before what the first one took is durable.
    syncing: Mutex<()>,
    readers: Mutex<Vec<(BodyKey, Arc<Reader>)>>,
}

#[derive(Default)]
struct State {
    /// Files with bytes that no sync covers.
    writing: HashMap<BodyKey, Arc<Mutex<Writer>>>,
    /// Directories with names that no sync covers.
    names: HashSet<PathBuf>,
    poisoned: bool,
}

struct Writer {
    file: File,
    path: PathBuf,
    chunk_bytes: u32,
    /// Index of the next chunk.
    next: u64,
}

struct Reader {
    file: File,
    path: PathBuf,
    chunk_bytes: u32,
}

impl FileChunks {
    /// Chunks in files below `root`, which is made if it is not there.
    ///
    /// # Errors
    /// `Io`.
    pub fn open(root: PathBuf) -> Result<Self, EngineError> {
        names::create_directory(&root).map_err(|error| EngineError::io("creating", root.clone(), error))?;
        Ok(Self {
            root,
            state: Mutex::default(),
            syncing: Mutex::default(),
            readers: Mutex::default(),
        })
    }

    /// The writer of a body, made with its file if this is its first chunk.
    fn writer(&self, body: &BodyKey, first: &[u8]) -> Result<Arc<Mutex<Writer>>, EngineError> {
        let mut state = self.state.lock();
        if state.poisoned {
            return Err(EngineError::Poisoned);
        }
        if let Some(writer) = state.writing.get(body) {
            return Ok(Arc::clone(writer));
        }
        let path = names::path(&self.root, body);
        let made =
            Writer::open(&path, first).map_err(|error| EngineError::io("creating", path.clone(), error));
        let made = made.inspect_err(|_| state.poisoned = true)?;
        let writer = Arc::new(Mutex::new(made));
        state.writing.insert(*body, Arc::clone(&writer));
        let above = path.ancestors().skip(1).take(3).map(Path::to_path_buf);
        state.names.extend(above);
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
        for above in path.ancestors().skip(1).take(2) {
            state.names.insert(above.to_path_buf());
            // Only if it is empty.
            if fs::remove_dir(above).is_err() {
                return Ok(());
            }
        }
        state.names.insert(self.root.clone());
        Ok(())
    }
}

impl ChunkStore for FileChunks {
    fn put(&self, chunks: Vec<(ChunkId, Vec<u8>)>) -> Result<(), EngineError> {
        for (id, bytes) in chunks {
            let writer = self.writer(&id.body, &bytes)?;
            let mut writer = writer.lock();
            self.poison(writer.append(id.index, &bytes))?;
        }
        Ok(())
    }

    fn get(&self, id: ChunkId) -> Result<Option<Vec<u8>>, EngineError> {
        match self.reader(&id.body)? {
            Some(reader) => reader.chunk(id.index),
            None => Ok(None),
        }
    }

    fn delete(&self, bodies: &[BodyKey]) -> Result<(), EngineError> {
        bodies.iter().try_for_each(|body| self.delete_one(body))
    }

    fn list(&self, prefix: &[u8], after: Option<BodyKey>, limit: usize) -> Result<Vec<BodyKey>, EngineError> {
        names::list(&self.root, (prefix, after), limit)
            .map_err(|error| EngineError::io("reading", self.root.clone(), error))
    }

    fn sync(&self) -> Result<(), EngineError> {
        let _one = self.syncing.lock();
        let (files, directories) = {
            let mut state = self.state.lock();
            if state.poisoned {
                return Err(EngineError::Poisoned);
            }
            (
                std::mem::take(&mut state.writing),
                std::mem::take(&mut state.names),
            )
        };
        for writer in files.values() {
            let writer = writer.lock();
            let synced = writer.file.sync_data();
            self.poison(synced.map_err(|error| EngineError::io("syncing", writer.path.clone(), error)))?;
        }
        for directory in directories {
            let synced = names::sync_directory(&directory);
            self.poison(synced.map_err(|error| EngineError::io("syncing", directory, error)))?;
        }
        Ok(())
    }
}

impl Writer {
    fn open(path: &Path, first: &[u8]) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            names::create_directories(directory)?;
        }
        let mut file = names::private(OpenOptions::new().read(true).append(true).create(true)).open(path)?;
        let length = file.metadata()?.len();
        let chunk_bytes = if length == 0 {
            let chunk_bytes = u32::try_from(first.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
            file.write_all(&MAGIC)?;
            file.write_all(&chunk_bytes.to_le_bytes())?;
            chunk_bytes
        } else {
            header(&mut file)?.ok_or(io::ErrorKind::InvalidData)?
        };
        let content = length.saturating_sub(HEADER_BYTES);
        Ok(Self {
            file,
            path: path.to_path_buf(),
            chunk_bytes,
            next: content.div_ceil(chunk_bytes.max(1).into()),
        })
    }

    /// Chunks come in order, and only the last one is shorter than the first.
    fn append(&mut self, index: u32, bytes: &[u8]) -> Result<(), EngineError> {
        if u64::from(index) != self.next || bytes.len() > self.chunk_bytes as usize {
            let what = format!("chunk {index} does not follow in {}", self.path.display());
            return Err(EngineError::corrupt(what));
        }
        self.next += 1;
        self.file
            .write_all(bytes)
            .map_err(|error| EngineError::io("writing", self.path.clone(), error))
    }
}

impl Reader {
    /// `None` if there is no such file, or not even its header.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let chunk_bytes = header(&mut file)?;
        Ok(chunk_bytes.map(|chunk_bytes| Self {
            file,
            path: path.to_path_buf(),
            chunk_bytes,
        }))
    }

    fn chunk(&self, index: u32) -> Result<Option<Vec<u8>>, EngineError> {
        let offset = HEADER_BYTES + u64::from(index) * u64::from(self.chunk_bytes);
        let mut bytes = vec![0; self.chunk_bytes as usize];
        let read = names::read_at(&self.file, &mut bytes, offset)
            .map_err(|error| EngineError::io("reading", self.path.clone(), error))?;
        bytes.truncate(read);
        Ok((read > 0 || (self.chunk_bytes == 0 && index == 0)).then_some(bytes))
    }
}

/// Bytes of a chunk as the file's header has them; `None` if it is cut short.
fn header(file: &mut File) -> io::Result<Option<u32>> {
    let mut bytes = [0; HEADER_BYTES as usize];
    match file.read_exact(&mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let [m0, m1, m2, m3, c0, c1, c2, c3] = bytes;
    if [m0, m1, m2, m3] != MAGIC {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a file of chunks"));
    }
    Ok(Some(u32::from_le_bytes([c0, c1, c2, c3])))
}

#[cfg(test)]
mod tests {
    use super::super::conformance::chunk_conformance;
    use super::*;

    fn id(seed: u8, index: u32) -> ChunkId {
        ChunkId {
            body: BodyKey([seed; BodyKey::BYTES]),
            index,
        }
    }

    #[test]
    fn keeps_the_contract() {
        let directory = tempfile::tempdir().unwrap();
        let number = std::cell::Cell::new(0);
        chunk_conformance(|| {
            number.set(number.get() + 1);
            FileChunks::open(directory.path().join(number.get().to_string())).unwrap()
        });
    }

    #[test]
    fn bodies_go_on_after_a_sync_and_after_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let open = || FileChunks::open(directory.path().join("bodies")).unwrap();
        let store = open();
        store.put(vec![(id(1, 0), vec![7; 100])]).unwrap();
        store.sync().unwrap();
        store.put(vec![(id(1, 1), vec![8; 100])]).unwrap();
        drop(store);
        let store = open();
        store.put(vec![(id(1, 2), vec![9; 5])]).unwrap();
        for (index, bytes) in [(0, vec![7; 100]), (1, vec![8; 100]), (2, vec![9; 5])] {
            assert_eq!(store.get(id(1, index)).unwrap(), Some(bytes), "{index}");
        }
        store.delete(&[id(1, 0).body]).unwrap();
        assert_eq!(fs::read_dir(directory.path().join("bodies")).unwrap().count(), 0);
    }

    /// What a crash leaves of a file is read as what is there; nothing is made up.
    #[test]
    fn a_file_that_is_cut_short_has_fewer_chunks() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("bodies");
        let store = FileChunks::open(root.clone()).unwrap();
        store
            .put(vec![(id(1, 0), vec![7; 10]), (id(1, 1), vec![8; 10])])
            .unwrap();
        drop(store);
        let path = names::path(&root, &id(1, 0).body);
        let whole = fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let store = FileChunks::open(root.clone()).unwrap();
            let there = length.saturating_sub(8);
            for (index, start) in [(0, 0), (1, 10)] {
                let found = store.get(id(1, index)).unwrap();
                let wanted = there.saturating_sub(start).min(10);
                assert_eq!(
                    found.map_or(0, |bytes| bytes.len()),
                    wanted,
                    "{length} bytes, chunk {index}"
                );
            }
            assert_eq!(store.list(&[], None, 10).unwrap(), [id(1, 0).body]);
        }
        fs::write(&path, b"something else entirely").unwrap();
        let store = FileChunks::open(root).unwrap();
        assert!(store.get(id(1, 0)).is_err(), "not a file of chunks");
    }

    #[test]
    fn chunks_that_do_not_follow_are_refused_and_nothing_comes_after() {
        let directory = tempfile::tempdir().unwrap();
        let store = FileChunks::open(directory.path().join("bodies")).unwrap();
        store.put(vec![(id(1, 0), vec![7; 10])]).unwrap();
        assert!(store.put(vec![(id(1, 2), vec![7; 10])]).is_err());
        let after = store.put(vec![(id(2, 0), vec![7; 10])]);
        assert!(matches!(after, Err(EngineError::Poisoned)));
        assert!(matches!(store.sync(), Err(EngineError::Poisoned)));
        assert_eq!(store.get(id(1, 0)).unwrap(), Some(vec![7; 10]), "reads go on");
    }
}
