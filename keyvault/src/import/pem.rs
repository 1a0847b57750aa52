//! One PEM block (RFC 7468) decoded into memory that is wiped.
//!
//! Written here because general readers leave unwiped copies of the text behind. Lines may end in LF or CRLF.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::ImportError;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Whether a line of `input` begins a PEM block.
pub(super) fn looks_like(input: &[u8]) -> bool {
    std::str::from_utf8(input).is_ok_and(|text| text.lines().any(|line| line.starts_with(BEGIN)))
}

/// The content of the only block of `input`, a private key.
pub(super) fn decode(input: &[u8]) -> Result<Zeroizing<Vec<u8>>, ImportError> {
    decode_block(input, check_label)
}

/// The content of the only block of `input`, a public key.
pub(super) fn decode_public(input: &[u8]) -> Result<Zeroizing<Vec<u8>>, ImportError> {
    decode_block(input, |label| match check_label(label) {
        Err(ImportError::PublicOnly) => Ok(()),
        Ok(()) | Err(ImportError::Encrypted) => Err(ImportError::Private),
        other => other,
    })
}

fn decode_block(
    input: &[u8],
    check_label: impl Fn(&str) -> Result<(), ImportError>,
) -> Result<Zeroizing<Vec<u8>>, ImportError> {
    let text = std::str::from_utf8(input).map_err(|_| malformed("a PEM file is text"))?;
    let count = text.lines().filter(|line| line.starts_with(BEGIN)).count();
    if count > 1 {
        return Err(ImportError::SeveralBlocks { count });
    }
    let mut lines = text.lines().skip_while(|line| !line.starts_with(BEGIN));
    let label = lines
        .next()
        .and_then(|line| label(line, BEGIN))
        .ok_or(malformed("it has no BEGIN line"))?;
    check_label(label)?;

    let mut base64 = Zeroizing::new(String::with_capacity(text.len()));
    let mut ended = false;
    for line in lines.by_ref() {
        if line.starts_with(END) {
            ended = self::label(line, END) == Some(label);
            break;
        }
        if line.contains("ENCRYPTED") {
            return Err(ImportError::Encrypted);
        }
        base64.push_str(line.trim_ascii());
    }
    if !ended {
        return Err(ImportError::Truncated);
    }
    if lines.any(|line| !line.trim_ascii().is_empty()) {
        return Err(ImportError::TrailingBytes);
    }
    base64_decode(&base64)
}

fn label<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    line.trim_ascii_end().strip_prefix(prefix)?.strip_suffix(DASHES)
}

fn check_label(label: &str) -> Result<(), ImportError> {
    match label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" => Ok(()),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" | "CERTIFICATE REQUEST" => {
            Err(ImportError::Certificate)
        }
        "EC PRIVATE KEY" | "EC PARAMETERS" => Err(ImportError::EllipticCurve),
        "ENCRYPTED PRIVATE KEY" => Err(ImportError::Encrypted),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Err(ImportError::PublicOnly),
        other => Err(ImportError::OtherKind {
            found: other.chars().take(40).collect(),
        }),
    }
}

fn base64_decode(text: &str) -> Result<Zeroizing<Vec<u8>>, ImportError> {
    // The full capacity at once: a vector that grows leaves an unwiped copy behind.
    let mut der = Zeroizing::new(vec![0; text.len()]);
    let length = STANDARD
        .decode_slice(text, &mut der)
        .map_err(|_| malformed("its base64 is damaged"))?;
    der.truncate(length);
    Ok(der)
}

fn malformed(what: &'static str) -> ImportError {
    ImportError::Malformed { what }
}
