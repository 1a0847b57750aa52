//! Frames: what every stored item wears outside its ciphertext, so that bit rot shows without any key.
//!
//! ```text
//! offset  size  field
//!      0     1  format version (1)
//!      1     1  kind
//!      2     4  payload length, big-endian
//!      6     4  CRC-32 (ISO 3309) of bytes 0..6 and the payload, big-endian
//!     10     n  payload
//! ```

use super::CodecError;

const FORMAT: u8 = 1;
/// Bytes in front of a framed payload.
pub const FRAME_BYTES: usize = HEAD_BYTES + 4;
const HEAD_BYTES: usize = 6;

/// What a frame holds. A number is on disk: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// A chunk of a body.
    Chunk = 1,
    /// A tree's head.
    Head = 2,
    /// A page of a tree.
    Page = 3,
    /// A value too large for its page.
    Overflow = 4,
    /// A small body that travels with its commit.
    SmallBody = 5,
    /// What a commit released.
    Freed = 6,
    /// A file beside the engine: headers, side files.
    File = 7,
    /// The head of a whole store.
    StoreHead = 8,
}

impl FrameKind {
    fn name(self) -> &'static str {
        match self {
            Self::Chunk => "chunk",
            Self::Head => "head",
            Self::Page => "page",
            Self::Overflow => "overflow value",
            Self::SmallBody => "small body",
            Self::Freed => "list of freed pages",
            Self::File => "file",
            Self::StoreHead => "head of a store",
        }
    }
}

fn checksum(head: &[u8], payload: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(payload);
    hasher.finalize().to_be_bytes()
}

/// `payload` in a frame.
///
/// # Errors
/// [`CodecError::TooLarge`] beyond 4 GiB.
pub fn frame(kind: FrameKind, payload: &[u8]) -> Result<Vec<u8>, CodecError> {
    frame_with(kind, FRAME_BYTES + payload.len(), |out| {
        out.extend_from_slice(payload);
        Ok(())
    })
}

/// What `write` appends to a buffer of `capacity` bytes, in a frame and without a copy.
///
/// # Errors
/// What `write` returned; [`CodecError::TooLarge`] beyond 4 GiB.
pub fn frame_with<E: From<CodecError>>(
    kind: FrameKind,
    capacity: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let mut bytes = Vec::with_capacity(capacity);
    bytes.resize(FRAME_BYTES, 0);
    write(&mut bytes)?;
    let (header, payload) = bytes.split_at_mut(FRAME_BYTES);
    let too_large = CodecError::TooLarge {
        what: kind.name(),
        size: payload.len(),
        limit: u32::MAX as usize,
    };
    let length = u32::try_from(payload.len()).map_err(|_| too_large)?;
    let (head, crc) = header.split_at_mut(HEAD_BYTES);
    let fields = [FORMAT, kind as u8].into_iter().chain(length.to_be_bytes());
    for (byte, field) in head.iter_mut().zip(fields) {
        *byte = field;
    }
    crc.copy_from_slice(&checksum(head, payload));
    Ok(bytes)
}

/// The payload of a framed item, if its kind, length and checksum are right.
///
/// # Errors
/// [`CodecError`].
pub fn unframe(kind: FrameKind, bytes: &[u8]) -> Result<&[u8], CodecError> {
    let (head, crc, payload) = split(kind, bytes)?;
    if checksum(head, payload) != crc {
        return Err(CodecError::Checksum(kind.name()));
    }
    check_head(kind, head, payload)
}

/// As [`unframe`], but the checksum is not looked at: for a payload that is authenticated next, which shows
/// all that the checksum would. What does not authenticate, [`unframe`] tells whether it has decayed.
///
/// # Errors
/// As [`unframe`].
pub fn unframe_unchecked(kind: FrameKind, bytes: &[u8]) -> Result<&[u8], CodecError> {
    let (head, _, payload) = split(kind, bytes)?;
    // Of what is wrong in more than one way, the same is said as by `unframe`.
    check_head(kind, head, payload).or_else(|_| unframe(kind, bytes))
}

/// Head, checksum and payload.
type Parts<'b> = (&'b [u8], &'b [u8], &'b [u8]);

fn split(kind: FrameKind, bytes: &[u8]) -> Result<Parts<'_>, CodecError> {
    let malformed = CodecError::Malformed(kind.name());
    let Some((head, rest)) = bytes.split_at_checked(HEAD_BYTES) else {
        return Err(malformed);
    };
    let (crc, payload) = rest.split_at_checked(4).ok_or(malformed)?;
    Ok((head, crc, payload))
}

fn check_head<'p>(kind: FrameKind, head: &[u8], payload: &'p [u8]) -> Result<&'p [u8], CodecError> {
    let [format, found, length @ ..] = head else {
        return Err(CodecError::Malformed(kind.name()));
    };
    if *format > FORMAT {
        return Err(CodecError::Newer {
            what: kind.name(),
            found: *format,
            known: FORMAT,
        });
    }
    let length_fits =
        <[u8; 4]>::try_from(length).is_ok_and(|length| u32::from_be_bytes(length) as usize == payload.len());
    if *format == FORMAT && *found == kind as u8 && length_fits {
        Ok(payload)
    } else {
        Err(CodecError::Malformed(kind.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_every_prefix_and_every_extension_is_refused() {
        let mut bytes = frame(FrameKind::Page, b"payload").unwrap();
        assert_eq!(unframe(FrameKind::Page, &bytes), Ok(b"payload".as_slice()));
        assert!(unframe(FrameKind::Chunk, &bytes).is_err());
        for cut in 0..bytes.len() {
            assert!(
                unframe(FrameKind::Page, &bytes[..cut]).is_err(),
                "prefix of {cut}"
            );
        }
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let refused = unframe(FrameKind::Page, &bytes);
            assert!(refused.is_err(), "bit {bit}");
            let is_head = bit < HEAD_BYTES * 8;
            let unchecked = unframe_unchecked(FrameKind::Page, &bytes);
            assert!(
                unchecked.is_ok() || (is_head && unchecked == refused),
                "bit {bit}"
            );
            assert_eq!(unchecked.is_err(), is_head, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        bytes.push(0);
        assert!(unframe(FrameKind::Page, &bytes).is_err());
    }
}
