//! Public keys that come from elsewhere: PEM, DER or JWK in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{ImportError, check_length, check_size, der, pem};
use crate::jwk::PublicKey;

#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow)]
    kty: Option<&'a str>,
    n: Option<&'a str>,
    e: Option<&'a str>,
    d: Option<IgnoredAny>,
}

/// Imports an RSA public key, whatever its form: `{` begins a JWK (RFC 7517), `-----BEGIN` a PEM block
/// (`PUBLIC KEY` or `RSA PUBLIC KEY`, RFC 7468), anything else is DER (`SubjectPublicKeyInfo`, RFC 5280
/// section 4.1, or `RSAPublicKey`, RFC 8017 appendix A.1.1).
///
/// # Errors
/// An [`ImportError`] that names what was found instead; a private key is one of those things.
pub fn import_public_key(input: &[u8]) -> Result<PublicKey, ImportError> {
    check_length(input)?;
    let first = input.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'{') {
        return from_jwk(input);
    }
    if pem::looks_like(input) {
        return from_der(&pem::decode_public(input)?);
    }
    from_der(input)
}

fn from_der(input: &[u8]) -> Result<PublicKey, ImportError> {
    let (n, e) = der::public(input)?;
    key(n, e)
}

fn from_jwk(input: &[u8]) -> Result<PublicKey, ImportError> {
    let malformed = |what| ImportError::Malformed { what };
    let jwk: Jwk<'_> = serde_json::from_slice(input).map_err(|error| {
        if error.is_eof() {
            ImportError::Truncated
        } else {
            malformed("it is no JWK object")
        }
    })?;
    match jwk.kty {
        Some("RSA" | "RSA-HSM") => {}
        Some("EC" | "EC-HSM") => return Err(ImportError::EllipticCurve),
        Some(other) => {
            return Err(ImportError::OtherKind {
                found: other.chars().take(40).collect(),
            });
        }
        None => return Err(ImportError::MissingMembers { names: vec!["kty"] }),
    }
    if jwk.d.is_some() {
        return Err(ImportError::Private);
    }
    let (Some(n), Some(e)) = (jwk.n, jwk.e) else {
        return Err(malformed("a public RSA key needs n and e"));
    };
    let number = |text: &str| {
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| malformed("a member is not base64url without padding"))
    };
    key(&number(n)?, &number(e)?)
}

fn key(n: &[u8], e: &[u8]) -> Result<PublicKey, ImportError> {
    check_size(n)?;
    PublicKey::new(n, e).map_err(|_| ImportError::Inconsistent)
}
