//! Copying the whole vault store, and what a copy that is put in its place writes into the logs.
//!
//! What is copied is of one moment: the tree is pinned first, and the side files are those of the versions it
//! has. A file that was destroyed meanwhile has the whole begin again, so that no copy holds a version whose
//! key is gone, or the key of one that is not there.

use strongroom_engine::Timestamp;
use strongroom_engine::tree::Pin;

use crate::audit::{self, AuditOperation, AuditResult};
use crate::error::VaultError;
use crate::ids::VaultName;
use crate::records::VersionRecord;
use crate::rooms::{VAULTS, VERSIONS};
use crate::store::{Event, VaultStore};

/// How often versions may go while they are copied.
const ATTEMPTS: usize = 100;

/// The vault store as it was at one moment.
pub struct VaultPin {
    /// Its tree.
    pub tree: Pin,
    /// Names and sealed bytes of its side files.
    pub side_files: Vec<(String, Vec<u8>)>,
    /// Vaults, deleted ones that can be recovered included.
    pub vaults: u64,
}

impl VaultStore {
    /// Pins the store, to be copied sealed as it is, once it has been written into the log of every vault.
    /// Who may do that is who holds the vaults' directory and key.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn pin(&self) -> Result<VaultPin, VaultError> {
        self.log_everywhere(AuditOperation::VaultBackup)?;
        for _ in 0..ATTEMPTS {
            if let Some(pin) = self.try_pin()? {
                return Ok(pin);
            }
        }
        Err(VaultError::storage(
            "keys are purged faster than they can be copied; try again",
        ))
    }

    /// Writes into the log of every vault that all of this comes from a backup.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn log_restore(&self) -> Result<(), VaultError> {
        self.log_everywhere(AuditOperation::VaultRestore)?;
        self.epoch.advance();
        Ok(())
    }

    /// What time it is for the vaults.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// `None` if a version went meanwhile.
    fn try_pin(&self) -> Result<Option<VaultPin>, VaultError> {
        let pinned = self.trees.pin(std::slice::from_ref(&self.tree))?;
        let Some(tree) = pinned.into_iter().next() else {
            return Ok(None);
        };
        let versions: Vec<VersionRecord> = VERSIONS.all(tree.snapshot(), &())?;
        let mut side_files = Vec::with_capacity(versions.len());
        for version in versions {
            match self.files.sealed(version.file)? {
                Some(file) => side_files.push(file),
                // One that was lost before is lost in the copy as well.
                None if VERSIONS
                    .all(&self.tree, &())?
                    .iter()
                    .any(|now| now.file == version.file) => {}
                None => return Ok(None),
            }
        }
        let vaults = VAULTS.all(tree.snapshot(), &())?.len() as u64;
        Ok(Some(VaultPin {
            tree,
            side_files,
            vaults,
        }))
    }

    fn log_everywhere(&self, operation: AuditOperation) -> Result<(), VaultError> {
        self.flush_refusals(true)?;
        for vault in VAULTS.all(&self.tree, &())? {
            let name: VaultName = vault.name.parse()?;
            let call = self.call(Event {
                operation,
                target: name.uri().to_string(),
                vault: name.clone(),
            })?;
            let record = call.record(AuditResult::Success, self.clock.now());
            self.tree
                .transact(move |txn| audit::append(txn, &name, record.clone()))?;
        }
        Ok(())
    }
}
