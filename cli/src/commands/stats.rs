//! `stats`: what is stored, live and on disk, and which key version protects what.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use strongroom::{Account, ListBlobs};

use super::scrub::containers;
use super::shape::time;
use crate::output::error::Failure;
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session) -> Result<Value, Failure> {
    let store = session.store()?;
    let named = store.accounts()?;
    let accounts = named
        .iter()
        .map(|known| account(&store.account(&known.name)?))
        .collect::<Result<Vec<_>, Failure>>()?;
    let total = |member: &str| -> u64 {
        accounts
            .iter()
            .filter_map(|account| account.get(member)?.as_u64())
            .sum()
    };
    let places = session.places();
    Ok(json!({
        "accountCount": accounts.len(),
        "blobCount": total("blobCount"),
        "contentBytes": total("contentBytes"),
        "data": places.data.display().to_string(),
        "diskBytes": disk_bytes(&places.data, &places.vaults),
        "vaultDiskBytes": disk_bytes(&places.vaults, Path::new("")),
        "accounts": accounts,
    }))
}

fn account(account: &Account) -> Result<Value, Failure> {
    let (mut blobs, mut bytes) = (0_u64, 0_u64);
    let containers = containers(account)?;
    for container in &containers {
        let mut request = ListBlobs::default();
        loop {
            let page = container.list_blobs(&request)?;
            for blob in page.blobs() {
                blobs += 1;
                bytes += blob.properties.length;
            }
            request.marker = page.next;
            if request.marker.is_none() {
                break;
            }
        }
    }
    let status = account.encryption()?;
    let key = status.key_vault.as_ref();
    Ok(json!({
        "blobCount": blobs,
        "containerCount": containers.len(),
        "contentBytes": bytes,
        "currentVersionedKeyIdentifier": key.map(|key| key.current_versioned_key_identifier.to_string()),
        "keySource": status.key_source.as_str(),
        "lastKeyRotationTimestamp": key.map(|key| key.last_key_rotation.to_string()),
        "name": account.name(),
        "tracking": key.map(|key| if key.key_version.is_some() { "pinned" } else { "latest" }),
        "created": time(account.properties()?.created),
    }))
}

/// Bytes of the files below a directory, but for one directory inside it.
fn disk_bytes(directory: &Path, except: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path() != except)
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => disk_bytes(&entry.path(), except),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
