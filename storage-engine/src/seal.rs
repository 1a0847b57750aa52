//! Sealing: AES-256-GCM (NIST SP 800-38D) under a key used for one item only; where a second layer is asked
//! for, ChaCha20-Poly1305 (RFC 8439) around it, under a second key that is used for the same item only.
//!
//! GCM does not commit to its key, so every opening first compares the item's 32-byte commitment in constant
//! time. A part of an item is bound to its place by its nonce (base XOR index) and its additional data.

use ring::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::entropy::{Entropy, EntropyError, random};
use crate::keys::{ItemSeal, ItemSecrets, PurposeKey};

/// Bytes that each layer of sealing adds to a part: the tag of GCM, that of Poly1305.
pub const TAG_BYTES: usize = 16;
const PART_FORMAT: u8 = 1;

/// What is sealed. A number is part of the format: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SealKind {
    /// Content, in chunks.
    Body = 1,
    /// User metadata.
    Metadata = 2,
    /// A tree's head.
    Head = 3,
    /// A page of a tree.
    Page = 4,
    /// A value too large for its page.
    Overflow = 5,
    /// What a commit released.
    Freed = 6,
    /// A key wrapped by another symmetric key.
    WrappedKey = 7,
    /// The private part of a key version.
    PrivateKey = 8,
}

/// Why something could not be sealed or opened. Says nothing about the key or the bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// Wrong key, wrong place or altered bytes: one error for all of them.
    #[error("sealed data did not authenticate: it was altered, moved or sealed under another key")]
    Forged,
    /// More parts or bytes than one item may have.
    #[error("a sealed item is over its limit")]
    TooLarge,
}

/// A part's place in its item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Zero-based.
    pub index: u32,
    /// True for the last part, so that truncation and extension show.
    pub last: bool,
}

impl Place {
    /// The only part of an item that has one.
    pub const WHOLE: Self = Self { index: 0, last: true };
}

/// The key of one item, ready to seal or open its parts.
///
/// Lives in boxed slots that are overwritten when it is dropped: ring wipes neither keys nor schedules.
pub struct ItemKey {
    inner: Layer,
    outer: Option<Layer>,
    kind: SealKind,
}

/// One pass of a cipher.
struct Layer {
    aead: Box<LessSafeKey>,
    nonce_base: [u8; 12],
}

impl PurposeKey {
    /// A key for a new item, and what must be kept to open the item again.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new_item(
        &self,
        kind: SealKind,
        item_id: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<(ItemKey, ItemSeal), SealError> {
        let salt = random(entropy)?;
        let secrets = self.item(kind as u8, item_id, &salt);
        let seal = ItemSeal {
            salt,
            commitment: secrets.commitment,
        };
        let outer = self.outer().map(|outer| outer.item(kind as u8, item_id, &salt));
        Ok((ItemKey::new(kind, &secrets, outer.as_ref())?, seal))
    }

    /// The key of an item sealed earlier, if this is the key it was sealed under.
    ///
    /// # Errors
    /// [`SealError::Forged`] when the commitment does not match.
    pub fn open_item(&self, kind: SealKind, item_id: &[u8], seal: &ItemSeal) -> Result<ItemKey, SealError> {
        let secrets = self.item(kind as u8, item_id, &seal.salt);
        if !bool::from(secrets.commitment.ct_eq(&seal.commitment)) {
            return Err(SealError::Forged);
        }
        let outer = self
            .outer()
            .map(|outer| outer.item(kind as u8, item_id, &seal.salt));
        ItemKey::new(kind, &secrets, outer.as_ref())
    }

