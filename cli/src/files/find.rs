//! Finds the files a batch or a tour takes in, and gives each a blob name.
//!
//! Names are relative paths with `/`; no two found files get the same name.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::output::error::{Exit, Failure};

/// A file to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it is to be called as a blob.
    pub(crate) name: String,
    /// Its length in bytes when it was found.
    pub(crate) bytes: u64,
}

/// What a walk came back with.
#[derive(Debug, Default)]
pub(crate) struct Haul {
    /// The files, in order of name within each argument.
    pub(crate) files: Vec<Found>,
    /// What was left out because it cannot be read or is no regular file, with the reason.
    pub(crate) left_out: Vec<String>,
}

/// Which rules a walk follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Honour `.gitignore` and skip `.git`.
    pub(crate) git: bool,
    /// Paths that are never taken in: the store itself and its keys.
    pub(crate) except: Vec<PathBuf>,
}

/// Collects the files named by arguments: files as they are, directories with everything below.
pub(crate) fn arguments(paths: &[PathBuf], rules: &Rules) -> Result<Haul, Failure> {
    let mut haul = Haul::default();
    let mut taken = HashSet::new();
    for path in paths {
        let real = path.canonicalize().map_err(|error| Failure::file(path, &error))?;
        let label = file_name(path).or_else(|| file_name(&real)).unwrap_or_default();
        if real.is_dir() {
            walk(&real, &label, rules, &mut haul)?;
        } else {
            // A file named by the user must be readable: leaving it out would be a surprise.
            File::open(&real).map_err(|error| Failure::file(path, &error))?;
            take(&real, label, &mut haul);
        }
    }
    for file in &mut haul.files {
        file.name = unique(&file.name, &mut taken);
    }
    Ok(haul)
}

/// Collects everything below one directory, named relative to it.
pub(crate) fn below(directory: &Path) -> Result<Haul, Failure> {
    let mut haul = Haul::default();
    let real = directory
        .canonicalize()
        .map_err(|error| Failure::file(directory, &error))?;
    if !real.is_dir() {
        return Err(Failure::new(
            Exit::Failed,
            "NotADirectory",
            format!("{} is no directory", directory.display()),
        )
        .hint("Use `strongroom storage blob upload` for a single file."));
    }
    walk(&real, "", &Rules::default(), &mut haul)?;
    Ok(haul)
}

fn walk(root: &Path, label: &str, rules: &Rules, haul: &mut Haul) -> Result<(), Failure> {
    let except: Vec<PathBuf> = rules
        .except
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let git = rules.git;
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .git_ignore(git)
        .git_exclude(git)
        .parents(git)
        .require_git(false)
        .sort_by_file_name(Ord::cmp)
        .filter_entry(move |entry| {
            !(git && entry.file_name() == ".git" || except.iter().any(|path| path == entry.path()))
        })
        .build();
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_dir()) => {}
            Ok(entry) => {
                let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
                take(entry.path(), joined(label, relative), haul);
            }
            Err(error) if error.depth() == Some(0) => {
                return Err(Failure::new(Exit::Failed, "InputOutputError", error));
            }
            Err(error) => haul.left_out.push(error.to_string()),
        }
    }
    Ok(())
}

fn take(path: &Path, name: String, haul: &mut Haul) {
    let opened = fs::symlink_metadata(path).and_then(|meta| match meta.is_file() {
        true => File::open(path).map(|_| Some(meta.len())),
        false => Ok(None),
    });
    match opened {
        Ok(Some(bytes)) => haul.files.push(Found {
            path: path.to_owned(),
            name,
            bytes,
        }),
        Ok(None) => haul.left_out.push(format!("{}: no regular file", path.display())),
        Err(error) => haul.left_out.push(format!("{}: {error}", path.display())),
    }
}

fn joined(label: &str, relative: &Path) -> String {
    let parts = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    let label = (!label.is_empty()).then(|| label.into());
    label.into_iter().chain(parts).collect::<Vec<_>>().join("/")
}

fn file_name(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{number}/{name}"));
    let free = std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| !taken.contains(name));
    let free = free.unwrap_or_default();
    taken.insert(free.clone());
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(haul: &Haul) -> Vec<&str> {
        haul.files.iter().map(|file| file.name.as_str()).collect()
    }

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("p/a.txt", "1"),
            ("p/.git/config", "x"),
            ("p/.gitignore", "*.log\n"),
            ("p/b.log", "2"),
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn git_rules_hold_for_a_tour_and_not_for_a_batch() {
        let dir = tree();
        let rules = Rules {
            git: true,
            except: Vec::new(),
        };
        assert_eq!(
            names(&arguments(&[dir.path().join("p")], &rules).unwrap()),
            ["p/.gitignore", "p/a.txt"]
        );
        assert_eq!(
            names(&below(&dir.path().join("p")).unwrap()),
            [".git/config", ".gitignore", "a.txt", "b.log"]
        );
    }

    #[test]
    fn the_store_itself_is_never_taken_in() {
        let dir = tree();
        let rules = Rules {
            git: true,
            except: vec![dir.path().join("p/a.txt")],
        };
        assert_eq!(
            names(&arguments(&[dir.path().join("p")], &rules).unwrap()),
            ["p/.gitignore"]
        );
    }

    #[test]
    fn equal_names_are_told_apart() {
        let dir = tree();
        let file = dir.path().join("p/a.txt");
        assert_eq!(
            names(&arguments(&[file.clone(), file], &Rules::default()).unwrap()),
            ["a.txt", "2/a.txt"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_when_named_and_left_out_when_met() {
        let dir = tree();
        std::os::unix::fs::symlink(dir.path().join("p"), dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink("a.txt", dir.path().join("p/inner")).unwrap();
        let rules = Rules {
            git: true,
            except: Vec::new(),
        };
        let haul = arguments(&[dir.path().join("link")], &rules).unwrap();
        assert_eq!(names(&haul), ["link/.gitignore", "link/a.txt"]);
        assert_eq!(haul.left_out.len(), 1);
    }

    #[test]
    fn a_missing_argument_does_not_exist() {
        assert_eq!(
            arguments(&[PathBuf::from("/nonexistent/x")], &Rules::default())
                .unwrap_err()
                .exit_code(),
            3
        );
    }
}
