//! Access tokens: JWS compact form (RFC 7515, RFC 7519) signed with RS256 by a directory's own key.
//!
//! The algorithm is fixed, so a header cannot choose it: `none`, HS256 and every other name are refused
//! before any arithmetic. Nothing in the claims is believed, or quoted in an error, before the signature
//! holds. A key is found by its `kid` among the keys the caller trusts, never taken from the token. All times
//! are seconds since the Unix epoch.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::algorithms::SignatureAlgorithm;
use crate::error::VaultError;
use crate::jwk::PublicKey;
use crate::provider::{KeyProvider, NewKey, PrivateMaterial, ProviderError};
use crate::rsa::SoftwareProvider;

/// The longest token in bytes that is looked at.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The audience of tokens for key vaults.
pub const VAULT_AUDIENCE: &str = "https://vault.azure.net";

/// What a token says about its bearer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The service the token is for.
    pub aud: String,
    /// The directory that issued it: see [`issuer`].
    pub iss: String,
    /// The tenant of the bearer.
    pub tid: String,
    /// The object id of the bearer, which access policies name.
    pub oid: String,
    /// The application id of the bearer.
    pub appid: String,
    /// When it was issued.
    pub iat: i64,
    /// The first second at which it is valid.
    pub nbf: i64,
    /// The first second at which it is no longer valid.
    pub exp: i64,
}

/// The issuer name of a tenant's directory.
#[must_use]
pub fn issuer(tenant: &str) -> String {
    format!("https://sts.windows.net/{tenant}/")
}

/// The `WWW-Authenticate` header of an answer to a request without a usable token.
#[must_use]
pub fn challenge(tenant: &str) -> String {
    format!(
        "Bearer authorization=\"https://login.microsoftonline.com/{tenant}\", resource=\"{VAULT_AUDIENCE}\""
    )
}

/// Signs tokens with one key. The private half is wiped on drop.
pub struct TokenSigner {
    provider: Arc<dyn KeyProvider>,
    private: PrivateMaterial,
    public: TokenKey,
}

/// A public key that tokens may be signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKey {
    kid: String,
    key: PublicKey,
}

impl TokenKey {
    /// A trusted key, known by its RFC 7638 thumbprint.
    #[must_use]
    pub fn new(key: PublicKey) -> Self {
        Self {
            kid: key.thumbprint(),
            key,
        }
    }

