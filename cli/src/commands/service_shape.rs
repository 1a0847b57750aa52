//! The JSON of the settings of the Blob service, as `az` prints them.

use serde_json::{Value, json};
use strongroom::{AccountProperties, BlobServiceProperties, CorsRule, Metrics, RetentionDays};

use super::account_shape::id;

/// As the service itself tells them.
pub(super) fn service(settings: &BlobServiceProperties) -> Value {
    let (logging, site) = (settings.logging, &settings.static_website);
    json!({
        "analyticsLogging": {
            "delete": logging.delete,
            "read": logging.read,
            "retentionPolicy": retention(logging.retention),
            "version": "1.0",
            "write": logging.write,
        },
        "cors": settings.cors.iter().map(rule).collect::<Vec<_>>(),
        "deleteRetentionPolicy": retention(settings.delete_retention),
        "hourMetrics": metrics(settings.hour_metrics),
        "minuteMetrics": metrics(settings.minute_metrics),
        "staticWebsite": {
            "defaultIndexDocumentPath": site.default_index_document_path,
            "enabled": site.enabled,
            "errorDocument404Path": site.error_document_404_path,
            "indexDocument": site.index_document,
        },
        "targetVersion": settings.default_service_version,
    })
}

/// As the account tells them.
pub(super) fn of_account(account: &AccountProperties, settings: &BlobServiceProperties) -> Value {
    let mut blobs = retention(settings.delete_retention);
    if let Some(members) = blobs.as_object_mut() {
        members.insert(
            "allowPermanentDelete".to_owned(),
            settings.allow_permanent_delete.into(),
        );
    }
    json!({
        "containerDeleteRetentionPolicy": retention(settings.container_delete_retention),
        "cors": {"corsRules": settings.cors.iter().map(rule).collect::<Vec<_>>()},
        "defaultServiceVersion": settings.default_service_version,
        "deleteRetentionPolicy": blobs,
        "id": format!("{}/blobServices/default", id(account)),
        "isVersioningEnabled": settings.versioning,
        "name": "default",
        "resourceGroup": account.resource_group,
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "type": "Microsoft.Storage/storageAccounts/blobServices",
    })
}

/// How long something is kept.
pub(super) fn retention(days: Option<RetentionDays>) -> Value {
    json!({"days": days.map(RetentionDays::get), "enabled": days.is_some()})
}

fn rule(rule: &CorsRule) -> Value {
    json!({
        "allowedHeaders": rule.allowed_headers,
        "allowedMethods": rule.allowed_methods.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "allowedOrigins": rule.allowed_origins,
        "exposedHeaders": rule.exposed_headers,
        "maxAgeInSeconds": rule.max_age_seconds,
    })
}

fn metrics(metrics: Metrics) -> Value {
    json!({
        "enabled": metrics.enabled,
        "includeApis": metrics.include_apis,
        "retentionPolicy": retention(metrics.retention),
        "version": "1.0",
    })
}
