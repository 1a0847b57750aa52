//! Keys that callers provide with each request, and what they choose to have content sealed under.
//!
//! A provided key is never stored: its SHA-256 stands in the blob's record and is compared on later requests.
//! Only content is sealed under it; user metadata stays under the account's key, so that a revocation of that
//! key stops these blobs like all others.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use strongroom_engine::keys::{Purpose, PurposeKey, RootKey};
use zeroize::Zeroizing;

use super::KeyGuard;
use super::scope::EncryptionScopeName;
use crate::error::{Error, Result};

/// What a blob is sealed under, and what a read must give to open it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptionChoice {
    /// What the container says: its default encryption scope, or else the account's key. A blob that is there
    /// already stays under what it is under.
    #[default]
    Default,
    /// An encryption scope: `x-ms-encryption-scope`. Reads need not name it.
    Scope(EncryptionScopeName),
    /// A key that comes with every request: `x-ms-encryption-key`.
    CustomerKey(CustomerProvidedKey),
}

/// A 256-bit key that a caller provides with each request on a blob. Wiped when the last copy of the handle
/// is dropped; cannot be printed. Two are equal when their SHA-256 is, which is no secret.
///
/// ```
/// use strongroom::CustomerProvidedKey;
/// let key = CustomerProvidedKey::new(&[7; 32]);
/// let text = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// let sha256 = "S7Bvjk46dxXSAdVz0KpCN2LlXavWGiwCJ4+lbMbSlOA=";
/// assert!(CustomerProvidedKey::from_base64(text, sha256)? == key);
/// assert!(CustomerProvidedKey::from_base64(text, text).is_err(), "the SHA-256 of another key");
/// # Ok::<_, strongroom::Error>(())
/// ```
#[derive(Clone)]
pub struct CustomerProvidedKey {
    key: Arc<RootKey>,
    sha256: [u8; 32],
}

impl CustomerProvidedKey {
    /// The key of these 32 bytes, which the caller wipes.
    #[must_use]
    pub fn new(bytes: &[u8; RootKey::BYTES]) -> Self {
        Self::of(RootKey::from_array(Zeroizing::new(*bytes)))
    }

    /// Reads the headers `x-ms-encryption-key` and `x-ms-encryption-key-sha256`: base64 (RFC 4648) of 32
    /// bytes each.
    ///
    /// # Errors
    /// `InvalidHeaderValue` (400) unless both are that of 32 bytes and the second is the SHA-256 of the
    /// first.
    pub fn from_base64(key: &str, sha256: &str) -> Result<Self> {
        // Room for what 44 characters can hold. Wiped, whatever comes of it.
        let mut bytes = Zeroizing::new([0; RootKey::BYTES + 1]);
        let length = STANDARD.decode_slice(key, bytes.as_mut_slice());
        let bytes = match (length, bytes.first_chunk()) {
            (Ok(RootKey::BYTES), Some(bytes)) => bytes,
            _ => return Err(not_a_key()),
        };
        let key = Self::new(bytes);
        match STANDARD.decode(sha256) {
            Ok(wanted) if wanted == key.sha256 => Ok(key),
            _ => Err(not_a_key()),
        }
    }

    /// SHA-256 (FIPS 180-4) of the key: what is stored of it.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    fn of(key: RootKey) -> Self {
        Self {
            sha256: Sha256::digest(key.expose_for_wrapping()).into(),
            key: Arc::new(key),
        }
    }
}

impl PartialEq for CustomerProvidedKey {
    fn eq(&self, other: &Self) -> bool {
        self.sha256 == other.sha256
    }
}

impl Eq for CustomerProvidedKey {}

impl fmt::Debug for CustomerProvidedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomerProvidedKey").finish_non_exhaustive()
    }
}

impl From<CustomerProvidedKey> for EncryptionChoice {
    fn from(key: CustomerProvidedKey) -> Self {
        Self::CustomerKey(key)
    }
}

impl From<EncryptionScopeName> for EncryptionChoice {
    fn from(name: EncryptionScopeName) -> Self {
        Self::Scope(name)
    }
}

impl EncryptionChoice {
    pub(crate) fn customer_key(&self) -> Option<&CustomerProvidedKey> {
        match self {
            Self::Default | Self::Scope(_) => None,
            Self::CustomerKey(key) => Some(key),
        }
    }

    /// SHA-256 of the provided key, if there is one.
    #[must_use]
    pub fn customer_key_sha256(&self) -> Option<[u8; 32]> {
        self.customer_key().map(CustomerProvidedKey::sha256)
    }
}

impl KeyGuard {
    /// The key that content of the account is sealed under where the caller provides one.
    pub(super) fn provided_content(&self, provided: &CustomerProvidedKey) -> PurposeKey {
        self.custody().data_key(&provided.key, Purpose::ProvidedContent)
    }
}

fn not_a_key() -> Error {
    let message = "the provided key or its SHA-256 is not valid";
    Error::invalid("InvalidHeaderValue", message)
        .hint("give the base64 of a key of 32 bytes, and the base64 of the SHA-256 of these bytes")
}
