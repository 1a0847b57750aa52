//! Backup and restore: a store of one moment, copied sealed as it is while work goes on, and made a store
//! again elsewhere.
//!
//! A backup is a directory: header, files of records, side files, and at last the manifest that names them
//! all. Copying needs the store's own keys and no customer's. Invariants:
//! * Everything is of one moment: `moment` pins all trees between two commits.
//! * Without its manifest a directory is no backup, and that is written when all else is durable.
//! * Every byte of a backup is checked before anything is made of it. What is being restored has no header,
//!   so that nobody opens it, until everything else is durable.
//! * Nothing is sealed: a restored store holds the same sealed bytes, and what it seals from then on has
//!   salts of its own.

mod manifest;
mod moment;
mod records;
mod restore;
mod steps;
#[cfg(test)]
mod tests;
mod vaults;
mod write;

use std::io;
use std::path::Path;

use strongroom_engine::Timestamp;
use strongroom_engine::engine::EngineKind;
use strongroom_engine::keys::Purpose;

use super::Store;
use super::directory::ENGINE;
use super::header::Role;
use super::open::{Placement, StoreOptions};
use crate::error::{Error, ErrorKind, Result};
use manifest::Manifest;
use restore::Restore;
use steps::{RealSteps, Steps};
use write::{Destination, Subject};

/// Name and sealed bytes of a side file.
type SealedFile = (String, Vec<u8>);

/// How a backup is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupOptions {
    /// A file of records ends with the record that makes it as long as this, in bytes. Default 256 MiB.
    pub file_bytes: u64,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self {
            file_bytes: 256 << 20,
        }
    }
}

/// What a restored store is made of, where that is a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// Which engine keeps its records. Default: the one the backup was made from.
    pub engine: Option<EngineKind>,
    /// Where its large bodies are. Default: where they were.
    pub placement: Option<Placement>,
}

/// What a backup holds. While one is made: what it holds so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// The moment whose state it is.
    pub taken: Timestamp,
    /// Accounts; in a backup of vaults: vaults.
    pub accounts: u64,
    /// Sealed records: heads, pages, parts of large values, small bodies.
    pub records: u64,
    /// Sealed chunks of large bodies.
    pub chunks: u64,
    /// Files beside the manifest.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
}

impl Store {
    /// Copies the store as it is at one moment into the new or empty directory `destination`, while
    /// everything else goes on. Needs no customer's key.
    ///
    /// What was acknowledged before the call is in the backup. When this returns, every file of it is
    /// durable; when it fails, nothing in `destination` is a backup. `progress` is called after each
    /// record. A backup opens with the host key of the moment it was made.
    ///
    /// ```
    /// # fn main() -> strongroom::Result<()> {
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = |name: &str| directory.path().join(name);
    /// use strongroom::{BackupOptions, Passphrase, RestoreOptions, Store};
    /// let host_key = || Passphrase::new("a long passphrase".to_owned());
    /// let store = Store::builder(path("data"), host_key()?).init()?;
    /// let made = store.backup(&path("monday"), &BackupOptions::default(), |_| ())?;
    ///
    /// let options = Store::builder(path("again"), host_key()?);
    /// let restored = Store::restore(&path("monday"), options, &RestoreOptions::default(), |_| ())?;
    /// assert_eq!(restored, made);
    /// Store::builder(path("again"), host_key()?).open()?.close()
    /// # }
    /// ```
    ///
    /// # Errors
    /// `DirectoryNotEmpty`, `NotADirectory`; `DestinationInsideStore`; `SnapshotExpired` when it takes longer
    /// than [`Settings::view_age_max`](crate::Settings::view_age_max); a damaged store; a full disk.
    pub fn backup(
        &self,
        destination: &Path,
        options: &BackupOptions,
        mut progress: impl FnMut(&BackupReport),
    ) -> Result<BackupReport> {
        self.backup_by(&RealSteps, destination, options, &mut progress)
    }

