//! The public half of an RSA key and its text forms (RFC 7517, RFC 7518 section 6.3, RFC 5280 section 4.1).
//!
//! A `PublicKey` always has a modulus of a supported length and an odd exponent of at least 3, both without
//! leading zeros, so that equal keys have equal bytes. That the modulus is a product of two primes nobody can see.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::provider::{KeySize, ProviderError};

/// An RSA public key: modulus and exponent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey {
    n: Vec<u8>,
    e: Vec<u8>,
    size: KeySize,
}

impl PublicKey {
    /// Takes modulus and exponent, big-endian; leading zeros are dropped.
    ///
    /// # Errors
    /// [`ProviderError::KeySize`] for a modulus of another length than 2048, 3072 or 4096 bits and
    /// [`ProviderError::KeyRejected`] for an even modulus, or an exponent that is even, 1 or above 32 bits.
    pub fn new(n: &[u8], e: &[u8]) -> Result<Self, ProviderError> {
        let n = without_leading_zeros(n);
        let e = without_leading_zeros(e);
        let size = KeySize::try_from(bits(n))?;
        let odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last & 1 == 1);
        if !odd(n) || !odd(e) || e == [1] || e.len() > 4 {
            return Err(ProviderError::KeyRejected);
        }
        Ok(Self {
            n: n.to_vec(),
            e: e.to_vec(),
            size,
        })
    }

    /// Takes the `n` and `e` members of a JWK: base64url without padding.
    ///
    /// # Errors
    /// [`ProviderError::KeyRejected`] for text that is no base64url, otherwise those of [`Self::new`].
    pub fn from_jwk(n: &str, e: &str) -> Result<Self, ProviderError> {
        let decode = |text: &str| {
            URL_SAFE_NO_PAD
                .decode(text)
                .map_err(|_| ProviderError::KeyRejected)
        };
        Self::new(&decode(n)?, &decode(e)?)
    }

    /// The modulus, big-endian without leading zeros.
    #[must_use]
    pub fn n(&self) -> &[u8] {
        &self.n
    }

    /// The public exponent, big-endian without leading zeros.
    #[must_use]
    pub fn e(&self) -> &[u8] {
        &self.e
    }

    /// The JWK member `n`: base64url without padding.
    #[must_use]
    pub fn n_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.n)
    }

    /// The JWK member `e`: base64url without padding, `AQAB` for 65537.
    #[must_use]
    pub fn e_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.e)
    }

    /// The key as DER `SubjectPublicKeyInfo`, the form that other tools read.
    ///
    /// # Errors
    /// [`ProviderError::KeyRejected`] when the numbers cannot be an RSA key.
    pub fn to_spki_der(&self) -> Result<Vec<u8>, ProviderError> {
        crate::rsa::spki_der(self)
    }

    /// The key as PEM `PUBLIC KEY` (RFC 7468 section 13), with a newline at the end of each line.
    ///
    /// # Errors
    /// [`ProviderError::KeyRejected`] when the numbers cannot be an RSA key.
    pub fn to_spki_pem(&self) -> Result<String, ProviderError> {
        let block = pem::Pem::new("PUBLIC KEY", self.to_spki_der()?);
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        Ok(pem::encode_config(&block, config))
    }

    /// The length of the modulus.
    #[must_use]
    pub fn size(&self) -> KeySize {
        self.size
    }

    /// The length of the modulus in bits.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.size.bits()
    }
}

/// The shortest form of a big-endian number.
pub(crate) fn without_leading_zeros(mut bytes: &[u8]) -> &[u8] {
    while let Some((0, rest)) = bytes.split_first() {
        bytes = rest;
    }
    bytes
}

/// The length in bits of a number without leading zero bytes, as long as any number we accept could have.
pub(crate) fn bits(n: &[u8]) -> u32 {
    let leading = n.first().map_or(0, |first| first.leading_zeros());
    u32::try_from(n.len())
        .unwrap_or(u32::MAX)
        .saturating_mul(8)
        .saturating_sub(leading)
}