    /// Seals one small item whole: salt, commitment, ciphertext and tag in one byte string.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal(
        &self,
        kind: SealKind,
        item_id: &[u8],
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        let (key, seal) = self.new_item(kind, item_id, entropy)?;
        let mut sealed = Vec::with_capacity(ITEM_SEAL_BYTES + plaintext.len() + key.overhead());
        sealed.extend_from_slice(&seal.salt);
        sealed.extend_from_slice(&seal.commitment);
        key.seal_into(Place::WHOLE, plaintext, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens what [`seal`](Self::seal) made.
    ///
    /// # Errors
    /// [`SealError::Forged`].
    pub fn open(
        &self,
        kind: SealKind,
        item_id: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (seal, ciphertext) = split_seal(sealed).ok_or(SealError::Forged)?;
        self.open_item(kind, item_id, &seal)?
            .open(Place::WHOLE, ciphertext)
    }
}

/// Bytes of salt and commitment in front of an item sealed whole.
pub const ITEM_SEAL_BYTES: usize = 64;

fn split_seal(sealed: &[u8]) -> Option<(ItemSeal, &[u8])> {
    let (salt, rest) = sealed.split_at_checked(32)?;
    let (commitment, ciphertext) = rest.split_at_checked(32)?;
    Some((
        ItemSeal {
            salt: salt.try_into().ok()?,
            commitment: commitment.try_into().ok()?,
        },
        ciphertext,
    ))
}

impl ItemKey {
    fn new(kind: SealKind, inner: &ItemSecrets, outer: Option<&ItemSecrets>) -> Result<Self, SealError> {
        Ok(Self {
            inner: Layer::new(&AES_256_GCM, inner)?,
            outer: outer
                .map(|secrets| Layer::new(&CHACHA20_POLY1305, secrets))
                .transpose()?,
            kind,
        })
    }

    /// Bytes that sealing adds to a part: a tag for each layer.
    #[must_use]
    pub fn overhead(&self) -> usize {
        TAG_BYTES * self.layers().count()
    }

    /// From the inside out.
    fn layers(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        std::iter::once(&self.inner).chain(&self.outer)
    }

    /// Appends the sealed `plaintext` and its tags to `out`.
    ///
    /// # Errors
    /// [`SealError::TooLarge`] beyond 4 GiB in one part.
    pub fn seal_into(&self, place: Place, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let start = out.len();
        out.reserve(plaintext.len() + self.overhead());
        out.extend_from_slice(plaintext);
        if cfg!(strongroom_null_cipher) {
            out.resize(out.len() + self.overhead(), 0);
            return Ok(());
        }
        for layer in self.layers() {
            let part = out.get_mut(start..).ok_or(SealError::TooLarge)?;
            let tag = layer.seal(place.index, self.aad(place, part.len())?, part)?;
            out.extend_from_slice(tag.as_ref());
        }
        Ok(())
    }

    /// The plaintext of one part.
    ///
    /// # Errors
    /// [`SealError::Forged`].
    pub fn open(&self, place: Place, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        self.open_in_place(place, &mut plaintext)?;
        Ok(plaintext)
    }

    /// Turns the ciphertext in `part` into its plaintext.
    ///
    /// # Errors
    /// [`SealError::Forged`]; `part` is then empty.
    pub fn open_in_place(&self, place: Place, part: &mut Vec<u8>) -> Result<(), SealError> {
        let opened = self.open_slice(place, part).map(|plain| plain.len());
        part.truncate(*opened.as_ref().unwrap_or(&0));
        opened.map(|_| ())
    }

