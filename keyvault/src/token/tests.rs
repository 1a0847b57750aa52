//! Only a token that is whole, signed, addressed and in time is accepted.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const NOW: i64 = 1_600_000_000;
const EXPECTED: Expected<'_> = Expected {
    audience: VAULT_AUDIENCE,
    tenant: TENANT,
    now: NOW,
    leeway: 0,
};

fn signer(index: usize) -> TokenSigner {
    TokenSigner::new(Arc::new(SoftwareProvider), testing::key(index))
}

fn claims() -> Claims {
    Claims {
        aud: VAULT_AUDIENCE.to_owned(),
        iss: issuer(TENANT),
        tid: TENANT.to_owned(),
        oid: "object".to_owned(),
        appid: "application".to_owned(),
        iat: NOW,
        nbf: NOW,
        exp: NOW + 3600,
    }
}

/// A token with this header and these claims, properly signed whatever they say.
fn forge(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let digest = Sha256::digest(signed.as_bytes());
    let signature = SoftwareProvider
        .sign(&testing::key(0).private, SignatureAlgorithm::RS256, &digest)
        .unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn keys() -> Vec<TokenKey> {
    vec![signer(1).public().clone(), signer(0).public().clone()]
}

fn refused(token: &str) -> TokenError {
    verify(token, &keys(), &EXPECTED).unwrap_err()
}

#[test]
fn an_issued_token_is_accepted_until_it_expires() {
    let token = signer(0).issue(&claims()).unwrap();
    let check = |now, leeway, expected: Result<(), TokenError>| {
        let found = verify(
            &token,
            &keys(),
            &Expected {
                now,
                leeway,
                ..EXPECTED
            },
        );
        assert_eq!(
            found.map(|found| assert_eq!(found, claims())),
            expected,
            "{now} {leeway}"
        );
    };
    check(NOW - 1, 0, Err(TokenError::NotYetValid { nbf: NOW }));
    check(NOW - 1, 1, Ok(()));
    check(NOW, 0, Ok(()));
    check(NOW + 3599, 0, Ok(()));
    check(NOW + 3600, 0, Err(TokenError::Expired { exp: NOW + 3600 }));
    check(NOW + 3600, 1, Ok(()));
    check(i64::MIN, u32::MAX, Err(TokenError::NotYetValid { nbf: NOW }));
    check(i64::MAX, u32::MAX, Err(TokenError::Expired { exp: NOW + 3600 }));
}

#[test]
fn claims_of_others_are_refused_in_the_protocols_words() {
    let check = |member: &str, value: &str, message: &str| {
        let mut claims = serde_json::to_value(claims()).unwrap();
        claims[member] = json!(value);
        let token = forge(&json!({"alg": "RS256", "kid": signer(0).public().kid()}), &claims);
        assert_eq!(refused(&token).to_string(), message);
    };
    check(
        "aud",
        "https://storage.azure.com",
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://storage.azure.com.",
    );
    let expected = issuer(TENANT);
    check(
        "iss",
        "x",
        &format!("AKV10032: Invalid issuer. Expected {expected}, found: x."),
    );
    check(
        "tid",
        "x",
        &format!("AKV10032: Invalid issuer. Expected {expected}, found: tenant x."),
    );
    check(
        "exp",
        "soon",
        "The token is not readable: a claim is missing or has another type.",
    );
}

#[test]
fn the_header_cannot_choose_how_it_is_verified() {
    let kid = signer(0).public().kid().to_owned();
    let claims = serde_json::to_value(claims()).unwrap();
    let check = |header: Value, expected: TokenError| assert_eq!(refused(&forge(&header, &claims)), expected);
    for alg in ["none", "None", "HS256", "RS512", "PS256", "rs256", ""] {
        check(json!({"alg": alg, "kid": kid}), TokenError::Algorithm);
    }
    check(json!({"alg": "RS256"}), TokenError::KeyUnknown);
    check(
        json!({"alg": "RS256", "kid": "x", "jwk": {"kty": "RSA"}}),
        TokenError::KeyUnknown,
    );
    check(
        json!({"alg": "RS256", "kid": signer(1).public().kid()}),
        TokenError::Signature,
    );
    check(
        json!({"alg": "RS256", "kid": kid, "crit": ["x"]}),
        malformed("its header demands an extension"),
    );
    check(json!({"kid": kid}), malformed("the header is no JSON of a token"));
    check(json!([]), malformed("the header is no JSON of a token"));
}

#[test]
fn other_text_is_no_token() {
    let token = signer(0).issue(&claims()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let three = malformed("it does not have three parts");
    assert_eq!(refused(""), TokenError::Missing);
    assert_eq!(refused(".."), malformed("the header is no JSON of a token"));
    assert_eq!(refused(parts[0]), three);
    assert_eq!(refused(&format!("{}.{}", parts[0], parts[1])), three);
    assert_eq!(refused(&format!("{}.x", *token)), three);
    assert_eq!(
        refused(&format!("{}.{}.", parts[0], parts[1])),
        TokenError::Signature
    );
    assert_eq!(
        refused(&format!("{}=.{}.{}", parts[0], parts[1], parts[2])),
        malformed("a part is no base64url")
    );
    assert_eq!(refused(&"x".repeat(9000)), malformed("it is longer than 8 KiB"));
    assert_eq!(verify(&token, &[], &EXPECTED), Err(TokenError::KeyUnknown));
    assert_eq!(
        verify(&token, &keys()[..1], &EXPECTED),
        Err(TokenError::KeyUnknown)
    );
}

#[test]
fn a_refused_token_is_a_401() {
    let error = VaultError::from(TokenError::Missing);
    assert_eq!(
        (error.status(), error.code(), error.inner_code()),
        (401, "Unauthorized", None)
    );
    assert!(challenge("t").ends_with(r#"/t", resource="https://vault.azure.net""#));
}

proptest! {
    #[test]
    fn a_changed_character_is_refused(at in 0_usize..2_000, character in "[A-Za-z0-9_-]") {
        let token = signer(0).issue(&claims()).unwrap();
        let at = at % token.len();
        let changed = format!("{}{character}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(verify(&changed, &keys(), &EXPECTED).is_ok(), changed == *token);
    }

    #[test]
    fn any_text_gives_an_error(text in "\\PC{0,80}(\\.\\PC{0,80}){0,3}") {
        prop_assert!(verify(&text, &keys(), &EXPECTED).is_err());
    }
}
