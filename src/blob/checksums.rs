//! The checksums of content on its way in: which are computed, and which must come out.

use super::crc64::{Crc64, Crc64Stream};
use super::md5::{ContentMd5, MD5_BYTES_MAX, Md5Stream};
use crate::error::{Error, Result};

/// What is known of content before it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) md5: ContentMd5,
    /// The CRC that the content must have, if the caller knows it.
    pub(super) crc64: Option<Crc64>,
    /// Bytes of content, if the caller knows.
    pub(super) length: Option<u64>,
}

impl Expected {
    /// Bytes of content that MD5 is computed of, at most. None of content that is known to become too large
    /// for it.
    pub(super) fn md5_bytes(self) -> u64 {
        match self.md5 {
            ContentMd5::None => 0,
            ContentMd5::IfSmall if self.length.is_some_and(|length| length > MD5_BYTES_MAX) => 0,
            ContentMd5::IfSmall => MD5_BYTES_MAX,
            ContentMd5::Computed | ContentMd5::Provided(_) => u64::MAX,
        }
    }

    /// Fails if the caller gave both checksums.
    pub(super) fn check_form(self) -> Result<()> {
        match (self.md5, self.crc64) {
            (ContentMd5::Provided(_), Some(_)) => Err(Error::invalid(
                "BothCrc64AndMd5HeaderPresent",
                "Both x-ms-content-crc64 header and Content-MD5 header are present.",
            )
            .hint("give one of the two checksums")),
            _ => Ok(()),
        }
    }
}

/// Computes the checksums while the content goes by.
pub(super) struct Checksums {
    md5: Md5Stream,
    crc64: Crc64Stream,
    wanted: Option<Crc64>,
}

impl Checksums {
    pub(super) fn new(expected: Expected) -> Self {
        let md5 = if expected.md5_bytes() == 0 {
            ContentMd5::None
        } else {
            expected.md5
        };
        Self {
            md5: Md5Stream::new(md5),
            crc64: Crc64Stream::new(),
            wanted: expected.crc64,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.crc64.update(bytes);
    }

    /// The MD5 that is kept, if one is, and the CRC; or the error of the one that came out wrong.
    pub(super) fn finish(&mut self) -> Result<(Option<[u8; 16]>, Crc64)> {
        let (md5, crc64) = (self.md5.finish()?, self.crc64.finish());
        match self.wanted {
            Some(wanted) if wanted != crc64 => Err(Error::invalid(
                "Crc64Mismatch",
                "The CRC64 value specified in the request did not match with the CRC64 value calculated by \
                 the server.",
            )
            .hint("send the content again")),
            _ => Ok((md5, crc64)),
        }
    }
}
