//! The key schedule: every derivation of the project, in one place (HKDF-SHA-256, RFC 5869).
//!
//! ```text
//! root key   R    32 random bytes
//! purpose    P  = HKDF(salt = "strongroom/v1", ikm = R, info = purpose label || scope id)
//! item       (key 32 || nonce base 12 || commitment 32)
//!               = HKDF-Expand(P, info = "item" || salt 32 || format 1 || kind 1 || scope id 16 || item id)
//! second layer of an item: as above with another P (of the store's root key) and the same salt;
//!               its commitment is not used
//! element of a set (anchors)
//!               = HKDF-Expand(P, info = "element" || name 32), 2048 bytes
//! commitment   = HKDF(salt = "strongroom/v1", ikm = R, info = "root-commitment" || scope id)
//! ```
//! The salt of an item is fresh and random, so a (key, nonce) pair repeats only if 32 random bytes repeat; no
//! counter is ever stored. The scope id is the account's (or tree's) id, so nothing opens in another account.

use std::sync::Arc;

use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::entropy::{Entropy, EntropyError};

const EXTRACT_SALT: &[u8] = b"strongroom/v1";
const ELEMENT: &[u8] = b"element";
const ITEM: &[u8] = b"item";
const ITEM_FORMAT: u8 = 1;
const ROOT_COMMITMENT: &[u8] = b"root-commitment";

/// What a derived key is for. A label is part of the format: never change or reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Authenticates what a backup consists of.
    BackupMac,
    /// Authenticates the head of a store that is kept elsewhere.
    Anchor,
    /// Content of blobs and files.
    Content,
    /// Authenticates an envelope.
    EnvelopeMac,
    /// The second layer around content and metadata where infrastructure encryption is on.
    Infrastructure,
    /// User metadata of blobs and files.
    Metadata,
    /// Content of blobs, under a key that a caller provides with each request.
    ProvidedContent,
    /// Authenticates the record of a recovery key.
    RecoveryMac,
    /// Heads, pages and overflow values of a tree.
    Tree,
    /// Small secrets outside a tree: wrapped keys in files.
    Wrap,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::BackupMac => b"backup-mac",
            Self::Anchor => b"anchor",
            Self::Content => b"content",
            Self::EnvelopeMac => b"envelope-mac",
            Self::Infrastructure => b"infrastructure",
            Self::Metadata => b"metadata",
            Self::ProvidedContent => b"provided-content",
            Self::RecoveryMac => b"recovery-mac",
            Self::Tree => b"tree",
            Self::Wrap => b"wrap",
        }
    }
}

/// The 16-byte id of an account, tree or store that a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ScopeId(pub [u8; 16]);

/// A 256-bit root key. Wiped on drop; cannot be printed, copied or encoded by accident.
pub struct RootKey(Box<Zeroizing<[u8; RootKey::BYTES]>>);

impl RootKey {
    /// Bytes of a root key.
    pub const BYTES: usize = 32;

    /// A fresh random key.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut key = Self(Box::new(Zeroizing::new([0; Self::BYTES])));
        entropy.fill(key.0.as_mut_slice())?;
        Ok(key)
    }

    /// The key of these bytes, which are wiped.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the caller's copy is wiped here")]
    pub fn from_array(bytes: Zeroizing<[u8; Self::BYTES]>) -> Self {
        let mut key = Self(Box::new(Zeroizing::new([0; Self::BYTES])));
        key.0.copy_from_slice(bytes.as_slice());
        key
    }

    /// The key in `bytes`, which are wiped; `None` unless there are exactly 32.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the caller's copy is wiped here")]
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        let mut key = Self(Box::new(Zeroizing::new([0; Self::BYTES])));
        (bytes.len() == Self::BYTES).then(|| {
            key.0.copy_from_slice(&bytes);
            key
        })
    }

    /// The key's bytes, for wrapping it under another key and for nothing else.
    #[must_use]
    pub fn expose_for_wrapping(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The key for one purpose in one scope.
    #[must_use]
    pub fn purpose(&self, purpose: Purpose, scope: ScopeId) -> PurposeKey {
        let mut key = PurposeKey {
            key: Box::new(Zeroizing::new([0; 32])),
            scope,
            outer: None,
        };
        self.expand(&[purpose.label(), &scope.0], key.key.as_mut_slice());
        key
    }

    /// A public value that only this root key can produce, fixed when the account is created.
    #[must_use]
    pub fn commitment(&self, scope: ScopeId) -> [u8; 32] {
        let mut commitment = [0; 32];
        self.expand(&[ROOT_COMMITMENT, &scope.0], &mut commitment);
        commitment
    }

    /// True, in constant time, when this is the key that `commitment` was made with.
    #[must_use]
    pub fn matches(&self, scope: ScopeId, commitment: &[u8; 32]) -> bool {
        self.commitment(scope).ct_eq(commitment).into()
    }

    /// True, in constant time, when both are the same key material.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_slice()).into()
    }

    fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        let prk = Salt::new(HKDF_SHA256, EXTRACT_SALT).extract(self.0.as_slice());
        expand(&prk, info, out);
    }
}

/// A key for one purpose in one scope; items are derived from it. Wiped on drop.
pub struct PurposeKey {
    key: Box<Zeroizing<[u8; 32]>>,
    scope: ScopeId,
    /// The key of the second layer.
    outer: Option<Arc<Self>>,
}

