//! The JSON of accounts, as `az` prints them.

use serde_json::{Value, json};
use strongroom::{AccountProperties, EncryptionStatus, KeyVaultProperties};

use super::shape::time;

/// An account with its identity and encryption settings.
pub(super) fn account(account: &AccountProperties, encryption: &EncryptionStatus) -> Value {
    let created = time(account.created);
    let on = |key_type: &str| json!({"enabled": true, "keyType": key_type, "lastEnabledTime": created});
    json!({
        "creationTime": created,
        "encryption": {
            "keySource": encryption.key_source.as_str(),
            "keyVaultProperties": encryption.key_vault.as_ref().map(key_vault),
            "recoveryKey": encryption.recovery_key.as_ref().map(super::recovery_key::shape),
            "requireInfrastructureEncryption": encryption.require_infrastructure_encryption,
            "services": {
                "blob": on(encryption.blob.as_str()),
                "file": on(encryption.file.as_str()),
                "queue": on(encryption.queue.as_str()),
                "table": on(encryption.table.as_str()),
            },
        },
        "id": id(account),
        "identity": account.system_identity.map(|identity| json!({
            "principalId": identity.principal_id.to_string(),
            "tenantId": identity.tenant_id.to_string(),
            "type": "SystemAssigned",
        })),
        "kind": "StorageV2",
        "location": account.region.to_string(),
        "name": account.name.to_string(),
        "primaryEndpoints": {"blob": format!("https://{}.blob.core.windows.net/", account.name)},
        "provisioningState": "Succeeded",
        "resourceGroup": account.resource_group,
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "tags": {},
        "tenantId": account.tenant.to_string(),
        "type": "Microsoft.Storage/storageAccounts",
    })
}

/// The resource id of an account.
pub(super) fn id(account: &AccountProperties) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}",
        account.subscription, account.resource_group, account.name
    )
}

fn key_vault(key: &KeyVaultProperties) -> Value {
    json!({
        "currentVersionedKeyExpirationTimestamp": key.current_versioned_key_expiration.map(time),
        "currentVersionedKeyIdentifier": key.current_versioned_key_identifier.to_string(),
        "keyName": key.key_name.to_string(),
        "keyVaultUri": key.key_vault_uri.to_string(),
        "keyVersion": key.key_version.map(|version| version.to_string()).unwrap_or_default(),
        "lastKeyRotationTimestamp": key.last_key_rotation.to_string(),
    })
}
