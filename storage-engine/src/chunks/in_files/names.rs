//! Names and handles of body files: where a body's file is, which files there are, and what differs between
//! operating systems.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::super::BodyKey;

/// Characters of the three parts of a name: tree id, reservation block, the rest of the body id.
const PARTS: [usize; 3] = [32, 16, 32];

/// Where a body's file is.
pub(super) fn path(root: &Path, body: &BodyKey) -> PathBuf {
    let name = hex(&body.0);
    let mut path = root.to_path_buf();
    let mut rest = name.as_str();
    for length in PARTS {
        let (part, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        path.push(part);
        rest = behind;
    }
    path
}

/// The directories that hold, or have held, bodies whose key begins with the id of a tree, or of a tree and a
/// block: those of the blocks, and the tree's.
pub(super) fn directories(root: &Path, prefix: &[u8]) -> io::Result<Vec<PathBuf>> {
    let [tree, block, _] = PARTS;
    let name = hex(prefix);
    let Some((tree_name, rest)) = name.split_at_checked(tree) else {
        return Ok(Vec::new());
    };
    let path = root.join(tree_name);
    let mut blocks = match rest.get(..block) {
        Some(block) => vec![block.to_owned()],
        None => parts_of(&path, block)?,
    };
    blocks.retain(|block| block.starts_with(rest.get(..block.len()).unwrap_or(rest)));
    let mut directories: Vec<_> = blocks.iter().map(|block| path.join(block)).collect();
    directories.push(path);
    Ok(directories)
}

/// Bodies whose key begins with a prefix, ascending, behind `after`, at most `limit`. Reads only directories
/// that can hold one.
pub(super) fn list(
    root: &Path,
    (prefix, after): (&[u8], Option<BodyKey>),
    limit: usize,
) -> io::Result<Vec<BodyKey>> {
    let wanted = Wanted {
        prefix: hex(prefix),
        after: after.map(|body| hex(&body.0)),
        limit,
    };
    let mut found = Vec::new();
    if limit > 0 {
        wanted.walk(root, (&PARTS, ""), &mut found)?;
    }
    Ok(found)
}

struct Wanted {
    prefix: String,
    after: Option<String>,
    limit: usize,
}

impl Wanted {
    /// Goes through a directory whose name is `above`, with everything above it.
    fn walk(
        &self,
        directory: &Path,
        (parts, above): (&[usize], &str),
        found: &mut Vec<BodyKey>,
    ) -> io::Result<()> {
        let Some((length, below)) = parts.split_first() else {
            return Ok(());
        };
        for part in parts_of(directory, *length)? {
            let name = format!("{above}{part}");
            if !self.may_hold(&name) {
                continue;
            }
            match below {
                [] => found.extend(unhex(&name).map(BodyKey)),
                below => self.walk(&directory.join(&part), (below, &name), found)?,
            }
            if found.len() >= self.limit {
                found.truncate(self.limit);
                return Ok(());
            }
        }
        Ok(())
    }

    /// True if bodies whose name begins with `name` can be among those that are asked for.
    fn may_hold(&self, name: &str) -> bool {
        let shared = name.len().min(self.prefix.len());
        let has_prefix = name.get(..shared) == self.prefix.get(..shared);
        let is_behind = self.after.as_ref().is_none_or(|after| {
            let is_whole = name.len() == after.len();
            let part = after.get(..name.len()).unwrap_or(after);
            if is_whole { name > part } else { name >= part }
        });
        has_prefix && is_behind
    }
}

/// The names in a directory that are of this length and hexadecimal, in order; none if it is gone.
fn parts_of(directory: &Path, length: usize) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut parts = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if name.len() == length && name.bytes().all(is_digit) {
            parts.push(name);
        }
    }
    parts.sort_unstable();
    Ok(parts)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
            text.push(digit(byte >> 4));
            text.push(digit(byte & 0xf));
            text
        })
}

fn unhex(text: &str) -> Option<[u8; BodyKey::BYTES]> {
    let mut bytes = [0; BodyKey::BYTES];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Makes a directory that only its owner can enter; no error if it is there.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Makes the two directories above a body's file.
pub(super) fn create_directories(path: &Path) -> io::Result<()> {
    if let Some(above) = path.parent() {
        create_directory(above)?;
    }
    create_directory(path)
}

/// Files that only their owner can read.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes the names in a directory durable; a directory that is gone has none.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(directory) => directory.sync_all(),
    }
}

/// Reads at a position, as far as the file goes; how many bytes.
pub(super) fn read_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, rest, offset + done as u64);
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(file, rest, offset + done as u64);
        match read {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
