//! Side files: one-time keys and copies of envelopes, beside the engine so that they can be destroyed.
//!
//! A one-time key wraps an account's root key while the platform manages it. A log-structured engine keeps
//! stale copies of what it stored; a file of its own can be overwritten and unlinked. See docs/KEYS.md.
//!
//! ```text
//! <holder id>.<file id>.onetime    a one-time key, sealed under the store's root key
//! <holder id>.envelope             the newest customer envelope, proven to unwrap, sealed likewise
//! <holder id>.envelope.new         the same before it is proven: never believed
//! ```

use std::io;
use std::path::{Path, PathBuf};

use strongroom_engine::codec::{self, FrameKind};
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::seal::SealKind;

use super::{Envelope, Source, damaged};
use crate::error::{Error, Result};
use crate::store::{StoreShared, files};

const ONE_TIME: &str = "onetime";
const COPY: &str = "envelope";
const COPY_ITEM: &[u8] = b"envelope-copy";

/// What side files ask of a file system.
pub(crate) trait FileSystem: Send + Sync {
    /// The whole of a file, or `None`.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;
    /// Creates a file with its bytes; durable but for its name.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Renames; the name is durable when this returns.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes names in the file's directory durable.
    fn sync_name(&self, path: &Path) -> io::Result<()>;
    /// Overwrites, syncs and unlinks.
    fn destroy(&self, path: &Path) -> io::Result<()>;
    /// The files of a directory.
    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;
}

/// The file system of the machine.
pub(crate) struct RealFiles;

impl FileSystem for RealFiles {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        files::read(path)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        files::write_new(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)?;
        files::sync_parent(to)
    }

    fn sync_name(&self, path: &Path) -> io::Result<()> {
        files::sync_parent(path)
    }

    fn destroy(&self, path: &Path) -> io::Result<()> {
        files::destroy(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(directory)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    }
}

/// The directory of side files.
pub(crate) struct SideFiles {
    directory: PathBuf,
    file_system: Box<dyn FileSystem>,
}

impl SideFiles {
    pub(crate) fn new(directory: PathBuf, file_system: Box<dyn FileSystem>) -> Self {
        Self {
            directory,
            file_system,
        }
    }

    /// Writes a new one-time key; durable when this returns.
    pub(crate) fn write_one_time(
        &self,
        store: &StoreShared,
        holder: ScopeId,
        file: [u8; 16],
        key: &RootKey,
    ) -> Result<()> {
        let bytes = seal(store, holder, &file, key.expose_for_wrapping())?;
        let path = self.one_time(holder, file);
        self.file_system
            .write_new(&path, &bytes)
            .and_then(|()| self.file_system.sync_name(&path))
            .map_err(|error| failed("write", &path, error))
    }

    /// The one-time key in a file.
    pub(crate) fn read_one_time(
        &self,
        store: &StoreShared,
        holder: ScopeId,
        file: [u8; 16],
    ) -> Result<RootKey> {
        let path = self.one_time(holder, file);
        let sealed = self.read(&path)?.ok_or_else(|| {
            damaged().hint(format!(
                "restore {} from a backup made at the same time as the rest",
                path.display()
            ))
        })?;
        let opened = open(store, holder, &file, &sealed)?;
        RootKey::from_bytes(opened).ok_or_else(damaged)
    }

    /// Writes a copy of a customer's envelope that nobody believes yet, and reads it back.
    pub(crate) fn write_unproven(
        &self,
        store: &StoreShared,
        holder: ScopeId,
        envelope: &Envelope,
    ) -> Result<Envelope> {
        let bytes = seal(store, holder, COPY_ITEM, &envelope.padded()?)?;
        let path = files::unfinished(&self.copy(holder));
        self.destroy(&path)?;
        self.file_system
            .write_new(&path, &bytes)
            .map_err(|error| failed("write", &path, error))?;
        self.read_copy(store, holder, &path)?.ok_or_else(damaged)
    }

    /// The copy is proven: from now on it is believed.
    pub(crate) fn believe(&self, holder: ScopeId) -> Result<()> {
        let path = self.copy(holder);
        self.file_system
            .rename(&files::unfinished(&path), &path)
            .map_err(|error| failed("write", &path, error))
    }

    /// The copy of the envelope, if there is one that was proven.
    pub(crate) fn proven_copy(&self, store: &StoreShared, holder: ScopeId) -> Result<Option<Envelope>> {
        self.read_copy(store, holder, &self.copy(holder))
    }

