//! What a store shows when it is opened, to be compared with what it should hold.

use std::collections::BTreeMap;

use strongroom::{Account, BlobName, Container, DownloadOptions, ListBlobs, ReadOptions};

use crate::state::{State, content};

pub(crate) const CONTAINER: &str = "blobs";

/// Content and metadata of a blob.
type Read = (Vec<u8>, Option<String>);

/// Everything that can be read.
pub(crate) struct Found {
    /// Name of the customer's key.
    key: Option<String>,
    /// What is listed, and what reading it gave.
    blobs: BTreeMap<String, Result<Read, String>>,
}

impl Found {
    /// Reads all of the account.
    pub(crate) fn look(account: &Account) -> Result<Self, String> {
        let status = account.encryption().map_err(told("encryption"))?;
        let container = account.container(&CONTAINER.parse().unwrap());
        let listed = container
            .list_blobs(&ListBlobs::default())
            .map_err(told("list"))?;
        let names = listed.blobs().map(|blob| blob.name.to_string());
        Ok(Self {
            key: status.key_vault.map(|key| key.key_name.to_string()),
            blobs: names
                .map(|blob| (blob.clone(), read(&container, &blob)))
                .collect(),
        })
    }

    /// Blobs that are listed and cannot be read.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = &str> {
        let failed = self.blobs.iter().filter(|(_, read)| read.is_err());
        failed.map(|(blob, _)| blob.as_str())
    }

    /// What is not as it is after operation `number`, under the key of that or of a later one up to
    /// `newest`: the copy of the envelope beside the engine wins over an older record. Blobs that cannot be
    /// read are passed over.
    pub(crate) fn difference(&self, seed: u64, number: u64, newest: u64) -> Option<String> {
        let expected = State::after(seed, number);
        let mut keys = (number..=newest).map(|number| State::after(seed, number).key.map(key_name));
        if !keys.any(|key| key == self.key) {
            return Some(format!("the key is {:?}, not {:?}", self.key, expected.key));
        }
        if !self.blobs.keys().eq(expected.blobs.keys()) {
            return Some(format!("there are {:?}", self.blobs.keys()));
        }
        let differs = expected.blobs.iter().find(|(blob, wanted)| {
            let metadata = wanted.metadata.map(|number| number.to_string());
            let pieces = wanted.pieces.iter();
            let content = || pieces.flat_map(|&(number, part)| content(seed, number, part));
            match &self.blobs[*blob] {
                Ok(read) => read.1 != metadata || !read.0.iter().copied().eq(content()),
                Err(_) => false,
            }
        });
        differs.map(|(blob, wanted)| format!("{blob} is not {wanted:?}"))
    }
}

fn read(container: &Container, blob: &str) -> Result<Read, String> {
    let (blob, mut content) = (named(blob), Vec::new());
    container
        .download(&blob, &DownloadOptions::default(), &mut content)
        .map_err(told(blob.as_str()))?;
    let properties = container
        .blob_properties(&blob, ReadOptions::default())
        .map_err(told(blob.as_str()))?;
    let metadata = properties.metadata.as_ref();
    let number = metadata.and_then(|metadata| metadata.get("number"));
    Ok((content, number.map(str::to_owned)))
}

/// The customer's key that operation `number` made.
pub(crate) fn key_name(number: u64) -> String {
    format!("k{number}")
}

pub(crate) fn named(blob: &str) -> BlobName {
    blob.parse().unwrap()
}

/// An error with what it is about.
pub(crate) fn told<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> String {
    let what = what.to_owned();
    move |error| format!("{what}: {error}")
}
