//! The bytes of a node, before sealing. All numbers are big-endian.
//!
//! ```text
//! node      level 1, slots 2, prefix length 2, prefix, slots
//! slot      key without the prefix: length 2, bytes (absent in the first slot of a branch), then the payload
//! payload   of a leaf:   length 2 (at most 0x7fff), bytes; or 0xffff, value length 4, parts 1,
//!                        page id 24 each
//!           of a branch: page id 24
//! ```
//! The prefix is the longest that all stored keys share, so a node has exactly one encoding.

use std::sync::Arc;

use super::{Bytes, Node, Overflow, Payload, Slot};
use crate::tree::page_id::PageId;
use crate::tree::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

/// Bytes of a node without prefix and slots.
pub(super) const FIXED_BYTES: usize = 5;
/// Bytes of an overflow payload without its page ids.
pub(super) const OVERFLOW_BYTES: usize = 7;
/// Longest inline value.
pub(in super::super) const INLINE_BYTES_MAX: usize = 0x7fff;
const OVERFLOW_MARK: u16 = u16::MAX;
/// Deeper than any tree can grow: with two children per branch, 2^32 leaves.
const LEVEL_MAX: u8 = 32;

/// Room made at once for repeated prefixes, in bytes.
const PREFIX_ROOM_MAX: usize = 64 << 10;

/// Why bytes are no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum NodeError {
    #[error("the page is malformed")]
    Malformed,
    #[error("the page ends early")]
    Short,
    #[error("the page is followed by other bytes")]
    Trailing,
    #[error("the keys of the page are out of order")]
    Order,
    #[error("the page is not on the level where it is linked")]
    Level,
    #[error("the page is missing")]
    Missing,
}

impl Node {
    /// The bytes of a node whose children and large values are sealed.
    pub(in super::super) fn encode(&self) -> Result<Vec<u8>, NodeError> {
        let prefix = self.prefix();
        let mut out = Vec::with_capacity(self.size());
        out.push(self.level);
        put_length(&mut out, self.slots.len())?;
        put_length(&mut out, prefix.len())?;
        out.extend_from_slice(prefix);
        for (index, slot) in self.slots.iter().enumerate() {
            if self.level == 0 || index > 0 {
                let suffix = slot.key.get(prefix.len()..).ok_or(NodeError::Order)?;
                put_length(&mut out, suffix.len())?;
                out.extend_from_slice(suffix);
            }
            slot.payload.encode(&mut out)?;
        }
        Ok(out)
    }

    /// The node in `bytes`, all of them.
    pub(in super::super) fn decode(bytes: &[u8]) -> Result<Self, NodeError> {
        let mut reader = Reader(bytes);
        let level = reader.number::<1>()? as u8;
        let count = reader.number::<2>()?;
        let prefix_length = reader.number::<2>()?;
        let prefix = reader.take(prefix_length)?;
        let slot_bytes_min = if level == 0 { 4 } else { PageId::BYTES };
        let fewest = if level == 0 { 1 } else { 2 };
        if level > LEVEL_MAX || count < fewest || count > reader.0.len() / slot_bytes_min {
            return Err(NodeError::Malformed);
        }
        let mut buffer = Buffer::with_room(prefix, count, reader.0.len());
        let mut read: Vec<((u32, u32), Read)> = Vec::with_capacity(count);
        let mut last = None;
        for index in 0..count {
            let key = if level > 0 && index == 0 {
                (0, 0)
            } else {
                let suffix = reader.suffix(prefix)?;
                if last.replace(suffix).is_some_and(|last| last >= suffix) {
                    return Err(NodeError::Order);
                }
                buffer.add(&[prefix, suffix])?
            };
            let payload = if level == 0 {
                reader.value(&mut buffer)
            } else {
                reader.child().map(Read::Other)
            }?;
            read.push((key, payload));
        }
        let node = Self {
            level,
            slots: buffer.slots(read),
        };
        match (reader.0.is_empty(), node.prefix().len() == prefix.len()) {
            (true, true) => Ok(node),
            (false, _) => Err(NodeError::Trailing),
            (true, false) => Err(NodeError::Malformed),
        }
    }
}

