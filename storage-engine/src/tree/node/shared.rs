//! Bytes of a page: keys and values of a node are parts of one buffer that its slots share.
//!
//! A page that was read has its keys and small values one behind the other, so that a search touches few
//! cache lines and reading a page allocates one buffer instead of two a slot.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Some bytes of a buffer. Clones share the buffer, and keep all of it.
#[derive(Clone)]
pub struct Bytes {
    buffer: Arc<[u8]>,
    start: u32,
    end: u32,
}

/// No bytes.
impl Default for Bytes {
    fn default() -> Self {
        Self {
            buffer: Arc::default(),
            start: 0,
            end: 0,
        }
    }
}

impl Bytes {
    /// Those from `start` up to `end`; none where the buffer ends before.
    pub(super) fn within(buffer: &Arc<[u8]>, (start, end): (u32, u32)) -> Self {
        Self {
            buffer: buffer.clone(),
            start,
            end,
        }
    }
}

impl Bytes {
    /// Which buffer it is, and how many bytes that has.
    pub(super) fn buffer(&self) -> (*const u8, usize) {
        (self.buffer.as_ptr(), self.buffer.len())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let range = self.start as usize..self.end as usize;
        self.buffer.get(range).unwrap_or_default()
    }
}

/// In a buffer of their own, in one allocation. Keys and values are shorter than 4 GiB.
impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self {
            buffer: bytes.into(),
            start: 0,
            end: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
