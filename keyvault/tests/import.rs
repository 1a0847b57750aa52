//! What can be imported, and the answer to everything else that people put into key files.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use serde_json::{Value, json};
use strongroom_keyvault::{ImportError, KeySize, import_der, import_jwk, import_key, import_pem};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("keys/", $name)).as_slice()
    };
}

fn check(input: &[u8], expected: &ImportError) {
    let found = import_key(input).map(|_| ()).unwrap_err();
    assert_eq!(&found, expected);
}

fn jwk() -> Value {
    serde_json::from_slice(fixture!("rsa2048-1.jwk.json")).unwrap()
}

fn jwk_with(member: &str, value: Value) -> Vec<u8> {
    let mut jwk = jwk();
    jwk[member] = value;
    serde_json::to_vec(&jwk).unwrap()
}

#[test]
fn every_form_of_one_key_becomes_the_same_material() {
    let expected = import_key(fixture!("rsa2048-1.pkcs8.der")).unwrap();
    assert_eq!(expected.private.as_bytes(), fixture!("rsa2048-1.pkcs8.der"));
    assert_eq!(expected.public.bits(), 2048);
    let pem = String::from_utf8(fixture!("rsa2048-1.pkcs8.pem").to_vec()).unwrap();
    let forms = [
        fixture!("rsa2048-1.pkcs8.pem").to_vec(),
        fixture!("rsa2048-1.pkcs1.pem").to_vec(),
        fixture!("rsa2048-1.pkcs1.der").to_vec(),
        fixture!("rsa2048-1.jwk.json").to_vec(),
        pem.replace('\n', "\r\n").into_bytes(),
        [
            b"Private-Key: (2048 bit)\n".as_slice(),
            fixture!("rsa2048-1.pkcs8.pem"),
        ]
        .concat(),
        [b" \n".as_slice(), fixture!("rsa2048-1.jwk.json")].concat(),
    ];
    for (index, form) in forms.into_iter().enumerate() {
        let key = import_key(&form).unwrap();
        assert_eq!(
            key.private.as_bytes(),
            expected.private.as_bytes(),
            "form {index}"
        );
        assert_eq!(key.public, expected.public, "form {index}");
    }
}

#[test]
fn the_larger_sizes_are_imported() {
    assert_eq!(
        import_der(fixture!("rsa3072.pkcs8.der")).unwrap().public.size(),
        KeySize::Rsa3072
    );
    assert_eq!(
        import_der(fixture!("rsa4096.pkcs8.der")).unwrap().public.size(),
        KeySize::Rsa4096
    );
}

#[test]
fn other_files_are_named() {
    let size = ImportError::Size(KeySize::try_from(1024).unwrap_err());
    assert!(size.to_string().contains("1024 bits"));
    check(fixture!("rsa1024.pkcs8.pem"), &size);
    check(fixture!("rsa2048-3primes.pem"), &ImportError::MultiPrime);
    for public in [
        fixture!("rsa2048-1.spki.pem"),
        fixture!("rsa2048-1.spki.der"),
        fixture!("rsa2048-1.pkcs1-public.pem"),
        fixture!("rsa2048-1.pkcs1-public.der"),
    ] {
        check(public, &ImportError::PublicOnly);
    }
    for encrypted in [
        fixture!("encrypted.pkcs8.pem"),
        fixture!("encrypted.pkcs8.der"),
        fixture!("encrypted.pkcs1.pem"),
    ] {
        check(encrypted, &ImportError::Encrypted);
    }
    for curve in [
        fixture!("ec.pkcs8.pem"),
        fixture!("ec.pkcs8.der"),
        fixture!("ec.sec1.pem"),
        fixture!("ec.sec1.der"),
    ] {
        check(curve, &ImportError::EllipticCurve);
    }
    check(fixture!("certificate.pem"), &ImportError::Certificate);
    check(fixture!("certificate.der"), &ImportError::Certificate);
    check(fixture!("bundle.p12"), &ImportError::Pkcs12);
    let other = "a private key of another algorithm".to_owned();
    check(
        fixture!("ed25519.pkcs8.der"),
        &ImportError::OtherKind { found: other },
    );
    let openssh = b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    check(
        openssh,
        &ImportError::OtherKind {
            found: "OPENSSH PRIVATE KEY".to_owned(),
        },
    );
}

