//! A key to import, as PEM, DER or JWK: it is refused with a reason, or it is a whole RSA key.

use strongroom_keyvault::{import_der, import_jwk, import_key, import_pem};

/// The input is the file that somebody wants to import.
pub fn run(data: &[u8]) {
    for import in [import_key, import_pem, import_der, import_jwk] {
        if let Ok(key) = import(data) {
            assert!(
                key.public.to_spki_der().is_ok(),
                "an accepted key has a public part"
            );
            assert!(
                import_der(key.private.as_bytes()).is_ok(),
                "an accepted key can be kept and read again"
            );
        }
    }
}

/// Keys of every form, and things that are often taken for one.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let names = [
        "certificate.pem",
        "ec.pkcs8.der",
        "encrypted.pkcs8.pem",
        "rsa1024.pkcs8.pem",
        "rsa2048-1.jwk.json",
        "rsa2048-1.pkcs1.der",
        "rsa2048-1.pkcs1.pem",
        "rsa2048-1.pkcs8.der",
        "rsa2048-1.pkcs8.pem",
        "rsa2048-1.spki.pem",
        "rsa2048-3primes.pem",
    ];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../keyvault/tests/keys");
    let read = |name: &str| std::fs::read(format!("{folder}/{name}")).expect("a key of the vault's tests");
    names
        .iter()
        .map(|name| ((*name).to_owned(), read(name)))
        .collect()
}
