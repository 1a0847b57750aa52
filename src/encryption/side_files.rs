//! Side files: one-time keys and copies of envelopes, beside the engine so that they can be destroyed.
//!
//! A one-time key wraps an account's root key while the platform manages it. A log-structured engine keeps stale
//! copies of what it stored; a file of its own can be overwritten and unlinked. See docs/KEYS.md.

use std::path::{Path, PathBuf};

use strongroom_engine::codec::{self, FrameKind};
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::seal::SealKind;

use super::damaged;
use crate::error::{Error, Result};
use crate::store::{StoreShared, files};

const ONE_TIME: &str = "onetime";

/// The directory of side files.
pub(crate) struct SideFiles {
    directory: PathBuf,
}

impl SideFiles {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Writes a new one-time key, sealed under the store's root key; durable when this returns.
    pub(crate) fn write_one_time(
        &self,
        store: &StoreShared,
        account: ScopeId,
        file: [u8; 16],
        key: &RootKey,
    ) -> Result<()> {
        let sealed = store
            .with_root(|root| {
                root.purpose(Purpose::Wrap, account).seal(
                    SealKind::WrappedKey,
                    &file,
                    key.expose_for_wrapping(),
                    store.entropy.as_ref(),
                )
            })?
            .map_err(|error| Error::unavailable("the one-time key could not be sealed", error))?;
        let path = self.one_time(account, file);
        files::write_new(&path, &codec::frame(FrameKind::File, &sealed)?)
            .and_then(|()| files::sync_parent(&path))
            .map_err(|error| failed("write", &path, error))
    }

    /// The one-time key in a file.
    pub(crate) fn read_one_time(
        &self,
        store: &StoreShared,
        account: ScopeId,
        file: [u8; 16],
    ) -> Result<RootKey> {
        let path = self.one_time(account, file);
        let bytes = files::read(&path)
            .map_err(|error| failed("read", &path, error))?
            .ok_or_else(|| {
                damaged().hint(format!(
                    "restore {} from a backup made at the same time as the rest",
                    path.display()
                ))
            })?;
        let sealed = codec::unframe(FrameKind::File, &bytes)?;
        store
            .with_root(|root| {
                root.purpose(Purpose::Wrap, account)
                    .open(SealKind::WrappedKey, &file, sealed)
            })?
            .ok()
            .and_then(RootKey::from_bytes)
            .ok_or_else(damaged)
    }

    /// Destroys every file of an account.
    pub(crate) fn destroy_all(&self, account: ScopeId) -> Result<()> {
        let prefix = hex::encode(account.0);
        let read = |error| failed("read", &self.directory, error);
        for entry in std::fs::read_dir(&self.directory).map_err(read)? {
            let path = entry.map_err(read)?.path();
            let ours = path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(&prefix));
            if ours {
                files::destroy(&path).map_err(|error| failed("destroy", &path, error))?;
            }
        }
        Ok(())
    }

    fn one_time(&self, account: ScopeId, file: [u8; 16]) -> PathBuf {
        self.directory.join(format!(
            "{}.{}.{ONE_TIME}",
            hex::encode(account.0),
            hex::encode(file)
        ))
    }
}

fn failed(doing: &str, path: &Path, error: std::io::Error) -> Error {
    Error::io(format!("cannot {doing} {}", path.display()), error)
}
