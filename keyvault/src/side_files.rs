//! Side files: one small file for each private key, which holds the one-time key that opens it.
//!
//! A file is written new, synced, renamed, and its directory synced, before any record names it; it is
//! overwritten, synced, unlinked and its directory synced after the commit that dropped its record. So a file
//! without a record is a leftover of either and is destroyed at open.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use strongroom_engine::codec::{self, FrameKind, Record};
use strongroom_engine::keys::{Purpose, PurposeKey, RootKey, ScopeId};
use strongroom_engine::seal::SealKind;
use strongroom_engine::{Entropy, entropy};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::provider::PrivateMaterial;
use crate::records::FileId;

/// The side files of one vault store.
pub(crate) struct SideFiles {
    directory: PathBuf,
    wrap: PurposeKey,
}

/// A private part, sealed by the one-time key of a side file.
pub(crate) struct SealedPrivate {
    pub(crate) file: FileId,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct SideFile {
    id: FileId,
    sealed_key: Vec<u8>,
}

impl Record for SideFile {
    const NAME: &'static str = "side file";
    const VERSION: u8 = 1;
}

impl SideFiles {
    /// The side files in `directory/keys`, which is made if it is missing.
    pub(crate) fn open(directory: &Path, wrap: PurposeKey) -> Result<Self, VaultError> {
        let directory = directory.join("keys");
        fs::create_dir_all(&directory)
            .and_then(|()| sync_directory(directory.parent().unwrap_or(&directory)))
            .map_err(|error| failed("making", &directory, error))?;
        Ok(Self { directory, wrap })
    }

    /// True when there is a side file in `directory/keys`.
    pub(crate) fn any_in(directory: &Path) -> Result<bool, VaultError> {
        let directory = directory.join("keys");
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed("reading", &directory, error)),
        };
        for entry in entries {
            let path = entry
                .map_err(|error| failed("reading", &directory, error))?
                .path();
            if file_id(&path).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Seals `private` under a fresh one-time key whose file is durable when this returns.
    pub(crate) fn seal(
        &self,
        private: &PrivateMaterial,
        entropy: &dyn Entropy,
    ) -> Result<SealedPrivate, VaultError> {
        let file = FileId(entropy::random(entropy)?);
        let one_time = RootKey::generate(entropy)?;
        let bytes =
            purpose(&one_time, file).seal(SealKind::PrivateKey, &file.0, private.as_bytes(), entropy)?;
        let sealed_key = self.wrap.seal(
            SealKind::WrappedKey,
            &file.0,
            one_time.expose_for_wrapping(),
            entropy,
        )?;
        let content = codec::frame(
            FrameKind::File,
            &codec::encode(&SideFile { id: file, sealed_key })?,
        )?;
        self.write(file, &content)
            .map_err(|error| failed("writing", &self.path(file), error))?;
        Ok(SealedPrivate { file, bytes })
    }

    /// Opens what [`seal`](Self::seal) made; `None` when the file is gone, and the key with it.
    pub(crate) fn open_private(
        &self,
        file: FileId,
        sealed: &[u8],
    ) -> Result<Option<PrivateMaterial>, VaultError> {
        let path = self.path(file);
        let content = match read_bounded(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("reading", &path, error)),
        };
        let record: SideFile = codec::decode(codec::unframe(FrameKind::File, &content)?)?;
        let one_time = self
            .wrap
            .open(SealKind::WrappedKey, &file.0, &record.sealed_key)?;
        let one_time = RootKey::from_bytes(one_time)
            .ok_or_else(|| VaultError::storage("a side file holds no key; restore it from a backup"))?;
        let private = purpose(&one_time, file).open(SealKind::PrivateKey, &file.0, sealed)?;
        Ok(Some(PrivateMaterial::from_bytes(private)))
    }

    /// The name and the sealed bytes of a file, which opens; `None` when it is gone.
    pub(crate) fn sealed(&self, file: FileId) -> Result<Option<(String, Vec<u8>)>, VaultError> {
        let path = self.path(file);
        let content = match read_bounded(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("reading", &path, error)),
        };
        let Ok(record) = codec::unframe(FrameKind::File, &content) else {
            return Ok(None); // Being overwritten, or damaged: as good as gone.
        };
        let record: SideFile = codec::decode(record)?;
        self.wrap
            .open(SealKind::WrappedKey, &file.0, &record.sealed_key)?;
        Ok(Some((hex::encode(file.0), content.to_vec())))
    }

    /// Overwrites and removes the files, durably. A file that is gone already is no error.
    pub(crate) fn destroy(&self, files: &[FileId]) -> Result<(), VaultError> {
        for file in files {
            let path = self.path(*file);
            destroy_file(&path).map_err(|error| failed("destroying", &path, error))?;
        }
        if files.is_empty() {
            return Ok(());
        }
        sync_directory(&self.directory).map_err(|error| failed("syncing", &self.directory, error))
    }

    /// Destroys every file that `wanted` does not name, half-written ones included.
    pub(crate) fn destroy_leftovers(&self, wanted: impl Fn(FileId) -> bool) -> Result<usize, VaultError> {
        let reading = |error| failed("reading", &self.directory, error);
        let mut destroyed = 0;
        for entry in fs::read_dir(&self.directory).map_err(reading)? {
            let path = entry.map_err(reading)?.path();
            if !file_id(&path).is_some_and(&wanted) {
                destroy_file(&path).map_err(|error| failed("destroying", &path, error))?;
                destroyed += 1;
            }
        }
        if destroyed > 0 {
            sync_directory(&self.directory).map_err(|error| failed("syncing", &self.directory, error))?;
        }
        Ok(destroyed)
    }

    fn write(&self, file: FileId, content: &[u8]) -> io::Result<()> {
        let path = self.path(file);
        let new = path.with_extension("new");
        let mut handle = create_private(&new)?;
        handle.write_all(content)?;
        handle.sync_all()?;
        fs::rename(&new, &path)?;
        sync_directory(&self.directory)
    }

    fn path(&self, file: FileId) -> PathBuf {
        self.directory.join(hex::encode(file.0))
    }
}

