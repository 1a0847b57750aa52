//! The codec: records to bytes and back.
//!
//! A record is one version byte and its bincode 2 encoding (standard configuration: little-endian,
//! variable-length integers). Decoding takes all of its input or fails, never allocates more than the input
//! allows, never panics.

pub(crate) mod fixed;
mod frame;
#[cfg(feature = "testing")]
pub mod fuzzing;
pub mod whole;

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

/// Room for most records, in bytes.
const TYPICAL_BYTES: usize = 256;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<RECORD_BYTES_MAX>()
}

/// The bytes of `record`.
///
/// # Errors
/// [`CodecError::TooLarge`].
pub fn encode<R: Record>(record: &R) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(TYPICAL_BYTES);
    bytes.push(R::VERSION);
    bincode::serde::encode_into_std_write(record, &mut bytes, config())
        .map_err(|_| CodecError::Malformed(R::NAME))?;
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(CodecError::TooLarge {
            what: R::NAME,
            size: bytes.len() - 1,
            limit: RECORD_BYTES_MAX,
        });
    }
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
    let (record, read) = bincode::serde::borrow_decode_from_slice(body, config())
        .map_err(|_| CodecError::Malformed(R::NAME))?;
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

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pieces {
        #[serde(with = "whole")]
        array: [u8; 3],
        #[serde(with = "whole")]
        option: Option<[u8; 2]>,
        #[serde(with = "whole")]
        list: Vec<u8>,
    }

    impl Record for Pieces {
        const NAME: &'static str = "pieces";
        const VERSION: u8 = 1;
    }

    #[test]
    fn a_piece_of_another_length_is_refused() {
        let good: [(&[u8], _); 2] = [
            (&[1, 3, 7, 8, 9, 2, 5, 6, 1, 4], (Some([5, 6]), vec![4])),
            (&[1, 3, 7, 8, 9, 0, 0], (None, Vec::new())),
        ];
        for (bytes, (option, list)) in good {
            let array = [7, 8, 9];
            let pieces = Pieces { array, option, list };
            assert_eq!(encode(&pieces).as_deref(), Ok(bytes));
            assert_eq!(decode::<Pieces>(bytes), Ok(pieces));
        }
        let hostile: [&[u8]; 6] = [
            &[1, 2, 7, 8, 0, 0],
            &[1, 4, 7, 8, 9, 9, 0, 0],
            &[1, 0, 0, 0],
            &[1, 3, 7, 8, 9, 1, 5, 0],
            &[1, 3, 7, 8, 9, 3, 5, 5, 5, 0],
            &[1, 253, 3, 0, 0, 0, 0, 0, 0, 64, 7, 8, 9, 0, 0],
        ];
        for bytes in hostile {
            let refused = Err(CodecError::Malformed("pieces"));
            assert_eq!(decode::<Pieces>(bytes), refused, "{bytes:?}");
        }
    }

    #[test]
    fn a_length_beyond_the_input_allocates_nothing() {
        // Version 1, then a string length of 2^62.
        let bytes = [1, 253, 0, 0, 0, 0, 0, 0, 0, 64];
        assert_eq!(decode::<Sample>(&bytes), Err(CodecError::Malformed("sample")));
    }
}
