//! The JSON of vaults and keys, as `az` prints them: the vault's own views.

use serde_json::{Value, json};
use strongroom::keyvault::view::{
    AuditView, DeletedKeyItemView, DeletedKeyView, DeletedVaultView, KeyItemView, KeyView, VaultView,
};
use strongroom::keyvault::{AuditLine, DeletedKey, DeletedVault, KeyBundle, KeyItem, VaultProperties};

/// A vault.
pub(super) fn vault(vault: &VaultProperties) -> Value {
    json!(VaultView::from(vault))
}

/// A vault in soft delete.
pub(super) fn deleted_vault(deleted: &DeletedVault) -> Value {
    json!(DeletedVaultView::from(deleted))
}

/// One version of a key.
pub(super) fn bundle(bundle: &KeyBundle) -> Value {
    json!(KeyView::from(bundle))
}

/// An entry of a list of keys or versions.
pub(super) fn item(item: &KeyItem) -> Value {
    json!(KeyItemView::from(item))
}

/// A deleted key.
pub(super) fn deleted_key(deleted: &DeletedKey) -> Value {
    json!(DeletedKeyView::from(deleted))
}

/// An entry of a list of deleted keys.
pub(super) fn deleted_item(deleted: &DeletedKey) -> Value {
    json!(DeletedKeyItemView::from(deleted))
}

/// A record of the audit log, with the members of Azure's logs.
pub(super) fn audit_line(line: &AuditLine) -> Value {
    json!(AuditView::from(line))
}