fn purpose(one_time: &RootKey, file: FileId) -> PurposeKey {
    one_time.purpose(Purpose::Wrap, ScopeId(file.0))
}

fn file_id(path: &Path) -> Option<FileId> {
    let mut id = [0; 16];
    hex::decode_to_slice(path.file_name()?.to_str()?, &mut id).ok()?;
    Some(FileId(id))
}

fn read_bounded(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the file is too large",
        ));
    }
    fs::read(path).map(Zeroizing::new)
}

fn destroy_file(path: &Path) -> io::Result<()> {
    let length = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        // Not ours: a directory or a link that somebody put here is left alone.
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut file = OpenOptions::new().write(true).open(path)?;
    io::copy(&mut io::Read::take(io::repeat(0), length), &mut file)?;
    file.sync_all()?;
    fs::remove_file(path)
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes names in `directory` durable; elsewhere than on Unix renaming does it.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn failed(doing: &str, path: &Path, error: io::Error) -> VaultError {
    VaultError::storage(SideFileError {
        doing: format!("{doing} {}", path.display()),
        source: error,
    })
}

/// What failed on which file.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {source}")]
struct SideFileError {
    doing: String,
    source: io::Error,
}

const FILE_BYTES_MAX: u64 = 4096;

#[cfg(test)]
mod tests {
    use strongroom_engine::SystemEntropy;

    use super::*;

    fn files(directory: &Path) -> SideFiles {
        let root = RootKey::from_bytes(Zeroizing::new(vec![7; 32])).unwrap();
        SideFiles::open(directory, root.purpose(Purpose::Wrap, ScopeId([1; 16]))).unwrap()
    }

    fn material() -> PrivateMaterial {
        PrivateMaterial::from_bytes(Zeroizing::new(b"private".to_vec()))
    }

    #[test]
    fn a_private_part_opens_only_with_its_own_file() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let one = files.seal(&material(), &SystemEntropy).unwrap();
        let two = files.seal(&material(), &SystemEntropy).unwrap();
        let opened = files.open_private(one.file, &one.bytes).unwrap().unwrap();
        assert_eq!(opened.as_bytes(), b"private");
        assert!(files.open_private(one.file, &two.bytes).is_err());
        fs::copy(files.path(two.file), files.path(one.file)).unwrap();
        assert!(files.open_private(one.file, &one.bytes).is_err());
    }

    #[test]
    fn a_destroyed_file_takes_its_key_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let sealed = files.seal(&material(), &SystemEntropy).unwrap();
        files.destroy(&[sealed.file]).unwrap();
        assert!(files.open_private(sealed.file, &sealed.bytes).unwrap().is_none());
        files.destroy(&[sealed.file]).unwrap();
    }

    #[test]
    fn a_destroyed_file_is_overwritten_before_it_is_unlinked() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let sealed = files.seal(&material(), &SystemEntropy).unwrap();
        let carved = directory.path().join("what a carver finds");
        fs::hard_link(files.path(sealed.file), &carved).unwrap();
        files.destroy(&[sealed.file]).unwrap();
        assert!(fs::read(&carved).unwrap().iter().all(|byte| *byte == 0));
    }

    #[test]
    fn leftovers_go_and_wanted_files_stay() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let wanted = files.seal(&material(), &SystemEntropy).unwrap();
        let orphan = files.seal(&material(), &SystemEntropy).unwrap();
        fs::write(files.path(orphan.file).with_extension("new"), b"half").unwrap();
        assert_eq!(files.destroy_leftovers(|file| file == wanted.file).unwrap(), 2);
        assert!(files.open_private(wanted.file, &wanted.bytes).unwrap().is_some());
        assert_eq!(fs::read_dir(&files.directory).unwrap().count(), 1);
    }

    #[test]
    fn every_flipped_bit_and_every_prefix_of_a_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let sealed = files.seal(&material(), &SystemEntropy).unwrap();
        let path = files.path(sealed.file);
        let good = fs::read(&path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &bad).unwrap();
            assert!(
                files.open_private(sealed.file, &sealed.bytes).is_err(),
                "bit {bit}"
            );
        }
        for cut in 0..good.len() {
            fs::write(&path, &good[..cut]).unwrap();
            assert!(
                files.open_private(sealed.file, &sealed.bytes).is_err(),
                "prefix of {cut}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_a_file() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let sealed = files.seal(&material(), &SystemEntropy).unwrap();
        let mode = fs::metadata(files.path(sealed.file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
