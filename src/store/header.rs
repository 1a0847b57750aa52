//! The sealed root header: the one small file that a platform key opens.
//!
//! It holds the root key of a store or of the vaults, wrapped; lies outside the engine; and is replaced whole
//! when the platform key changes. Nothing else on disk depends on the platform key. See docs/FORMAT.md.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use strongroom_engine::Entropy;
use strongroom_engine::codec::{self, CodecError, FrameKind, Record};
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::seal::SealKind;

use super::files;
use super::open::Placement;
use super::platform_key::PlatformKey;
use crate::error::{Error, ErrorKind, Result};

/// What a header opens. A number is on disk: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    /// A data store.
    Store,
    /// The vaults.
    Vaults,
}

impl Role {
    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Self::Store => "strongroom.header",
            Self::Vaults => "vaults.header",
        }
    }

    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Store => "data directory",
            Self::Vaults => "vault directory",
        }
    }

    fn key_name(self) -> &'static str {
        match self {
            Self::Store => "host key",
            Self::Vaults => "vault key",
        }
    }
}

/// A header as it lies in its file.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Header {
    role: Role,
    id: ScopeId,
    /// Kind of platform key, and what it needs to give its key again.
    provider: String,
    parameters: Vec<u8>,
    /// Only the right platform key reproduces it: tells a wrong key from a damaged file.
    key_commitment: [u8; 32],
    wrapped: Vec<u8>,
    root_commitment: [u8; 32],
    /// Where the store's bodies are, so that a lost directory of bodies is missed. Of vaults: in the engine.
    placement: Placement,
}

impl Record for Header {
    const NAME: &'static str = "header";
    const VERSION: u8 = 2;
    const OLDEST: u8 = 2;
}

/// A root key with the header that wraps it.
pub(crate) struct NewHeader<'a> {
    pub(crate) role: Role,
    pub(crate) id: ScopeId,
    pub(crate) root: &'a RootKey,
    pub(crate) placement: Placement,
}

impl Header {
    /// Wraps a root key under a platform key.
    pub(crate) fn wrap(new: &NewHeader<'_>, key: &dyn PlatformKey, entropy: &dyn Entropy) -> Result<Self> {
        let refused = |error| refused(new.role, error);
        let parameters = key.parameters(entropy).map_err(refused)?;
        let platform = key.derive(&parameters).map_err(refused)?;
        let wrapped = platform
            .purpose(Purpose::Wrap, new.id)
            .seal(
                SealKind::WrappedKey,
                &item(new.role),
                new.root.expose_for_wrapping(),
                entropy,
            )
            .map_err(|error| Error::unavailable("the root key could not be wrapped", error))?;
        Ok(Self {
            role: new.role,
            id: new.id,
            provider: key.kind().to_owned(),
            parameters,
            key_commitment: platform.commitment(new.id),
            wrapped,
            root_commitment: new.root.commitment(new.id),
            placement: new.placement,
        })
    }

    /// Reads the header of `directory`; writes nothing.
    pub(crate) fn read(directory: &Path, role: Role) -> Result<Self> {
        refuse_file(directory)?;
        let path = Self::path(directory, role);
        let bytes = files::read(&path)
            .map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?
            .ok_or_else(|| not_one(directory, role))?;
        Self::decode(&bytes, directory, role)
    }

    /// The header in these bytes, which are those of a file in `directory`.
    pub(crate) fn decode(bytes: &[u8], directory: &Path, role: Role) -> Result<Self> {
        let path = Self::path(directory, role);
        let decoded = codec::unframe(FrameKind::File, bytes).and_then(codec::decode::<Self>);
        match decoded {
            Ok(header) if header.role == role => Ok(header),
            Ok(header) => Err(not_one(directory, role).hint(format!(
                "{} holds the header of a {}",
                path.display(),
                header.role.what()
            ))),
            Err(error @ CodecError::Newer { .. }) => {
                let message = format!("{} was written by a newer release", directory.display());
                Err(Error::newer(message).caused_by(error))
            }
            Err(error @ CodecError::Older { .. }) => Err(Error::new(
                ErrorKind::Store,
                "OlderFormat",
                409,
                format!("{} was written before the first release", directory.display()),
            )
            .hint(format!(
                "copy what it holds with the release that made it, into a new {}",
                role.what()
            ))
            .caused_by(error)),
            Err(error) => Err(Error::new(
                ErrorKind::Corrupt,
                "HeaderDamaged",
                500,
                format!("the header {} is damaged", path.display()),
            )
            .hint("restore this one file from a backup; without it nothing in the directory can be opened")
            .caused_by(error)),
        }
    }

