//! The private RSA key as JWK (RFC 7517, RFC 7518 section 6.3.2).
//!
//! Members are borrowed from the input and decoded straight into wiped memory, so an escape sequence inside a
//! member (which base64url never needs) is refused. Members that say nothing about the numbers are ignored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::ImportError;
use crate::rsa::PrivateNumbers;

#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow)]
    kty: Option<&'a str>,
    n: Option<&'a str>,
    e: Option<&'a str>,
    d: Option<&'a str>,
    p: Option<&'a str>,
    q: Option<&'a str>,
    dp: Option<&'a str>,
    dq: Option<&'a str>,
    qi: Option<&'a str>,
    oth: Option<IgnoredAny>,
}

/// Decodes all eight numbers, or says which are missing.
pub(super) fn decode(input: &[u8]) -> Result<PrivateNumbers, ImportError> {
    // The parser's own error could quote the text, so it is not kept.
    let jwk: Jwk<'_> = serde_json::from_slice(input).map_err(|error| {
        if error.is_eof() {
            ImportError::Truncated
        } else {
            malformed("it is no JWK object")
        }
    })?;
    check_kind(&jwk)?;
    let [n, e, d, p, q, dp, dq, qi] = complete(&jwk)?;
    Ok(PrivateNumbers {
        n: number(n)?.to_vec(),
        e: number(e)?.to_vec(),
        d: number(d)?,
        p: number(p)?,
        q: number(q)?,
        dp: number(dp)?,
        dq: number(dq)?,
        qi: number(qi)?,
    })
}

fn check_kind(jwk: &Jwk<'_>) -> Result<(), ImportError> {
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
    if jwk.oth.is_some() {
        return Err(ImportError::MultiPrime);
    }
    let private = [jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi];
    if private.iter().all(Option::is_none) {
        return Err(ImportError::PublicOnly);
    }
    Ok(())
}

fn complete<'a>(jwk: &Jwk<'a>) -> Result<[&'a str; 8], ImportError> {
    if let (Some(n), Some(e), Some(d), Some(p), Some(q), Some(dp), Some(dq), Some(qi)) =
        (jwk.n, jwk.e, jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi)
    {
        return Ok([n, e, d, p, q, dp, dq, qi]);
    }
    let members = [
        ("n", jwk.n),
        ("e", jwk.e),
        ("d", jwk.d),
        ("p", jwk.p),
        ("q", jwk.q),
        ("dp", jwk.dp),
        ("dq", jwk.dq),
        ("qi", jwk.qi),
    ];
    let names = members
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| *name)
        .collect();
    Err(ImportError::MissingMembers { names })
}

fn number(text: &str) -> Result<Zeroizing<Vec<u8>>, ImportError> {
    let mut bytes = Zeroizing::new(vec![0; text.len()]);
    let length = URL_SAFE_NO_PAD
        .decode_slice(text, &mut bytes)
        .map_err(|_| malformed("a member is not base64url without padding"))?;
    bytes.truncate(length);
    Ok(bytes)
}

fn malformed(what: &'static str) -> ImportError {
    ImportError::Malformed { what }
}
