//! One body's file: written at its end, chunk by chunk, and read anywhere.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::names;
use crate::SecretBuffer;
use crate::body::CHUNK_BYTES_LIMITS;
use crate::codec::FRAME_BYTES;
use crate::engine::EngineError;
use crate::seal::TAG_BYTES;

const MAGIC: [u8; 4] = *b"SRB1";
const HEADER_BYTES: u64 = 8;
/// Bytes of a chunk at most, in its frame and with the tags of both layers. Of more nothing is written, and a
/// header that says more is damaged: a buffer of that size is made for it.
const CHUNK_BYTES_MAX: u32 = *CHUNK_BYTES_LIMITS.end() + (FRAME_BYTES + 2 * TAG_BYTES) as u32;

/// The end of a file.
pub(super) struct Writer {
    file: File,
    path: PathBuf,
    chunk_bytes: u32,
    /// Index of the next chunk.
    next: u64,
    /// True while it has bytes that no sync covers.
    dirty: bool,
}

/// A file that is read.
pub(super) struct Reader {
    file: File,
    path: PathBuf,
    chunk_bytes: u32,
}

impl Writer {
    /// A new file at `path`, with the directories above it. Without its header: see [`begin`](Self::begin).
    pub(super) fn create(disk: &dyn Disk, path: &Path) -> Result<Self, EngineError> {
        let made = match path.parent() {
            Some(directory) => names::create_directories(directory),
            None => Ok(()),
        };
        match made.and_then(|()| disk.create(path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(refused(0, path)),
            Err(error) => Err(EngineError::io("creating", path.to_path_buf(), error)),
            Ok(file) => Ok(Self {
                file,
                path: path.to_path_buf(),
                chunk_bytes: 0,
                next: 0,
                dirty: true,
            }),
        }
    }

    /// Writes the header of a new file, whose first chunk is `first`.
    pub(super) fn begin(&mut self, disk: &dyn Disk, first: &[u8]) -> Result<(), EngineError> {
        let bytes = u32::try_from(first.len()).ok();
        let fits = bytes.filter(|bytes| *bytes <= CHUNK_BYTES_MAX);
        self.chunk_bytes = fits.ok_or_else(|| refused(0, &self.path))?;
        let ([m0, m1, m2, m3], [c0, c1, c2, c3]) = (MAGIC, self.chunk_bytes.to_le_bytes());
        self.write(disk, &[m0, m1, m2, m3, c0, c1, c2, c3])
    }

    /// The end of the file at `path`, to which chunk `index` is to be added.
    pub(super) fn reopen(disk: &dyn Disk, path: &Path, index: u32) -> Result<Self, EngineError> {
        let opened = disk.reopen(path).and_then(|mut file| {
            let (length, chunk_bytes) = (file.metadata()?.len(), header(&mut file)?);
            Ok((file, length.saturating_sub(HEADER_BYTES), chunk_bytes))
        });
        match opened {
            // Whoever deleted the body had a reason to.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(refused(index, path)),
            Err(error) => Err(EngineError::io("opening", path.to_path_buf(), error)),
            Ok((_, _, None)) => Err(refused(index, path)),
            Ok((file, content, Some(chunk_bytes))) => Ok(Self {
                file,
                path: path.to_path_buf(),
                chunk_bytes,
                next: content.div_ceil(chunk_bytes.max(1).into()),
                // Whoever wrote what is there may not have come to its sync.
                dirty: true,
            }),
        }
    }

    /// Chunks come in order, and only the last one is shorter than the first.
    pub(super) fn check(&self, index: u32, bytes: &[u8]) -> Result<(), EngineError> {
        if u64::from(index) != self.next || bytes.len() > self.chunk_bytes as usize {
            return Err(refused(index, &self.path));
        }
        Ok(())
    }

    /// Adds the next chunk.
    pub(super) fn append(&mut self, disk: &dyn Disk, bytes: &[u8]) -> Result<(), EngineError> {
        self.next += 1;
        self.write(disk, bytes)
    }

    fn write(&mut self, disk: &dyn Disk, bytes: &[u8]) -> Result<(), EngineError> {
        self.dirty = true;
        disk.append(&self.file, bytes)
            .map_err(|error| EngineError::io("writing", self.path.clone(), error))
    }

    /// Makes every byte durable that was appended before.
    pub(super) fn sync(&mut self, disk: &dyn Disk) -> Result<(), EngineError> {
        if self.dirty {
            disk.sync(&self.path, &self.file)
                .map_err(|error| EngineError::io("syncing", self.path.clone(), error))?;
            self.dirty = false;
        }
        Ok(())
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }
}

impl Reader {
    /// `None` if there is no such file, or not even its header.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
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

    /// Reads a chunk in place of what `buffer` holds; false if the file ends before it.
    pub(super) fn chunk(&self, index: u32, buffer: &mut SecretBuffer) -> Result<bool, EngineError> {
        let offset = HEADER_BYTES + u64::from(index) * u64::from(self.chunk_bytes);
        buffer.resize(self.chunk_bytes as usize);
        let read = names::read_at(&self.file, buffer.as_mut_slice(), offset)
            .map_err(|error| EngineError::io("reading", self.path.clone(), error))?;
        buffer.resize(read);
        Ok(read > 0 || (self.chunk_bytes == 0 && index == 0))
    }
}

/// Nothing was written.
fn refused(index: u32, path: &Path) -> EngineError {
    EngineError::OutOfSequence {
        what: format!("chunk {index} of {}", path.display()),
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
    let chunk_bytes = u32::from_le_bytes([c0, c1, c2, c3]);
    if chunk_bytes > CHUNK_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "chunks of impossible size",
        ));
    }
    Ok(Some(chunk_bytes))
}