/// What must be kept beside a sealed item to open it: nothing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemSeal {
    /// Fresh for every sealing.
    pub salt: [u8; 32],
    /// Only the right key reproduces it; checked before anything is opened.
    pub commitment: [u8; 32],
}

/// Key, nonce base and commitment of one item.
pub(crate) struct ItemSecrets {
    pub(crate) key: Zeroizing<[u8; 32]>,
    pub(crate) nonce_base: [u8; 12],
    pub(crate) commitment: [u8; 32],
}

impl PurposeKey {
    /// The scope this key belongs to.
    #[must_use]
    pub fn scope(&self) -> ScopeId {
        self.scope
    }

    /// This key with a second layer around everything it seals, under `outer` and with another algorithm.
    #[must_use]
    pub fn within(mut self, outer: Arc<Self>) -> Self {
        self.outer = Some(outer);
        self
    }

    pub(crate) fn outer(&self) -> Option<&Self> {
        self.outer.as_deref()
    }

    /// HMAC-SHA-256 (RFC 2104) of `message` under this key.
    #[must_use]
    pub fn mac(&self, message: &[u8]) -> [u8; 32] {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.key.as_slice());
        let mut mac = [0; 32];
        mac.copy_from_slice(ring::hmac::sign(&key, message).as_ref());
        mac
    }

    /// True, in constant time, when `mac` is [`mac`](Self::mac) of `message`.
    #[must_use]
    pub fn verify_mac(&self, message: &[u8], mac: &[u8]) -> bool {
        self.mac(message).ct_eq(mac).into()
    }

    /// Expands what names an element of a set to as many bytes as its sum needs.
    pub(crate) fn expand_element(&self, name: &[u8; 32], out: &mut [u8; 2048]) {
        let prk = Prk::new_less_safe(HKDF_SHA256, self.key.as_slice());
        expand(&prk, &[ELEMENT, name], out);
    }

    pub(crate) fn item(&self, kind: u8, item_id: &[u8], salt: &[u8; 32]) -> ItemSecrets {
        let prk = Prk::new_less_safe(HKDF_SHA256, self.key.as_slice());
        let mut out = Zeroizing::new([0; 76]);
        expand(
            &prk,
            &[ITEM, salt, &[ITEM_FORMAT, kind], &self.scope.0, item_id],
            out.as_mut_slice(),
        );
        let mut secrets = ItemSecrets {
            key: Zeroizing::new([0; 32]),
            nonce_base: [0; 12],
            commitment: [0; 32],
        };
        let (key, rest) = out.split_at(32);
        let (nonce_base, commitment) = rest.split_at(12);
        secrets.key.copy_from_slice(key);
        secrets.nonce_base.copy_from_slice(nonce_base);
        secrets.commitment.copy_from_slice(commitment);
        secrets
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(prk: &Prk, info: &[&[u8]], out: &mut [u8]) {
    let filled = prk.expand(info, Length(out.len())).and_then(|okm| okm.fill(out));
    if filled.is_err() {
        // HKDF-Expand fails only beyond 255 blocks; no caller asks for more than 64.
        out.zeroize();
        unreachable!("HKDF-Expand of {} bytes", out.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> RootKey {
        RootKey::from_bytes(Zeroizing::new(vec![byte; 32])).unwrap()
    }

    #[test]
    fn every_input_changes_the_item_key() {
        let scope = ScopeId([1; 16]);
        let base = key(7).purpose(Purpose::Content, scope).item(1, b"id", &[0; 32]);
        let others = [
            key(8).purpose(Purpose::Content, scope).item(1, b"id", &[0; 32]),
            key(7).purpose(Purpose::Metadata, scope).item(1, b"id", &[0; 32]),
            key(7)
                .purpose(Purpose::Content, ScopeId([2; 16]))
                .item(1, b"id", &[0; 32]),
            key(7).purpose(Purpose::Content, scope).item(2, b"id", &[0; 32]),
            key(7).purpose(Purpose::Content, scope).item(1, b"ie", &[0; 32]),
            key(7).purpose(Purpose::Content, scope).item(1, b"id", &[1; 32]),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(base.key.as_slice(), other.key.as_slice(), "case {index}");
            assert_ne!(base.commitment, other.commitment, "case {index}");
        }
    }

    #[test]
    fn a_root_commitment_fits_one_key_and_one_scope() {
        let commitment = key(7).commitment(ScopeId([1; 16]));
        assert!(key(7).matches(ScopeId([1; 16]), &commitment));
        assert!(!key(8).matches(ScopeId([1; 16]), &commitment));
        assert!(!key(7).matches(ScopeId([2; 16]), &commitment));
        assert!(RootKey::from_bytes(Zeroizing::new(vec![0; 31])).is_none());
        assert!(key(7).same_as(&key(7)) && !key(7).same_as(&key(8)));
    }

    #[test]
    fn a_mac_needs_its_key_and_message() {
        let mac_key = key(7).purpose(Purpose::EnvelopeMac, ScopeId([1; 16]));
        let mac = mac_key.mac(b"envelope");
        assert!(mac_key.verify_mac(b"envelope", &mac));
        assert!(!mac_key.verify_mac(b"envelopf", &mac));
        assert!(!mac_key.verify_mac(b"envelope", &mac[..31]));
    }
}
