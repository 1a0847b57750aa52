//! Access policies of a vault: set, delete.

use crate::access::AccessToken;
use crate::audit::AuditOperation;
use crate::error::VaultError;
use crate::ids::{ObjectId, VaultName};
use crate::records::PolicyRecord;
use crate::rooms::POLICIES;
use crate::store::{Event, VaultStore};

use super::types::{AccessPolicy, VaultProperties, properties};

impl VaultStore {
    /// Lets a principal do exactly this with the vault's keys, whatever it could do before.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`], [`VaultError::BadParameter`] for more than 1024 policies.
    pub fn set_policy(
        &self,
        token: &AccessToken,
        name: &VaultName,
        policy: AccessPolicy,
    ) -> Result<VaultProperties, VaultError> {
        let event = policy_event(name, policy.object_id);
        self.change_vault(token, event, move |txn, record, _| {
            let key = (record.id, policy.object_id);
            let known = POLICIES.get(txn, &key)?.is_some();
            if !known && POLICIES.all(txn, &record.id)?.len() >= POLICIES_MAX {
                return Err(VaultError::bad_parameter(format!(
                    "a vault has at most {POLICIES_MAX} access policies; delete one first"
                )));
            }
            let stored = PolicyRecord {
                object_id: policy.object_id,
                keys: policy.keys,
            };
            POLICIES.put(txn, &key, &stored)?;
            properties(txn, record)
        })
    }

    /// Takes every permission from a principal. One that had none is no error.
    ///
    /// # Errors
    /// [`VaultError::VaultNotFound`].
    pub fn delete_policy(
        &self,
        token: &AccessToken,
        name: &VaultName,
        object_id: ObjectId,
    ) -> Result<VaultProperties, VaultError> {
        let event = policy_event(name, object_id);
        self.change_vault(token, event, move |txn, record, _| {
            POLICIES.delete(txn, &(record.id, object_id))?;
            properties(txn, record)
        })
    }
}

fn policy_event(name: &VaultName, object_id: ObjectId) -> Event {
    Event {
        operation: AuditOperation::VaultAccessPolicyChanged,
        vault: name.clone(),
        target: format!("{}/accessPolicies/{object_id}", name.uri()),
    }
}

/// Most access policies of one vault.
pub const POLICIES_MAX: usize = 1024;
