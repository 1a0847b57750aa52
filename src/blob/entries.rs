//! Entries of content: block ids and the extents they stand for, and finding the one at a position.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use strongroom_engine::codec::whole;

use super::record::Extent;
use crate::error::{Error, ErrorKind, Result};

/// Names a block within its blob: 1 to 64 bytes, written in base64 (RFC 4648). All blocks of a blob have ids
/// of the same length.
///
/// ```
/// use strongroom::BlockId;
/// let id: BlockId = "MDAx".parse()?;
/// assert_eq!(id.as_bytes(), b"001");
/// assert_eq!(id.to_string(), "MDAx");
/// assert_eq!("%".parse::<BlockId>().unwrap_err().code(), "InvalidQueryParameterValue");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockId(#[serde(with = "whole")] Vec<u8>);

impl BlockId {
    /// Longest id, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// The block of that id.
    ///
    /// # Errors
    /// 400: `InvalidQueryParameterValue` if it is empty, `OutOfRangeInput` if it is longer than 64 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        match bytes.len() {
            0 => Err(malformed("a block id is not empty")),
            1..=Self::BYTES_MAX => Ok(Self(bytes.to_vec())),
            _ => {
                let message = "a block id has at most 64 bytes before it is written in base64";
                Err(Error::new(ErrorKind::Invalid, "OutOfRangeInput", 400, message))
            }
        }
    }

    /// The id itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for BlockId {
    /// In base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(&self.0))
    }
}

impl FromStr for BlockId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // Four letters for three bytes; what is longer need not be decoded.
        let decoded = match text.len() {
            0..=1024 => STANDARD.decode(text).ok(),
            _ => None,
        };
        Self::new(&decoded.ok_or_else(|| malformed("a block id is written in base64"))?)
    }
}

fn malformed(message: &str) -> Error {
    Error::new(ErrorKind::Invalid, "InvalidQueryParameterValue", 400, message)
}

/// One piece of content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// `None` where the content was not made of named blocks.
    pub(crate) block: Option<BlockId>,
    pub(crate) extent: Extent,
}

/// An extent with the position of its first byte in the blob.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) offset: u64,
    pub(crate) extent: Extent,
}

impl Placed {
    /// First position behind it; saturates on damaged lengths.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.extent.length)
    }
}

/// Extents one behind the other, the first at `offset`.
pub(crate) fn place(offset: u64, extents: impl IntoIterator<Item = Extent>) -> Vec<Placed> {
    let mut offset = offset;
    let placed = extents.into_iter().map(|extent| {
        let placed = Placed { offset, extent };
        offset = placed.end();
        placed
    });
    placed.collect()
}

/// The extent that holds `position`.
pub(crate) fn at(placed: &[Placed], position: u64) -> Option<&Placed> {
    let index = placed.partition_point(|placed| placed.end() <= position);
    placed.get(index).filter(|placed| placed.offset <= position)
}
