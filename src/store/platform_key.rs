//! Platform keys: what the host opens a store or the vaults with.
//!
//! Three ways: a key file, a passphrase (Argon2id, RFC 9106), or a provider of one's own. A platform key
//! opens exactly one small header file and nothing else, so changing it rewrites that file only.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use strongroom_engine::Entropy;
use strongroom_engine::codec::{self, Record};
use strongroom_engine::entropy::random;
use strongroom_engine::keys::{RootKey, ScopeId};
use zeroize::Zeroizing;

use super::files;
use crate::error::{Error, ErrorKind, Result};

/// Why a platform key cannot be had. Contains no secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PlatformKeyError(String);

impl PlatformKeyError {
    /// With what happened and what to do about it.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Where a platform key comes from.
///
/// # Contract
/// * `derive` gives the same key for the same parameters, as long as it is the same platform key.
/// * Parameters are public: they are stored in the header as they are.
/// * The key of a data store and the key of its vaults are different ones, or opening is refused.
pub trait PlatformKey: Send + Sync {
    /// Names the kind of provider in the header: 1 to 64 bytes. A header opens only with a provider of its
    /// kind.
    fn kind(&self) -> &str;

    /// Parameters for a new header: a salt, costs, the name of a key in a security module.
    ///
    /// # Errors
    /// When the provider or the generator is not available.
    fn parameters(&self, entropy: &dyn Entropy) -> Result<Vec<u8>, PlatformKeyError>;

    /// The key for a header with these parameters.
    ///
    /// # Errors
    /// When the provider is not available or does not understand the parameters.
    fn derive(&self, parameters: &[u8]) -> Result<RootKey, PlatformKeyError>;
}

/// A key in a file of its own: 32 random bytes in base64 with a checksum, readable by its owner only.
pub struct KeyFile(Zeroizing<[u8; 32]>);

/// First word of a key file.
const KEY_FILE_FORMAT: &str = "strongroom-key-1";

impl KeyFile {
    /// Writes a new key file, and the directories above it that are missing, and returns its key. Durable
    /// when this returns.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn create(path: &Path, entropy: &dyn Entropy) -> Result<Self> {
        let key = RootKey::generate(entropy).map_err(|error| Error::unavailable(error.to_string(), error))?;
        let encoded = Zeroizing::new(BASE64.encode(key.expose_for_wrapping()));
        let text = Zeroizing::new(format!("{KEY_FILE_FORMAT} {} {}\n", *encoded, checksum(&key)));
        let missing = path.parent().filter(|parent| !parent.exists());
        missing
            .map_or(Ok(()), files::create_directories)
            .and_then(|()| files::write_new(path, text.as_bytes()))
            .and_then(|()| files::sync_parent(path))
            .map_err(|error| Error::io(format!("cannot create the key file {}", path.display()), error))?;
        Ok(Self(Zeroizing::new(*key.expose_for_wrapping())))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When there is none, when others can read it, or when it is damaged: each with its own code.
    pub fn read(path: &Path) -> Result<Self> {
        refuse_if_others_can_read(path)?;
        let bytes = files::read(path)
            .map_err(|error| Error::io(format!("cannot read the key file {}", path.display()), error))?
            .map(Zeroizing::new)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Store,
                    "KeyFileNotFound",
                    404,
                    format!("there is no key file {}", path.display()),
                )
                .hint(
                    "name the key file that was made when the directory was initialised, or restore it \
                     from a copy",
                )
            })?;
        parse(&bytes).map(Self).ok_or_else(|| {
            Error::new(
                ErrorKind::Store,
                "KeyFileDamaged",
                400,
                format!("{} is not a key file, or it is damaged", path.display()),
            )
            .hint("restore the key file from a copy; it is one line that begins with strongroom-key-1")
        })
    }
}

impl PlatformKey for KeyFile {
    fn kind(&self) -> &str {
        "key-file"
    }

    fn parameters(&self, _entropy: &dyn Entropy) -> Result<Vec<u8>, PlatformKeyError> {
        Ok(Vec::new())
    }

    fn derive(&self, _parameters: &[u8]) -> Result<RootKey, PlatformKeyError> {
        RootKey::from_bytes(Zeroizing::new(self.0.to_vec()))
            .ok_or_else(|| PlatformKeyError::new("a key file holds 32 bytes"))
    }
}

fn parse(bytes: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut words = text.split_ascii_whitespace();
    let (format, encoded, sum) = (words.next()?, words.next()?, words.next()?);
    let decoded = Zeroizing::new(BASE64.decode(encoded).ok()?);
    let mut bytes = Zeroizing::new([0; 32]);
    if decoded.len() != bytes.len() || format != KEY_FILE_FORMAT || words.next().is_some() {
        return None;
    }
    bytes.copy_from_slice(&decoded);
    (checksum(&RootKey::from_bytes(decoded)?) == sum).then_some(bytes)
}

