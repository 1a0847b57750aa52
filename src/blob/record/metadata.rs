//! User metadata of a blob, sealed under the root key of its account or encryption scope, bound to no name.

use serde::{Deserialize, Serialize};
use strongroom_engine::codec::{Record, decode, encode, whole};
use strongroom_engine::entropy::random;
use strongroom_engine::seal::SealKind;

use crate::account::AccountCore;
use crate::encryption::{BlobKeys, DataKeys};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::Metadata;

/// User metadata, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedMetadata {
    #[serde(with = "whole")]
    pub(super) id: [u8; 16],
    #[serde(with = "whole")]
    pub(super) sealed: Vec<u8>,
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
    pub(crate) fn seal(core: &AccountCore, keys: &BlobKeys, metadata: &Metadata) -> Result<Option<Self>> {
        if metadata.is_empty() {
            return Ok(None);
        }
        keys.with_keys(|keys| Self::seal_some(core, keys, metadata))?
    }

    fn seal_some(core: &AccountCore, keys: &DataKeys, metadata: &Metadata) -> Result<Option<Self>> {
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

    pub(super) fn open(&self, keys: &DataKeys) -> Option<Metadata> {
        let plain = keys
            .metadata
            .open(SealKind::Metadata, &self.id, &self.sealed)
            .ok()?;
        Metadata::from_pairs(&decode::<Pairs>(&plain).ok()?.0)
    }
}
