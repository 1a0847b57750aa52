//! The directory of a persistent engine: which engine it is, who may open it, and in which format it is.
//!
//! ```text
//! LOCK         held by the process that has the engine open
//! ENGINE       "strongroom-engine <name> <format> creating|ready"
//! ENGINE.new   the next ENGINE before it is renamed; may be left by a crash
//! <name>/      the engine's own files; nothing else is touched before ENGINE has been read
//! ```
//! ENGINE says `creating` from before the first sled file exists until the engine is durable and empty, so a
//! crash during creation is told from damage, and is simply started over: nothing was acknowledged yet.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::EngineError;

/// What tells the directories of different engines apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Brand {
    /// Word in the marker, and name of the directory with the engine's own files.
    pub(super) name: &'static str,
    /// Format of the directory and of the records in it.
    pub(super) format: u32,
}

const LOCK: &str = "LOCK";
const MARKER: &str = "ENGINE";
const NEXT_MARKER: &str = "ENGINE.new";
const MAGIC: &str = "strongroom-engine";
/// Longest marker that is read; a real one is a short line.
const MARKER_BYTES_MAX: u64 = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Creating,
    Ready,
}

/// A directory that this process has locked and may use.
#[derive(Debug)]
pub(super) struct Layout {
    dir: PathBuf,
    brand: &'static Brand,
    pub(super) stage: Stage,
    lock: File,
}

impl Drop for Layout {
    fn drop(&mut self) {
        // A process that this one is just starting has the file open, too, until it runs its own program, and
        // closing ours would not end the lock.
        let _ = self.lock.unlock();
    }
}

impl Layout {
    /// Locks `dir`, creating it where it is missing, and reads its marker. A directory with foreign content,
    /// of another engine or of a newer format is left as it is.
    pub(super) fn open(dir: &Path, brand: &'static Brand) -> Result<Self, EngineError> {
        let found = survey(dir, brand)?;
        if found == Found::Nothing {
            fs::create_dir_all(dir).map_err(|error| EngineError::io("creating", dir.to_path_buf(), error))?;
        }
        let lock = lock(dir)?;
        // Another process may have created the engine between the first look and the lock.
        let stage = match survey(dir, brand)? {
            Found::Engine(stage) => stage,
            Found::Nothing | Found::Empty => Stage::Creating,
        };
        let mut layout = Self {
            dir: dir.to_path_buf(),
            brand,
            stage,
            lock,
        };
        if stage == Stage::Creating {
            layout.start_creation()?;
        }
        Ok(layout)
    }

    /// Where the engine's own files are.
    pub(super) fn files(&self) -> PathBuf {
        self.dir.join(self.brand.name)
    }

    /// Ends the creation; call it once the engine is durable.
    pub(super) fn finish_creation(&mut self) -> Result<(), EngineError> {
        self.write_marker(Stage::Ready)?;
        self.stage = Stage::Ready;
        Ok(())
    }

    fn start_creation(&mut self) -> Result<(), EngineError> {
        let leftovers = self.files();
        match fs::remove_dir_all(&leftovers) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(EngineError::io("removing an unfinished engine", leftovers, error));
            }
            _ => {}
        }
        if let Some(parent) = self.dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_dir(parent)?;
        }
        self.write_marker(Stage::Creating)
    }

    fn write_marker(&self, stage: Stage) -> Result<(), EngineError> {
        let (next, marker) = (self.dir.join(NEXT_MARKER), self.dir.join(MARKER));
        let write = || {
            let mut file = File::create(&next)?;
            file.write_all(encode(self.brand, stage).as_bytes())?;
            file.sync_all()?;
            fs::rename(&next, &marker)
        };
        write().map_err(|error| EngineError::io("writing", marker.clone(), error))?;
        sync_dir(&self.dir)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Empty,
    Engine(Stage),
}

/// The name of the engine whose files are in `dir`, if its marker names one.
pub(super) fn engine_name(dir: &Path) -> Result<Option<String>, EngineError> {
    let Some(text) = marker(dir)? else {
        return Ok(None);
    };
    let name = text
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.strip_prefix(' '))
        .and_then(|rest| rest.split_whitespace().next());
    Ok(name.map(str::to_owned))
}

