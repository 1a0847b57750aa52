//! Enough of DER (ITU-T X.690) to tell what a file is, and where its modulus lies.
//!
//! The reader only moves forward and only borrows. Definite lengths of up to four bytes in their shortest
//! form are read, everything else is malformed. The parsing that counts is the cryptographic library's; this
//! one decides which.

use super::ImportError;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// 1.2.840.113549.1.1.1 (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1 (RFC 5480 section 2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The two forms of an RSA private key. `modulus` may have a leading zero.
pub(super) enum Shape<'a> {
    /// `RSAPrivateKey` (RFC 8017 appendix A.1.2).
    Pkcs1 { modulus: &'a [u8] },
    /// `PrivateKeyInfo` (RFC 5208 section 5) around it.
    Pkcs8 { modulus: &'a [u8] },
}

/// Says what `input` is, or refuses it by name.
pub(super) fn classify(input: &[u8]) -> Result<Shape<'_>, ImportError> {
    let mut outside = Reader(input);
    let mut fields = Reader(outside.expect(SEQUENCE, "it is neither PEM nor JWK nor a DER sequence")?);
    outside.finish()?;
    let first = fields.next()?;
    match first.tag {
        INTEGER => versioned(first.body, fields),
        SEQUENCE => Err(unversioned(first.body, fields)),
        _ => Err(ImportError::Malformed {
            what: "the first field is neither a version nor an algorithm",
        }),
    }
}

/// Modulus and exponent of a public key: `SubjectPublicKeyInfo` (RFC 5280 section 4.1), or the
/// `RSAPublicKey` (RFC 8017 appendix A.1.1) in it.
pub(super) fn public(input: &[u8]) -> Result<(&[u8], &[u8]), ImportError> {
    match classify(input) {
        Err(ImportError::PublicOnly) => {}
        Ok(_) | Err(ImportError::Encrypted | ImportError::MultiPrime) => return Err(ImportError::Private),
        Err(error) => return Err(error),
    }
    let not_whole = "the public key has no modulus and exponent";
    let mut fields = Reader(Reader(input).expect(SEQUENCE, not_whole)?);
    if fields.0.first() == Some(&INTEGER) {
        return numbers(fields);
    }
    let mut algorithm = Reader(fields.expect(SEQUENCE, not_whole)?);
    match algorithm.expect(OBJECT_IDENTIFIER, "the algorithm has no identifier")? {
        RSA_ENCRYPTION => {}
        EC_PUBLIC_KEY => return Err(ImportError::EllipticCurve),
        _ => {
            return Err(ImportError::OtherKind {
                found: "a public key of another algorithm".into(),
            });
        }
    }
    let bits = fields.expect(BIT_STRING, not_whole)?;
    fields.finish()?;
    let Some((0, key)) = bits.split_first() else {
        return Err(ImportError::Malformed { what: not_whole });
    };
    let mut inside = Reader(key);
    let pair = Reader(inside.expect(SEQUENCE, not_whole)?);
    inside.finish()?;
    numbers(pair)
}

fn numbers(mut fields: Reader<'_>) -> Result<(&[u8], &[u8]), ImportError> {
    let not_whole = "the public key has no modulus and exponent";
    let (n, e) = (
        fields.expect(INTEGER, not_whole)?,
        fields.expect(INTEGER, not_whole)?,
    );
    fields.finish()?;
    Ok((n, e))
}

/// Private keys and PKCS#12 begin with a version number.
fn versioned<'a>(version: &'a [u8], mut fields: Reader<'a>) -> Result<Shape<'a>, ImportError> {
    let second = fields.next()?;
    match (version, second.tag) {
        ([0], INTEGER) => pkcs1(second.body, fields).map(|modulus| Shape::Pkcs1 { modulus }),
        ([1], INTEGER) if !fields.0.is_empty() => Err(ImportError::MultiPrime),
        (_, INTEGER) if fields.0.is_empty() => Err(ImportError::PublicOnly),
        ([1], OCTET_STRING) => Err(ImportError::EllipticCurve),
        ([0 | 1], SEQUENCE) => pkcs8(second.body, fields).map(|modulus| Shape::Pkcs8 { modulus }),
        ([3], SEQUENCE) => Err(ImportError::Pkcs12),
        _ => Err(ImportError::Malformed {
            what: "the version is unknown",
        }),
    }
}

