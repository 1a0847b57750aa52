//! Ready-made keys for tests, because making an RSA key takes longer than most tests.
//!
//! The keys are published with the sources and therefore worthless.

use std::sync::atomic::{AtomicUsize, Ordering};

use zeroize::Zeroizing;

use crate::algorithms::{EncryptionAlgorithm, SignatureAlgorithm};
use crate::jwk::PublicKey;
use crate::provider::{KeyProvider, KeySize, NewKey, PrivateMaterial, ProviderError};
use crate::rsa::SoftwareProvider;

const KEYS_2048: [&[u8]; 4] = [
    include_bytes!("../tests/keys/rsa2048-1.pkcs8.der"),
    include_bytes!("../tests/keys/rsa2048-2.pkcs8.der"),
    include_bytes!("../tests/keys/rsa2048-3.pkcs8.der"),
    include_bytes!("../tests/keys/rsa2048-4.pkcs8.der"),
];
const KEY_3072: &[u8] = include_bytes!("../tests/keys/rsa3072.pkcs8.der");
const KEY_4096: &[u8] = include_bytes!("../tests/keys/rsa4096.pkcs8.der");

/// One of four keys of 2048 bits; larger indexes start over.
///
/// # Panics
/// Never with the keys that are built in.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "the keys are compiled in and every test would see it"
)]
pub fn key(index: usize) -> NewKey {
    load(
        KEYS_2048
            .into_iter()
            .cycle()
            .nth(index % KEYS_2048.len())
            .unwrap_or_default(),
    )
    .expect("a key that is compiled in is a key")
}

/// The software provider, except that it hands out the ready-made keys in turn instead of making new ones.
///
/// The fifth key of 2048 bits is the first again, and there is one key of each larger size.
#[derive(Debug, Default)]
pub struct FixtureProvider {
    made: AtomicUsize,
}

impl KeyProvider for FixtureProvider {
    fn generate(&self, size: KeySize) -> Result<NewKey, ProviderError> {
        match size {
            KeySize::Rsa2048 => Ok(key(self.made.fetch_add(1, Ordering::Relaxed))),
            KeySize::Rsa3072 => load(KEY_3072),
            KeySize::Rsa4096 => load(KEY_4096),
        }
    }

    fn public_key(&self, private: &PrivateMaterial) -> Result<PublicKey, ProviderError> {
        SoftwareProvider.public_key(private)
    }

    fn encrypt(
        &self,
        key: &PublicKey,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        SoftwareProvider.encrypt(key, algorithm, plaintext)
    }

    fn decrypt(
        &self,
        private: &PrivateMaterial,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        SoftwareProvider.decrypt(private, algorithm, ciphertext)
    }

    fn sign(
        &self,
        private: &PrivateMaterial,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        SoftwareProvider.sign(private, algorithm, digest)
    }

    fn verify(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, ProviderError> {
        SoftwareProvider.verify(key, algorithm, digest, signature)
    }
}

fn load(der: &[u8]) -> Result<NewKey, ProviderError> {
    let private = PrivateMaterial::from_bytes(Zeroizing::new(der.to_vec()));
    Ok(NewKey {
        public: SoftwareProvider.public_key(&private)?,
        private,
    })
}
