//! What the vault's things look like in JSON: the shapes and member names that `az keyvault` prints.
//!
//! Views are made for printing: they hold text, never a secret, and nothing reads them back.

mod audit;
mod time;
mod vault;

pub use audit::AuditView;
pub use vault::{
    AccessPolicyView, DeletedVaultPropertiesView, DeletedVaultView, PermissionsView, SkuView, SystemDataView,
    VaultPropertiesView, VaultView,
};

use serde::Serialize;

use crate::directory::Identity;
use crate::keys::{KeyAttributes, KeyBundle, KeyItem};
use crate::permissions::KeyOperation;
use crate::records::{IdentityKind, Tags};
use crate::recovery::DeletedKey;
use crate::rotation::KeyRotationPolicy;
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

/// An entry of `key list-deleted`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeletedKeyItemView {
    /// The key, by its address without a version.
    #[serde(flatten)]
    pub item: KeyItemView,
    /// When it was deleted.
    pub deleted_date: Option<String>,
    /// Where it is to be found meanwhile.
    pub recovery_id: String,
    /// When it will be purged.
    pub scheduled_purge_date: Option<String>,
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

impl From<&DeletedKey> for DeletedKeyItemView {
    fn from(key: &DeletedKey) -> Self {
        let DeletedKeyView {
            bundle,
            deleted_date,
            recovery_id,
            scheduled_purge_date,
        } = key.into();
        Self {
            item: KeyItemView {
                attributes: bundle.attributes,
                kid: key.bundle.id.base().to_string(),
                managed: bundle.managed,
                name: key.bundle.id.name.to_string(),
                tags: bundle.tags,
            },
            deleted_date,
            recovery_id,
            scheduled_purge_date,
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
