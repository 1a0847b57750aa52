//! The directory of a sled engine: who may open it, and in which format it is.
//!
//! ```text
//! LOCK         held by the process that has the engine open
//! ENGINE       "strongroom-engine sled <format> creating|ready"
//! ENGINE.new   the next ENGINE before it is renamed; may be left by a crash
//! sled/        sled's own files; nothing else is touched before ENGINE has been read
//! ```
//! ENGINE says `creating` from before the first sled file exists until the engine is durable and empty, so a
//! crash during creation is told from damage, and is simply started over: nothing was acknowledged yet.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::super::EngineError;

/// Format of the directory and of the records in it.
pub(super) const FORMAT: u32 = 1;

const LOCK: &str = "LOCK";
const MARKER: &str = "ENGINE";
const NEXT_MARKER: &str = "ENGINE.new";
const SLED: &str = "sled";
const MAGIC: &str = "strongroom-engine sled";
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
    pub(super) stage: Stage,
    _lock: File,
}

impl Layout {
    /// Locks `dir`, creating it where it is missing, and reads its marker. A directory with foreign content
    /// or of a newer format is left as it is.
    pub(super) fn open(dir: &Path) -> Result<Self, EngineError> {
        let found = survey(dir)?;
        if found == Found::Nothing {
            fs::create_dir_all(dir).map_err(|error| EngineError::io("creating", dir.to_path_buf(), error))?;
        }
        let lock = lock(dir)?;
        // Another process may have created the engine between the first look and the lock.
        let stage = match survey(dir)? {
            Found::Engine(stage) => stage,
            Found::Nothing | Found::Empty => Stage::Creating,
        };
        let mut layout = Self {
            dir: dir.to_path_buf(),
            stage,
            _lock: lock,
        };
        if stage == Stage::Creating {
            layout.start_creation()?;
        }
        Ok(layout)
    }

    /// Where sled's files are.
    pub(super) fn sled_dir(&self) -> PathBuf {
        self.dir.join(SLED)
    }

    /// Ends the creation; call it once the engine is durable.
    pub(super) fn finish_creation(&mut self) -> Result<(), EngineError> {
        self.write_marker(Stage::Ready)?;
        self.stage = Stage::Ready;
        Ok(())
    }

    fn start_creation(&mut self) -> Result<(), EngineError> {
        let leftovers = self.sled_dir();
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
            file.write_all(encode(stage).as_bytes())?;
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

fn survey(dir: &Path) -> Result<Found, EngineError> {
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
            return read_marker(dir).map(Found::Engine);
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

fn read_marker(dir: &Path) -> Result<Stage, EngineError> {
    let path = dir.join(MARKER);
    let io = |error| EngineError::io("reading", path.clone(), error);
    if fs::metadata(&path).map_err(io)?.len() > MARKER_BYTES_MAX {
        return Err(foreign(dir, format!("{MARKER} is no marker of this engine")));
    }
    let bytes = fs::read(&path).map_err(io)?;
    decode(dir, &String::from_utf8_lossy(&bytes))
}

fn encode(stage: Stage) -> String {
    let word = match stage {
        Stage::Creating => "creating",
        Stage::Ready => "ready",
    };
    format!("{MAGIC} {FORMAT} {word}\n")
}

fn decode(dir: &Path, text: &str) -> Result<Stage, EngineError> {
    let unknown = || foreign(dir, format!("{MARKER} is no marker of this engine"));
    let rest = text.strip_prefix(MAGIC).ok_or_else(unknown)?;
    let format = rest
        .split_whitespace()
        .next()
        .and_then(|word| word.parse::<u32>().ok())
        .ok_or_else(unknown)?;
    if format > FORMAT {
        return Err(EngineError::NewerFormat {
            found: format,
            supported: FORMAT,
        });
    }
    [Stage::Creating, Stage::Ready]
        .into_iter()
        .find(|&stage| encode(stage) == text)
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
