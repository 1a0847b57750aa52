//! How a reference to a body is written: what is fixed of it in one piece, then its lengths.
//!
//! ```text
//! piece     body id 24, salt 32, commitment 32; of a small body the name of its record 24 as well
//! ```

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{BodyId, BodyRef, Location};
use crate::codec::whole;
use crate::keys::ItemSeal;

const FIXED_BYTES: usize = 24 + 32 + 32;
const SMALL_BYTES: usize = FIXED_BYTES + 24;

#[derive(Serialize, Deserialize)]
struct Parts {
    #[serde(with = "whole")]
    fixed: Fixed,
    length: u64,
    chunk_bytes: u32,
}

/// The first `length` bytes.
struct Fixed {
    bytes: [u8; SMALL_BYTES],
    length: usize,
}

impl whole::Whole for Fixed {
    fn whole(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn from_whole(from: &[u8]) -> Option<Self> {
        if !matches!(from.len(), FIXED_BYTES | SMALL_BYTES) {
            return None;
        }
        let mut bytes = [0; SMALL_BYTES];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        let length = from.len();
        Some(Self { bytes, length })
    }
}

impl Serialize for BodyRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (small, length) = match &self.location {
            Location::Chunks => (&[0; 24], FIXED_BYTES),
            Location::Small(small) => (small, SMALL_BYTES),
        };
        let mut bytes = [0; SMALL_BYTES];
        let mut rest = bytes.as_mut_slice();
        for part in [
            &self.id.0,
            self.seal.salt.as_slice(),
            &self.seal.commitment,
            small,
        ] {
            if let Some((to, behind)) = std::mem::take(&mut rest).split_at_mut_checked(part.len()) {
                to.copy_from_slice(part);
                rest = behind;
            }
        }
        let parts = Parts {
            fixed: Fixed { bytes, length },
            length: self.length,
            chunk_bytes: self.chunk_bytes,
        };
        parts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BodyRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Parts {
            fixed,
            length,
            chunk_bytes,
        } = Parts::deserialize(deserializer)?;
        let too_short = || D::Error::invalid_length(fixed.length, &"a reference to a body");
        let (id, rest) = fixed.bytes.split_first_chunk().ok_or_else(too_short)?;
        let (salt, rest) = rest.split_first_chunk().ok_or_else(too_short)?;
        let (commitment, rest) = rest.split_first_chunk().ok_or_else(too_short)?;
        let (small, _) = rest.split_first_chunk().ok_or_else(too_short)?;
        Ok(Self {
            id: BodyId(*id),
            seal: ItemSeal {
                salt: *salt,
                commitment: *commitment,
            },
            length,
            chunk_bytes,
            location: match fixed.length {
                SMALL_BYTES => Location::Small(*small),
                _ => Location::Chunks,
            },
        })
    }
}
