//! Numbers of fixed width: eight bytes, big-endian, whatever the number is.
//!
//! For records whose length must not grow with what they count. Use it as `#[serde(with = "codec::fixed")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(crate) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    number.to_be_bytes().serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    <[u8; 8]>::deserialize(deserializer).map(u64::from_be_bytes)
}
