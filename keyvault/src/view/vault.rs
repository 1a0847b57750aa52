//! Vaults, as `az keyvault` prints them.

use serde::Serialize;

use super::time::iso;
use crate::ids::TenantId;
use crate::permissions::KeyPermission;
use crate::records::Tags;
use crate::vaults::{AccessPolicy, DeletedVault, VaultProperties};

/// A vault, as `keyvault show` prints it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VaultView {
    /// Its resource id.
    pub id: String,
    /// Its region.
    pub location: String,
    /// Its name.
    pub name: String,
    /// Everything else.
    pub properties: VaultPropertiesView,
    /// Its resource group.
    pub resource_group: String,
    /// When it was made.
    pub system_data: SystemDataView,
    /// Always empty: vaults have no tags here.
    pub tags: Tags,
    /// The type of the resource.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// When a resource was made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SystemDataView {
    /// The time.
    pub created_at: String,
}

/// The inner part of a [`VaultView`].
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VaultPropertiesView {
    /// Who may do what.
    pub access_policies: Vec<AccessPolicyView>,
    /// `true` or absent: it cannot be switched off.
    pub enable_purge_protection: Option<bool>,
    /// Always false: access policies decide.
    pub enable_rbac_authorization: bool,
    /// Whether deleted things can be recovered.
    pub enable_soft_delete: bool,
    /// Always `Succeeded`: a vault that is shown is there.
    pub provisioning_state: &'static str,
    /// What the vault can hold.
    pub sku: SkuView,
    /// For how many days.
    pub soft_delete_retention_in_days: Option<u8>,
    /// The tenant whose identities may use it.
    pub tenant_id: String,
    /// Its address.
    pub vault_uri: String,
}

/// What a vault can hold.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SkuView {
    /// Always `A`.
    pub family: &'static str,
    /// Always `standard`.
    pub name: &'static str,
}

/// What one principal may do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccessPolicyView {
    /// Always absent: nobody acts for somebody else.
    pub application_id: Option<String>,
    /// The principal.
    pub object_id: String,
    /// What it may do.
    pub permissions: PermissionsView,
    /// The vault's tenant.
    pub tenant_id: String,
}

/// Permissions by kind of object.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PermissionsView {
    /// Always empty: a vault holds keys only.
    pub certificates: Vec<&'static str>,
    /// On keys, in canonical spelling.
    pub keys: Vec<&'static str>,
    /// Always empty.
    pub secrets: Vec<&'static str>,
    /// Always empty.
    pub storage: Vec<&'static str>,
}

/// A vault in soft delete.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeletedVaultView {
    /// The resource id it had.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Everything else.
    pub properties: DeletedVaultPropertiesView,
    /// The type of the resource.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// The inner part of a [`DeletedVaultView`].
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeletedVaultPropertiesView {
    /// When it was deleted.
    pub deletion_date: String,
    /// Its region.
    pub location: String,
    /// `true` or absent.
    pub purge_protection_enabled: Option<bool>,
    /// When it will be purged.
    pub scheduled_purge_date: String,
    /// The resource id it had.
    pub vault_id: String,
}

impl From<&VaultProperties> for VaultView {
    fn from(vault: &VaultProperties) -> Self {
        let policies = vault.access_policies.iter();
        Self {
            id: resource_id(vault),
            location: vault.region.to_string(),
            name: vault.name.to_string(),
            properties: VaultPropertiesView {
                access_policies: policies.map(|policy| policy_view(policy, vault.tenant)).collect(),
                enable_purge_protection: vault.purge_protection.then_some(true),
                enable_rbac_authorization: false,
                enable_soft_delete: vault.soft_delete,
                provisioning_state: "Succeeded",
                sku: SkuView {
                    family: "A",
                    name: "standard",
                },
                soft_delete_retention_in_days: vault.soft_delete.then_some(vault.retention_days),
                tenant_id: vault.tenant.to_string(),
                vault_uri: vault.uri.to_string(),
            },
            resource_group: vault.resource_group.clone(),
            system_data: SystemDataView {
                created_at: iso(vault.created),
            },
            tags: Tags::default(),
            kind: "Microsoft.KeyVault/vaults",
        }
    }
}

impl From<&DeletedVault> for DeletedVaultView {
    fn from(deleted: &DeletedVault) -> Self {
        Self {
            id: resource_id(&deleted.vault),
            name: deleted.vault.name.to_string(),
            properties: DeletedVaultPropertiesView {
                deletion_date: iso(deleted.deleted),
                location: deleted.vault.region.to_string(),
                purge_protection_enabled: deleted.vault.purge_protection.then_some(true),
                scheduled_purge_date: iso(deleted.scheduled_purge),
                vault_id: resource_id(&deleted.vault),
            },
            kind: "Microsoft.KeyVault/deletedVaults",
        }
    }
}

fn policy_view(policy: &AccessPolicy, tenant: TenantId) -> AccessPolicyView {
    AccessPolicyView {
        application_id: None,
        object_id: policy.object_id.to_string(),
        permissions: PermissionsView {
            certificates: Vec::new(),
            keys: policy.keys.iter().map(KeyPermission::as_str).collect(),
            secrets: Vec::new(),
            storage: Vec::new(),
        },
        tenant_id: tenant.to_string(),
    }
}

fn resource_id(vault: &VaultProperties) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.KeyVault/vaults/{}",
        vault.subscription, vault.resource_group, vault.name
    )
}
