//! Reading and checking a vault's audit log.

use crate::access::AccessToken;
use crate::audit::{self, AuditLine, AuditOperation, AuditResult, AuditVerdict};
use crate::error::VaultError;
use crate::ids::VaultName;
use crate::rooms::{AUDIT_HEADS, VAULTS};
use crate::store::{Event, VaultStore};

use super::not_found;

impl VaultStore {
    /// At most `limit` lines of the vault's audit log from line `from` on. Works for purged vaults too.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`] for a name that never was a vault; [`VaultError::NotOwner`].
    pub fn audit(
        &self,
        token: &AccessToken,
        name: &VaultName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<AuditLine>, VaultError> {
        self.enter_audit(token, name)?;
        audit::page(&self.tree.snapshot()?, name, from, limit)
    }

    /// Checks the vault's audit log from its first line to its end.
    ///
    /// # Errors
    /// As [`audit`](Self::audit); a broken log is no error but a verdict.
    pub fn verify_audit(&self, token: &AccessToken, name: &VaultName) -> Result<AuditVerdict, VaultError> {
        self.enter_audit(token, name)?;
        audit::verify(&self.tree.snapshot()?, name)
    }

    /// Writes the rollback that opening has accepted into the log of every vault, deleted ones included. With
    /// this commit it is in force.
    pub(crate) fn record_rollback(&self) -> Result<(), VaultError> {
        let Some(accepted) = self.trees.accepted_rollback() else {
            return Ok(());
        };
        let (anchored, found) = (accepted.anchored, accepted.found);
        tracing::warn!(anchored, found, "the rollback of the key vaults was accepted");
        let mut lines = Vec::new();
        for vault in VAULTS.all(&self.tree, &())? {
            let call = self.call(Event {
                operation: AuditOperation::VaultRollbackAccepted,
                vault: vault.name()?,
                target: format!("commit {found} in place of {anchored}"),
            })?;
            lines.push(call);
        }
        self.tree.transact::<_, VaultError, _>(move |txn| {
            lines.iter().try_for_each(|call| {
                audit::append(
                    txn,
                    &call.event.vault,
                    call.record(AuditResult::Success, call.now),
                )
            })
        })?;
        Ok(self.trees.commit_head()?)
    }

    fn enter_audit(&self, token: &AccessToken, name: &VaultName) -> Result<(), VaultError> {
        let principal = self.access.authenticate(token, self.clock.now())?;
        self.access.authorize_owner(&self.tree, &principal, name)?;
        self.flush_refusals(true)?;
        match AUDIT_HEADS.get(&self.tree, name)? {
            Some(_) => Ok(()),
            None => Err(not_found(name)),
        }
    }
}