fn survey(dir: &Path, brand: &Brand) -> Result<Found, EngineError> {
    let io = |error| EngineError::io("reading", dir.to_path_buf(), error);
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(foreign(dir, "it is a file"));
        }
        Err(error) => return Err(io(error)),
        Ok(entries) => entries,
    };
    let mut strange = None;
    for entry in entries {
        let name = entry.map_err(io)?.file_name();
        if name == OsStr::new(MARKER) {
            let text = marker(dir)?.unwrap_or_default();
            return decode(dir, brand, &text).map(Found::Engine);
        }
        if name != OsStr::new(LOCK) && name != OsStr::new(NEXT_MARKER) {
            strange = Some(name);
        }
    }
    match strange {
        None => Ok(Found::Empty),
        Some(name) => Err(foreign(
            dir,
            format!("it holds {} but no {MARKER}", name.display()),
        )),
    }
}

/// The text of the marker, if there is one. What is too long for one becomes a text that is none.
fn marker(dir: &Path) -> Result<Option<String>, EngineError> {
    let path = dir.join(MARKER);
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(MARKER_BYTES_MAX).read_to_end(&mut bytes));
    match read {
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => Ok(None),
        Err(error) => Err(EngineError::io("reading", path, error)),
        Ok(_) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
    }
}

fn encode(brand: &Brand, stage: Stage) -> String {
    let word = match stage {
        Stage::Creating => "creating",
        Stage::Ready => "ready",
    };
    let Brand { name, format } = brand;
    format!("{MAGIC} {name} {format} {word}\n")
}

fn decode(dir: &Path, brand: &Brand, text: &str) -> Result<Stage, EngineError> {
    let unknown = || foreign(dir, format!("{MARKER} is no marker of this engine"));
    let format = text
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.strip_prefix(' '))
        .and_then(|rest| rest.strip_prefix(brand.name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|word| word.parse::<u32>().ok())
        .ok_or_else(unknown)?;
    if format > brand.format {
        return Err(EngineError::NewerFormat {
            found: format,
            supported: brand.format,
        });
    }
    [Stage::Creating, Stage::Ready]
        .into_iter()
        .find(|&stage| encode(brand, stage) == text)
        .ok_or_else(unknown)
}

fn lock(dir: &Path) -> Result<File, EngineError> {
    let path = dir.join(LOCK);
    let io = |error| EngineError::io("locking", path.clone(), error);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EngineError::InUse {
            path: dir.to_path_buf(),
        }),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

fn foreign(dir: &Path, what: impl Into<String>) -> EngineError {
    EngineError::NotAnEngine {
        path: dir.to_path_buf(),
        what: what.into(),
    }
}

/// Makes the entries of a directory durable.
#[cfg(unix)]
pub(super) fn sync_dir(dir: &Path) -> Result<(), EngineError> {
    File::open(dir)
        .and_then(|handle| handle.sync_all())
        .map_err(|error| EngineError::io("syncing the directory", dir.to_path_buf(), error))
}

/// Windows keeps directory entries in its journal and offers no sync of a directory.
#[cfg(not(unix))]
pub(super) fn sync_dir(_: &Path) -> Result<(), EngineError> {
    Ok(())
}

/// Bytes of all files under `dir`.
pub(super) fn bytes_under(dir: &Path) -> Result<u64, EngineError> {
    let io = |error| EngineError::io("reading", dir.to_path_buf(), error);
    let mut total = 0;
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => total += bytes_under(&entry.path())?,
            Ok(metadata) => total += metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a thread that starts a process does for a moment.
    #[test]
    fn a_copy_of_the_open_lock_file_does_not_keep_the_lock() {
        const BRAND: Brand = Brand {
            name: "test",
            format: 1,
        };
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::open(dir.path(), &BRAND).unwrap();
        let copy = layout.lock.try_clone().unwrap();
        assert!(matches!(
            Layout::open(dir.path(), &BRAND),
            Err(EngineError::InUse { .. })
        ));
        drop(layout);
        Layout::open(dir.path(), &BRAND).unwrap();
        drop(copy);
    }
}
