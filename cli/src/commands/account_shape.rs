//! The JSON of accounts, as `az` prints them.

use serde_json::{Value, json};
use strongroom::AccountProperties;

use super::shape::time;

/// An account with its identity and encryption settings.
pub(super) fn account(account: &AccountProperties) -> Value {
    let created = time(account.created);
    let on = |key_type: &str| json!({"enabled": true, "keyType": key_type, "lastEnabledTime": created});
    json!({
        "creationTime": created,
        "encryption": {
            "keySource": "Microsoft.Storage",
            "keyVaultProperties": null,
            "requireInfrastructureEncryption": false,
            "services": {
                "blob": on("Account"),
                "file": on("Account"),
                "queue": on(account.queue.as_str()),
                "table": on(account.table.as_str()),
            },
        },
        "id": format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}",
            account.subscription, account.resource_group, account.name
        ),
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
