//! Writing a backup: files first, each synced, then their names, and the manifest at last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use strongroom_engine::engine::Space;
use strongroom_engine::keys::PurposeKey;
use strongroom_engine::tree::Pin;

use super::manifest::{self, Counts, FileEntry, Manifest};
use super::records::{self, RecordsWriter};
use super::steps::Steps;
use super::{BackupOptions, BackupReport, SealedFile, unwritten};
use crate::error::{Error, ErrorKind, Result};
use crate::store::directory::{SIDE_FILES, UNFINISHED};
use crate::store::files;
use crate::store::header::{Header, refuse_file};
use crate::store::lock::DirectoryLock;

/// What is copied, and what vouches for the copy.
pub(super) struct Subject<'a> {
    pub(super) header: Header,
    pub(super) key: &'a PurposeKey,
    pub(super) pins: Vec<Pin>,
    pub(super) side_files: Vec<SealedFile>,
}

/// A directory that becomes a backup, or nothing: what is in it goes when it is dropped before that.
pub(super) struct Destination<'a> {
    path: &'a Path,
    steps: &'a dyn Steps,
    /// It was made for this backup.
    is_new: bool,
    /// Held on the marker of what is not finished.
    lock: Option<DirectoryLock>,
}

impl<'a> Destination<'a> {
    /// Makes `path` ready, or refuses: it must be empty, or hold what is left of an attempt that never was
    /// finished, and lie outside of everything in `outside`.
    pub(super) fn prepare(path: &'a Path, outside: &[&Path], steps: &'a dyn Steps) -> Result<Self> {
        refuse_file(path)?;
        for store in outside {
            if lies_in(path, store)? {
                return Err(inside_store(path, store));
            }
        }
        refuse_foreign(path)?;
        let is_new = !path.exists();
        let made = steps.step(path).and_then(|()| files::create_directories(path));
        made.map_err(|error| unwritten(path, error))?;
        let lock = DirectoryLock::acquire_by(path, UNFINISHED)?;
        // Whoever had the marker before may have finished.
        refuse_foreign(path)?;
        let prepared = Self {
            path,
            steps,
            is_new,
            lock: Some(lock),
        };
        prepared.clear().map_err(|error| unwritten(path, error))?;
        Ok(prepared)
    }

    /// Writes everything, the manifest last.
    pub(super) fn write(
        &mut self,
        subject: Subject<'_>,
        mut manifest: Manifest,
        (options, progress): (&BackupOptions, &mut dyn FnMut(&BackupReport)),
    ) -> Result<BackupReport> {
        manifest.files.push(self.header(&subject.header)?);
        self.side_files(&subject.side_files, &mut manifest)?;
        let Subject { key, pins, .. } = subject;
        self.records(pins, &mut manifest, (options, progress))?;
        for folder in [records::FOLDER, SIDE_FILES] {
            self.sync(&self.path.join(folder))?;
        }
        self.sync(self.path)?;
        manifest.write(self.path, key, self.steps)?;
        // From here on it is a backup, marker or not.
        self.lock = None;
        let marker = self.path.join(UNFINISHED);
        if let Err(error) = fs::remove_file(&marker).and_then(|()| files::sync_directory(self.path)) {
            tracing::warn!(%error, "the marker of an unfinished backup stays, and means nothing");
        }
        Ok(manifest.report())
    }

    fn header(&self, header: &Header) -> Result<FileEntry> {
        let path = Header::path(self.path, header.role());
        self.steps.step(&path).map_err(|error| unwritten(&path, error))?;
        header.write(self.path)?;
        let written = files::read(&path).map_err(|error| unwritten(&path, error))?;
        let name = header.role().file_name().to_owned();
        Ok(FileEntry::of(name, &written.unwrap_or_default()))
    }

    fn side_files(&self, side_files: &[SealedFile], manifest: &mut Manifest) -> Result<()> {
        self.folder(SIDE_FILES)?;
        for (name, sealed) in side_files {
            let path = self.path.join(SIDE_FILES).join(name);
            self.steps
                .step(&path)
                .and_then(|()| files::write_new(&path, sealed))
                .map_err(|error| unwritten(&path, error))?;
            let name = format!("{SIDE_FILES}/{name}");
            manifest.files.push(FileEntry::of(name, sealed));
        }
        Ok(())
    }

