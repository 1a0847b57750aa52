//! Files that appear only when they are complete.
//!
//! A download is written beside its target and renamed when it succeeded, so that a refused or broken one
//! leaves nothing behind. A blob name can never lead out of the directory it is downloaded into.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::output::error::{Exit, Failure};

/// What to do with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Replace it.
    Replace,
    /// Refuse.
    Refuse,
}

/// Fills the file `path` through `fill`; nothing is left of it when `fill` fails.
pub(crate) fn write_whole<T>(
    path: &Path,
    existing: Existing,
    fill: impl FnOnce(&mut File) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let there = fs::symlink_metadata(path).ok();
    if there.is_some() && existing == Existing::Refuse {
        return Err(Failure::new(
            Exit::Failed,
            "FileExists",
            format!("the file {} exists", path.display()),
        )
        .hint("Name another file, or allow it with --overwrite where the command has that option."));
    }
    // Renaming would replace a link, a device or a pipe itself (`/dev/stdout` is a link), so these are
    // written through.
    if there.is_some_and(|meta| !meta.is_file() && !meta.is_dir()) {
        let mut target = write_through(path).map_err(|error| Failure::file(path, &error))?;
        return fill(&mut target);
    }
    let part = part_of(path)?;
    let filled = create(&part).and_then(|mut file| {
        let value = fill(&mut file)?;
        file.sync_all().map_err(|error| Failure::file(&part, &error))?;
        Ok(value)
    });
    let renamed = filled.and_then(|value| {
        fs::rename(&part, path).map_err(|error| Failure::file(path, &error))?;
        Ok(value)
    });
    if renamed.is_err() {
        // The failure being reported matters more than one of tidying up after it.
        let _ = fs::remove_file(&part);
    }
    renamed
}

/// Opens what a link, a device or a pipe leads to; only a file that is reached by a link begins empty.
fn write_through(path: &Path) -> io::Result<File> {
    let file = File::options().write(true).open(path)?;
    let system = ["/dev", "/proc"].iter().any(|root| path.starts_with(root));
    if file.metadata()?.is_file() && !system {
        file.set_len(0)?;
    }
    Ok(file)
}

/// The path of a blob below a directory, or a refusal when its name would lead elsewhere.
pub(crate) fn below(directory: &Path, blob: &str) -> Result<PathBuf, Failure> {
    let relative = Path::new(blob);
    let inside = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if inside && !blob.is_empty() && !blob.ends_with('/') && !blob.contains('\\') {
        return Ok(directory.join(relative));
    }
    let message = format!(
        "the blob '{blob}' has a name that is no path below {}",
        directory.display()
    );
    Err(Failure::new(Exit::Failed, "InvalidFileName", message)
        .hint("Download it alone with `strongroom storage blob download --name ... --file ...`."))
}

/// Creates the directory a file goes into.
pub(crate) fn make_parent(path: &Path) -> Result<(), Failure> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|error| Failure::file(parent, &error)),
        None => Ok(()),
    }
}

fn create(part: &Path) -> Result<File, Failure> {
    File::create(part).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let parent = part.parent().unwrap_or(part).display();
            Failure::new(
                Exit::NotFound,
                "FileNotFound",
                format!("there is no directory {parent}"),
            )
            .hint("Create the directory first.")
        }
        _ => Failure::file(part, &error),
    })
}

fn part_of(path: &Path) -> Result<PathBuf, Failure> {
    let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
        return Err(Failure::usage(
            "InvalidArgumentValueError",
            format!("{} is not a file name", path.display()),
        )
        .hint("Name a file, not a directory."));
    };
    let mut part = name.to_owned();
    part.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_failed_fill_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let refused = write_whole(&path, Existing::Replace, |file| {
            file.write_all(b"half").unwrap();
            Err::<(), _>(Failure::new(Exit::Failed, "Stopped", "stopped"))
        });
        assert!(refused.is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_existing_file_survives_a_failed_fill_and_a_refusal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        fs::write(&path, "old").unwrap();
        let fail = |_: &mut File| Err::<(), _>(Failure::new(Exit::Failed, "Stopped", "stopped"));
        assert!(write_whole(&path, Existing::Replace, fail).is_err());
        assert_eq!(
            write_whole(&path, Existing::Refuse, |_| Ok(()))
                .unwrap_err()
                .code(),
            "FileExists"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_written_through_and_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::write(&target, "something longer").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let put = |file: &mut File| {
            file.write_all(b"new")
                .map_err(|error| Failure::io("writing", &error))
        };
        write_whole(&link, Existing::Replace, put).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn blob_names_stay_below_the_directory() {
        let dir = Path::new("/d");
        assert_eq!(below(dir, "a/b.txt").unwrap(), Path::new("/d/a/b.txt"));
        for name in ["../x", "/etc/passwd", "a/../../x", "", "a/", "..", "a\\..\\b"] {
            assert!(below(dir, name).is_err(), "{name}");
        }
    }
}
