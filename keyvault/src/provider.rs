//! The seam between the vault and whatever holds private keys: software RSA here, a security module
//! elsewhere.
//!
//! Private material is opaque to the vault: it seals the bytes, hands them back, and never looks inside.
//! An `RSA-HSM` key is never made in software: without a module there is a typed refusal.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::algorithms::{EncryptionAlgorithm, SignatureAlgorithm};
use crate::jwk::PublicKey;

/// Where a key lives, as the `kty` of the protocol says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// `RSA`: the private part is sealed in the vault's own store.
    Rsa,
    /// `RSA-HSM`: the private part never leaves a security module.
    RsaHsm,
}

impl KeyType {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::RsaHsm => "RSA-HSM",
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A `kty` that this vault does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key type {found:?} is not supported; use RSA or RSA-HSM")]
pub struct UnknownKeyType {
    /// The name as it came in, cut to 40 characters.
    pub found: String,
}

impl FromStr for KeyType {
    type Err = UnknownKeyType;

    fn from_str(name: &str) -> Result<Self, UnknownKeyType> {
        match name {
            "RSA" => Ok(Self::Rsa),
            "RSA-HSM" => Ok(Self::RsaHsm),
            other => Err(UnknownKeyType {
                found: other.chars().take(40).collect(),
            }),
        }
    }
}

/// The length of the modulus. Other lengths do not exist in this vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeySize {
    /// 2048 bits, the default.
    #[default]
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// 4096 bits.
    Rsa4096,
}

impl KeySize {
    /// The length of the modulus in bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
        }
    }

    /// The length of the modulus, of every ciphertext and of every signature, in bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Rsa2048 => 256,
            Self::Rsa3072 => 384,
            Self::Rsa4096 => 512,
        }
    }
}

/// A modulus length other than 2048, 3072 or 4096 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("RSA keys of {bits} bits are not supported; use 2048, 3072 or 4096")]
pub struct UnsupportedKeySize {
    /// The length that was asked for or found, in bits.
    pub bits: u32,
}

impl TryFrom<u32> for KeySize {
    type Error = UnsupportedKeySize;

    fn try_from(bits: u32) -> Result<Self, UnsupportedKeySize> {
        match bits {
            2048 => Ok(Self::Rsa2048),
            3072 => Ok(Self::Rsa3072),
            4096 => Ok(Self::Rsa4096),
            bits => Err(UnsupportedKeySize { bits }),
        }
    }
}

/// What a provider needs to use a private key: PKCS#8 DER for software keys, a handle for a security module.
///
/// Wiped on drop; neither printable nor comparable nor cloneable on purpose.
pub struct PrivateMaterial(Zeroizing<Vec<u8>>);

impl PrivateMaterial {
    /// Takes material back after it was unsealed. Nothing is checked before its first use.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes to seal. Whoever copies them must wipe the copy.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A key as it comes from [`KeyProvider::generate`] or from an import.
pub struct NewKey {
    /// The part to seal.
    pub private: PrivateMaterial,
    /// The part everyone may see.
    pub public: PublicKey,
}

/// Why a provider did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The one answer to every failed decryption: wrong key, wrong algorithm and damaged bytes look alike.
    #[error("the ciphertext cannot be decrypted with this key and algorithm")]
    DecryptFailed,
    /// A digest whose length does not belong to the algorithm.
    #[error("{algorithm} takes a digest of {expected} bytes, found {found}")]
    DigestLength {
        /// The signature algorithm.
        algorithm: SignatureAlgorithm,
        /// The length it takes, in bytes.
        expected: usize,
        /// The length that was given, in bytes.
        found: usize,
    },
    /// The provider itself failed, for example for want of randomness.
    #[error("the key provider failed to {what}")]
    Failed {
        /// What it was doing.
        what: &'static str,
    },
    /// Key material or a public key that does not parse or whose numbers do not belong together.
    #[error("the key material is damaged or its numbers do not belong together")]
    KeyRejected,
    /// A plaintext longer than the padding leaves room for.
    #[error("{algorithm} under a key of {bits} bits takes at most {max} bytes, found {found}")]
    PlaintextTooLong {
        /// The encryption algorithm.
        algorithm: EncryptionAlgorithm,
        /// The length of the modulus in bits.
        bits: u32,
        /// The longest plaintext in bytes.
        max: usize,
        /// The length that was given, in bytes.
        found: usize,
    },
    /// The provider does not offer the algorithm.
    #[error("{algorithm} is not supported by this build; use RS256, RS384, RS512, PS256, PS384 or PS512")]
    NotSupported {
        /// The signature algorithm.
        algorithm: SignatureAlgorithm,
    },
    /// A modulus of a length this vault does not hold.
    #[error(transparent)]
    KeySize(#[from] UnsupportedKeySize),
}

/// Makes keys and uses them. The vault decides who may; a provider only does the arithmetic.
///
/// Implementations answer every failed decryption with [`ProviderError::DecryptFailed`] and nothing else.
pub trait KeyProvider: Send + Sync {
    /// Makes a new key pair.
    ///
    /// # Errors
    /// [`ProviderError::Failed`] when the provider cannot make one.
    fn generate(&self, size: KeySize) -> Result<NewKey, ProviderError>;

