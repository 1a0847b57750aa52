//! The JSON of containers and blobs, as `az` prints them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use strongroom::{
    BlobName, BlobProperties, BlobReceipt, ContainerName, ContainerProperties, Metadata, PublicAccess,
    Timestamp,
};

/// A container.
pub(super) fn container(
    name: &ContainerName,
    properties: &ContainerProperties,
    with_metadata: bool,
) -> Value {
    json!({
        "deleted": null,
        "metadata": with_metadata.then(|| metadata(&properties.metadata)),
        "name": name.as_str(),
        "properties": {
            "etag": properties.etag.to_string(),
            "lastModified": time(properties.last_modified),
            "lease": {
                "duration": properties.lease_duration.map(|duration| duration.to_string()),
                "state": properties.lease_state.to_string(),
                "status": properties.lease_status.to_string(),
            },
            "publicAccess": public_access(properties.public_access),
        },
        "version": null,
    })
}

/// As in `az`: nothing where anonymous callers may read nothing.
fn public_access(access: PublicAccess) -> Option<String> {
    (access != PublicAccess::None).then(|| access.to_string())
}

/// A blob; without its metadata where the listing did not ask for it.
pub(super) fn blob(container: &ContainerName, name: &BlobName, properties: &BlobProperties) -> Value {
    let headers = &properties.headers;
    json!({
        "container": container.as_str(),
        "content": "",
        "deleted": null,
        "metadata": properties.metadata.as_ref().map(metadata),
        "name": name.as_str(),
        "properties": {
            "blobType": "BlockBlob",
            "contentLength": properties.length,
            "contentSettings": {
                "cacheControl": headers.cache_control,
                "contentDisposition": headers.content_disposition,
                "contentEncoding": headers.content_encoding,
                "contentLanguage": headers.content_language,
                "contentMd5": properties.content_md5.map(base64),
                "contentType": headers.content_type,
            },
            "creationTime": time(properties.created),
            "etag": properties.etag.to_string(),
            "lastModified": time(properties.last_modified),
            "lease": {
                "duration": properties.lease_duration.map(|duration| duration.to_string()),
                "state": properties.lease_state.to_string(),
                "status": properties.lease_status.to_string(),
            },
            "serverEncrypted": true,
        },
        "snapshot": null,
    })
}

/// What a write says of the blob it made or changed.
pub(super) fn receipt(receipt: &BlobReceipt) -> Value {
    json!({
        "content_md5": receipt.content_md5.map(base64),
        "etag": receipt.etag.to_string(),
        "lastModified": time(receipt.last_modified),
        "request_server_encrypted": true,
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
