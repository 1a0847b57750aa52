//! How a blob is stored: one record under its container's number and its name, readable without the
//! customer's key.
//!
//! Content and user metadata are sealed under the account root key; the record names their items and holds
//! what opens them except the key. Item ids are random and salts fresh, so no item is bound to a container or
//! a name.

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::body::BodyRef;
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::entropy::random;
use strongroom_engine::seal::SealKind;
use strongroom_engine::tree::Txn;

use super::properties::{BlobProperties, BlobType, ContentHeaders};
use crate::account::AccountCore;
use crate::commit::Failure;
use crate::container::record::{ContainerId, Source};
use crate::encryption::DataKeys;
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::metadata::Metadata;
use crate::names::BlobName;

/// What is kept of a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlobRecord {
    pub(crate) blob_type: BlobType,
    pub(crate) created: Timestamp,
    pub(crate) last_modified: Timestamp,
    pub(crate) etag: ETag,
    pub(crate) headers: ContentHeaders,
    pub(crate) content_md5: Option<[u8; 16]>,
    pub(crate) length: u64,
    /// The content, in order; the lengths add up to `length`.
    pub(crate) content: Vec<Extent>,
    /// `None` when there is no user metadata.
    pub(crate) metadata: Option<SealedMetadata>,
}

impl Record for BlobRecord {
    const NAME: &'static str = "blob record";
    const VERSION: u8 = 1;
}

/// A range of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    pub(crate) body: BodyRef,
    pub(crate) start: u64,
    pub(crate) length: u64,
}

/// User metadata, sealed under the account root key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedMetadata {
    id: [u8; 16],
    sealed: Vec<u8>,
}

/// What is sealed as metadata: names and values in order of the names.
#[derive(Serialize, Deserialize)]
struct Pairs(Vec<(String, String)>);

impl Record for Pairs {
    const NAME: &'static str = "metadata";
    const VERSION: u8 = 1;
}

impl SealedMetadata {
    /// Seals `metadata`; `None` if it is empty.
    pub(crate) fn seal(core: &AccountCore, keys: &DataKeys, metadata: &Metadata) -> Result<Option<Self>> {
        if metadata.is_empty() {
            return Ok(None);
        }
        let entropy = core.entropy.as_ref();
        let plain = zeroize::Zeroizing::new(encode(&Pairs(metadata.to_pairs()))?);
        let no_randomness = |error| {
            Error::new(
                ErrorKind::Store,
                "InternalError",
                500,
                "the metadata could not be sealed",
            )
            .caused_by(error)
        };
        let id = random(entropy).map_err(|error| no_randomness(error.into()))?;
        let sealed = keys
            .metadata
            .seal(SealKind::Metadata, &id, &plain, entropy)
            .map_err(no_randomness)?;
        Ok(Some(Self { id, sealed }))
    }

    fn open(&self, keys: &DataKeys) -> Option<Metadata> {
        let plain = keys
            .metadata
            .open(SealKind::Metadata, &self.id, &self.sealed)
            .ok()?;
        Metadata::from_pairs(&decode::<Pairs>(&plain).ok()?.0)
    }
}

