//! A reusable buffer for plaintext in transit, wiped at the speed of a memory fill.
//!
//! `zeroize` writes byte by byte, which for a chunk costs as much as decrypting it. A buffer that is filled
//! again and again is overwritten anyway; it is wiped once, when it is dropped, and only as far as it was
//! ever used.

/// Bytes that are wiped on drop. Never leaves a copy behind when it grows.
#[derive(Default)]
pub struct SecretBuffer {
    bytes: Vec<u8>,
    /// The most bytes it has held since it was wiped.
    used: usize,
}

impl SecretBuffer {
    /// An empty buffer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            used: 0,
        }
    }

    /// Forgets the content without wiping it: what comes next overwrites it, or the drop wipes it.
    pub fn clear(&mut self) {
        self.used = self.used.max(self.bytes.len());
        self.bytes.clear();
    }

    /// Adds bytes at the end.
    pub fn extend_from_slice(&mut self, more: &[u8]) {
        let needed = self.bytes.len() + more.len();
        if needed > self.bytes.capacity() {
            let mut larger = Self::with_capacity(needed.max(2 * self.bytes.capacity()));
            larger.bytes.extend_from_slice(&self.bytes);
            *self = larger;
        }
        self.bytes.extend_from_slice(more);
    }

    /// Makes the content `length` bytes long, zeros where there was nothing.
    pub fn resize(&mut self, length: usize) {
        let missing = length.saturating_sub(self.bytes.len());
        if missing > 0 && length > self.bytes.capacity() {
            let mut larger = Self::with_capacity(length);
            larger.bytes.extend_from_slice(&self.bytes);
            *self = larger;
        }
        self.used = self.used.max(self.bytes.len());
        self.bytes.resize(length, 0);
    }

    /// Overwrites everything it ever held with zeros; length and room stay.
    pub fn wipe(&mut self) {
        let length = self.bytes.len();
        self.bytes.resize(self.used.max(length), 0);
        self.bytes.fill(0);
        // The optimiser must take the zeros for something that is looked at.
        std::hint::black_box(&mut self.bytes);
        self.bytes.truncate(length);
        self.used = 0;
    }

    /// The content.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// The content, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Bytes of content.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// True when there is no content.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl Drop for SecretBuffer {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wipe_reaches_everything_it_ever_held() {
        let mut buffer = SecretBuffer::with_capacity(4);
        buffer.extend_from_slice(b"a secret longer than the room");
        assert_eq!(buffer.as_slice(), b"a secret longer than the room");
        buffer.clear();
        buffer.extend_from_slice(b"short");
        buffer.wipe();
        assert_eq!(buffer.as_slice(), [0; 5]);
        buffer.resize(29);
        assert_eq!(buffer.as_slice(), [0; 29]);
    }
}