    /// The name that token headers call the key by.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

impl TokenSigner {
    /// Signs with `key`, which `provider` made.
    #[must_use]
    pub fn new(provider: Arc<dyn KeyProvider>, key: NewKey) -> Self {
        Self {
            provider,
            private: key.private,
            public: TokenKey::new(key.public),
        }
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn public(&self) -> &TokenKey {
        &self.public
    }

    /// A token with these claims. It is a secret: whoever holds it is the bearer.
    ///
    /// # Errors
    /// Those of [`KeyProvider::sign`].
    pub fn issue(&self, claims: &Claims) -> Result<Zeroizing<String>, ProviderError> {
        let failed = |_: serde_json::Error| ProviderError::Failed {
            what: "encode a token",
        };
        let header = serde_json::json!({ "alg": "RS256", "typ": "JWT", "kid": self.public.kid });
        let claims = serde_json::to_vec(claims).map_err(failed)?;
        let mut token = Zeroizing::new(String::with_capacity(MAX_TOKEN_BYTES));
        URL_SAFE_NO_PAD.encode_string(header.to_string(), &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let digest = Sha256::digest(token.as_bytes());
        let signature = self
            .provider
            .sign(&self.private, SignatureAlgorithm::RS256, &digest)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

/// What a token must say to be accepted, and when.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The audience, usually [`VAULT_AUDIENCE`].
    pub audience: &'a str,
    /// The tenant of whoever is asked.
    pub tenant: &'a str,
    /// The time, in seconds since the Unix epoch.
    pub now: i64,
    /// By how many seconds the clocks of issuer and verifier may differ.
    pub leeway: u32,
}

/// Why a token does not authenticate its bearer. `Display` is the protocol's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Signed, or said to be, with another algorithm than RS256.
    #[error("The token's algorithm is not accepted. Expected RS256.")]
    Algorithm,
    /// For another service.
    #[error("AKV10022: Invalid audience. Expected {expected}, found: {found}.")]
    Audience {
        /// The audience that would have been accepted.
        expected: String,
        /// The audience of the token.
        found: String,
    },
    /// Its last second has passed.
    #[error("The token expired at {exp} seconds since 1970. Get a new one.")]
    Expired {
        /// The first second at which it was no longer valid.
        exp: i64,
    },
    /// From another tenant's directory.
    #[error("AKV10032: Invalid issuer. Expected {expected}, found: {found}.")]
    Issuer {
        /// The issuer that would have been accepted.
        expected: String,
        /// The issuer of the token.
        found: String,
    },
    /// Signed with a key nobody trusts here.
    #[error("The token is signed with a key that is not trusted here.")]
    KeyUnknown,
    /// No token of the right shape; `what` says where it broke.
    #[error("The token is not readable: {what}.")]
    Malformed {
        /// What was wrong.
        what: &'static str,
    },
    /// There is none.
    #[error("AKV10000: Request is missing a Bearer or PoP token.")]
    Missing,
    /// Its first second has not come.
    #[error("The token is not valid before {nbf} seconds since 1970. Check the clocks.")]
    NotYetValid {
        /// The first second at which it is valid.
        nbf: i64,
    },
    /// Not signed by the key it names.
    #[error("The signature of the token is invalid.")]
    Signature,
}

impl From<TokenError> for VaultError {
    fn from(error: TokenError) -> Self {
        Self::Unauthorized {
            message: error.to_string(),
        }
    }
}

/// A header with `crit` demands extensions that nobody here knows (RFC 7515 section 4.1.11).
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

/// The claims of `token`, if one of `keys` signed it and they are what is expected.
///
/// # Errors
/// A [`TokenError`] for the first thing that is wrong; signature first, then issuer, audience and times.
pub fn verify(token: &str, keys: &[TokenKey], expected: &Expected<'_>) -> Result<Claims, TokenError> {
    if token.is_empty() {
        return Err(TokenError::Missing);
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(malformed("it is longer than 8 KiB"));
    }
    let three_parts = malformed("it does not have three parts");
    let (signed, signature) = token.rsplit_once('.').ok_or_else(|| three_parts.clone())?;
    let (header, claims) = signed.split_once('.').ok_or_else(|| three_parts.clone())?;
    if claims.contains('.') {
        return Err(three_parts);
    }
    check_signature(
        &decode(header, "the header is no JSON of a token")?,
        signed,
        signature,
        keys,
    )?;
    let claims = decode(claims, "a claim is missing or has another type")?;
    check_claims(&claims, expected)?;
    Ok(claims)
}

fn check_signature(
    header: &Header,
    signed: &str,
    signature: &str,
    keys: &[TokenKey],
) -> Result<(), TokenError> {
    if header.alg != SignatureAlgorithm::RS256.as_str() {
        return Err(TokenError::Algorithm);
    }
    if header.crit.is_some() {
        return Err(malformed("its header demands an extension"));
    }
    let kid = header.kid.as_deref().ok_or(TokenError::KeyUnknown)?;
    let key = keys
        .iter()
        .find(|key| key.kid == kid)
        .ok_or(TokenError::KeyUnknown)?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| TokenError::Signature)?;
    let digest = Sha256::digest(signed.as_bytes());
    match SoftwareProvider.verify(&key.key, SignatureAlgorithm::RS256, &digest, &signature) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(TokenError::Signature),
    }
}

fn check_claims(claims: &Claims, expected: &Expected<'_>) -> Result<(), TokenError> {
    let issuer = issuer(expected.tenant);
    if claims.iss != issuer || claims.tid != expected.tenant {
        let found = if claims.iss == issuer {
            format!("tenant {}", claims.tid)
        } else {
            claims.iss.clone()
        };
        return Err(TokenError::Issuer {
            expected: issuer,
            found: cut(&found),
        });
    }
    if claims.aud != expected.audience {
        return Err(TokenError::Audience {
            expected: expected.audience.to_owned(),
            found: cut(&claims.aud),
        });
    }
    let leeway = i64::from(expected.leeway);
    if expected.now < claims.nbf.saturating_sub(leeway) {
        return Err(TokenError::NotYetValid { nbf: claims.nbf });
    }
    if expected.now >= claims.exp.saturating_add(leeway) {
        return Err(TokenError::Expired { exp: claims.exp });
    }
    Ok(())
}

fn decode<T: DeserializeOwned>(part: &str, what: &'static str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| malformed("a part is no base64url"))?;
    serde_json::from_slice(&json).map_err(|_| malformed(what))
}

fn malformed(what: &'static str) -> TokenError {
    TokenError::Malformed { what }
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests;
