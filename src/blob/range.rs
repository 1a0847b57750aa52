//! Byte ranges of a download.

use crate::error::{Error, ErrorKind, Result};

/// Which bytes of a blob to read. The default is all of them.
///
/// ```
/// use strongroom::ByteRange;
/// let first_kib = ByteRange::inclusive(0, 1023)?;
/// let rest = ByteRange::from(1024);
/// assert_eq!(ByteRange::inclusive(5, 4).unwrap_err().code(), "InvalidRange");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteRange(Option<(u64, Option<u64>)>);

impl ByteRange {
    /// The whole blob.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// From byte `start`, counted from 0, to the end.
    #[must_use]
    pub fn from(start: u64) -> Self {
        Self(Some((start, None)))
    }

    /// From byte `start` to byte `end`, both included. An `end` beyond the blob means its last byte.
    ///
    /// # Errors
    /// `InvalidRange` (416) when `end` is before `start`.
    pub fn inclusive(start: u64, end: u64) -> Result<Self> {
        if end < start {
            return Err(invalid(format!("the range {start}-{end} ends before it begins")));
        }
        Ok(Self(Some((start, Some(end)))))
    }

    /// First byte and first byte after the range, in a blob of `length` bytes.
    pub(crate) fn resolve(self, length: u64) -> Result<(u64, u64)> {
        match self.0 {
            None => Ok((0, length)),
            Some((start, _)) if start >= length => Err(invalid(format!(
                "the range begins at byte {start} of a blob of {length} bytes"
            ))),
            Some((start, end)) => {
                let past = end.and_then(|end| end.checked_add(1)).unwrap_or(length);
                Ok((start, past.min(length)))
            }
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, "InvalidRange", 416, message)
        .hint("ask for bytes within the blob; its properties say how long it is")
}
