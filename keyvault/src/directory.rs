//! The directory: tenants, identities, and the tokens that prove them.
//!
//! An identity that is removed is gone: its tokens are refused from then on, and a new one has another object
//! id.

use strongroom_engine::entropy;

use crate::access::AccessToken;
use crate::error::VaultError;
use crate::ids::{ObjectId, TenantId};
use crate::records::{IdentityKind, IdentityRecord, TenantRecord};
use crate::rooms::{IDENTITIES, TENANTS};
use crate::store::{Changed, VaultStore};

/// A principal of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its object id: what access policies name.
    pub principal_id: ObjectId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// Its application id.
    pub client_id: [u8; 16],
    /// What it belongs to.
    pub kind: IdentityKind,
}

/// Where identities of accounts are made and removed.
pub trait Directory: Send + Sync {
    /// A new identity that belongs to `resource`, for example a storage account.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    fn create_system_identity(&self, tenant: TenantId, resource: &str) -> Result<Identity, VaultError>;

    /// Removes an identity; its tokens stop at once. One that is gone is no error.
    ///
    /// # Errors
    /// [`VaultError::Storage`]; [`VaultError::BadParameter`] for the owner.
    fn remove_identity(&self, principal: ObjectId) -> Result<(), VaultError>;

    /// The identity of that object id, if it is there.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    fn identity(&self, principal: ObjectId) -> Result<Option<Identity>, VaultError>;
}

impl Directory for VaultStore {
    fn create_system_identity(&self, tenant: TenantId, resource: &str) -> Result<Identity, VaultError> {
        self.create_identity(
            tenant,
            IdentityKind::System {
                resource: resource.to_owned(),
            },
        )
    }

    fn remove_identity(&self, principal: ObjectId) -> Result<(), VaultError> {
        if principal == self.owner() {
            return Err(VaultError::bad_parameter(
                "the owner of the installation cannot be removed; nobody could manage its vaults",
            ));
        }
        self.apply(move |txn| {
            IDENTITIES.delete(txn, &principal)?;
            Ok(Changed::to(()))
        })
    }

    fn identity(&self, principal: ObjectId) -> Result<Option<Identity>, VaultError> {
        Ok(IDENTITIES.get(&self.tree, &principal)?.map(Identity::from))
    }
}

impl VaultStore {
    /// A new identity that is a resource of its own.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn create_user_identity(&self, tenant: TenantId, name: &str) -> Result<Identity, VaultError> {
        self.create_identity(
            tenant,
            IdentityKind::User {
                name: name.to_owned(),
            },
        )
    }

    /// Every identity, the owner included.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn identities(&self) -> Result<Vec<Identity>, VaultError> {
        Ok(IDENTITIES
            .all(&self.tree, &())?
            .into_iter()
            .map(Identity::from)
            .collect())
    }

    /// Makes a tenant known. One that is known is no error.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn create_tenant(&self, tenant: TenantId) -> Result<(), VaultError> {
        let created = self.clock.now();
        self.apply(move |txn| {
            if TENANTS.get(txn, &tenant)?.is_none() {
                TENANTS.put(txn, &tenant, &TenantRecord { id: tenant, created })?;
            }
            Ok(Changed::to(()))
        })
    }

    /// Every tenant.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn tenants(&self) -> Result<Vec<TenantId>, VaultError> {
        let tenants = TENANTS.all(&self.tree, &())?;
        Ok(tenants.into_iter().map(|tenant| tenant.id).collect())
    }

    /// A token for an identity, good for an hour.
    ///
    /// # Errors
    /// [`VaultError::IdentityNotFound`].
    pub fn issue_token(&self, principal: ObjectId) -> Result<AccessToken, VaultError> {
        let identity = IDENTITIES.get(&self.tree, &principal)?;
        let identity = identity.ok_or_else(|| VaultError::IdentityNotFound {
            object_id: principal.to_string(),
        })?;
        self.access.issue(&identity, self.clock.now())
    }

    /// A token for the owner of the installation, good for an hour.
    ///
    /// # Errors
    /// [`VaultError::Storage`].
    pub fn owner_token(&self) -> Result<AccessToken, VaultError> {
        self.issue_token(self.owner())
    }

    fn create_identity(&self, tenant: TenantId, kind: IdentityKind) -> Result<Identity, VaultError> {
        let record = IdentityRecord {
            object_id: ObjectId::from_random(entropy::random(self.entropy.as_ref())?),
            tenant,
            client_id: ObjectId::from_random(entropy::random(self.entropy.as_ref())?).0,
            kind,
            created: self.clock.now(),
        };
        let stored = record.clone();
        self.apply(move |txn| {
            if TENANTS.get(txn, &tenant)?.is_none() {
                let created = stored.created;
                TENANTS.put(txn, &tenant, &TenantRecord { id: tenant, created })?;
            }
            IDENTITIES.put(txn, &stored.object_id, &stored)?;
            Ok(Changed::to(()))
        })?;
        Ok(record.into())
    }
}

impl From<IdentityRecord> for Identity {
    fn from(record: IdentityRecord) -> Self {
        Self {
            principal_id: record.object_id,
            tenant_id: record.tenant,
            client_id: record.client_id,
            kind: record.kind,
        }
    }
}
