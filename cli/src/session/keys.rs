//! The keys that open the store and the vaults: read from their files, or made once by `init` and `tour`.

use strongroom::engine::keys::RootKey;
use strongroom::engine::{Entropy, SystemEntropy};
use strongroom::{KeyFile, Passphrase, PlatformKey, PlatformKeyError};

use super::places::Lock;
use crate::output::error::Failure;

/// The key or passphrase in a file.
pub(super) fn read(lock: &Lock) -> Result<AnyKey, Failure> {
    Ok(match lock {
        Lock::Key(path) => AnyKey(Box::new(KeyFile::read(path)?)),
        Lock::Passphrase(path) => AnyKey(Box::new(Passphrase::read(path)?)),
    })
}

/// The key or passphrase in a file; a key file that is not there is made.
pub(super) fn read_or_make(lock: &Lock) -> Result<AnyKey, Failure> {
    match lock {
        Lock::Key(path) if !path.exists() => Ok(AnyKey(Box::new(KeyFile::create(path, &SystemEntropy)?))),
        lock => read(lock),
    }
}

/// A platform key of whatever kind.
pub(super) struct AnyKey(Box<dyn PlatformKey>);

impl PlatformKey for AnyKey {
    fn kind(&self) -> &str {
        self.0.kind()
    }

    fn parameters(&self, entropy: &dyn Entropy) -> Result<Vec<u8>, PlatformKeyError> {
        self.0.parameters(entropy)
    }

    fn derive(&self, parameters: &[u8]) -> Result<RootKey, PlatformKeyError> {
        self.0.derive(parameters)
    }
}

/// A key that opens nothing: asks whether there is something to open.
pub(super) struct NoKey;

impl PlatformKey for NoKey {
    fn kind(&self) -> &'static str {
        "none"
    }

    fn parameters(&self, _entropy: &dyn Entropy) -> Result<Vec<u8>, PlatformKeyError> {
        Err(PlatformKeyError::new("this key opens nothing"))
    }

    fn derive(&self, _parameters: &[u8]) -> Result<RootKey, PlatformKeyError> {
        Err(PlatformKeyError::new("this key opens nothing"))
    }
}