/// Eight hexadecimal digits that notice a mistyped key. They say nothing about the key to those who do not
/// have it.
fn checksum(key: &RootKey) -> String {
    let mut digits = hex::encode(key.commitment(ScopeId(*b"key-file-sum----")));
    digits.truncate(8);
    digits
}

#[cfg(unix)]
fn refuse_if_others_can_read(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() && metadata.permissions().mode() & 0o077 != 0 => Err(Error::new(
            ErrorKind::Store,
            "KeyFileOpenToOthers",
            403,
            format!("the key file {} can be read by others", path.display()),
        )
        .hint(format!(
            "let its owner alone read it: `chmod 600 {}`",
            path.display()
        ))),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn refuse_if_others_can_read(_path: &Path) -> Result<()> {
    Ok(())
}

/// A passphrase, stretched by Argon2id with the parameters stored in the header.
pub struct Passphrase(Zeroizing<String>);

/// Cost and salt of one stretching.
#[derive(Serialize, Deserialize)]
struct Argon2Parameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
}

impl Record for Argon2Parameters {
    const NAME: &'static str = "set of Argon2id parameters";
    const VERSION: u8 = 1;
}

impl Argon2Parameters {
    /// The second recommended option of RFC 9106 section 4: 64 MiB, three passes, four lanes.
    const MEMORY_KIB: u32 = 64 << 10;
    /// A header that asks for more is not obeyed: it could take the machine down.
    const MEMORY_KIB_MAX: u32 = 1 << 20;
    const PASSES_MAX: u32 = 64;
    const LANES_MAX: u32 = 64;

    fn bearable(&self) -> bool {
        self.memory_kib <= Self::MEMORY_KIB_MAX
            && self.passes <= Self::PASSES_MAX
            && self.lanes <= Self::LANES_MAX
    }
}

impl Passphrase {
    /// A passphrase; at least one character.
    ///
    /// # Errors
    /// When it is empty.
    pub fn new(text: String) -> Result<Self> {
        let text = Zeroizing::new(text);
        if text.is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "PassphraseEmpty",
                400,
                "the passphrase is empty",
            )
            .hint("use a long one; it is all that stands between the disk and the data"));
        }
        Ok(Self(text))
    }

    /// The first line of a file.
    ///
    /// # Errors
    /// When there is no such file, or it is empty or not UTF-8.
    pub fn read(path: &Path) -> Result<Self> {
        let unreadable = |error| {
            Error::io(
                format!("cannot read the passphrase file {}", path.display()),
                error,
            )
        };
        let missing = || {
            let message = format!("there is no passphrase file {}", path.display());
            Error::new(ErrorKind::Store, "PassphraseFileNotFound", 404, message)
                .hint("name a text file whose first line is the passphrase")
        };
        let bytes = files::read(path)
            .map_err(unreadable)?
            .map(Zeroizing::new)
            .ok_or_else(missing)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            Error::new(
                ErrorKind::Invalid,
                "PassphraseNotText",
                400,
                format!("the passphrase file {} is not UTF-8 text", path.display()),
            )
            .hint("name a text file whose first line is the passphrase")
        })?;
        Self::new(text.lines().next().unwrap_or_default().to_owned())
    }
}

impl PlatformKey for Passphrase {
    fn kind(&self) -> &str {
        "passphrase"
    }

    fn parameters(&self, entropy: &dyn Entropy) -> Result<Vec<u8>, PlatformKeyError> {
        let parameters = Argon2Parameters {
            memory_kib: Argon2Parameters::MEMORY_KIB,
            passes: 3,
            lanes: 4,
            salt: random(entropy).map_err(|error| PlatformKeyError::new(error.to_string()))?,
        };
        codec::encode(&parameters).map_err(|error| PlatformKeyError::new(error.to_string()))
    }

    fn derive(&self, parameters: &[u8]) -> Result<RootKey, PlatformKeyError> {
        let failed = |error: &dyn std::fmt::Display| PlatformKeyError::new(format!("Argon2id: {error}"));
        let stored: Argon2Parameters = codec::decode(parameters).map_err(|error| failed(&error))?;
        if !stored.bearable() {
            return Err(PlatformKeyError::new(
                "the header asks for more than 1 GiB or 64 passes of Argon2id",
            ));
        }
        let costs = argon2::Params::new(
            stored.memory_kib,
            stored.passes,
            stored.lanes,
            Some(RootKey::BYTES),
        )
        .map_err(|error| failed(&error))?;
        let mut key = Zeroizing::new(vec![0; RootKey::BYTES]);
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, costs)
            .hash_password_into(self.0.as_bytes(), &stored.salt, &mut key)
            .map_err(|error| failed(&error))?;
        RootKey::from_bytes(key).ok_or_else(|| PlatformKeyError::new("Argon2id gave another length"))
    }
}
