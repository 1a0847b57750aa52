//! The JSON of containers and blobs, as `az` prints them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use strongroom::{
    AccessTier, BlobItem, BlobName, BlobProperties, BlobReceipt, BlobType, BlobVersionRef, ContainerName,
    ContainerProperties, CopyState, EncryptionChoice, EncryptionScopeName, ImmutabilityPolicy, LeaseDuration,
    LeaseState, LeaseStatus, Metadata, PublicAccess, Tags, Timestamp,
};

/// What Azure calls the account's own key where an encryption scope could stand.
pub(super) const ACCOUNT_KEY: &str = "$account-encryption-key";

/// A container.
pub(super) fn container(
    name: &ContainerName,
    properties: &ContainerProperties,
    with_metadata: bool,
) -> Value {
    let scope = properties
        .encryption
        .default_scope
        .as_ref()
        .map(EncryptionScopeName::as_str);
    json!({
        "defaultEncryptionScope": scope.unwrap_or(ACCOUNT_KEY),
        "deleted": null,
        "encryptionScopeOverridePrevented": properties.encryption.deny_override,
        "metadata": with_metadata.then(|| metadata(&properties.metadata)),
        "name": name.as_str(),
        "properties": {
            "etag": properties.etag.to_string(),
            "lastModified": time(properties.last_modified),
            "lease": lease(properties.lease_state, properties.lease_status, properties.lease_duration),
            "publicAccess": public_access(properties.public_access),
        },
        "version": null,
    })
}

/// As in `az`: nothing where anonymous callers may read nothing.
pub(super) fn public_access(access: PublicAccess) -> Option<String> {
    (access != PublicAccess::None).then(|| access.to_string())
}

/// A blob; without its metadata where the listing did not ask for it.
pub(super) fn blob((container, name): (&ContainerName, &BlobName), properties: &BlobProperties) -> Value {
    let page_or_block = properties.blob_type != BlobType::AppendBlob;
    json!({
        "container": container.as_str(),
        "content": "",
        "deleted": properties.deleted.map(|_| true),
        "encryptionKeySha256": properties.encryption.customer_key_sha256.map(base64),
        "encryptionScope": properties.encryption.scope,
        "expiryTime": properties.expires.map(time),
        "hasLegalHold": properties.legal_hold,
        "hasVersionsOnly": null,
        "immutabilityPolicy": immutability(properties.immutability),
        "isAppendBlobSealed": (!page_or_block).then_some(properties.is_sealed),
        "isCurrentVersion": properties.version_id.map(|_| true),
        "metadata": properties.metadata.as_ref().map(metadata),
        "name": name.as_str(),
        "properties": inner(properties),
        "rehydratePriority": properties.rehydrate_priority.map(|priority| priority.to_string()),
        "requestServerEncrypted": true,
        "snapshot": null,
        "tagCount": (properties.tag_count > 0).then_some(properties.tag_count),
        "tags": null,
        "versionId": properties.version_id.map(|id| id.to_string()),
    })
}

/// A blob of a listing.
pub(super) fn item(container: &ContainerName, item: &BlobItem) -> Value {
    let mut shape = blob((container, &item.name), &item.properties);
    if let Some(members) = shape.as_object_mut() {
        let current = item.properties.version_id.map(|_| item.is_current);
        let tags = item.tags.as_ref().filter(|tags| !tags.is_empty()).map(self::tags);
        members.insert(
            "hasVersionsOnly".to_owned(),
            item.has_versions_only.then_some(true).into(),
        );
        members.insert("isCurrentVersion".to_owned(), current.into());
        members.insert(
            "snapshot".to_owned(),
            item.snapshot.map(|time| time.to_string()).into(),
        );
        members.insert("tags".to_owned(), tags.into());
    }
    shape
}

/// A blob that was asked for as this state; of a version, whether it is the current one, if that is known.
pub(super) fn as_state(mut shape: Value, which: BlobVersionRef, is_current: Option<bool>) -> Value {
    if let (true, Some(members)) = (which != BlobVersionRef::Base, shape.as_object_mut()) {
        let snapshot = which.snapshot().map(|time| time.to_string());
        members.insert("snapshot".to_owned(), snapshot.into());
        members.insert("isCurrentVersion".to_owned(), is_current.into());
    }
    shape
}

/// Adds which pages of a page blob hold data.
pub(super) fn with_page_ranges(shape: &mut Value, ranges: Value) {
    if let Some(properties) = shape.pointer_mut("/properties").and_then(Value::as_object_mut) {
        properties.insert("pageRanges".to_owned(), ranges);
    }
}

