//! Known answers: what another implementation encrypted and signed must be decrypted and verified here.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use strongroom_keyvault::{
    EncryptionAlgorithm, KeyProvider, NewKey, ProviderError, SignatureAlgorithm, SoftwareProvider, import_der,
};

fn key() -> NewKey {
    import_der(include_bytes!("keys/rsa2048-1.pkcs8.der")).unwrap()
}

fn vectors() -> serde_json::Value {
    serde_json::from_str(include_str!("vectors/rsa.json")).unwrap()
}

fn bytes(value: &serde_json::Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn ciphertexts_of_another_implementation_open() {
    let (key, vectors) = (key(), vectors());
    for algorithm in EncryptionAlgorithm::ALL {
        let ciphertext = bytes(&vectors["ciphertexts"][algorithm.as_str()]);
        let plaintext = SoftwareProvider
            .decrypt(&key.private, algorithm, &ciphertext)
            .unwrap();
        assert_eq!(plaintext.as_slice(), bytes(&vectors["plaintext"]), "{algorithm}");
    }
}

#[test]
fn signatures_of_another_implementation_verify_and_pkcs1_ones_are_reproduced() {
    let (key, vectors) = (key(), vectors());
    for algorithm in SignatureAlgorithm::ALL {
        if algorithm == SignatureAlgorithm::RSNULL {
            continue;
        }
        let vector = &vectors["signatures"][algorithm.as_str()];
        let (digest, signature) = (bytes(&vector["digest"]), bytes(&vector["signature"]));
        assert_eq!(
            SoftwareProvider.verify(&key.public, algorithm, &digest, &signature),
            Ok(true),
            "{algorithm}"
        );
        if algorithm.as_str().starts_with("RS") {
            let ours = SoftwareProvider.sign(&key.private, algorithm, &digest).unwrap();
            assert_eq!(ours, signature, "{algorithm} is deterministic");
        }
    }
}

#[test]
fn every_way_to_spoil_a_ciphertext_gives_the_same_answer() {
    let (key, vectors) = (key(), vectors());
    let other = import_der(include_bytes!("keys/rsa2048-2.pkcs8.der")).unwrap();
    for algorithm in [EncryptionAlgorithm::RsaOaep, EncryptionAlgorithm::RsaOaep256] {
        let good = bytes(&vectors["ciphertexts"][algorithm.as_str()]);
        let flipped = |at: usize| {
            let mut bad = good.clone();
            bad[at] ^= 1;
            bad
        };
        let check = |why: &str, private, algorithm, ciphertext: &[u8]| {
            let answer = SoftwareProvider
                .decrypt(private, algorithm, ciphertext)
                .map(|_| ());
            assert_eq!(answer, Err(ProviderError::DecryptFailed), "{why}");
        };
        check("first byte", &key.private, algorithm, &flipped(0));
        check("last byte", &key.private, algorithm, &flipped(255));
        check("empty", &key.private, algorithm, &[]);
        check("short", &key.private, algorithm, &good[..255]);
        check("long", &key.private, algorithm, &[good.as_slice(), &[0]].concat());
        check("above the modulus", &key.private, algorithm, &[0xff; 256]);
        check("zero", &key.private, algorithm, &[0; 256]);
        check("other key", &other.private, algorithm, &good);
        check(
            "other algorithm",
            &key.private,
            EncryptionAlgorithm::Rsa1_5,
            &good,
        );
    }
}

#[test]
fn digests_of_another_length_and_rsnull_are_refused() {
    let key = key();
    for algorithm in SignatureAlgorithm::ALL {
        let refused = |length: usize| {
            let signed = SoftwareProvider
                .sign(&key.private, algorithm, &vec![1; length])
                .map(|_| ());
            let verified = SoftwareProvider
                .verify(&key.public, algorithm, &vec![1; length], &[0; 256])
                .map(|_| ());
            assert_eq!(signed, verified, "{algorithm} {length}");
            signed.unwrap_err()
        };
        match algorithm.digest_bytes() {
            Some(expected) => {
                for found in [0, expected - 1, expected + 1, 100] {
                    assert_eq!(
                        refused(found),
                        ProviderError::DigestLength {
                            algorithm,
                            expected,
                            found
                        }
                    );
                }
            }
            None => assert_eq!(refused(32), ProviderError::NotSupported { algorithm }),
        }
    }
}

#[test]
fn the_public_half_is_exported_as_other_tools_write_it() {
    let public = key().public;
    assert_eq!(
        public.to_spki_der().unwrap(),
        include_bytes!("keys/rsa2048-1.spki.der")
    );
    assert_eq!(
        public.to_spki_pem().unwrap(),
        include_str!("keys/rsa2048-1.spki.pem")
    );
    let jwk: serde_json::Value = serde_json::from_str(include_str!("keys/rsa2048-1.jwk.json")).unwrap();
    assert_eq!(public.n_base64url(), jwk["n"].as_str().unwrap());
    assert_eq!(public.e_base64url(), "AQAB");
}
