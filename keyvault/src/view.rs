//! What the vault's things look like in JSON: the shapes and member names that `az keyvault` prints.
//!
//! Views are made for printing: they hold text, never a secret, and nothing reads them back.

mod audit;
mod time;

pub use audit::AuditView;

use serde::Serialize;

use crate::directory::Identity;
use crate::ids::TenantId;
use crate::keys::{KeyAttributes, KeyBundle, KeyItem};
use crate::permissions::{KeyOperation, KeyPermission};
use crate::records::{IdentityKind, Tags};
use crate::recovery::DeletedKey;
use crate::rotation::KeyRotationPolicy;
use crate::vaults::{AccessPolicy, DeletedVault, VaultProperties};
use time::iso;

/// One version of a key, as `key show`, `create`, `import` and `rotate` print it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KeyView {
    /// State and times.
    pub attributes: AttributesView,
    /// Address and public part.
    pub key: JsonWebKeyView,
    /// True for keys that belong to something else; none here do.
    pub managed: Option<bool>,
    /// Tags.
    pub tags: Tags,
}

/// Address and public part (RFC 7517).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct JsonWebKeyView {
    /// The public exponent, base64url.
    pub e: String,
    /// What the version may be used for.
    pub key_ops: Vec<&'static str>,
    /// The full address.
    pub kid: String,
    /// `RSA` or `RSA-HSM`.
    pub kty: &'static str,
    /// The modulus, base64url.
    pub n: String,
}

/// State and times of a version.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AttributesView {
    /// When it was made.
    pub created: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// From then on it protects nothing new.
    pub expires: Option<String>,
    /// Private parts never leave.
    pub exportable: bool,
    /// Before then it protects nothing new.
    pub not_before: Option<String>,
    /// Days during which it can be recovered once deleted.
    pub recoverable_days: u8,
    /// What deleting leads to.
    pub recovery_level: &'static str,
    /// When an attribute last changed.
    pub updated: String,
}

/// An entry of `key list` or `key list-versions`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KeyItemView {
    /// State and times.
    pub attributes: AttributesView,
    /// The address.
    pub kid: String,
    /// See [`KeyView::managed`].
    pub managed: Option<bool>,
    /// The key's name.
    pub name: String,
    /// Tags.
    pub tags: Tags,
}

/// A key in soft delete.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeletedKeyView {
    /// The key as it was.
    #[serde(flatten)]
    pub bundle: KeyView,
    /// When it was deleted.
    pub deleted_date: Option<String>,
    /// Where it is to be found meanwhile.
    pub recovery_id: String,
    /// When it will be purged.
    pub scheduled_purge_date: Option<String>,
}

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
    /// The type of the resource.
    #[serde(rename = "type")]
    pub kind: &'static str,
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
    /// Whether deleted things can be recovered.
    pub enable_soft_delete: bool,
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
    /// On keys, in canonical spelling.
    pub keys: Vec<&'static str>,
}

/// A vault in soft delete.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeletedVaultView {
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

/// An identity, as resources and the directory show it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IdentityView {
    /// Its application id.
    pub client_id: String,
    /// What it belongs to: a resource or a name; empty for the owner.
    pub name: String,
    /// Its object id.
    pub principal_id: String,
    /// Its tenant.
    pub tenant_id: String,
    /// `Owner`, `SystemAssigned` or `UserAssigned`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// A rotation policy with its times, as `key rotation-policy show` prints it.
#[must_use]
pub fn rotation_policy(policy: &KeyRotationPolicy) -> serde_json::Value {
    let mut value = policy.policy.to_json();
    if let Some(attributes) = value
        .get_mut("attributes")
        .and_then(|value| value.as_object_mut())
    {
        attributes.insert("created".to_owned(), policy.created.map(iso).into());
        attributes.insert("updated".to_owned(), policy.updated.map(iso).into());
    }
    value
}

impl From<&KeyBundle> for KeyView {
    fn from(bundle: &KeyBundle) -> Self {
        Self {
            attributes: (&bundle.attributes).into(),
            key: JsonWebKeyView {
                e: bundle.public.e_base64url(),
                key_ops: bundle.operations.iter().map(KeyOperation::as_str).collect(),
                kid: bundle.id.to_string(),
                kty: bundle.kty.as_str(),
                n: bundle.public.n_base64url(),
            },
            managed: None,
            tags: bundle.tags.clone(),
        }
    }
}

impl From<&KeyAttributes> for AttributesView {
    fn from(attributes: &KeyAttributes) -> Self {
        Self {
            created: iso(attributes.created),
            enabled: attributes.enabled,
            expires: attributes.expires.map(iso),
            exportable: false,
            not_before: attributes.not_before.map(iso),
            recoverable_days: attributes.recoverable_days,
            recovery_level: attributes.recovery_level,
            updated: iso(attributes.updated),
        }
    }
}

impl From<&KeyItem> for KeyItemView {
    fn from(item: &KeyItem) -> Self {
        Self {
            attributes: (&item.attributes).into(),
            kid: item.kid.to_string(),
            managed: None,
            name: item.kid.name.to_string(),
            tags: item.tags.clone(),
        }
    }
}

impl From<&DeletedKey> for DeletedKeyView {
    fn from(key: &DeletedKey) -> Self {
        Self {
            bundle: (&key.bundle).into(),
            deleted_date: key.deleted.map(iso),
            recovery_id: key.recovery_id.clone(),
            scheduled_purge_date: key.scheduled_purge.map(iso),
        }
    }
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
                enable_soft_delete: vault.soft_delete,
                sku: SkuView {
                    family: "A",
                    name: "standard",
                },
                soft_delete_retention_in_days: vault.soft_delete.then_some(vault.retention_days),
                tenant_id: vault.tenant.to_string(),
                vault_uri: vault.uri.to_string(),
            },
            resource_group: vault.resource_group.clone(),
            kind: "Microsoft.KeyVault/vaults",
        }
    }
}

impl From<&DeletedVault> for DeletedVaultView {
    fn from(deleted: &DeletedVault) -> Self {
        Self {
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

impl From<&Identity> for IdentityView {
    fn from(identity: &Identity) -> Self {
        let (kind, name) = match &identity.kind {
            IdentityKind::Owner => ("Owner", ""),
            IdentityKind::System { resource } => ("SystemAssigned", resource.as_str()),
            IdentityKind::User { name } => ("UserAssigned", name.as_str()),
        };
        Self {
            client_id: crate::ids::ObjectId(identity.client_id).to_string(),
            name: name.to_owned(),
            principal_id: identity.principal_id.to_string(),
            tenant_id: identity.tenant_id.to_string(),
            kind,
        }
    }
}

fn policy_view(policy: &AccessPolicy, tenant: TenantId) -> AccessPolicyView {
    AccessPolicyView {
        object_id: policy.object_id.to_string(),
        permissions: PermissionsView {
            keys: policy.keys.iter().map(KeyPermission::as_str).collect(),
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
