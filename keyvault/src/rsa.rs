//! RSA in software (RFC 8017), and the only place that names `aws_lc_rs`.
//!
//! Every private operation is constant time in the key. Material is PKCS#8 DER (RFC 5208), parsed and checked
//! (`n = pq`, `de = 1`, the CRT parts) at each use; the library wipes its own copies when it frees them.
//! RSNULL is refused: the library offers no private operation without a named digest, and `unsafe` is
//! forbidden here.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeyPair, KeyPairComponents, KeySize as LibrarySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256,
    OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey,
    Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use aws_lc_rs::signature::{self, KeyPair as _, RsaEncoding, RsaParameters};
use zeroize::Zeroizing;

use crate::algorithms::{EncryptionAlgorithm, SignatureAlgorithm};
use crate::jwk::{PublicKey, without_leading_zeros};
use crate::provider::{KeyProvider, KeySize, NewKey, PrivateMaterial, ProviderError};

/// The provider of `RSA` keys. It holds no state; its randomness is the library's own generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoftwareProvider;

impl KeyProvider for SoftwareProvider {
    fn generate(&self, size: KeySize) -> Result<NewKey, ProviderError> {
        let size = match size {
            KeySize::Rsa2048 => LibrarySize::Rsa2048,
            KeySize::Rsa3072 => LibrarySize::Rsa3072,
            KeySize::Rsa4096 => LibrarySize::Rsa4096,
        };
        let pair = KeyPair::generate(size).map_err(|_| ProviderError::Failed {
            what: "generate a key pair",
        })?;
        new_key(&pair)
    }

    fn public_key(&self, private: &PrivateMaterial) -> Result<PublicKey, ProviderError> {
        public_of(&signing_key(private)?)
    }

    fn encrypt(
        &self,
        key: &PublicKey,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        let max = algorithm.max_plaintext_bytes(key.size());
        if plaintext.len() > max {
            let (bits, found) = (key.bits(), plaintext.len());
            return Err(ProviderError::PlaintextTooLong {
                algorithm,
                bits,
                max,
                found,
            });
        }
        let public: PublicEncryptingKey = components(key)
            .try_into()
            .map_err(|_| ProviderError::KeyRejected)?;
        let mut ciphertext = vec![0; key.size().bytes()];
        let written = match oaep(algorithm) {
            Some(oaep) => OaepPublicEncryptingKey::new(public)
                .and_then(|public| Ok(public.encrypt(oaep, plaintext, &mut ciphertext, None)?.len())),
            None => Pkcs1PublicEncryptingKey::new(public)
                .and_then(|public| Ok(public.encrypt(plaintext, &mut ciphertext)?.len())),
        };
        match written {
            Ok(written) if written == ciphertext.len() => Ok(ciphertext),
            _ => Err(ProviderError::Failed { what: "encrypt" }),
        }
    }

    fn decrypt(
        &self,
        private: &PrivateMaterial,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        let private =
            PrivateDecryptingKey::from_pkcs8(private.as_bytes()).map_err(|_| ProviderError::KeyRejected)?;
        let mut plaintext = Zeroizing::new(vec![0; private.key_size_bytes()]);
        let written = match oaep(algorithm) {
            Some(oaep) => OaepPrivateDecryptingKey::new(private)
                .and_then(|private| Ok(private.decrypt(oaep, ciphertext, &mut plaintext, None)?.len())),
            None => Pkcs1PrivateDecryptingKey::new(private)
                .and_then(|private| Ok(private.decrypt(ciphertext, &mut plaintext)?.len())),
        };
        let written = written.map_err(|_| ProviderError::DecryptFailed)?;
        plaintext.truncate(written);
        Ok(plaintext)
    }

    fn sign(
        &self,
        private: &PrivateMaterial,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        let scheme = Scheme::of(algorithm)?;
        let digest = scheme.import(algorithm, digest)?;
        let pair = signing_key(private)?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign_digest(scheme.encoding, &digest, &mut signature)
            .map_err(|_| ProviderError::Failed { what: "sign" })?;
        Ok(signature)
    }

    fn verify(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, ProviderError> {
        let scheme = Scheme::of(algorithm)?;
        let digest = scheme.import(algorithm, digest)?;
        let public = components(key)
            .to_parsed_public_key(scheme.parameters)
            .map_err(|_| ProviderError::KeyRejected)?;
        Ok(public.verify_digest_sig(&digest, signature).is_ok())
    }
}

/// What the library wants to know about one signature algorithm.
struct Scheme {
    digest: &'static digest::Algorithm,
    encoding: &'static dyn RsaEncoding,
    parameters: &'static RsaParameters,
}

impl Scheme {
    fn of(algorithm: SignatureAlgorithm) -> Result<Self, ProviderError> {
        use signature::{
            RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
            RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256,
            RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
            RSA_PSS_SHA512,
        };
        let (digest, encoding, parameters): (_, &'static dyn RsaEncoding, &'static RsaParameters) =
            match algorithm {
                SignatureAlgorithm::RS256 => {
                    (&digest::SHA256, &RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256)
                }
                SignatureAlgorithm::RS384 => {
                    (&digest::SHA384, &RSA_PKCS1_SHA384, &RSA_PKCS1_2048_8192_SHA384)
                }
                SignatureAlgorithm::RS512 => {
                    (&digest::SHA512, &RSA_PKCS1_SHA512, &RSA_PKCS1_2048_8192_SHA512)
                }
                SignatureAlgorithm::PS256 => (&digest::SHA256, &RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256),
                SignatureAlgorithm::PS384 => (&digest::SHA384, &RSA_PSS_SHA384, &RSA_PSS_2048_8192_SHA384),
                SignatureAlgorithm::PS512 => (&digest::SHA512, &RSA_PSS_SHA512, &RSA_PSS_2048_8192_SHA512),
                SignatureAlgorithm::RSNULL => return Err(ProviderError::NotSupported { algorithm }),
            };
        Ok(Self {
            digest,
            encoding,
            parameters,
        })
    }

