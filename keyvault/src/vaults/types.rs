//! What a vault looks like from outside, and what one can ask for.

use strongroom_engine::Timestamp;

use crate::error::VaultError;
use crate::ids::{ObjectId, Region, TenantId, VaultName, VaultUri};
use crate::permissions::KeyPermissions;
use crate::records::VaultRecord;
use crate::rooms::{POLICIES, Read};
use crate::state::{RETENTION_DAYS_MAX, Retention};

/// What a new vault is to be.
#[derive(Clone, Debug)]
pub struct NewVault {
    /// Its name, unique in the installation.
    pub name: VaultName,
    /// The tenant whose identities may use it.
    pub tenant: TenantId,
    /// Where it is; accounts that use its keys must be there too.
    pub region: Region,
    /// A label.
    pub resource_group: String,
    /// A label: accounts of other subscriptions may use the vault.
    pub subscription: String,
    /// What happens to deleted things. Default: soft delete for 90 days, no purge protection.
    pub retention: Retention,
}

impl NewVault {
    /// A vault with soft delete for 90 days and no purge protection.
    #[must_use]
    pub fn new(name: VaultName, tenant: TenantId, region: Region) -> Self {
        Self {
            name,
            tenant,
            region,
            resource_group: String::new(),
            subscription: String::new(),
            retention: Retention::Purgeable {
                days: RETENTION_DAYS_MAX,
            },
        }
    }
}

/// A change of a vault. What is `None` stays as it is; protections can only be switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VaultUpdate {
    /// Soft delete.
    pub soft_delete: Option<bool>,
    /// Purge protection.
    pub purge_protection: Option<bool>,
}

/// A vault as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultProperties {
    /// Its name.
    pub name: VaultName,
    /// Its address.
    pub uri: VaultUri,
    /// The tenant whose identities may use it.
    pub tenant: TenantId,
    /// Where it is.
    pub region: Region,
    /// A label.
    pub resource_group: String,
    /// A label.
    pub subscription: String,
    /// Deleted things can be recovered.
    pub soft_delete: bool,
    /// Nobody can purge them early.
    pub purge_protection: bool,
    /// How long they are kept, in days; 0 without soft delete.
    pub retention_days: u8,
    /// When it was made.
    pub created: Timestamp,
    /// Who may do what.
    pub access_policies: Vec<AccessPolicy>,
}

/// What one principal may do in a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    /// The principal.
    pub object_id: ObjectId,
    /// What it may do with keys.
    pub keys: KeyPermissions,
}

/// A vault in soft delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedVault {
    /// The vault as it was.
    pub vault: VaultProperties,
    /// When it was deleted.
    pub deleted: Timestamp,
    /// When it will be purged.
    pub scheduled_purge: Timestamp,
}

pub(crate) fn properties(read: &impl Read, record: &VaultRecord) -> Result<VaultProperties, VaultError> {
    let name = record.name()?;
    let policies = POLICIES.all(read, &record.id)?;
    Ok(VaultProperties {
        uri: name.uri(),
        name,
        tenant: record.tenant,
        region: record.region.clone(),
        resource_group: record.resource_group.clone(),
        subscription: record.subscription.clone(),
        soft_delete: record.retention.soft_delete(),
        purge_protection: record.retention.purge_protection(),
        retention_days: record.retention.days().unwrap_or(0),
        created: record.created,
        access_policies: policies
            .into_iter()
            .map(|policy| AccessPolicy {
                object_id: policy.object_id,
                keys: policy.keys,
            })
            .collect(),
    })
}