    /// All records of all trees; a tree is given up as soon as it is copied.
    fn records(
        &self,
        pins: Vec<Pin>,
        manifest: &mut Manifest,
        (options, progress): (&BackupOptions, &mut dyn FnMut(&BackupReport)),
    ) -> Result<()> {
        self.folder(records::FOLDER)?;
        let mut so_far = manifest.report();
        let mut writer = RecordsWriter::new(self.path, self.steps, options.file_bytes);
        for pin in pins {
            manifest.counts.trees += 1;
            pin.copy(&mut |space, key, value| {
                count(&mut manifest.counts, space);
                so_far.records = manifest.counts.records;
                so_far.chunks = manifest.counts.chunks;
                so_far.bytes += value.len() as u64;
                writer.put(space, key, value)?;
                progress(&so_far);
                Ok::<_, Error>(())
            })?;
        }
        manifest.files.extend(writer.finish()?);
        Ok(())
    }

    fn folder(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        let made = self.steps.step(&path).and_then(|()| fs::create_dir(&path));
        made.map_err(|error| unwritten(&path, error))
    }

    fn sync(&self, directory: &Path) -> Result<()> {
        self.steps
            .step(directory)
            .and_then(|()| files::sync_directory(directory))
            .map_err(|error| unwritten(directory, error))
    }

    /// Removes everything that an attempt may have left, but for the marker.
    fn clear(&self) -> io::Result<()> {
        for name in known_names() {
            let path = self.path.join(name);
            let removed = match path.symlink_metadata() {
                Ok(meta) if meta.is_dir() => fs::remove_dir_all(&path),
                Ok(_) => fs::remove_file(&path),
                Err(error) => Err(error),
            };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
impl Destination<'_> {
    /// Ends as a process that is killed does: what was written stays.
    pub(super) fn crash(mut self) {
        self.lock = None;
    }
}

impl Drop for Destination<'_> {
    fn drop(&mut self) {
        if self.lock.is_none() {
            return;
        }
        // First of all, as without it the rest is no backup.
        let manifest = match fs::remove_file(self.path.join(manifest::NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        let cleared = manifest
            .and_then(|()| self.clear())
            .and_then(|()| files::sync_directory(self.path))
            .and_then(|()| fs::remove_file(self.path.join(UNFINISHED)))
            .and_then(|()| {
                if self.is_new {
                    fs::remove_dir(self.path)
                } else {
                    Ok(())
                }
            });
        if let Err(error) = cleared {
            tracing::warn!(%error, "what is left of a failed backup could not be removed; it is no backup");
        }
    }
}

pub(super) fn count(counts: &mut Counts, space: Space) {
    if space == Space::CHUNKS {
        counts.chunks += 1;
    } else {
        counts.records += 1;
    }
}

/// What an unfinished backup may consist of, beside its marker.
fn known_names() -> [PathBuf; 7] {
    use crate::store::header::Role;
    let headers = [Role::Store, Role::Vaults].map(|role| PathBuf::from(role.file_name()));
    let [store, vaults] = headers;
    [
        files::unfinished(Path::new(manifest::NAME)),
        files::unfinished(&store),
        files::unfinished(&vaults),
        store,
        vaults,
        PathBuf::from(records::FOLDER),
        PathBuf::from(SIDE_FILES),
    ]
}

/// Refuses a directory with anything in it but what an attempt left that was never finished.
fn refuse_foreign(path: &Path) -> Result<()> {
    let unread = |error| Error::io(format!("cannot read {}", path.display()), error);
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(unread)?,
    };
    let names = entries
        .map(|entry| Ok(PathBuf::from(entry.map_err(unread)?.file_name())))
        .collect::<Result<Vec<_>>>()?;
    let is_unfinished = names.iter().any(|name| name == Path::new(UNFINISHED));
    let is_ours = |name: &PathBuf| {
        name == Path::new("lost+found")
            || is_unfinished && (name == Path::new(UNFINISHED) || known_names().contains(name))
    };
    match names.iter().find(|name| !is_ours(name)) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            ErrorKind::Store,
            "DirectoryNotEmpty",
            409,
            format!("{} holds other files: {}", path.display(), name.display()),
        )
        .hint(
            "name an empty directory, or one that does not exist yet; a backup is never written over another",
        )),
    }
}

/// True when `path`, which need not exist, lies in `directory` or is it.
pub(super) fn lies_in(path: &Path, directory: &Path) -> Result<bool> {
    let unread = |error| Error::io(format!("cannot look up {}", path.display()), error);
    let path = std::path::absolute(path).map_err(unread)?;
    let existing = path.ancestors().find(|ancestor| ancestor.exists());
    let existing = existing.unwrap_or(&path).canonicalize().map_err(unread)?;
    let directory = directory.canonicalize().map_err(unread)?;
    Ok(existing.starts_with(directory))
}

fn inside_store(path: &Path, store: &Path) -> Error {
    let message = format!(
        "{} lies inside {}, which is to be copied",
        path.display(),
        store.display()
    );
    Error::new(ErrorKind::Invalid, "DestinationInsideStore", 400, message)
        .hint("name a directory elsewhere, on another disk if there is one")
}
