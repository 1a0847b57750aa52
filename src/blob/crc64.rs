//! CRC-64/NVME (NVM Command Set Specification 1.0e, section 5.2.1.3.4): the checksum that Azure's clients use
//! for what is on its way. No protection against forgery: sealing is.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, Digest};

use crate::error::{Error, Result};

/// A CRC-64/NVME. Its text is the base64 of its eight bytes, little-endian, as `x-ms-content-crc64` has it.
///
/// ```
/// use strongroom::Crc64;
/// assert_eq!(Crc64::of(b"123456789").value(), 0xae8b_1486_0a79_9888);
/// assert_eq!(Crc64::of(b"Hello world").to_string(), "2yoxP9BZ4jg=");
/// assert_eq!("2yoxP9BZ4jg=".parse::<Crc64>()?, Crc64::of(b"Hello world"));
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crc64(u64);

impl Crc64 {
    /// That of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut stream = Crc64Stream::new();
        stream.update(bytes);
        stream.finish()
    }

    /// As a number.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Crc64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.to_le_bytes()))
    }
}

impl FromStr for Crc64 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bytes = STANDARD.decode(text).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(|bytes| Self(u64::from_le_bytes(bytes)))
            .ok_or_else(|| {
                Error::invalid("InvalidHeaderValue", format!("{text:?} is no CRC-64"))
                    .hint("give the base64 of the 8 bytes of the CRC, little-endian")
            })
    }
}

/// Computes the CRC of what goes by.
pub(super) struct Crc64Stream(Digest);

impl Crc64Stream {
    pub(super) fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Nvme))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(&self) -> Crc64 {
        Crc64(self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue and of Azure's own clients.
    #[test]
    fn known_contents_have_their_known_checksums() {
        for (content, want) in [
            (&b"123456789"[..], "iJh5CoYUi64="),
            (b"", "AAAAAAAAAAA="),
            (b"Hello world", "2yoxP9BZ4jg="),
            (&[0; 4096], "TrYi62fTgmQ="),
        ] {
            assert_eq!(Crc64::of(content).to_string(), want);
            assert_eq!(want.parse::<Crc64>().unwrap(), Crc64::of(content));
        }
    }

    /// The definition, bit by bit, at every length up to where the fast paths begin and around them.
    #[test]
    fn it_is_the_polynomial_of_the_specification() {
        let slow = |bytes: &[u8]| {
            !bytes.iter().fold(u64::MAX, |crc, byte| {
                (0..8).fold(crc ^ u64::from(*byte), |crc, _| {
                    (crc >> 1) ^ if crc & 1 == 1 { 0x9a6c_9329_ac4b_c9b5 } else { 0 }
                })
            })
        };
        let content: Vec<u8> = (0..1500u32).map(|index| (index * 31 + index / 7) as u8).collect();
        for length in (0..300).chain(1000..1050).chain([1500]) {
            assert_eq!(
                Crc64::of(&content[..length]).value(),
                slow(&content[..length]),
                "{length}"
            );
            let mut pieces = Crc64Stream::new();
            content[..length]
                .chunks(13)
                .for_each(|piece| pieces.update(piece));
            assert_eq!(
                pieces.finish().value(),
                slow(&content[..length]),
                "{length} in pieces"
            );
        }
    }

    #[test]
    fn only_eight_bytes_are_a_checksum() {
        for text in ["", "AAAA", "AAAAAAAAAAAA", "!", "AAAAAAAAAAA"] {
            let error = text.parse::<Crc64>().unwrap_err();
            assert_eq!(
                (error.code(), error.status()),
                ("InvalidHeaderValue", 400),
                "{text}"
            );
        }
    }
}
