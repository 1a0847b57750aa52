//! Files and pipes of the user with a key in them: what was read is wiped when it is dropped.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use strongroom::engine::SecretBuffer;

use crate::output::error::Failure;

/// All of a file that nobody but its owner can read; `None` if that is more than `max` bytes.
pub(crate) fn read_private(path: &Path, max: usize) -> Result<Option<SecretBuffer>, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    refuse_if_others_can_read(&file, path)?;
    read(file, max).map_err(|error| Failure::file(path, &error))
}

/// All that `file` gives; `None` if that is more than `max` bytes.
pub(crate) fn read(mut file: impl Read, max: usize) -> io::Result<Option<SecretBuffer>> {
    // One byte more, so that a file that is too long shows.
    let mut bytes = SecretBuffer::with_capacity(max + 1);
    bytes.resize(max + 1);
    let length = fill(&mut file, bytes.as_mut_slice())?;
    bytes.resize(length);
    Ok((length <= max).then_some(bytes))
}

/// Reads until the buffer is full or there is no more.
fn fill(file: &mut impl Read, mut buffer: &mut [u8]) -> io::Result<usize> {
    let room = buffer.len();
    while !buffer.is_empty() {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(count) => buffer = buffer.get_mut(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(room - buffer.len())
}

/// Looks at what has been opened, so that nothing else can take its place.
#[cfg(unix)]
fn refuse_if_others_can_read(file: &File, path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;

    use crate::output::error::Exit;

    let metadata = file.metadata().map_err(|error| Failure::file(path, &error))?;
    if metadata.is_dir() || metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    let message = format!("the key file {path} can be read by others");
    let failure = Failure::new(Exit::Failed, "KeyFileOpenToOthers", message);
    Err(failure.hint(format!("Let its owner alone read it: `chmod 600 {path}`.")))
}

#[cfg(not(unix))]
fn refuse_if_others_can_read(_file: &File, _path: &Path) -> Result<(), Failure> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_pieces_is_read_whole() {
        let pieces = || [1_u8; 20].as_slice().chain([2_u8; 40].as_slice());
        let whole = [[1; 20].as_slice(), &[2; 40]].concat();
        for (max, want) in [(59, None), (60, Some(&whole)), (61, Some(&whole))] {
            let found = read(pieces(), max).unwrap();
            assert_eq!(
                found.as_ref().map(SecretBuffer::as_slice),
                want.map(Vec::as_slice),
                "{max}"
            );
        }
    }
}
