//! The error of every public call: what kind it is, and the code and status Azure gives it.

use std::fmt;

use strongroom_engine::codec::CodecError;
use strongroom_engine::engine::EngineError;
use strongroom_engine::tree::TreeError;

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

impl ErrorKind {
    /// What to do about an error that brought no hint of its own.
    fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::AlreadyExists => "choose another name, or allow overwriting where the call has that option",
            Self::Conflict => "change the state of the thing first; its properties show it",
            Self::Corrupt => RESTORE,
            Self::Forbidden => "ask the owner of the vault for the permission",
            Self::Invalid => "correct the value; a retry does not help",
            Self::Io => "see to the stream, then try again",
            Self::KeyUnavailable => "restore the account's access to its key in the vault, then try again",
            Self::NotFound => "check the name; a listing shows what exists",
            Self::Precondition => "read the properties again, then decide",
            // Every cause asks for something else.
            Self::Store => return None,
        })
    }
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
    pub fn code(&self) -> &'static str {
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
        self.hint.as_deref().or_else(|| self.kind.advice())
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

impl From<TreeError> for Error {
    fn from(error: TreeError) -> Self {
        if let TreeError::Anchor(refusal) = &error {
            return crate::store::anchor::refused("the store's anchor", refusal).caused_by(error);
        }
        let message = format!("the store failed: {error}");
        if is_newer(&error) {
            return Self::newer(message).caused_by(error);
        }
        if matches!(error, TreeError::NotFound(_)) {
            let message = "the account or encryption scope was deleted meanwhile";
            return Self::new(ErrorKind::NotFound, "ResourceNotFound", 404, message).caused_by(error);
        }
        if let TreeError::LostCommits { path, .. } = &error {
            return Self::commits_lost(message, path).caused_by(error);
        }
        if matches!(error, TreeError::SnapshotExpired) {
            return Self::new(
                ErrorKind::Store,
                "SnapshotExpired",
                503,
                "the view of the store became too old before everything in it was read",
            )
            .hint("begin again, on a store that is less busy or with a longer age of views in its settings")
            .caused_by(error);
        }
        let (kind, hint) = match &error {
            TreeError::Corrupt { .. } => (ErrorKind::Corrupt, RESTORE),
            TreeError::Engine(engine) => match engine.as_ref() {
                EngineError::OutOfSequence { .. } => (ErrorKind::Store, "begin the upload again"),
                EngineError::Corrupt { .. } => (ErrorKind::Corrupt, RESTORE),
                EngineError::Io { source, .. } => (ErrorKind::Store, io_hint(source)),
                _ => (ErrorKind::Store, REOPEN),
            },
            _ => (ErrorKind::Store, REOPEN),
        };
        Self::new(kind, "InternalError", 500, message)
            .hint(hint)
            .caused_by(error)
    }
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        let message = format!("a stored record cannot be read: {error}");
        if is_newer(&error) {
            return Self::newer(message).caused_by(error);
        }
        Self::new(ErrorKind::Corrupt, "InternalError", 500, message)
            .hint(RESTORE)
            .caused_by(error)
    }
}

const RESTORE: &str = "scrub the store to see what else is damaged, and restore that from a backup";
const REOPEN: &str = "close the store and open it again";

fn io_hint(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as Io;
    match error.kind() {
        Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => {
            "free some space on this disk, then open the store again"
        }
        Io::PermissionDenied => "check the permissions of the file and its directory",
        Io::ReadOnlyFilesystem => "make the file system writable, then try again",
        Io::AlreadyExists => "name another file: what exists is never overwritten",
        Io::NotFound | Io::NotADirectory | Io::IsADirectory => "check the path",
        _ => "check the disk and the path, then open the store again",
    }
}

/// True when a newer release wrote what could not be read.
pub(crate) fn is_newer(error: &(dyn std::error::Error + 'static)) -> bool {
    let engine = |error: &EngineError| matches!(error, EngineError::NewerFormat { .. });
    let here = match (
        error.downcast_ref::<CodecError>(),
        error.downcast_ref::<TreeError>(),
    ) {
        (Some(CodecError::Newer { .. }), _) => true,
        // Shared causes: what they point to is not part of the chain of `source`.
        (_, Some(TreeError::Corrupt { source, .. })) => is_newer(source.as_ref()),
        (_, Some(TreeError::Engine(shared))) => engine(shared),
        _ => error.downcast_ref::<EngineError>().is_some_and(engine),
    };
    here || error.source().is_some_and(is_newer)
}

impl Error {
    /// Stored by a newer release; nothing was changed.
    pub(crate) fn newer(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Store, "NewerFormat", 409, message)
            .hint("use that release or a later one; nothing was changed")
    }

    /// The engine has less than was acknowledged.
    pub(crate) fn commits_lost(message: String, note: &std::path::Path) -> Self {
        Self::new(ErrorKind::Corrupt, "CommitsLost", 500, message).hint(format!(
            "restore a backup; or remove {} to go on without what is lost; nothing was changed",
            note.display()
        ))
    }

    /// The engine in `directory` does not open.
    pub(crate) fn engine_unopened(directory: &std::path::Path, error: EngineError) -> Self {
        let message = format!("the engine in {} cannot be opened: {error}", directory.display());
        let (kind, code, status, hint) = match &error {
            EngineError::NewerFormat { .. } => return Self::newer(message).caused_by(error),
            EngineError::InUse { .. } => {
                let hint = "close the other one first; the lock goes with the process that holds it";
                (ErrorKind::Store, "StoreInUse", 409, hint)
            }
            EngineError::NotBuiltIn { .. } => {
                let hint = "use a build with this engine; nothing was changed";
                (ErrorKind::Store, "EngineNotBuiltIn", 409, hint)
            }
            EngineError::NotAnEngine { .. } | EngineError::Corrupt { .. } => {
                let hint = "part of the directory is damaged: restore a backup";
                (ErrorKind::Corrupt, "EngineDamaged", 500, hint)
            }
            EngineError::Io { source, .. } => (ErrorKind::Store, "InternalError", 500, io_hint(source)),
            _ => (ErrorKind::Store, "InternalError", 500, REOPEN),
        };
        Self::new(kind, code, status, message).hint(hint).caused_by(error)
    }

    /// True when the change that failed may be in force all the same.
    pub(crate) fn may_have_happened(&self) -> bool {
        let cause = self.source.as_ref().and_then(|cause| cause.downcast_ref());
        cause.is_some_and(strongroom_engine::tree::TreeError::may_have_happened)
    }

    /// A failed call of the operating system.
    pub(crate) fn io(what: impl Into<String>, error: std::io::Error) -> Self {
        let what = what.into();
        Self::new(ErrorKind::Store, "InternalError", 500, format!("{what}: {error}"))
            .hint(io_hint(&error))
            .caused_by(error)
    }

    /// Something the store needs is not there now.
    pub(crate) fn unavailable(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(ErrorKind::Store, "InternalError", 500, what)
            .hint(REOPEN)
            .caused_by(source)
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
