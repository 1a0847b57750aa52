//! The algorithm names of the wire and their arithmetic (RFC 8017 sections 7 and 8, RFC 7518 sections 3 and
//! 4).
//!
//! Names are matched exactly: an unknown one is refused with the list of known ones, never guessed.

use std::fmt;
use std::str::FromStr;

use crate::provider::KeySize;

/// How a short plaintext, usually another key, is encrypted under an RSA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncryptionAlgorithm {
    /// `RSA1_5`: PKCS#1 v1.5 padding. Kept for old ciphertexts; its decryption can be turned into an oracle.
    Rsa1_5,
    /// `RSA-OAEP`: OAEP with SHA-1 and MGF1 over SHA-1.
    RsaOaep,
    /// `RSA-OAEP-256`: OAEP with SHA-256 and MGF1 over SHA-256. The one to choose.
    RsaOaep256,
}

impl EncryptionAlgorithm {
    /// Every encryption algorithm, in the order of preference.
    pub const ALL: [Self; 3] = [Self::RsaOaep256, Self::RsaOaep, Self::Rsa1_5];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa1_5 => "RSA1_5",
            Self::RsaOaep => "RSA-OAEP",
            Self::RsaOaep256 => "RSA-OAEP-256",
        }
    }

    /// The longest plaintext in bytes that fits under a key of `size` (RFC 8017 sections 7.1.1 and 7.2.1).
    #[must_use]
    pub fn max_plaintext_bytes(self, size: KeySize) -> usize {
        let padding = match self {
            Self::Rsa1_5 => 11,
            Self::RsaOaep => 2 * 20 + 2,
            Self::RsaOaep256 => 2 * 32 + 2,
        };
        size.bytes() - padding
    }
}

/// How a digest is signed by an RSA key. The input of every operation is the digest, never the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// RSASSA-PSS with SHA-256, salt as long as the digest.
    PS256,
    /// RSASSA-PSS with SHA-384, salt as long as the digest.
    PS384,
    /// RSASSA-PSS with SHA-512, salt as long as the digest.
    PS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// PKCS#1 v1.5 padding of caller-supplied bytes without a digest name. Known by name; the software
    /// provider refuses it with [`crate::ProviderError::NotSupported`].
    RSNULL,
}

impl SignatureAlgorithm {
    /// Every signature algorithm, in the order of the protocol.
    pub const ALL: [Self; 7] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::RSNULL,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::RSNULL => "RSNULL",
        }
    }

    /// The digest length in bytes that the algorithm takes; `None` for [`Self::RSNULL`], which takes any.
    #[must_use]
    pub fn digest_bytes(self) -> Option<usize> {
        match self {
            Self::PS256 | Self::RS256 => Some(32),
            Self::PS384 | Self::RS384 => Some(48),
            Self::PS512 | Self::RS512 => Some(64),
            Self::RSNULL => None,
        }
    }
}

/// A name that is no algorithm of the asked kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("algorithm {found:?} is not supported for this operation; use one of {known}")]
pub struct UnknownAlgorithm {
    /// The name as it came in, cut to 40 characters.
    pub found: String,
    /// The names that would have been accepted.
    pub known: &'static str,
}

impl FromStr for EncryptionAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or_else(|| UnknownAlgorithm {
                found: cut(name),
                known: "RSA-OAEP-256, RSA-OAEP, RSA1_5",
            })
    }
}

impl FromStr for SignatureAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or_else(|| UnknownAlgorithm {
                found: cut(name),
                known: "RS256, RS384, RS512, PS256, PS384, PS512, RSNULL",
            })
    }
}

impl fmt::Display for EncryptionAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names come from outside, so an error quotes only their beginning.
fn cut(name: &str) -> String {
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_limits_are_those_of_the_rfc() {
        let check = |algorithm: EncryptionAlgorithm, expected: [usize; 3]| {
            let sizes = [KeySize::Rsa2048, KeySize::Rsa3072, KeySize::Rsa4096];
            assert_eq!(
                sizes.map(|size| algorithm.max_plaintext_bytes(size)),
                expected,
                "{algorithm}"
            );
        };
        check(EncryptionAlgorithm::RsaOaep, [214, 342, 470]);
        check(EncryptionAlgorithm::RsaOaep256, [190, 318, 446]);
        check(EncryptionAlgorithm::Rsa1_5, [245, 373, 501]);
    }
}