    /// Turns the ciphertext in `part` into its plaintext, which is returned; the tags stay behind it.
    ///
    /// # Errors
    /// [`SealError::Forged`]; `part` is then all zeros, never half a plaintext.
    pub fn open_slice<'p>(&self, place: Place, part: &'p mut [u8]) -> Result<&'p mut [u8], SealError> {
        match self.open_layers(place, part) {
            Ok(length) => part.get_mut(..length).ok_or(SealError::Forged),
            Err(error) => {
                part.zeroize();
                Err(error)
            }
        }
    }

    /// Bytes of the plaintext at the start of `part`.
    fn open_layers(&self, place: Place, part: &mut [u8]) -> Result<usize, SealError> {
        let mut length = part.len();
        for layer in self.layers().rev() {
            let sealed = part.get_mut(..length).ok_or(SealError::Forged)?;
            length = length.checked_sub(TAG_BYTES).ok_or(SealError::Forged)?;
            if !cfg!(strongroom_null_cipher) {
                layer.open(place.index, self.aad(place, length)?, sealed)?;
            }
        }
        Ok(length)
    }

    /// Format, kind, index, last flag and length of what the layer seals.
    fn aad(&self, place: Place, length: usize) -> Result<[u8; 11], SealError> {
        let length = u32::try_from(length)
            .map_err(|_| SealError::TooLarge)?
            .to_be_bytes();
        let index = place.index.to_be_bytes();
        let mut aad = [0; 11];
        let fields = [PART_FORMAT, self.kind as u8]
            .into_iter()
            .chain(index)
            .chain([u8::from(place.last)])
            .chain(length);
        for (byte, field) in aad.iter_mut().zip(fields) {
            *byte = field;
        }
        Ok(aad)
    }
}

impl Layer {
    fn new(algorithm: &'static Algorithm, secrets: &ItemSecrets) -> Result<Self, SealError> {
        Ok(Self {
            aead: Box::new(aead_key(algorithm, &secrets.key)?),
            nonce_base: secrets.nonce_base,
        })
    }

    fn seal(&self, index: u32, aad: [u8; 11], part: &mut [u8]) -> Result<ring::aead::Tag, SealError> {
        self.aead
            .seal_in_place_separate_tag(self.nonce(index), Aad::from(aad), part)
            .map_err(|_| SealError::TooLarge)
    }

    fn open(&self, index: u32, aad: [u8; 11], part: &mut [u8]) -> Result<(), SealError> {
        let opened = self.aead.open_in_place(self.nonce(index), Aad::from(aad), part);
        opened.map(drop).map_err(|_| SealError::Forged)
    }

