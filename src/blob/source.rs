//! Another blob as the source of an operation: what the `... From URL` operations read.

use std::sync::Arc;

use super::{BlobVersionRef, ByteRange, Conditions, Download, DownloadOptions};
use crate::account::AccountCore;
use crate::container::Container;
use crate::encryption::EncryptionChoice;
use crate::error::{Error, ErrorKind, Result};
use crate::names::{BlobName, ContainerName};

/// A blob, or a range of one, that an operation takes its bytes from. It may be in another account of the
/// store, or of another store of this process.
///
/// # Errors
/// Of every operation that reads it: `ContainerNotFound`, `BlobNotFound` (404); `SourceConditionNotMet`
/// (412); `InvalidRange` (416); `CannotVerifyCopySource` with the status of the cause when the source's
/// account does not give the bytes: 403 while its key is revoked.
#[derive(Clone)]
pub struct BlobSource {
    /// Where it is.
    pub container: Container,
    /// What it is called.
    pub name: BlobName,
    /// Which state of it.
    pub which: BlobVersionRef,
    /// Which of its bytes.
    pub range: ByteRange,
    /// What must hold of it: `x-ms-source-if-*`.
    pub conditions: Conditions,
    /// What its content is sealed under.
    pub encryption: EncryptionChoice,
}

impl BlobSource {
    /// All bytes of a blob as it is.
    #[must_use]
    pub fn new(container: &Container, name: BlobName) -> Self {
        Self {
            container: container.clone(),
            name,
            which: BlobVersionRef::Base,
            range: ByteRange::all(),
            conditions: Conditions::default(),
            encryption: EncryptionChoice::Default,
        }
    }

    /// Account, container, blob and state, as a path: what a copy shows of its source.
    pub(super) fn path(&self) -> String {
        let account = &self.container.core.name;
        let path = format!(
            "/{account}/{}/{}",
            self.container.name.as_str(),
            self.name.as_str()
        );
        match self.which {
            BlobVersionRef::Base => path,
            BlobVersionRef::Snapshot(time) => format!("{path}?snapshot={time}"),
            BlobVersionRef::Version(id) => format!("{path}?versionid={id}"),
        }
    }

    /// True for any state of the blob of that name.
    pub(super) fn is_of(
        &self,
        core: &Arc<AccountCore>,
        (container, name): (&ContainerName, &BlobName),
    ) -> bool {
        Arc::ptr_eq(&self.container.core, core) && self.container.name == *container && self.name == *name
    }

    /// Opens it for reading, as it is now.
    pub(super) fn open(&self) -> Result<Download> {
        let options = DownloadOptions {
            range: self.range,
            which: self.which,
            conditions: self.conditions.clone(),
            encryption: self.encryption.clone(),
            ..DownloadOptions::default()
        };
        self.container
            .open_blob(&self.name, &options)
            .map_err(|error| of_source(&error))
    }

    /// What went wrong while the source was read, if it was the source: a revocation of its key, or damage.
    pub(super) fn explain(&self, error: Error) -> Error {
        match std::error::Error::source(&error).and_then(inner) {
            Some(cause) => of_source(cause),
            None => error,
        }
    }
}

/// The error of this crate inside one of a reader.
fn inner<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Error> {
    let io = error.downcast_ref::<std::io::Error>()?;
    io.get_ref()?.downcast_ref::<Error>()
}

/// The source was written to while it was read, and would lose that.
pub(super) fn changed() -> Error {
    let message = "the source has changed since the copy began";
    Error::new(ErrorKind::Precondition, "SourceConditionNotMet", 412, message)
}

/// What an error of the source means to whoever copies from it.
pub(crate) fn of_source(error: &Error) -> Error {
    let (code, status) = match error.kind() {
        ErrorKind::Precondition => ("SourceConditionNotMet", 412),
        ErrorKind::KeyUnavailable | ErrorKind::Corrupt => ("CannotVerifyCopySource", error.status()),
        _ => (error.code(), error.status()),
    };
    Error::new(error.kind(), code, status, format!("the source: {error}"))
}
