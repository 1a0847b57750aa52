//! Making a store of a backup: check all of it, write everything but the header, sync, then the header.
//!
//! Until the header is there the directory carries the marker of an unfinished store: nobody can open it, and
//! the next attempt begins by removing what there is.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use strongroom_engine::chunks::{ChunkId, ChunkStore, EngineChunks};
use strongroom_engine::engine::{
    Batch, Durability, Engine, EngineError, EngineKind, KeyRange, Order, ScanOptions, Space,
};
use strongroom_engine::keys::{Purpose, RootKey};

use super::manifest::{Counts, FileEntry, Manifest};
use super::records;
use super::steps::Steps;
use super::write::{count, lies_in};
use super::{RestoreProgress, damaged, unwritten};
use crate::error::{Error, ErrorKind, Result};
use crate::store::directory::{
    BODIES, ENGINE, LAST_COMMIT, SIDE_FILES, Tree, UNFINISHED, create_directory, directory_engine,
    file_chunks, finish, prepare,
};
use crate::store::files;
use crate::store::header::{Header, Role};
use crate::store::lock::{self, DirectoryLock};
use crate::store::open::Placement;
use crate::store::platform_key::PlatformKey;

/// A backup of which every byte is what was written.
pub(super) struct Checked {
    pub(super) manifest: Manifest,
    header: Header,
}

/// Checks everything there is of a backup; the root key that its header opens to with `key`.
pub(super) fn check(
    backup: &Path,
    role: Role,
    (key, progress): (&dyn PlatformKey, &mut dyn FnMut(RestoreProgress)),
) -> Result<(Checked, RootKey)> {
    let manifest = Manifest::read(backup)?;
    if manifest.role != role {
        return Err(other_role(backup, manifest.role));
    }
    let mut so_far = RestoreProgress {
        bytes: manifest.report().bytes,
        ..RestoreProgress::default()
    };
    // Before anything is believed that the manifest says of paths.
    let is_header = |file: &&FileEntry| file.name == role.file_name();
    let header = manifest
        .files
        .iter()
        .find(is_header)
        .ok_or_else(|| damaged(backup))?;
    let header = Header::decode(&header.read(backup)?, backup, role)?;
    let root = header.unlock(key)?;
    manifest.verify(backup, &root.purpose(Purpose::BackupMac, manifest.id))?;
    for file in &manifest.files {
        file.check(backup, &mut |bytes| {
            so_far.checked += bytes;
            progress(so_far);
        })?;
    }
    Ok((Checked { manifest, header }, root))
}

/// A directory that becomes what was backed up, or nothing.
pub(super) struct Restore<'a> {
    directory: &'a Path,
    backup: &'a Path,
    checked: &'a Checked,
    steps: &'a dyn Steps,
    is_new: bool,
    /// `None` once it is finished.
    lock: Option<DirectoryLock>,
}

impl<'a> Restore<'a> {
    /// Makes the directory ready, or refuses.
    pub(super) fn prepare(
        directory: &'a Path,
        (checked, backup): (&'a Checked, &'a Path),
        steps: &'a dyn Steps,
    ) -> Result<Self> {
        if lies_in(directory, backup)? {
            return Err(inside_backup(directory, backup));
        }
        let is_new = !directory.exists();
        steps
            .step(directory)
            .map_err(|error| unwritten(directory, error))?;
        let lock = prepare(directory, checked.header.role())?;
        let prepared = Self {
            directory,
            backup,
            checked,
            steps,
            is_new,
            lock: Some(lock),
        };
        let side_files = directory.join(SIDE_FILES);
        remove(&side_files).map_err(|error| unwritten(&side_files, error))?;
        create_directory(&side_files)?;
        Ok(prepared)
    }

    /// A new engine in the directory: the wanted one, or of the kind that the backup was made from.
    pub(super) fn engine(&self, wanted: Option<EngineKind>, cache_bytes: u64) -> Result<Box<dyn Engine>> {
        let name = self.checked.manifest.engine.as_deref();
        let kind = match (wanted, name) {
            (Some(kind), _) => kind,
            (None, None) => EngineKind::default(),
            (None, Some(name)) => EngineKind::from_name(name).ok_or_else(|| not_built_in(name))?,
        };
        directory_engine(&self.directory.join(ENGINE), cache_bytes, (Tree::Create, kind))
    }

    /// Writes everything but the header, durably, and closes the engine.
    pub(super) fn load(
        &self,
        engine: Box<dyn Engine>,
        placement: Placement,
        progress: &mut dyn FnMut(RestoreProgress),
    ) -> Result<()> {
        let engine: Arc<dyn Engine> = Arc::from(engine);
        let chunks: Arc<dyn ChunkStore> = match file_chunks(self.directory, placement)? {
            Some(files) => Arc::from(files),
            None => Arc::new(EngineChunks::new(Arc::clone(&engine))),
        };
        let mut loader = Loader {
            engine: engine.as_ref(),
            chunks: chunks.as_ref(),
            batch: Batch::new(),
            counts: Counts::default(),
        };
        let mut so_far = RestoreProgress {
            bytes: self.checked.manifest.report().bytes,
            checked: self.checked.manifest.report().bytes,
            restored: 0,
        };
        let mut step = |bytes: usize| {
            so_far.restored += bytes as u64;
            progress(so_far);
        };
        for file in &self.checked.manifest.files {
            let path = self.backup.join(&file.name);
            match file.name.split_once('/') {
                Some((records::FOLDER, _)) => records::read(&path, file, &mut |space, key, value| {
                    step(value.len());
                    loader.put(space, key, value)
                })?,
                Some((SIDE_FILES, name)) => self.side_file(file, name)?,
                _ => {}
            }
        }
        let counts = loader.finish()?;
        if (counts.records, counts.chunks) != self.checked.manifest.wanted() {
            return Err(damaged(self.backup));
        }
        let side_files = self.directory.join(SIDE_FILES);
        self.sync(&side_files)?;
        engine.close().map_err(unloaded)
    }

