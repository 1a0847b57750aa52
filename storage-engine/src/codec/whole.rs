//! Arrays of bytes in one piece: their length, then the bytes, written and read in one move.
//!
//! serde knows an array only as so many single values, which costs some 40 instructions a byte. Use it as
//! `#[serde(with = "codec::whole")]`:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use strongroom_engine::codec::{Record, decode, encode, whole};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Sum {
//!     #[serde(with = "whole")]
//!     md5: Option<[u8; 16]>,
//! }
//! impl Record for Sum {
//!     const NAME: &'static str = "sum";
//!     const VERSION: u8 = 1;
//! }
//! assert_eq!(encode(&Sum { md5: None })?, [1, 0]);
//! assert!(decode::<Sum>(&[1, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
//! # Ok::<(), strongroom_engine::codec::CodecError>(())
//! ```

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

/// What is written in one piece. An option that is `None` is no bytes.
pub trait Whole: Sized {
    /// Its bytes.
    fn whole(&self) -> &[u8];

    /// What these bytes are, if their number is right.
    fn from_whole(bytes: &[u8]) -> Option<Self>;
}

impl<const N: usize> Whole for [u8; N] {
    fn whole(&self) -> &[u8] {
        self
    }

    fn from_whole(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}

impl<const N: usize> Whole for Option<[u8; N]> {
    fn whole(&self) -> &[u8] {
        self.as_ref().map_or(&[], |bytes| bytes)
    }

    fn from_whole(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => Some(None),
            bytes => bytes.try_into().ok().map(Some),
        }
    }
}

/// As serde writes a list of bytes, only faster.
impl Whole for Vec<u8> {
    fn whole(&self) -> &[u8] {
        self
    }

    fn from_whole(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

/// For serde.
///
/// # Errors
/// The serializer's.
pub fn serialize<T: Whole, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(value.whole())
}

/// For serde.
///
/// # Errors
/// The deserializer's; another number of bytes.
pub fn deserialize<'de, T: Whole, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_bytes(Bytes(PhantomData))
}

struct Bytes<T>(PhantomData<T>);

impl<T: Whole> Visitor<'_> for Bytes<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes of a fixed number")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        T::from_whole(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
    }
}
