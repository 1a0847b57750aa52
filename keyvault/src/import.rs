//! Private keys that come from elsewhere: PEM, DER or JWK in, PKCS#8 material out.
//!
//! Nothing is accepted that is not exactly one whole, unencrypted, two-prime RSA private key of a supported
//! size whose numbers belong together. Every other thing that people put into such files has an error that
//! says what to do. Copies of the private numbers are wiped; the input belongs to the caller.

mod der;
mod error;
mod jwk;
mod pem;
mod public;

pub use error::ImportError;
pub use public::import_public_key;

use crate::algorithms::{EncryptionAlgorithm, SignatureAlgorithm};
use crate::provider::{KeyProvider, KeySize, NewKey, ProviderError};
use crate::rsa::{self, PrivateNumbers, SoftwareProvider};
use der::Shape;

/// The longest input in bytes. A 4096-bit key as JWK is under 4 KiB.
const MAX_INPUT_BYTES: usize = 64 * 1024;

/// Imports a private key, whatever its form: `{` begins a JWK, `-----BEGIN` a PEM block, anything else is
/// DER.
///
/// # Errors
/// An [`ImportError`] that names what was found instead of an RSA private key and what to do about it.
pub fn import_key(input: &[u8]) -> Result<NewKey, ImportError> {
    let first = input.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'{') {
        return import_jwk(input);
    }
    if pem::looks_like(input) {
        return import_pem(input);
    }
    import_der(input)
}

/// Imports one PEM block (RFC 7468): `PRIVATE KEY` or `RSA PRIVATE KEY`. Text before the block is skipped.
///
/// # Errors
/// See [`import_key`].
pub fn import_pem(input: &[u8]) -> Result<NewKey, ImportError> {
    check_length(input)?;
    let der = pem::decode(input)?;
    import_der(&der)
}

/// Imports DER: PKCS#8 (RFC 5208) or PKCS#1 (RFC 8017 appendix A.1.2).
///
/// # Errors
/// See [`import_key`].
pub fn import_der(input: &[u8]) -> Result<NewKey, ImportError> {
    check_length(input)?;
    let rejected = |_: ProviderError| ImportError::Inconsistent;
    match der::classify(input)? {
        Shape::Pkcs1 { modulus } => {
            check_size(modulus)?;
            self_tested(rsa::from_pkcs1(input).map_err(rejected)?)
        }
        Shape::Pkcs8 { modulus } => {
            check_size(modulus)?;
            self_tested(rsa::from_pkcs8(input).map_err(rejected)?)
        }
    }
}

/// Imports a JWK (RFC 7517) with `kty` RSA and all eight members `n`, `e`, `d`, `p`, `q`, `dp`, `dq`, `qi`.
///
/// # Errors
/// See [`import_key`].
pub fn import_jwk(input: &[u8]) -> Result<NewKey, ImportError> {
    check_length(input)?;
    let numbers: PrivateNumbers = jwk::decode(input)?;
    check_size(&numbers.n)?;
    self_tested(rsa::from_numbers(&numbers).map_err(|_| ImportError::Inconsistent)?)
}

fn check_length(input: &[u8]) -> Result<(), ImportError> {
    if input.len() > MAX_INPUT_BYTES {
        return Err(ImportError::TooLong {
            found: input.len(),
            max: MAX_INPUT_BYTES,
        });
    }
    Ok(())
}

fn check_size(modulus: &[u8]) -> Result<(), ImportError> {
    let bits = crate::jwk::bits(crate::jwk::without_leading_zeros(modulus));
    KeySize::try_from(bits).map(|_| ()).map_err(ImportError::Size)
}

/// The library checks the equations between the numbers but not that the factors are prime, so the key has to
/// prove that it opens what its public half closes, with both paddings of the private operation.
fn self_tested(key: NewKey) -> Result<NewKey, ImportError> {
    let plaintext = [0x5a; 32];
    let algorithm = EncryptionAlgorithm::RsaOaep256;
    let provider = SoftwareProvider;
    let wrapped = provider.wrap(&key.public, algorithm, &plaintext);
    let unwrapped = wrapped.and_then(|wrapped| provider.unwrap(&key.private, algorithm, &wrapped));
    let opens = unwrapped.is_ok_and(|unwrapped| unwrapped.as_slice() == plaintext);
    let signed = provider.sign(&key.private, SignatureAlgorithm::RS256, &plaintext);
    let verified = signed.and_then(|signature| {
        provider.verify(&key.public, SignatureAlgorithm::RS256, &plaintext, &signature)
    });
    if opens && verified == Ok(true) {
        Ok(key)
    } else {
        Err(ImportError::Inconsistent)
    }
}