    /// Writes the header: from here on it is a store.
    pub(super) fn finish(mut self, placement: Placement) -> Result<()> {
        self.sync(self.directory)?;
        let header = self.checked.header.clone().placed(placement);
        let path = Header::path(self.directory, header.role());
        self.steps.step(&path).map_err(|error| unwritten(&path, error))?;
        header.write(self.directory)?;
        self.lock = None;
        finish(self.directory)
    }

    fn side_file(&self, from: &FileEntry, name: &str) -> Result<()> {
        let to = self.directory.join(SIDE_FILES).join(name);
        let sealed = from.read(self.backup)?;
        self.steps
            .step(&to)
            .and_then(|()| files::write_new(&to, &sealed))
            .map_err(|error| unwritten(&to, error))
    }

    fn sync(&self, directory: &Path) -> Result<()> {
        self.steps
            .step(directory)
            .and_then(|()| files::sync_directory(directory))
            .map_err(|error| unwritten(directory, error))
    }

    /// The header first, without which nobody opens the rest, and the marker last, with which all of it is
    /// begun again.
    fn undo(&self) -> io::Result<()> {
        let header = Header::path(self.directory, self.checked.header.role());
        for file in [&files::unfinished(&header), &header] {
            remove_file(file)?;
        }
        for part in [ENGINE, BODIES, SIDE_FILES] {
            remove(&self.directory.join(part))?;
        }
        remove_file(&self.directory.join(LAST_COMMIT))?;
        files::sync_directory(self.directory)?;
        fs::remove_file(self.directory.join(UNFINISHED))?;
        if self.is_new {
            fs::remove_file(self.directory.join(lock::NAME))?;
            fs::remove_dir(self.directory)?;
        }
        Ok(())
    }
}

#[cfg(test)]
impl Restore<'_> {
    /// Ends as a process that is killed does: what was written stays.
    pub(super) fn crash(mut self) {
        self.lock = None;
    }
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        if self.lock.is_some()
            && let Err(error) = self.undo()
        {
            tracing::warn!(%error, "the rest of a failed restore could not be removed; nobody can open it");
        }
    }
}

/// Writes records into an engine and a chunk store, many at a time.
struct Loader<'a> {
    engine: &'a dyn Engine,
    chunks: &'a dyn ChunkStore,
    batch: Batch,
    counts: Counts,
}

impl Loader<'_> {
    fn put(&mut self, space: Space, key: Vec<u8>, value: Vec<u8>) -> Result<()> {
        count(&mut self.counts, space);
        if space == Space::CHUNKS {
            let id = chunk_id(&key).ok_or_else(|| unloaded(EngineError::InvalidKey))?;
            return self.chunks.put(vec![(id, value)]).map_err(unloaded);
        }
        if !self.batch.fits(key.len() + value.len()) {
            self.flush()?;
        }
        self.batch = std::mem::take(&mut self.batch).put(space, key, value);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.engine.apply(batch, Durability::Buffered).map_err(unloaded)
    }

    /// Everything durable; what there was.
    fn finish(mut self) -> Result<Counts> {
        self.flush()?;
        self.chunks.sync().map_err(unloaded)?;
        self.engine.sync().map_err(unloaded)?;
        Ok(self.counts)
    }
}

fn chunk_id(key: &[u8]) -> Option<ChunkId> {
    let (body, index) = key.split_first_chunk()?;
    Some(ChunkId {
        body: strongroom_engine::chunks::BodyKey(*body),
        index: u32::from_be_bytes(index.try_into().ok()?),
    })
}

/// An engine of the caller's, if there is nothing in it.
pub(super) fn empty(engine: Box<dyn Engine>) -> Result<Box<dyn Engine>> {
    let options = ScanOptions {
        order: Order::Ascending,
        limit: 1,
        max_bytes: usize::MAX,
        keys_only: true,
    };
    for space in [Space::HEADS, Space::PAGES, Space::CHUNKS] {
        let found = engine.scan(space, &KeyRange::all(), options).map_err(unloaded)?;
        if !found.entries.is_empty() {
            let message = "the engine to restore into is not empty";
            return Err(
                Error::new(ErrorKind::AlreadyExists, "AlreadyInitialised", 409, message)
                    .hint("give it a new one: what exists is never overwritten"),
            );
        }
    }
    Ok(engine)
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_file(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unloaded(error: EngineError) -> Error {
    strongroom_engine::tree::TreeError::from(error).into()
}

fn other_role(backup: &Path, role: Role) -> Error {
    let message = format!("{} is the backup of a {}", backup.display(), role.what());
    Error::new(ErrorKind::Invalid, "NotABackup", 404, message)
        .hint("a store and its vaults are backed up and restored each by itself")
}

fn inside_backup(directory: &Path, backup: &Path) -> Error {
    let message = format!(
        "{} lies inside the backup {}",
        directory.display(),
        backup.display()
    );
    Error::new(ErrorKind::Invalid, "DestinationInsideBackup", 400, message)
        .hint("name a directory elsewhere: a backup is only read")
}

fn not_built_in(engine: &str) -> Error {
    let message = format!("the backup was made from a store on {engine}, which this build leaves out");
    Error::new(ErrorKind::Store, "EngineNotBuiltIn", 409, message)
        .hint("choose another engine to restore into, or use a build with this one")
}