fn inner(properties: &BlobProperties) -> Value {
    let headers = &properties.headers;
    json!({
        "appendBlobCommittedBlockCount": properties.committed_block_count,
        "blobTier": properties.tier.map(AccessTier::as_str),
        "blobTierChangeTime": properties.tier_changed.map(time),
        "blobTierInferred": properties.tier_inferred.then_some(true),
        "blobType": properties.blob_type.as_str(),
        "contentLength": properties.length,
        "contentSettings": {
            "cacheControl": headers.cache_control,
            "contentDisposition": headers.content_disposition,
            "contentEncoding": headers.content_encoding,
            "contentLanguage": headers.content_language,
            "contentMd5": properties.content_md5.map(base64),
            "contentType": headers.content_type,
        },
        "copy": copy(properties.copy.as_ref(), properties.is_incremental_copy),
        "creationTime": time(properties.created),
        "deletedTime": properties.deleted.map(time),
        "etag": properties.etag.to_string(),
        "lastModified": time(properties.last_modified),
        "lease": lease(properties.lease_state, properties.lease_status, properties.lease_duration),
        "pageBlobSequenceNumber": properties.sequence_number,
        "pageRanges": null,
        "rehydrationStatus": properties.archive_status.map(|status| status.to_string()),
        "remainingRetentionDays": properties.remaining_days,
        "serverEncrypted": true,
    })
}

fn lease(state: LeaseState, status: LeaseStatus, duration: Option<LeaseDuration>) -> Value {
    json!({
        "duration": duration.map(|duration| duration.to_string()),
        "state": state.to_string(),
        "status": status.to_string(),
    })
}

fn copy(copy: Option<&CopyState>, is_incremental: bool) -> Value {
    json!({
        "completionTime": copy.and_then(|copy| copy.completed).map(time),
        "destinationSnapshot": copy.and_then(|copy| copy.destination_snapshot).map(|time| time.to_string()),
        "id": copy.map(|copy| copy.id.to_string()),
        "incrementalCopy": is_incremental.then_some(true),
        "progress": copy.map(|copy| format!("{}/{}", copy.copied, copy.total)),
        "source": copy.map(|copy| copy.source.as_str()),
        "status": copy.map(|copy| copy.status.as_str()),
        "statusDescription": copy.and_then(|copy| copy.description.as_deref()),
    })
}

/// Until when a blob is immutable, if it is.
pub(super) fn immutability(policy: Option<ImmutabilityPolicy>) -> Value {
    json!({
        "expiryTime": policy.map(|policy| time(policy.until)),
        "policyMode": policy.map(|policy| policy.mode.to_string()),
    })
}

/// Index tags.
pub(super) fn tags(tags: &Tags) -> Value {
    let pair = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
    tags.iter().map(pair).collect::<Map<_, _>>().into()
}

/// What a write says of the blob it made or changed.
pub(super) fn receipt(receipt: &BlobReceipt) -> Value {
    json!({
        "content_md5": receipt.content_md5.map(base64),
        "etag": receipt.etag.to_string(),
        "lastModified": time(receipt.last_modified),
        "request_server_encrypted": true,
        "version_id": receipt.version_id.map(|id| id.to_string()),
    })
}

/// The same, with what the content was put under.
pub(super) fn sealed(mut shown: Value, choice: &EncryptionChoice) -> Value {
    if let Some(members) = shown.as_object_mut() {
        let scope = match choice {
            EncryptionChoice::Scope(name) => Some(name.as_str()),
            _ => None,
        };
        let key = choice.customer_key_sha256().map(base64);
        members.insert("encryption_key_sha256".to_owned(), key.into());
        members.insert("encryption_scope".to_owned(), scope.into());
    }
    shown
}

/// What a change says of the container.
pub(super) fn changed(properties: &ContainerProperties) -> Value {
    json!({
        "etag": properties.etag.to_string(),
        "lastModified": time(properties.last_modified),
    })
}

/// User metadata.
pub(super) fn metadata(metadata: &Metadata) -> Value {
    metadata
        .iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect::<Map<_, _>>()
        .into()
}

/// The URL of a blob, with every byte that a path may not hold in percent encoding (RFC 3986).
pub(super) fn blob_url(account: &str, container: &ContainerName, name: &BlobName) -> String {
    let path: String = name.as_str().bytes().map(path_byte).collect();
    format!("https://{account}.blob.core.windows.net/{container}/{path}")
}

/// A time in whole seconds with its offset, as `az` prints it.
pub(super) fn time(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{seconds}+00:00")
}

fn path_byte(byte: u8) -> String {
    match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        letter if letter.is_ascii_alphanumeric() => char::from(letter).to_string(),
        other => format!("%{other:02X}"),
    }
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}