impl Payload {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), NodeError> {
        match self {
            Self::Inline(value) if value.len() <= INLINE_BYTES_MAX => {
                put_length(out, value.len())?;
                out.extend_from_slice(value);
            }
            Self::Overflow(value) => {
                let parts = u8::try_from(value.parts.len()).map_err(|_| NodeError::Malformed)?;
                out.extend_from_slice(&OVERFLOW_MARK.to_be_bytes());
                out.extend_from_slice(&value.length.to_be_bytes());
                out.push(parts);
                value.parts.iter().for_each(|id| out.extend_from_slice(&id.0));
            }
            Self::Page(id) => out.extend_from_slice(&id.0),
            Self::Inline(_) | Self::Pending(_) | Self::Fresh(_) => return Err(NodeError::Malformed),
        }
        Ok(())
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) -> Result<(), NodeError> {
    let length = u16::try_from(length).map_err(|_| NodeError::Malformed)?;
    out.extend_from_slice(&length.to_be_bytes());
    Ok(())
}

/// A payload, before its buffer is complete.
enum Read {
    /// Where in the buffer.
    Inline((u32, u32)),
    Other(Payload),
}

/// Keys and small values of a node, one behind the other.
struct Buffer(Vec<u8>);

impl Buffer {
    /// With room for `bytes`, and for `count` times `prefix` unless that is suspiciously much.
    fn with_room(prefix: &[u8], count: usize, bytes: usize) -> Self {
        let prefixes = (count * prefix.len()).min(PREFIX_ROOM_MAX);
        Self(Vec::with_capacity(bytes + prefixes))
    }

    /// Where `parts` are, one behind the other.
    fn add(&mut self, parts: &[&[u8]]) -> Result<(u32, u32), NodeError> {
        let place = |at| u32::try_from(at).map_err(|_| NodeError::Malformed);
        let start = place(self.0.len())?;
        parts.iter().for_each(|part| self.0.extend_from_slice(part));
        Ok((start, place(self.0.len())?))
    }

    fn slots(self, read: Vec<((u32, u32), Read)>) -> Vec<Slot> {
        let buffer = Arc::from(self.0);
        let slot = |(key, payload)| Slot {
            key: Bytes::within(&buffer, key),
            payload: match payload {
                Read::Inline(place) => Payload::Inline(Bytes::within(&buffer, place)),
                Read::Other(payload) => payload,
            },
        };
        read.into_iter().map(slot).collect()
    }
}

/// What is left to decode.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], NodeError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(NodeError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A big-endian number of at most four bytes.
    fn number<const N: usize>(&mut self) -> Result<usize, NodeError> {
        let bytes = self.take(N)?;
        Ok(bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    /// What a key has behind the prefix.
    fn suffix(&mut self, prefix: &[u8]) -> Result<&'a [u8], NodeError> {
        let length = self.number::<2>()?;
        let suffix = self.take(length)?;
        match prefix.len() + suffix.len() {
            1..=KEY_BYTES_MAX => Ok(suffix),
            _ => Err(NodeError::Malformed),
        }
    }

    fn child(&mut self) -> Result<Payload, NodeError> {
        let id = self.take(PageId::BYTES)?;
        id.try_into()
            .map(|id| Payload::Page(PageId(id)))
            .map_err(|_| NodeError::Short)
    }

    fn value(&mut self, buffer: &mut Buffer) -> Result<Read, NodeError> {
        match self.number::<2>()? {
            length @ 0..=INLINE_BYTES_MAX => Ok(Read::Inline(buffer.add(&[self.take(length)?])?)),
            mark if mark == usize::from(OVERFLOW_MARK) => self.overflow().map(Read::Other),
            _ => Err(NodeError::Malformed),
        }
    }

    fn overflow(&mut self) -> Result<Payload, NodeError> {
        let length = self.number::<4>()?;
        let count = self.number::<1>()?;
        if length == 0 || length > VALUE_BYTES_MAX || count != Overflow::parts_of(length) {
            return Err(NodeError::Malformed);
        }
        let ids = self.take(count * PageId::BYTES)?;
        let (ids, _) = ids.as_chunks::<{ PageId::BYTES }>();
        Ok(Payload::Overflow(Overflow {
            parts: ids.iter().map(|id| PageId(*id)).collect(),
            length: u32::try_from(length).map_err(|_| NodeError::Malformed)?,
        }))
    }
}
