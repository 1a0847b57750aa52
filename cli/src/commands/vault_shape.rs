//! The JSON of vaults and keys, as `az` prints them.

use serde_json::{Value, json};
use strongroom::keyvault::{
    AuditLine, AuditResult, DeletedKey, DeletedVault, KeyAttributes, KeyBundle, KeyItem, Tags,
    VaultProperties,
};

use super::shape::time;

/// A vault.
pub(super) fn vault(vault: &VaultProperties) -> Value {
    let policies: Vec<Value> = vault
        .access_policies
        .iter()
        .map(|policy| {
            let keys: Vec<&str> = policy.keys.iter().map(|permission| permission.as_str()).collect();
            json!({
                "applicationId": null,
                "objectId": policy.object_id.to_string(),
                "permissions": {"certificates": [], "keys": keys, "secrets": [], "storage": []},
                "tenantId": vault.tenant.to_string(),
            })
        })
        .collect();
    json!({
        "id": vault_id(vault),
        "location": vault.region.to_string(),
        "name": vault.name.to_string(),
        "properties": {
            "accessPolicies": policies,
            "createMode": null,
            // As in `az`, protection that was never switched on is null.
            "enablePurgeProtection": vault.purge_protection.then_some(true),
            "enableRbacAuthorization": false,
            "enableSoftDelete": vault.soft_delete,
            "provisioningState": "Succeeded",
            "sku": {"family": "A", "name": "standard"},
            "softDeleteRetentionInDays": vault.retention_days,
            "tenantId": vault.tenant.to_string(),
            "vaultUri": vault.uri.to_string(),
        },
        "resourceGroup": vault.resource_group,
        "systemData": {"createdAt": time(vault.created)},
        "tags": {},
        "type": "Microsoft.KeyVault/vaults",
    })
}

/// A vault in soft delete.
pub(super) fn deleted_vault(deleted: &DeletedVault) -> Value {
    json!({
        "id": vault_id(&deleted.vault),
        "name": deleted.vault.name.to_string(),
        "properties": {
            "deletionDate": time(deleted.deleted),
            "location": deleted.vault.region.to_string(),
            "purgeProtectionEnabled": deleted.vault.purge_protection.then_some(true),
            "scheduledPurgeDate": time(deleted.scheduled_purge),
            "tags": {},
            "vaultId": vault_id(&deleted.vault),
        },
        "type": "Microsoft.KeyVault/deletedVaults",
    })
}

/// One version of a key.
pub(super) fn bundle(bundle: &KeyBundle) -> Value {
    let operations: Vec<&str> = bundle
        .operations
        .iter()
        .map(|operation| operation.as_str())
        .collect();
    json!({
        "attributes": attributes(&bundle.attributes),
        "key": {
            "e": bundle.public.e_base64url(),
            "keyOps": operations,
            "kid": bundle.id.to_string(),
            "kty": bundle.kty.to_string(),
            "n": bundle.public.n_base64url(),
        },
        "managed": null,
        "tags": tags(&bundle.tags),
    })
}

/// An entry of a list of keys or versions.
pub(super) fn item(item: &KeyItem) -> Value {
    json!({
        "attributes": attributes(&item.attributes),
        "kid": item.kid.to_string(),
        "managed": null,
        "name": item.kid.name.to_string(),
        "tags": tags(&item.tags),
    })
}

/// A deleted key.
pub(super) fn deleted_key(deleted: &DeletedKey) -> Value {
    with_deletion(bundle(&deleted.bundle), deleted)
}

/// An entry of a list of deleted keys.
pub(super) fn deleted_item(deleted: &DeletedKey) -> Value {
    let item = json!({
        "attributes": attributes(&deleted.bundle.attributes),
        "kid": deleted.bundle.id.base().to_string(),
        "managed": null,
        "name": deleted.bundle.id.name.to_string(),
        "tags": tags(&deleted.bundle.tags),
    });
    with_deletion(item, deleted)
}

/// A record of the audit log, with the members of Azure's logs.
pub(super) fn audit_line(line: &AuditLine) -> Value {
    let record = &line.record;
    let (result, status, code, description) = match &record.result {
        AuditResult::Success => ("Success", 200, None, None),
        AuditResult::Failed {
            status,
            code,
            description,
        } => ("Failed", *status, Some(code.as_str()), Some(description.as_str())),
    };
    json!({
        "category": "AuditEvent",
        "correlationId": hex::encode(record.correlation_id),
        "durationMs": record.duration_ms,
        "hash": hex::encode(line.hash),
        "identity": {"claim": {
            "appid": record.app_id.map(hex::encode),
            "objectidentifier": record.object_id.map(|id| id.to_string()),
        }},
        "operationName": record.operation.as_str(),
        "properties": {"httpStatusCode": status, "id": record.target},
        "repeats": record.repeats,
        "resourceId": record.resource_id,
        "resultDescription": description,
        "resultSignature": code.unwrap_or("OK"),
        "resultType": result,
        "sequence": line.sequence,
        "time": record.time.to_string(),
    })
}

fn vault_id(vault: &VaultProperties) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.KeyVault/vaults/{}",
        vault.subscription, vault.resource_group, vault.name
    )
}

fn with_deletion(mut value: Value, deleted: &DeletedKey) -> Value {
    if let Value::Object(map) = &mut value {
        map.insert("deletedDate".to_owned(), deleted.deleted.map(time).into());
        map.insert("recoveryId".to_owned(), deleted.recovery_id.as_str().into());
        map.insert(
            "scheduledPurgeDate".to_owned(),
            deleted.scheduled_purge.map(time).into(),
        );
    }
    value
}

fn attributes(attributes: &KeyAttributes) -> Value {
    json!({
        "created": time(attributes.created),
        "enabled": attributes.enabled,
        "expires": attributes.expires.map(time),
        "notBefore": attributes.not_before.map(time),
        "recoverableDays": attributes.recoverable_days,
        "recoveryLevel": attributes.recovery_level,
        "updated": time(attributes.updated),
    })
}

fn tags(tags: &Tags) -> Value {
    tags.iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
