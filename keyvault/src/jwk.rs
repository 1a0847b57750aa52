//! The public half of an RSA key and its text forms (RFC 7517, RFC 7518 section 6.3, RFC 5280 section 4.1).
//!
//! A `PublicKey` always has a modulus of a supported length and an odd exponent of at least 3, both without
//! leading zeros, so that equal keys have equal bytes. That the modulus is a product of two primes nobody can
//! see.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

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

    /// The name of the key that anyone can compute from it (RFC 7638): base64url of a SHA-256.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let members = format!(
            r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
            self.e_base64url(),
            self.n_base64url()
        );
        URL_SAFE_NO_PAD.encode(Sha256::digest(members))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        // The example of RFC 7638 section 3.1.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX\
                 jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSq\
                 zs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHa\
                 Q-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = PublicKey::from_jwk(n, "AQAB").unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn only_numbers_that_can_be_a_key_are_taken() {
        let n = [[0x80; 255].as_slice(), &[0x81]].concat();
        let key = PublicKey::new(&[&[0, 0], n.as_slice()].concat(), &[0, 1, 0, 1]).unwrap();
        assert_eq!(
            (key.n(), key.e(), key.bits()),
            (n.as_slice(), [1, 0, 1].as_slice(), 2048)
        );
        let check = |n: &[u8], e: &[u8], expected| assert_eq!(PublicKey::new(n, e), Err(expected));
        let size = |bits| ProviderError::KeySize(crate::provider::UnsupportedKeySize { bits });
        check(&[], &[3], size(0));
        check(&n[1..], &[3], size(2040));
        check(&[&[1], n.as_slice()].concat(), &[3], size(2049));
        check(&[0x80; 256], &[3], ProviderError::KeyRejected);
        for e in [&[][..], &[0], &[1], &[2], &[1, 0, 0, 0, 1]] {
            check(&n, e, ProviderError::KeyRejected);
        }
    }
}
