//! The error of every public call: what kind it is, and the code and status Azure gives it.

use std::fmt;

/// What the caller should do next. A new kind deserves a new reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something of that name exists already. Choose another, or ask for overwriting.
    AlreadyExists,
    /// The state of the thing does not allow it now (409). Change the state first.
    Conflict,
    /// Stored bytes failed authentication or their checksum. Restore a backup.
    Corrupt,
    /// The argument is wrong. Correct it; a retry does not help.
    Invalid,
    /// The customer's key is disabled, deleted or out of reach (403). Restore access, then retry.
    KeyUnavailable,
    /// A reader or writer of the caller failed. See to that stream.
    Io,
    /// Nothing has that name. Do not retry.
    NotFound,
    /// The caller may not do this.
    Forbidden,
    /// A condition of the request does not hold (412, 304). Read again, then decide.
    Precondition,
    /// The store cannot go on: disk, lock, format. Read the message; close and open again.
    Store,
}

/// Why a call failed: a kind for programs, a code and status as Azure has them, a message and what to do for
/// people.
///
/// The text may change, the kind and the code may not. Never contains a secret.
pub struct Error {
    kind: ErrorKind,
    code: &'static str,
    status: u16,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with its Azure code and HTTP status.
    pub(crate) fn new(kind: ErrorKind, code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            status,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Azure's error code, as in `BlobNotFound`.
    #[must_use]
    pub fn code(&self) -> &str {
        self.code
    }

    /// The HTTP status Azure gives this error.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// One sentence on what happened, without the code.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// One sentence on what to do about it, when there is something.
    #[must_use]
    pub fn what_to_do(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) {}", self.code, self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("status", &self.status)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What public calls return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<strongroom_engine::tree::TreeError> for Error {
    fn from(error: strongroom_engine::tree::TreeError) -> Self {
        use strongroom_engine::tree::TreeError;
        let kind = if matches!(error, TreeError::Corrupt { .. }) {
            ErrorKind::Corrupt
        } else {
            ErrorKind::Store
        };
        Self::new(kind, "InternalError", 500, format!("the store failed: {error}")).caused_by(error)
    }
}

impl From<strongroom_engine::codec::CodecError> for Error {
    fn from(error: strongroom_engine::codec::CodecError) -> Self {
        Self::new(
            ErrorKind::Corrupt,
            "InternalError",
            500,
            format!("a stored record cannot be read: {error}"),
        )
        .caused_by(error)
    }
}

impl Error {
    /// True when the change that failed may be in force all the same.
    pub(crate) fn may_have_happened(&self) -> bool {
        let cause = self.source.as_ref().and_then(|cause| cause.downcast_ref());
        cause.is_some_and(strongroom_engine::tree::TreeError::may_have_happened)
    }

    /// A failed call of the operating system.
    pub(crate) fn io(what: impl Into<String>, error: std::io::Error) -> Self {
        let what = what.into();
        let full = error.kind() == std::io::ErrorKind::StorageFull;
        let failed =
            Self::new(ErrorKind::Store, "InternalError", 500, format!("{what}: {error}")).caused_by(error);
        if full {
            failed.hint("free some space on this disk, then try again")
        } else {
            failed
        }
    }

    /// Something the store needs is not there now.
    pub(crate) fn unavailable(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(ErrorKind::Store, "InternalError", 500, what).caused_by(source)
    }

    /// An argument that breaks a rule.
    pub(crate) fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, code, 400, message)
    }
}

impl From<strongroom_engine::entropy::EntropyError> for Error {
    fn from(error: strongroom_engine::entropy::EntropyError) -> Self {
        Self::unavailable(error.to_string(), error)
    }
}
