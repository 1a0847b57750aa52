//! What keeps a job from being done.

use std::io;
use std::path::PathBuf;

/// Why a job stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} is not a record of a run: {source}")]
    Record {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("cannot run {program}: {source}")]
    Program { program: String, source: io::Error },
    #[error("there is no row {0:?} in the programme: `cargo xtask reliability --list` shows them")]
    Row(String),
    #[error("{0} has no marks `<!-- run -->` and `<!-- /run -->` to put the table between")]
    Marks(PathBuf),
    #[error("there is no finished run to publish: `cargo xtask reliability` makes one")]
    NothingToPublish,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Names the file in an error of reading or writing it.
pub(crate) fn at(path: &std::path::Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::File { path, source }
}
