//! Small files beside the engine: read with a limit, replaced whole, destroyed for good.
//!
//! A file is replaced by writing a new one, syncing it, renaming it over the old one and syncing the
//! directory; a power cut leaves the old file or the new one. A secret is destroyed by overwriting it,
//! syncing and unlinking.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Longest small file, in bytes.
const BYTES_MAX: u64 = 1 << 20;
const UNFINISHED: &str = ".new";

/// The whole of a small file; `None` if there is none.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is larger than any file of its kind", path.display()),
        ));
    }
    Ok(Some(bytes))
}

/// Replaces or creates `path`, readable by its owner only; durable when this returns.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = unfinished(path);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_new(&unfinished, bytes)?;
    fs::rename(&unfinished, path)?;
    sync_parent(path)
}

/// Creates `path`, readable by its owner only; fails if it exists.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Overwrites, syncs and unlinks `path`; no error if it is gone already.
pub(crate) fn destroy(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len().min(BYTES_MAX);
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_all()?;
    drop(file);
    fs::remove_file(path)?;
    sync_parent(path)
}

/// Makes `directory` and whatever is missing above it; each new name is durable when this returns.
pub(crate) fn create_directories(directory: &Path) -> io::Result<()> {
    let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let mut new: Vec<_> = directory.ancestors().take_while(missing).collect();
    if directory.as_os_str().is_empty() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    // From the top down: a name is of no use without the directory that holds it.
    while let Some(path) = new.pop() {
        sync_parent(path)?;
    }
    // The directory itself may be left from an attempt that never came to the sync.
    sync_parent(directory)
}

/// Makes names created, renamed or removed in the directory of `path` durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        // A path of one component is a name in the current directory.
        Some(parent) if parent.as_os_str().is_empty() => sync_directory(Path::new(".")),
        Some(parent) => sync_directory(parent),
        None => Ok(()),
    }
}

/// Makes names created, renamed or removed in `directory` durable. Windows does so by itself.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// The name under which a replacement of `path` is written.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_is_whole_and_private_and_a_destroyed_file_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert_eq!(read(&path).unwrap(), None);
        replace(&path, b"one").unwrap();
        fs::write(unfinished(&path), b"left by a crash").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(b"two".as_slice()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        destroy(&path).unwrap();
        destroy(&path).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_destroyed_file_is_overwritten_before_it_is_unlinked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, b"secret").unwrap();
        fs::hard_link(&path, dir.path().join("other name")).unwrap();
        destroy(&path).unwrap();
        assert_eq!(fs::read(dir.path().join("other name")).unwrap(), [0; 6]);
    }
}