impl BlobRecord {
    /// The blob of that name, or `BlobNotFound`.
    pub(crate) fn read(source: &impl Source, container: ContainerId, name: &BlobName) -> Result<Self> {
        Self::find(source, container, name)?.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "BlobNotFound",
                404,
                "The specified blob does not exist.",
            )
        })
    }

    /// The blob of that name, if there is one.
    pub(crate) fn find(
        source: &impl Source,
        container: ContainerId,
        name: &BlobName,
    ) -> Result<Option<Self>> {
        source
            .value(&key(container, name))?
            .map(|bytes| decode(&bytes).map_err(Error::from))
            .transpose()
    }

    /// Stores the record.
    pub(crate) fn write(&self, txn: &mut Txn<'_>, key: &[u8]) -> Result<(), Failure> {
        Ok(txn.put(key, &encode(self)?)?)
    }

    /// Gives up everything the record refers to, because the record goes away.
    pub(crate) fn release(&self, txn: &mut Txn<'_>) -> Result<(), Failure> {
        for extent in &self.content {
            txn.release_body(&extent.body)?;
        }
        Ok(())
    }

    /// Tag and time, for conditions.
    pub(crate) fn state(&self) -> (ETag, Timestamp) {
        (self.etag, self.last_modified)
    }

    /// The user metadata in clear.
    pub(crate) fn metadata(&self, keys: &DataKeys) -> Result<Metadata> {
        let damaged = || {
            let message =
                "the metadata of a blob did not authenticate: it was altered or sealed under another key";
            Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
        };
        match &self.metadata {
            Some(sealed) => sealed.open(keys).ok_or_else(damaged),
            None => Ok(Metadata::new()),
        }
    }

    /// What callers see of the record; user metadata is given apart.
    pub(crate) fn properties(&self, metadata: Option<Metadata>) -> BlobProperties {
        BlobProperties {
            blob_type: self.blob_type,
            etag: self.etag,
            created: self.created,
            last_modified: self.last_modified,
            length: self.length,
            headers: self.headers.clone(),
            content_md5: self.content_md5,
            metadata,
            lease_state: crate::container::LeaseState::default(),
            lease_status: crate::container::LeaseStatus::default(),
        }
    }
}

/// The key of a blob's record.
pub(crate) fn key(container: ContainerId, name: &BlobName) -> Vec<u8> {
    let mut key = container.blobs_prefix();
    key.extend_from_slice(name.as_str().as_bytes());
    key
}

#[cfg(test)]
mod tests {
    use strongroom_engine::body::{BodyId, Location};
    use strongroom_engine::keys::ItemSeal;

    use super::*;

    /// The bytes of docs/FORMAT.md, written out: a change here is a new version of the record.
    #[test]
    fn a_record_has_the_documented_bytes() {
        let record = BlobRecord {
            blob_type: BlobType::BlockBlob,
            created: Timestamp::from_ticks(1 << 40),
            last_modified: Timestamp::from_ticks(250),
            etag: "0x8DE2B1A4C5D6E7F".parse().unwrap(),
            headers: ContentHeaders {
                content_language: Some("de".to_owned()),
                ..ContentHeaders::of_type("a/b")
            },
            content_md5: Some([7; 16]),
            length: 251,
            content: vec![Extent {
                body: BodyRef {
                    id: BodyId([1; 24]),
                    seal: ItemSeal {
                        salt: [2; 32],
                        commitment: [3; 32],
                    },
                    length: 300,
                    chunk_bytes: 65_536,
                    location: Location::Small([4; 24]),
                },
                start: 9,
                length: 251,
            }],
            metadata: Some(SealedMetadata {
                id: [5; 16],
                sealed: vec![6; 3],
            }),
        };
        let mut want = vec![1, 0];
        want.extend([253, 0, 0, 0, 0, 0, 1, 0, 0, 250]);
        want.extend([253, 0x7f, 0x6e, 0x5d, 0x4c, 0x1a, 0x2b, 0xde, 0x08]);
        want.extend(b"\x03a/b\x00\x01\x02de\x00\x00\x01");
        want.extend([7; 16]);
        want.extend([251, 251, 0, 1]);
        want.extend([1; 24].iter().chain(&[2; 32]).chain(&[3; 32]));
        want.extend([251, 44, 1, 252, 0, 0, 1, 0, 1]);
        want.extend([4; 24]);
        want.extend([9, 251, 251, 0, 1]);
        want.extend([5; 16]);
        want.extend([3, 6, 6, 6]);
        assert_eq!(encode(&record).unwrap(), want);
        assert_eq!(decode::<BlobRecord>(&want).unwrap(), record);
        for cut in 0..want.len() {
            assert!(decode::<BlobRecord>(&want[..cut]).is_err(), "{cut}");
        }
    }
}