    /// Makes a store again from a backup, in the directory of `to`, which must be new or empty, and checks
    /// every byte before it is one. Nothing in it is open when this returns.
    ///
    /// It is the same store, with the same id, as of the moment of the backup. `progress` gets the bytes
    /// checked so far, then those restored.
    ///
    /// # Errors
    /// `NotABackup`, `BackupDamaged` (which file), `NewerFormat`, `WrongPlatformKey`, `EngineNotBuiltIn`,
    /// `AlreadyInitialised`, `DirectoryNotEmpty`, `DestinationInsideBackup`: nothing was written then. When
    /// anything else fails, what was written is removed again.
    pub fn restore(
        backup: &Path,
        to: StoreOptions,
        options: &RestoreOptions,
        mut progress: impl FnMut(RestoreProgress),
    ) -> Result<BackupReport> {
        restore_by(&RealSteps, backup, to, options, &mut progress)
    }

    fn backup_by(
        &self,
        steps: &dyn Steps,
        destination: &Path,
        options: &BackupOptions,
        progress: &mut dyn FnMut(&BackupReport),
    ) -> Result<BackupReport> {
        let shared = &self.inner.shared;
        let header = self.inner.header.lock().clone();
        let key = shared.with_root(|root| root.purpose(Purpose::BackupMac, header.id()))?;
        let mut outside = vec![self.directory()];
        outside.extend(
            self.inner
                .vaults
                .as_ref()
                .map(|vaults| vaults.inner.directory.as_path()),
        );
        let mut destination = Destination::prepare(destination, &outside, steps)?;
        let moment = moment::pin(shared)?;
        let mut manifest = Manifest::new(Role::Store, header.id(), moment.taken);
        manifest.placement = header.placement();
        manifest.engine = engine_name(self.directory())?;
        manifest.counts.accounts = moment.accounts;
        let subject = Subject {
            header,
            key: &key,
            pins: moment.pins,
            side_files: moment.side_files,
        };
        destination.write(subject, manifest, (options, progress))
    }
}

/// How far a restore has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreProgress {
    /// Bytes of the backup that were checked.
    pub checked: u64,
    /// Bytes of it that were restored.
    pub restored: u64,
    /// Bytes there are.
    pub bytes: u64,
}

fn restore_by(
    steps: &dyn Steps,
    backup: &Path,
    to: StoreOptions,
    options: &RestoreOptions,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<BackupReport> {
    to.refuse_options()?;
    let StoreOptions {
        directory,
        host_key,
        engine,
        settings,
        ..
    } = to;
    let checked = restore::check(backup, Role::Store, (host_key.as_ref(), &mut *progress))?;
    let (checked, _root) = checked;
    let restore = Restore::prepare(&directory, (&checked, backup), steps)?;
    let placement = options.placement.unwrap_or(checked.manifest.placement);
    let engine = match engine {
        Some(engine) => restore::empty(engine)?,
        None => restore.engine(options.engine, settings.engine_cache_bytes)?,
    };
    restore.load(engine, placement, progress)?;
    restore.finish(placement)?;
    Ok(checked.manifest.report())
}

/// What the engine of a store in `directory` calls itself.
fn engine_name(directory: &Path) -> Result<Option<String>> {
    let engine = directory.join(ENGINE);
    let kind = EngineKind::of(&engine).map_err(|error| Error::engine_unopened(&engine, error))?;
    Ok(kind.map(|kind| kind.name().to_owned()))
}

fn not_a_backup(path: &Path) -> Error {
    let message = format!("{} is no backup, or one that was never finished", path.display());
    Error::new(ErrorKind::NotFound, "NotABackup", 404, message)
        .hint("name the directory of a backup; one that was interrupted is worth nothing")
}

fn damaged(path: &Path) -> Error {
    let message = format!(
        "{} is not what was backed up: damaged, or of another backup",
        path.display()
    );
    Error::new(ErrorKind::Corrupt, "BackupDamaged", 500, message)
        .hint("use another copy of this backup, or another backup; nothing was made of this one")
}

fn unwritten(path: &Path, error: io::Error) -> Error {
    use io::ErrorKind as Io;
    let full = matches!(
        error.kind(),
        Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge
    );
    let failed = Error::io(format!("cannot write {}", path.display()), error);
    if full {
        failed.hint("free some space there, or name another disk, then begin again")
    } else {
        failed
    }
}