    /// The public part of `private`; also the full check that the material is whole and usable here.
    ///
    /// # Errors
    /// [`ProviderError::KeyRejected`] for damaged material, [`ProviderError::KeySize`] for other lengths.
    fn public_key(&self, private: &PrivateMaterial) -> Result<PublicKey, ProviderError>;

    /// Encrypts `plaintext` with the public part.
    ///
    /// # Errors
    /// [`ProviderError::PlaintextTooLong`], or [`ProviderError::KeyRejected`] for a public key that is none.
    fn encrypt(
        &self,
        key: &PublicKey,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, ProviderError>;

    /// Decrypts `ciphertext` with the private part.
    ///
    /// # Errors
    /// [`ProviderError::DecryptFailed`] whatever is wrong with the ciphertext;
    /// [`ProviderError::KeyRejected`].
    fn decrypt(
        &self,
        private: &PrivateMaterial,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ProviderError>;

    /// Signs `digest`, which was computed with the hash that `algorithm` names.
    ///
    /// # Errors
    /// [`ProviderError::DigestLength`], [`ProviderError::NotSupported`] or [`ProviderError::KeyRejected`].
    fn sign(
        &self,
        private: &PrivateMaterial,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, ProviderError>;

    /// Whether `signature` over `digest` was made with the private part of `key`.
    ///
    /// # Errors
    /// [`ProviderError::DigestLength`], [`ProviderError::NotSupported`] or [`ProviderError::KeyRejected`]; a
    /// wrong signature is no error but `false`.
    fn verify(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, ProviderError>;

    /// Wraps a key: the same arithmetic as [`Self::encrypt`] under another permission.
    ///
    /// # Errors
    /// Those of [`Self::encrypt`].
    fn wrap(
        &self,
        key: &PublicKey,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        self.encrypt(key, algorithm, plaintext)
    }

    /// Unwraps a key: the same arithmetic as [`Self::decrypt`] under another permission.
    ///
    /// # Errors
    /// Those of [`Self::decrypt`].
    fn unwrap(
        &self,
        private: &PrivateMaterial,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        self.decrypt(private, algorithm, ciphertext)
    }
}

/// The providers of one vault.
#[derive(Clone)]
pub struct Providers {
    software: Arc<dyn KeyProvider>,
    hsm: Option<Arc<dyn KeyProvider>>,
}

impl Providers {
    /// Software keys only: `RSA-HSM` is refused.
    #[must_use]
    pub fn software(software: Arc<dyn KeyProvider>) -> Self {
        Self { software, hsm: None }
    }

    /// Adds the security module that holds `RSA-HSM` keys.
    #[must_use]
    pub fn with_hsm(mut self, hsm: Arc<dyn KeyProvider>) -> Self {
        self.hsm = Some(hsm);
        self
    }

    /// The provider of keys of this type; `None` means that there is no security module.
    #[must_use]
    pub fn get(&self, kty: KeyType) -> Option<&Arc<dyn KeyProvider>> {
        match kty {
            KeyType::Rsa => Some(&self.software),
            KeyType::RsaHsm => self.hsm.as_ref(),
        }
    }
}
