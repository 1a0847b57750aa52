//! Keys of the caller that come with a command: in a file or through a pipe.
//!
//! Never on the command line, which every process of the machine can read, and never in the environment,
//! which every child inherits. What was read is kept for the whole command: a pipe gives its bytes once.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use strongroom::engine::SecretBuffer;
use strongroom::{CustomerProvidedKey, EncryptionChoice};

use crate::files::secret::read_private;
use crate::output::error::Failure;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of a key file at most: base64 of a key and an end of line.
const FILE_BYTES_MAX: usize = 46;

/// The key that a blob is under, or is to be under.
#[derive(Debug, Default, Args)]
pub(crate) struct ProvidedKey {
    /// File or pipe with a key of yours that the content is under: 32 bytes, or their base64; nobody else may
    /// be able to read it [default: no such key].
    #[arg(long, value_name = "FILE")]
    encryption_key_file: Option<PathBuf>,
    #[arg(skip)]
    read: Once,
}

/// The key that the source of a copy is under.
#[derive(Debug, Default, Args)]
pub(crate) struct SourceKey {
    /// File or pipe with a key of yours that the source is under: 32 bytes, or their base64 [default: no such
    /// key].
    #[arg(long, value_name = "FILE")]
    source_encryption_key_file: Option<PathBuf>,
    #[arg(skip)]
    read: Once,
}

impl ProvidedKey {
    /// The key as a choice; without one, the default.
    pub(crate) fn choice(&self) -> Result<EncryptionChoice, Failure> {
        self.read.choice(self.encryption_key_file.as_deref())
    }
}

impl SourceKey {
    /// The key as a choice; without one, the default.
    pub(crate) fn choice(&self) -> Result<EncryptionChoice, Failure> {
        self.read.choice(self.source_encryption_key_file.as_deref())
    }
}

/// What a file gave when it was read first.
#[derive(Debug, Default)]
struct Once(OnceCell<CustomerProvidedKey>);

impl Once {
    fn choice(&self, path: Option<&Path>) -> Result<EncryptionChoice, Failure> {
        let Some(path) = path else {
            return Ok(EncryptionChoice::Default);
        };
        let key = match self.0.get() {
            Some(key) => key.clone(),
            None => {
                let key = read(path)?;
                self.0.get_or_init(|| key).clone()
            }
        };
        Ok(key.into())
    }
}

fn read(path: &Path) -> Result<CustomerProvidedKey, Failure> {
    let bytes = read_private(path, FILE_BYTES_MAX)?;
    bytes.and_then(|bytes| parse(bytes.as_slice())).ok_or_else(|| {
        let message = format!("{} holds no key of 32 bytes", path.display());
        Failure::usage("InvalidArgumentValueError", message)
            .hint("Give a file of 32 bytes, or of their base64, as `openssl rand 32` makes one.")
    })
}

fn parse(bytes: &[u8]) -> Option<CustomerProvidedKey> {
    if let Ok(key) = <&[u8; KEY_BYTES]>::try_from(bytes) {
        // A password, or a key of half the length in hexadecimal: random bytes never look like this.
        let is_text = key.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        return (!is_text).then(|| CustomerProvidedKey::new(key));
    }
    let mut decoded = SecretBuffer::with_capacity(KEY_BYTES + 1);
    decoded.resize(KEY_BYTES + 1);
    match STANDARD.decode_slice(bytes.trim_ascii_end(), decoded.as_mut_slice()) {
        Ok(KEY_BYTES) => decoded.as_slice().first_chunk().map(CustomerProvidedKey::new),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], want: bool) {
        let found = parse(bytes);
        assert_eq!(found.is_some(), want, "{bytes:?}");
        let key = CustomerProvidedKey::new(&[7; 32]);
        assert!(found.is_none_or(|found| found == key), "{bytes:?}");
    }

    #[test]
    fn a_key_is_32_bytes_or_their_base64() {
        let text = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        check(&[7; 32], true);
        check(text.as_bytes(), true);
        check(format!("{text}\n").as_bytes(), true);
        check(format!("{text}\r\n").as_bytes(), true);
        check(&[], false);
        check(&[7; 31], false);
        check(&[7; 33], false);
        check(&text.as_bytes()[1..], false);
        check("0707".repeat(16).as_bytes(), false);
        check(STANDARD.encode([7; 31]).as_bytes(), false);
        check(STANDARD.encode([7; 33]).as_bytes(), false);
    }
}
