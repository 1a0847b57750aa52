//! An anchor in a file of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{AnchorError, AnchoredHead, HeadAnchor};

/// Longest file that may be a head, in bytes.
const BYTES_MAX: u64 = 4 << 10;

/// A file with one line: the head. Put it where whoever writes the store's disk does not reach.
///
/// The file is replaced by writing another one beside it, syncing it, renaming it and syncing the directory.
#[derive(Clone, Debug)]
pub struct FileAnchor {
    path: PathBuf,
}

impl FileAnchor {
    /// The anchor in the file `path`, whose directory exists. Nothing is read or written yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn text(&self) -> io::Result<Option<String>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let mut unfinished = self.path.as_os_str().to_owned();
        unfinished.push(".new");
        let unfinished = PathBuf::from(unfinished);
        let mut options = OpenOptions::new();
        // One that a crash left is overwritten: nobody reads it.
        options.write(true).create(true).truncate(true);
        let mut file = options.open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        fs::rename(&unfinished, &self.path)?;
        sync_parent(&self.path)
    }
}

impl HeadAnchor for FileAnchor {
    fn read(&self) -> Result<Option<AnchoredHead>, AnchorError> {
        let text = self.text().map_err(|source| AnchorError::Io {
            doing: "read",
            source,
        })?;
        let head = text.map(|text| text.strip_suffix('\n').unwrap_or(&text).parse());
        head.transpose().map_err(|_| AnchorError::Damaged)
    }

    fn write(&self, head: &AnchoredHead) -> Result<(), AnchorError> {
        self.replace(&format!("{head}\n"))
            .map_err(|source| AnchorError::Io {
                doing: "written",
                source,
            })
    }
}

/// Makes the new name durable. Windows does so by itself.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if cfg!(unix) {
        File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Purpose, RootKey, ScopeId};
    use zeroize::Zeroizing;

    #[test]
    fn the_head_is_replaced_whole_and_anything_else_in_the_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let anchor = FileAnchor::new(dir.path().join("head"));
        let root = RootKey::from_array(Zeroizing::new([1; 32]));
        let key = root.purpose(Purpose::Anchor, ScopeId([2; 16]));
        assert!(anchor.read().unwrap().is_none());
        for number in [1, 2] {
            let head = AnchoredHead::new(&key, number, [3; 32]);
            // A crash may have left a longer one.
            fs::write(dir.path().join("head.new"), [b'x'; 1000]).unwrap();
            anchor.write(&head).unwrap();
            assert_eq!(anchor.read().unwrap(), Some(head));
            let text = fs::read_to_string(anchor.path()).unwrap();
            assert_eq!(text, format!("{head}\n"));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        for other in [&b""[..], b"strongroom-head-1", &[0xff; 8192]] {
            fs::write(anchor.path(), other).unwrap();
            assert!(matches!(anchor.read(), Err(AnchorError::Damaged)));
        }
        let nowhere = FileAnchor::new(dir.path().join("absent").join("head"));
        let refused = nowhere.write(&AnchoredHead::new(&key, 1, [3; 32]));
        assert!(matches!(refused, Err(AnchorError::Io { doing: "written", .. })));
    }
}