    /// Never repeats for one key: the key belongs to one item, and an item seals each index once.
    fn nonce(&self, index: u32) -> Nonce {
        let mut nonce = self.nonce_base;
        let [.., a, b, c, d] = &mut nonce;
        for (byte, mask) in [a, b, c, d].into_iter().zip(index.to_be_bytes()) {
            *byte ^= mask;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        if let Ok(blank) = aead_key(self.aead.algorithm(), &[0; 32]) {
            *self.aead = blank;
            std::hint::black_box(&self.aead);
        }
        self.nonce_base = [0; 12];
    }
}

fn aead_key(algorithm: &'static Algorithm, bytes: &[u8; 32]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(algorithm, bytes)
        .map(LessSafeKey::new)
        .map_err(|_| SealError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::keys::{Purpose, RootKey, ScopeId};

    fn purpose(byte: u8) -> PurposeKey {
        RootKey::from_bytes(Zeroizing::new(vec![byte; 32]))
            .unwrap()
            .purpose(Purpose::Content, ScopeId([1; 16]))
    }

    #[test]
    fn every_flipped_bit_prefix_and_extension_is_refused() {
        let key = purpose(1);
        let mut sealed = key
            .seal(SealKind::Metadata, b"id", b"attack at dawn", &SystemEntropy)
            .unwrap();
        assert_eq!(
            key.open(SealKind::Metadata, b"id", &sealed).unwrap().as_slice(),
            b"attack at dawn"
        );
        for cut in 0..sealed.len() {
            assert!(
                key.open(SealKind::Metadata, b"id", &sealed[..cut]).is_err(),
                "prefix of {cut}"
            );
        }
        for bit in 0..sealed.len() * 8 {
            sealed[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open(SealKind::Metadata, b"id", &sealed).is_err(), "bit {bit}");
            sealed[bit / 8] ^= 1 << (bit % 8);
        }
        sealed.push(0);
        assert!(key.open(SealKind::Metadata, b"id", &sealed).is_err());
    }

    /// What each layer does is done by the library itself here, with keys from the key schedule.
    #[test]
    fn a_second_layer_is_another_cipher_under_another_key() {
        let double = |inner, outer| purpose(inner).within(std::sync::Arc::new(purpose(outer)));
        let sealed = double(1, 2)
            .seal(SealKind::Metadata, b"id", b"attack at dawn", &SystemEntropy)
            .unwrap();
        assert_eq!(sealed.len(), ITEM_SEAL_BYTES + 14 + 2 * TAG_BYTES);
        let opened = double(1, 2).open(SealKind::Metadata, b"id", &sealed).unwrap();
        assert_eq!(opened.as_slice(), b"attack at dawn");
        let wrong = [purpose(1), purpose(2), double(2, 1), double(1, 3), double(3, 2)];
        for (index, key) in wrong.iter().enumerate() {
            assert!(
                key.open(SealKind::Metadata, b"id", &sealed).is_err(),
                "key {index}"
            );
        }
        let (seal, ciphertext) = split_seal(&sealed).unwrap();
        let strip = |algorithm, byte, aad_length: u8, part: &[u8]| {
            let secrets = purpose(byte).item(SealKind::Metadata as u8, b"id", &seal.salt);
            let key = aead_key(algorithm, &secrets.key).unwrap();
            let nonce = Nonce::assume_unique_for_key(secrets.nonce_base);
            let aad = Aad::from([1, 2, 0, 0, 0, 0, 1, 0, 0, 0, aad_length]);
            let mut part = part.to_vec();
            key.open_in_place(nonce, aad, &mut part).unwrap();
            part.truncate(part.len() - TAG_BYTES);
            part
        };
        let inner = strip(&CHACHA20_POLY1305, 2, 14 + 16, ciphertext);
        assert_eq!(strip(&AES_256_GCM, 1, 14, &inner), b"attack at dawn");
    }

    #[test]
    fn an_item_opens_only_as_itself_under_its_own_key() {
        let sealed = purpose(1)
            .seal(SealKind::Metadata, b"id", b"text", &SystemEntropy)
            .unwrap();
        assert!(purpose(2).open(SealKind::Metadata, b"id", &sealed).is_err());
        assert!(purpose(1).open(SealKind::Page, b"id", &sealed).is_err());
        assert!(purpose(1).open(SealKind::Metadata, b"ie", &sealed).is_err());
    }

    /// Zeros sealed are the key stream itself: it differs for every index, and for every sealing of one item.
    #[test]
    fn no_key_stream_is_used_twice() {
        let mut seen = std::collections::BTreeSet::new();
        let (key, _) = purpose(1)
            .new_item(SealKind::Body, b"id", &SystemEntropy)
            .unwrap();
        for index in [0, 1, 2, 255, 256, 1 << 16, 1 << 24, u32::MAX] {
            let mut sealed = Vec::new();
            let place = Place { index, last: false };
            key.seal_into(place, &[0; 32], &mut sealed).unwrap();
            assert!(seen.insert(sealed[..32].to_vec()), "part {index}");
        }
        for time in 0..8 {
            let sealed = purpose(1)
                .seal(SealKind::Body, b"id", &[0; 32], &SystemEntropy)
                .unwrap();
            let stream = sealed[ITEM_SEAL_BYTES..][..32].to_vec();
            assert!(seen.insert(stream), "sealing {time}");
        }
    }

    #[test]
    fn a_part_opens_only_in_its_place() {
        let (key, _) = purpose(1)
            .new_item(SealKind::Body, b"id", &SystemEntropy)
            .unwrap();
        let place = Place {
            index: 5,
            last: false,
        };
        let mut sealed = Vec::new();
        key.seal_into(place, b"part", &mut sealed).unwrap();
        assert_eq!(key.open(place, &sealed).unwrap().as_slice(), b"part");
        assert!(
            key.open(
                Place {
                    index: 6,
                    last: false
                },
                &sealed
            )
            .is_err()
        );
        assert!(key.open(Place { index: 5, last: true }, &sealed).is_err());
    }
}