/// Certificates, public keys and encrypted private keys begin with a sequence.
fn unversioned(first: &[u8], mut fields: Reader<'_>) -> ImportError {
    let starts_with_identifier = Reader(first)
        .next()
        .is_ok_and(|field| field.tag == OBJECT_IDENTIFIER);
    match fields.next() {
        Ok(field) if starts_with_identifier && field.tag == OCTET_STRING => ImportError::Encrypted,
        Ok(field) if starts_with_identifier && field.tag == BIT_STRING => ImportError::PublicOnly,
        Ok(field) if field.tag == SEQUENCE => ImportError::Certificate,
        Ok(_) => ImportError::Malformed {
            what: "the sequence is no kind of key",
        },
        Err(error) => error,
    }
}

fn pkcs1<'a>(modulus: &'a [u8], mut rest: Reader<'a>) -> Result<&'a [u8], ImportError> {
    for _ in ["e", "d", "p", "q", "dp", "dq", "qi"] {
        rest.expect(INTEGER, "the RSA key does not consist of nine numbers")?;
    }
    rest.finish()?;
    Ok(modulus)
}

fn pkcs8<'a>(algorithm: &'a [u8], mut rest: Reader<'a>) -> Result<&'a [u8], ImportError> {
    let what = "the algorithm has no identifier";
    match Reader(algorithm).expect(OBJECT_IDENTIFIER, what)? {
        RSA_ENCRYPTION => {}
        EC_PUBLIC_KEY => return Err(ImportError::EllipticCurve),
        _ => {
            return Err(ImportError::OtherKind {
                found: "a private key of another algorithm".into(),
            });
        }
    }
    // Attributes may follow the key; the library skips them, and re-encoding drops them.
    let mut inside = Reader(rest.expect(OCTET_STRING, "the PKCS#8 file has no key in it")?);
    let mut fields = Reader(inside.expect(SEQUENCE, "the PKCS#8 file has no RSA key in it")?);
    inside.finish()?;
    match fields.expect(INTEGER, "the RSA key has no version")? {
        [0] => {}
        [1] => return Err(ImportError::MultiPrime),
        _ => {
            return Err(ImportError::Malformed {
                what: "the version of the RSA key is unknown",
            });
        }
    }
    let modulus = fields.expect(INTEGER, "the RSA key has no modulus")?;
    pkcs1(modulus, fields)
}

struct Field<'a> {
    tag: u8,
    body: &'a [u8],
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Field<'a>, ImportError> {
        let tag = self.byte()?;
        let length = self.length()?;
        let (body, rest) = self.0.split_at_checked(length).ok_or(ImportError::Truncated)?;
        self.0 = rest;
        Ok(Field { tag, body })
    }

    fn expect(&mut self, tag: u8, what: &'static str) -> Result<&'a [u8], ImportError> {
        match self.0.first() {
            Some(found) if *found == tag => self.next().map(|field| field.body),
            Some(_) => Err(ImportError::Malformed { what }),
            None => Err(ImportError::Truncated),
        }
    }

    fn finish(self) -> Result<(), ImportError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ImportError::TrailingBytes)
        }
    }

    fn byte(&mut self) -> Result<u8, ImportError> {
        let (first, rest) = self.0.split_first().ok_or(ImportError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    /// X.690 section 10.1: definite, and in the fewest bytes.
    fn length(&mut self) -> Result<usize, ImportError> {
        let malformed = ImportError::Malformed {
            what: "a DER length is not in its shortest form",
        };
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(usize::from(first));
        }
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return Err(malformed);
        }
        let mut length = 0;
        for _ in 0..count {
            length = length << 8 | usize::from(self.byte()?);
        }
        let shortest = if count == 1 { 0x80 } else { 1 << (8 * (count - 1)) };
        if length < shortest {
            Err(malformed)
        } else {
            Ok(length)
        }
    }
}
