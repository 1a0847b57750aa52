//! Backup and restore of the vaults, apart from the data: restoring an old state of them would undo
//! revocations, so it is a call of its own, and the log of every vault tells of it.

use std::path::Path;

use strongroom_engine::engine::EngineKind;
use strongroom_keyvault::{VaultStore, VaultStoreParts};

use super::manifest::Manifest;
use super::restore::{self, Restore};
use super::steps::RealSteps;
use super::write::{Destination, Subject};
use super::{BackupOptions, BackupReport, RestoreProgress, engine_name};
use crate::error::{Error, Result};
use crate::store::directory::{ENGINE, Tree, directory_engine};
use crate::store::header::Role;
use crate::store::open::Placement;
use crate::store::vaults::{CACHE_BYTES, VaultOptions, Vaults, vaults_failed};

impl Vaults {
    /// Copies the vaults as they are at one moment into the new or empty directory `destination`, while
    /// everything else goes on. The log of every vault says so.
    ///
    /// Whoever has the copy and the vaults' key of that moment can use every key there was, whatever is
    /// revoked or purged later: keep it apart from the backups of the data, and destroy it in time.
    ///
    /// ```
    /// # fn main() -> strongroom::Result<()> {
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = |name: &str| directory.path().join(name);
    /// use strongroom::{BackupOptions, Passphrase, Vaults};
    /// let key = || Passphrase::new("the passphrase of the vaults".to_owned());
    /// let vaults = Vaults::builder(path("vaults"), key()?).init()?;
    /// let made = vaults.backup(&path("monday"), &BackupOptions::default(), |_| ())?;
    ///
    /// let to = Vaults::builder(path("again"), key()?);
    /// assert_eq!(Vaults::restore(&path("monday"), to, |_| ())?, made);
    /// Vaults::builder(path("again"), key()?).open()?.close()
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Store::backup`](crate::Store::backup).
    pub fn backup(
        &self,
        destination: &Path,
        options: &BackupOptions,
        mut progress: impl FnMut(&BackupReport),
    ) -> Result<BackupReport> {
        let inner = &self.inner;
        let outside = [inner.directory.as_path()];
        let mut destination = Destination::prepare(destination, &outside, &RealSteps)?;
        let header = inner.header.lock().clone();
        let taken = inner.store.now();
        let pinned = inner
            .store
            .pin()
            .map_err(|error| vaults_failed(error, "be copied"))?;
        let mut manifest = Manifest::new(Role::Vaults, header.id(), taken);
        manifest.engine = engine_name(&inner.directory)?;
        manifest.counts.accounts = pinned.vaults;
        let subject = Subject {
            header,
            key: &inner.backups,
            pins: vec![pinned.tree],
            side_files: pinned.side_files,
        };
        destination.write(subject, manifest, (options, &mut progress))
    }

    /// Makes vaults again from a backup, in the directory of `to`, which must be new or empty, and checks
    /// every byte before they are any. Nothing is open when this returns.
    ///
    /// Policies, key states and deletions are those of the moment of the backup: what was revoked since is
    /// granted again. The log of every vault says that it was restored, before anybody can open it.
    ///
    /// # Errors
    /// As [`Store::restore`](crate::Store::restore); `InvalidSettings` when `to` has an engine of its own.
    pub fn restore(
        backup: &Path,
        to: VaultOptions,
        mut progress: impl FnMut(RestoreProgress),
    ) -> Result<BackupReport> {
        if to.engine.is_some() {
            let message = "vaults are restored into an engine in their directory";
            return Err(Error::invalid("InvalidSettings", message).hint("leave the engine out"));
        }
        let key = (
            to.vault_key.as_ref(),
            &mut progress as &mut dyn FnMut(RestoreProgress),
        );
        let (checked, root) = restore::check(backup, Role::Vaults, key)?;
        let restore = Restore::prepare(&to.directory, (&checked, backup), &RealSteps)?;
        let engine = restore.engine(None, CACHE_BYTES)?;
        restore.load(engine, Placement::Engine, &mut progress)?;
        let opened = (Tree::Open, EngineKind::default());
        let parts = VaultStoreParts {
            // Not a store yet: the header comes last.
            last_commit: None,
            engine: directory_engine(&to.directory.join(ENGINE), CACHE_BYTES, opened)?,
            dir: to.directory.clone(),
            root,
            clock: to.clock,
            entropy: to.entropy,
            providers: to.providers,
        };
        let logged = VaultStore::open(parts).and_then(|store| {
            let logged = store.log_restore();
            store.close().and(logged)
        });
        logged.map_err(|error| vaults_failed(error, "be restored"))?;
        restore.finish(Placement::Engine)?;
        Ok(checked.manifest.report())
    }
}