    fn import(&self, algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Digest, ProviderError> {
        Digest::import_less_safe(bytes, self.digest).map_err(|_| ProviderError::DigestLength {
            algorithm,
            expected: self.digest.output_len(),
            found: bytes.len(),
        })
    }
}

/// The numbers of a private key, big-endian (RFC 8017 section 3.2). The private ones are wiped on drop.
pub(crate) struct PrivateNumbers {
    pub(crate) n: Vec<u8>,
    pub(crate) e: Vec<u8>,
    pub(crate) d: Zeroizing<Vec<u8>>,
    pub(crate) p: Zeroizing<Vec<u8>>,
    pub(crate) q: Zeroizing<Vec<u8>>,
    pub(crate) dp: Zeroizing<Vec<u8>>,
    pub(crate) dq: Zeroizing<Vec<u8>>,
    pub(crate) qi: Zeroizing<Vec<u8>>,
}

/// A key pair from `RSAPrivateKey` DER (RFC 8017 appendix A.1.2), re-encoded as PKCS#8.
pub(crate) fn from_pkcs1(der: &[u8]) -> Result<NewKey, ProviderError> {
    new_key(&KeyPair::from_der(der).map_err(|_| ProviderError::KeyRejected)?)
}

/// A key pair from PKCS#8 DER, re-encoded without attributes.
pub(crate) fn from_pkcs8(der: &[u8]) -> Result<NewKey, ProviderError> {
    new_key(&KeyPair::from_pkcs8(der).map_err(|_| ProviderError::KeyRejected)?)
}

/// A key pair from its numbers, which must satisfy every equation between them.
pub(crate) fn from_numbers(numbers: &PrivateNumbers) -> Result<NewKey, ProviderError> {
    let (n, e) = (
        without_leading_zeros(&numbers.n),
        without_leading_zeros(&numbers.e),
    );
    let pair = KeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents { n, e },
        d: numbers.d.as_slice(),
        p: numbers.p.as_slice(),
        q: numbers.q.as_slice(),
        dP: numbers.dp.as_slice(),
        dQ: numbers.dq.as_slice(),
        qInv: numbers.qi.as_slice(),
    });
    new_key(&pair.map_err(|_| ProviderError::KeyRejected)?)
}

/// The SPKI form of a public key (RFC 5280 section 4.1), DER.
pub(crate) fn spki_der(key: &PublicKey) -> Result<Vec<u8>, ProviderError> {
    let der: PublicKeyX509Der<'static> = components(key).as_der().map_err(|_| ProviderError::KeyRejected)?;
    Ok(der.as_ref().to_vec())
}

fn components(key: &PublicKey) -> PublicKeyComponents<&[u8]> {
    PublicKeyComponents {
        n: key.n(),
        e: key.e(),
    }
}

/// The OAEP parameters of an algorithm; `None` for PKCS#1 v1.5.
fn oaep(algorithm: EncryptionAlgorithm) -> Option<&'static OaepAlgorithm> {
    match algorithm {
        EncryptionAlgorithm::Rsa1_5 => None,
        EncryptionAlgorithm::RsaOaep => Some(&OAEP_SHA1_MGF1SHA1),
        EncryptionAlgorithm::RsaOaep256 => Some(&OAEP_SHA256_MGF1SHA256),
    }
}

fn signing_key(private: &PrivateMaterial) -> Result<KeyPair, ProviderError> {
    KeyPair::from_pkcs8(private.as_bytes()).map_err(|_| ProviderError::KeyRejected)
}

fn public_of(pair: &KeyPair) -> Result<PublicKey, ProviderError> {
    let public = PublicKeyComponents::from(pair.public_key());
    PublicKey::new(&public.n, &public.e)
}

fn new_key(pair: &KeyPair) -> Result<NewKey, ProviderError> {
    let der: Pkcs8V1Der<'static> = pair.as_der().map_err(|_| ProviderError::Failed {
        what: "encode a private key",
    })?;
    let private = PrivateMaterial::from_bytes(Zeroizing::new(der.as_ref().to_vec()));
    Ok(NewKey {
        private,
        public: public_of(pair)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_goes_round_at_every_length() {
        let key = SoftwareProvider.generate(KeySize::Rsa2048).unwrap();
        for algorithm in EncryptionAlgorithm::ALL {
            let max = algorithm.max_plaintext_bytes(key.public.size());
            for length in [0, 1, 32, max] {
                let plaintext = vec![7; length];
                let wrapped = SoftwareProvider.wrap(&key.public, algorithm, &plaintext).unwrap();
                assert_eq!(wrapped.len(), 256);
                let unwrapped = SoftwareProvider
                    .unwrap(&key.private, algorithm, &wrapped)
                    .unwrap();
                assert_eq!(unwrapped.as_slice(), plaintext, "{algorithm} {length}");
            }
            let too_long = SoftwareProvider.wrap(&key.public, algorithm, &vec![7; max + 1]);
            assert!(matches!(too_long, Err(ProviderError::PlaintextTooLong { .. })));
        }
        for algorithm in SignatureAlgorithm::ALL {
            let Some(length) = algorithm.digest_bytes() else {
                continue;
            };
            let signature = SoftwareProvider
                .sign(&key.private, algorithm, &vec![9; length])
                .unwrap();
            let verify =
                |byte| SoftwareProvider.verify(&key.public, algorithm, &vec![byte; length], &signature);
            assert_eq!((verify(9), verify(8)), (Ok(true), Ok(false)), "{algorithm}");
        }
    }
}
