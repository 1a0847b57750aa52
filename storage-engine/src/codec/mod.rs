//! The codec: records to bytes and back.
//!
//! A record is one version byte and its bincode 2 encoding (standard configuration: little-endian,
//! variable-length integers). Decoding takes all of its input or fails, never allocates more than the input
//! allows, never panics.

pub(crate) mod fixed;
mod frame;
#[cfg(feature = "testing")]
pub mod fuzzing;

pub use frame::{FRAME_BYTES, FrameKind, frame, frame_with, unframe, unframe_unchecked};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest encoded record, in bytes.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Why bytes are no record.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes are damaged: their CRC-32 does not match.
    #[error("the checksum of a {0} does not match; the storage medium has damaged it")]
    Checksum(&'static str),
    /// The bytes do not follow the format.
    #[error("a {0} is malformed")]
    Malformed(&'static str),
    /// Written by a release before the first stable one, in a version that is not read any more.
    #[error("a {what} has format version {found}, this release reads {oldest} and later")]
    Older {
        /// The record.
        what: &'static str,
        /// Its version.
        found: u8,
        /// The oldest version read here.
        oldest: u8,
    },
    /// Written by a newer release.
    #[error("a {what} has format version {found}, this release reads up to {known}; use a newer release")]
    Newer {
        /// The record.
        what: &'static str,
        /// Its version.
        found: u8,
        /// The newest version known here.
        known: u8,
    },
    /// More bytes than the format allows.
    #[error("a {what} of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// The record.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
}

/// A type with an encoding of its own.
pub trait Record: Serialize + DeserializeOwned {
    /// What errors call it.
    const NAME: &'static str;
    /// The version this release writes, and the newest it reads. Starts at 1.
    const VERSION: u8;
    /// The oldest version this release reads. Default 1.
    const OLDEST: u8 = 1;
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<RECORD_BYTES_MAX>()
}

/// The bytes of `record`.
///
/// # Errors
/// [`CodecError::TooLarge`].
pub fn encode<R: Record>(record: &R) -> Result<Vec<u8>, CodecError> {
    let body = bincode::serde::encode_to_vec(record, config()).map_err(|_| CodecError::Malformed(R::NAME))?;
    if body.len() >= RECORD_BYTES_MAX {
        return Err(CodecError::TooLarge {
            what: R::NAME,
            size: body.len(),
            limit: RECORD_BYTES_MAX,
        });
    }
    let mut bytes = Vec::with_capacity(1 + body.len());
    bytes.push(R::VERSION);
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// The record in `bytes`, all of them.
///
/// # Errors
/// [`CodecError`]: trailing bytes, a newer version, anything malformed.
pub fn decode<R: Record>(bytes: &[u8]) -> Result<R, CodecError> {
    let (&version, body) = bytes.split_first().ok_or(CodecError::Malformed(R::NAME))?;
    if version > R::VERSION {
        return Err(CodecError::Newer {
            what: R::NAME,
            found: version,
            known: R::VERSION,
        });
    }
    if (1..R::OLDEST).contains(&version) {
        return Err(CodecError::Older {
            what: R::NAME,
            found: version,
            oldest: R::OLDEST,
        });
    }
    if version == 0 || body.len() >= RECORD_BYTES_MAX {
        return Err(CodecError::Malformed(R::NAME));
    }
    let (record, read) =
        bincode::serde::decode_from_slice(body, config()).map_err(|_| CodecError::Malformed(R::NAME))?;
    if read == body.len() {
        Ok(record)
    } else {
        Err(CodecError::Malformed(R::NAME))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        name: String,
        bytes: Vec<u8>,
        number: Option<u64>,
    }

    impl Record for Sample {
        const NAME: &'static str = "sample";
        const VERSION: u8 = 1;
    }

    proptest! {
        #[test]
        fn round_trips_and_refuses_prefixes_and_extensions(
            name: String, bytes: Vec<u8>, number: Option<u64>,
        ) {
            let sample = Sample { name, bytes, number };
            let mut encoded = encode(&sample).unwrap();
            prop_assert_eq!(&decode::<Sample>(&encoded).unwrap(), &sample);
            for cut in 0..encoded.len() {
                prop_assert!(decode::<Sample>(&encoded[..cut]).is_err());
            }
            encoded.push(0);
            prop_assert!(decode::<Sample>(&encoded).is_err());
        }

        #[test]
        fn hostile_bytes_give_an_error_or_a_record(bytes: Vec<u8>) {
            let _ = decode::<Sample>(&bytes);
        }
    }

    #[test]
    fn a_newer_version_is_named_as_such() {
        let known = CodecError::Newer {
            what: "sample",
            found: 2,
            known: 1,
        };
        assert_eq!(decode::<Sample>(&[2, 0, 0, 0]), Err(known));
        assert_eq!(
            decode::<Sample>(&[0, 0, 0, 0]),
            Err(CodecError::Malformed("sample"))
        );
    }

    #[test]
    fn a_length_beyond_the_input_allocates_nothing() {
        // Version 1, then a string length of 2^62.
        let bytes = [1, 253, 0, 0, 0, 0, 0, 0, 0, 64];
        assert_eq!(decode::<Sample>(&bytes), Err(CodecError::Malformed("sample")));
    }
}