#[test]
fn damaged_files_are_refused() {
    let pem = fixture!("rsa2048-1.pkcs8.pem");
    check(b"", &ImportError::Truncated);
    check(&pem[..pem.len() / 2], &ImportError::Truncated);
    check(&[pem, b"rest"].concat(), &ImportError::TrailingBytes);
    check(
        &[pem, fixture!("certificate.pem")].concat(),
        &ImportError::SeveralBlocks { count: 2 },
    );
    check(
        &vec![b'{'; 70_000],
        &ImportError::TooLong {
            found: 70_000,
            max: 65_536,
        },
    );
    let text = std::str::from_utf8(pem).unwrap();
    check(
        text.replace("END PRIVATE", "END RSA PRIVATE").as_bytes(),
        &ImportError::Truncated,
    );
    check(
        text.replacen("\nM", "\n*", 1).as_bytes(),
        &ImportError::Malformed {
            what: "its base64 is damaged",
        },
    );
    let long_form = [&[0x30, 0x83, 0], &fixture!("rsa2048-1.pkcs8.der")[2..]].concat();
    check(
        &long_form,
        &ImportError::Malformed {
            what: "a DER length is not in its shortest form",
        },
    );
    for der in [fixture!("rsa2048-1.pkcs8.der"), fixture!("rsa2048-1.pkcs1.der")] {
        check(&[der, &[0]].concat(), &ImportError::TrailingBytes);
        for length in 0..der.len() {
            check(&der[..length], &ImportError::Truncated);
        }
    }
}

#[test]
fn numbers_that_do_not_belong_together_are_refused() {
    for member in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let text = jwk()[member].as_str().unwrap().to_owned();
        // The second character holds neither the length of the number nor its lowest bit.
        let swapped = if &text[1..2] == "A" { "B" } else { "A" };
        let spoiled = format!("{}{swapped}{}", &text[..1], &text[2..]);
        check(&jwk_with(member, json!(spoiled)), &ImportError::Inconsistent);
    }
    check(fixture!("composite-factor.jwk.json"), &ImportError::Inconsistent);
    let mut exchanged = jwk();
    exchanged["p"] = jwk()["q"].clone();
    exchanged["q"] = jwk()["p"].clone();
    check(exchanged.to_string().as_bytes(), &ImportError::Inconsistent);
}

#[test]
fn a_jwk_must_be_complete_and_plain() {
    let without = |members: &[&str]| {
        let mut jwk = jwk();
        for member in members {
            jwk.as_object_mut().unwrap().remove(*member);
        }
        jwk.to_string().into_bytes()
    };
    check(
        &without(&["dp", "qi"]),
        &ImportError::MissingMembers {
            names: vec!["dp", "qi"],
        },
    );
    check(
        &without(&["kty"]),
        &ImportError::MissingMembers { names: vec!["kty"] },
    );
    check(
        &without(&["d", "p", "q", "dp", "dq", "qi"]),
        &ImportError::PublicOnly,
    );
    check(&jwk_with("kty", json!("EC")), &ImportError::EllipticCurve);
    check(
        &jwk_with("kty", json!("oct")),
        &ImportError::OtherKind {
            found: "oct".to_owned(),
        },
    );
    check(&jwk_with("oth", json!([])), &ImportError::MultiPrime);
    let base64 = ImportError::Malformed {
        what: "a member is not base64url without padding",
    };
    check(&jwk_with("e", json!("AQAB==")), &base64);
    check(&jwk_with("e", json!("AQ+B")), &base64);
    check(
        &jwk_with("e", json!(65537)),
        &ImportError::Malformed {
            what: "it is no JWK object",
        },
    );
    let text = fixture!("rsa2048-1.jwk.json");
    check(&text[..text.len() / 2], &ImportError::Truncated);
    assert!(
        import_key(&jwk_with("use", json!("enc"))).is_ok(),
        "other members are ignored"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_bytes_give_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(import_der(&bytes).is_err());
        prop_assert!(import_pem(&bytes).is_err());
        prop_assert!(import_jwk(&bytes).is_err());
    }

    #[test]
    fn a_flipped_bit_is_refused_or_changes_nothing(at in 0_usize..1_200, bit in 0_u8..8) {
        let mut der = fixture!("rsa2048-1.pkcs8.der").to_vec();
        let at = at % der.len();
        der[at] ^= 1 << bit;
        if let Ok(key) = import_der(&der) {
            prop_assert_eq!(key.private.as_bytes(), fixture!("rsa2048-1.pkcs8.der"));
        }
    }
}