    /// Writes the header durably, in place of an older one.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        let path = Self::path(directory, self.role);
        let bytes = codec::frame(FrameKind::File, &codec::encode(self)?)?;
        files::replace(&path, &bytes)
            .map_err(|error| Error::io(format!("cannot write {}", path.display()), error))
    }

    /// The root key, if `key` is the platform key it was wrapped under.
    pub(crate) fn unlock(&self, key: &dyn PlatformKey) -> Result<RootKey> {
        let platform = self.platform(key)?.ok_or_else(|| self.wrong_key(key))?;
        let root = platform
            .purpose(Purpose::Wrap, self.id)
            .open(SealKind::WrappedKey, &item(self.role), &self.wrapped)
            .ok()
            .and_then(RootKey::from_bytes)
            .filter(|root| root.matches(self.id, &self.root_commitment));
        root.ok_or_else(|| {
            Error::new(
                ErrorKind::Corrupt,
                "HeaderDamaged",
                500,
                format!("the header of the {} does not authenticate", self.role.what()),
            )
            .hint("restore this one file from a backup")
        })
    }

    /// True when `key` opens this header: how equal key material on both sides is noticed.
    pub(crate) fn opens_with(&self, key: &dyn PlatformKey) -> Result<bool> {
        Ok(self.platform(key)?.is_some())
    }

    /// What it opens.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Names the store or the vaults.
    pub(crate) fn id(&self) -> ScopeId {
        self.id
    }

    /// Where the bodies of the store are, since it was made.
    pub(crate) fn placement(&self) -> Placement {
        self.placement
    }

    /// The header of the same store with its bodies elsewhere.
    pub(crate) fn placed(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    pub(crate) fn path(directory: &Path, role: Role) -> PathBuf {
        directory.join(role.file_name())
    }

    fn platform(&self, key: &dyn PlatformKey) -> Result<Option<RootKey>> {
        if key.kind() != self.provider {
            return Ok(None);
        }
        let platform = key
            .derive(&self.parameters)
            .map_err(|error| refused(self.role, error))?;
        Ok(platform
            .matches(self.id, &self.key_commitment)
            .then_some(platform))
    }

    fn wrong_key(&self, key: &dyn PlatformKey) -> Error {
        let name = self.role.key_name();
        let error = Error::new(
            ErrorKind::Store,
            "WrongPlatformKey",
            403,
            format!("this {name} does not open the {}", self.role.what()),
        );
        if key.kind() == self.provider {
            error.hint(format!(
                "use the {name} the directory was initialised with or last changed to; nothing was changed"
            ))
        } else {
            error.hint(format!(
                "it opens with a {}, and a {} was given",
                self.provider,
                key.kind()
            ))
        }
    }
}

fn item(role: Role) -> [u8; 1] {
    match role {
        Role::Store => [1],
        Role::Vaults => [2],
    }
}

/// Refuses what is there and is no directory.
pub(super) fn refuse_file(directory: &Path) -> Result<()> {
    if !directory.metadata().is_ok_and(|meta| !meta.is_dir()) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Store,
        "NotADirectory",
        409,
        format!("{} is no directory", directory.display()),
    )
    .hint("name the directory itself, not a file"))
}

fn not_one(directory: &Path, role: Role) -> Error {
    let what = role.what();
    Error::new(
        ErrorKind::Store,
        "NotInitialised",
        404,
        format!("{} is not a strongroom {what}", directory.display()),
    )
    .hint(format!(
        "name the right directory, or make a new {what} there with init"
    ))
}

fn refused(role: Role, error: super::platform_key::PlatformKeyError) -> Error {
    Error::unavailable(
        format!("the {} is not available: {error}", role.key_name()),
        error,
    )
}
