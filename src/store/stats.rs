//! Statistics: what is stored, what it takes on disk, and which key protects it.

use std::path::Path;
use std::time::Duration;

use strongroom_engine::engine::counting::WriteCounts;

use super::Store;
use crate::account::{Account, AccountName};
use crate::blob::ListBlobs;
use crate::container::ListContainers;
use crate::encryption::EncryptionStatus;
use crate::error::{Error, Result};

/// A store in numbers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreStats {
    /// Bytes of all files of the store, key vaults below its directory included.
    pub bytes_on_disk: u64,
    /// What is stored, by account, in order of name.
    pub accounts: Vec<AccountStats>,
    /// Bytes of decoded pages and small sealed bodies in memory.
    pub cache_bytes: u64,
    /// Age of the oldest state that a reader still holds.
    pub oldest_snapshot: Option<Duration>,
    /// What the engine was asked to write since the store was opened.
    pub writes: WriteCounts,
}

/// An account in numbers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountStats {
    /// The account.
    pub account: AccountName,
    /// Containers in use.
    pub containers: u64,
    /// Blobs in them.
    pub blobs: u64,
    /// Bytes of their content, as uploaded.
    pub content_bytes: u64,
    /// Records of the account's tree: everything but content.
    pub records: u64,
    /// Which key protects it, and when that last changed.
    pub encryption: EncryptionStatus,
}

impl Store {
    /// Counts what is stored. Needs no customer key; takes time in proportion to the number of blobs.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stats(&self) -> Result<StoreStats> {
        let trees = self.inner.shared.trees.stats();
        let mut accounts = Vec::new();
        for properties in self.accounts()? {
            accounts.push(count(properties.name.clone(), &self.account(&properties.name)?)?);
        }
        let directory = self.directory();
        Ok(StoreStats {
            bytes_on_disk: bytes_under(directory)
                .map_err(|error| Error::io(format!("cannot read {}", directory.display()), error))?,
            accounts,
            cache_bytes: trees.cache_bytes,
            oldest_snapshot: trees.snapshot_ages.first().copied(),
            writes: self.write_counts(),
        })
    }
}

fn count(name: AccountName, account: &Account) -> Result<AccountStats> {
    let mut stats = AccountStats {
        account: name,
        containers: 0,
        blobs: 0,
        content_bytes: 0,
        records: account.core.tree.entries(),
        encryption: account.encryption()?,
    };
    let mut containers = ListContainers::default();
    loop {
        let page = account.list_containers(&containers)?;
        for item in &page.containers {
            stats.containers += 1;
            let mut blobs = ListBlobs::default();
            loop {
                let page = account.container(&item.name).list_blobs(&blobs)?;
                for blob in page.blobs() {
                    stats.blobs += 1;
                    stats.content_bytes += blob.properties.length;
                }
                match page.next {
                    Some(next) => blobs.marker = Some(next),
                    None => break,
                }
            }
        }
        match page.next {
            Some(next) => containers.marker = Some(next),
            None => return Ok(stats),
        }
    }
}

/// Files that vanish meanwhile count as nothing.
fn bytes_under(directory: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        bytes += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_under(&entry.path())?,
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(bytes)
}