    /// The file that goes with an envelope, by its name and sealed as it is: its one-time key, or its own
    /// copy. `None` where an envelope has no file, or, for a one-time key, no longer has it.
    pub(crate) fn sealed_for(
        &self,
        store: &StoreShared,
        (holder, envelope): (ScopeId, &Envelope),
    ) -> Result<Option<(String, Vec<u8>)>> {
        let (path, item) = match &envelope.source {
            Source::Platform { file, .. } => (self.one_time(holder, *file), file.as_slice()),
            Source::Customer(_) => (self.copy(holder), COPY_ITEM),
        };
        let Some(sealed) = self.read(&path)? else {
            return Ok(None);
        };
        let opened = open(store, holder, item, &sealed)?;
        let belongs = item != COPY_ITEM || *opened == envelope.padded()?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(belongs.then_some((name, sealed)))
    }

    /// Destroys one one-time key.
    pub(crate) fn destroy_one_time(&self, holder: ScopeId, file: [u8; 16]) -> Result<()> {
        self.destroy(&self.one_time(holder, file))
    }

    /// Destroys every one-time key of the account but `keep`.
    pub(crate) fn destroy_one_time_but(&self, holder: ScopeId, keep: Option<[u8; 16]>) -> Result<()> {
        let kept = keep.map(|file| self.one_time(holder, file));
        self.destroy_where(holder, |path| {
            path.extension().is_some_and(|extension| extension == ONE_TIME) && Some(path) != kept.as_deref()
        })
    }

    /// Destroys the copies of the account's envelope, believed or not.
    pub(crate) fn destroy_copies(&self, holder: ScopeId) -> Result<()> {
        self.destroy(&files::unfinished(&self.copy(holder)))?;
        self.destroy(&self.copy(holder))
    }

    /// Destroys the copy that nobody believes.
    pub(crate) fn destroy_unproven(&self, holder: ScopeId) -> Result<()> {
        self.destroy(&files::unfinished(&self.copy(holder)))
    }

    /// Destroys every file of an account.
    pub(crate) fn destroy_all(&self, holder: ScopeId) -> Result<()> {
        self.destroy_where(holder, |_| true)
    }

    /// The holders that have files here.
    pub(crate) fn holders(&self) -> Result<Vec<ScopeId>> {
        let mut holders: Vec<_> = self.list()?.iter().filter_map(|path| owner(path)).collect();
        holders.sort_unstable();
        holders.dedup();
        Ok(holders)
    }

    fn read_copy(&self, store: &StoreShared, holder: ScopeId, path: &Path) -> Result<Option<Envelope>> {
        let Some(sealed) = self.read(path)? else {
            return Ok(None);
        };
        let record = open(store, holder, COPY_ITEM, &sealed)?;
        Ok(Some(Envelope::from_padded(&record)?))
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        self.file_system
            .read(path)
            .map_err(|error| failed("read", path, error))
    }

    fn destroy(&self, path: &Path) -> Result<()> {
        self.file_system
            .destroy(path)
            .map_err(|error| failed("destroy", path, error))
    }

    fn destroy_where(&self, holder: ScopeId, doomed: impl Fn(&Path) -> bool) -> Result<()> {
        let paths = self.list()?;
        let doomed = paths
            .iter()
            .filter(|path| owner(path) == Some(holder) && doomed(path));
        doomed.into_iter().try_for_each(|path| self.destroy(path))
    }

    fn list(&self) -> Result<Vec<PathBuf>> {
        self.file_system
            .list(&self.directory)
            .map_err(|error| failed("read", &self.directory, error))
    }

    fn one_time(&self, holder: ScopeId, file: [u8; 16]) -> PathBuf {
        let name = format!("{}.{}.{ONE_TIME}", hex::encode(holder.0), hex::encode(file));
        self.directory.join(name)
    }

    fn copy(&self, holder: ScopeId) -> PathBuf {
        self.directory.join(format!("{}.{COPY}", hex::encode(holder.0)))
    }
}

/// The account in a file's name.
fn owner(path: &Path) -> Option<ScopeId> {
    let (holder, _) = path.file_name()?.to_str()?.split_once('.')?;
    let id = hex::decode(holder).ok()?;
    Some(ScopeId(id.try_into().ok()?))
}

fn seal(store: &StoreShared, holder: ScopeId, item: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
    let sealed = store
        .with_root(|root| {
            root.purpose(Purpose::Wrap, holder).seal(
                SealKind::WrappedKey,
                item,
                secret,
                store.entropy.as_ref(),
            )
        })?
        .map_err(|error| Error::unavailable("a side file could not be sealed", error))?;
    Ok(codec::frame(FrameKind::File, &sealed)?)
}

fn open(
    store: &StoreShared,
    holder: ScopeId,
    item: &[u8],
    bytes: &[u8],
) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let sealed = codec::unframe(FrameKind::File, bytes)?;
    store
        .with_root(|root| {
            root.purpose(Purpose::Wrap, holder)
                .open(SealKind::WrappedKey, item, sealed)
        })?
        .map_err(|error| damaged().caused_by(error))
}

fn failed(doing: &str, path: &Path, error: io::Error) -> Error {
    Error::io(format!("cannot {doing} {}", path.display()), error)
}
