//! One process at a time: an advisory lock on a file of the directory, held for as long as the store is open.

use std::fs::{File, OpenOptions};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

pub(crate) const NAME: &str = "lock";

/// The lock of a directory; dropping it lets the next one in.
pub(crate) struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Locks `directory`, or says that somebody else has it. Never waits.
    pub(crate) fn acquire(directory: &Path) -> Result<Self> {
        Self::acquire_by(directory, NAME)
    }

    /// The same by another file than the lock of a store.
    pub(crate) fn acquire_by(directory: &Path, name: &str) -> Result<Self> {
        let path = directory.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options
            .open(&path)
            .map_err(|error| Error::io(format!("cannot open the lock file {}", path.display()), error))?;
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => Ok(Self { file }),
            Err(fs4::TryLockError::WouldBlock) => Err(Error::new(
                ErrorKind::Store,
                "StoreInUse",
                409,
                format!(
                    "{} is open in another process or a second time in this one",
                    directory.display()
                ),
            )
            .hint("close the other one first; the lock goes with the process that holds it")),
            Err(fs4::TryLockError::Error(error)) => {
                Err(Error::io(format!("cannot lock {}", path.display()), error))
            }
        }
    }
}

impl Drop for DirectoryLock {
    /// A process that is just being started may still have a copy of the file's descriptor: closing ours
    /// would leave the lock with it.
    fn drop(&mut self) {
        if let Err(error) = fs4::FileExt::unlock(&self.file) {
            tracing::warn!(%error, "the lock of a directory goes when its file is closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_until_the_first_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirectoryLock::acquire(dir.path()).unwrap();
        let refused = DirectoryLock::acquire(dir.path()).err().unwrap();
        assert_eq!(refused.code(), "StoreInUse");
        assert!(refused.message().contains(&dir.path().display().to_string()));
        let inherited = first.file.try_clone().unwrap();
        drop(first);
        let second = DirectoryLock::acquire(dir.path()).unwrap();
        drop((second, inherited));
        DirectoryLock::acquire(dir.path()).unwrap();
    }
}
