//! Where the store, the vaults and their keys are: the options, the environment, the defaults.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::args::GlobalArgs;
use crate::output::error::{Exit, Failure};

const DATA: &str = "strongroom-data";

/// What opens a store or the vaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// A file with a key.
    Key(PathBuf),
    /// A file with a passphrase.
    Passphrase(PathBuf),
}

impl Lock {
    /// The file.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Key(path) | Self::Passphrase(path) => path,
        }
    }
}

/// The two directories and what opens them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// The store.
    pub(crate) data: PathBuf,
    /// The vaults.
    pub(crate) vaults: PathBuf,
    /// Opens the store.
    pub(crate) host: Lock,
    /// Opens the vaults.
    pub(crate) vault: Lock,
    /// Where the head of the store is kept too.
    pub(crate) anchor: Option<PathBuf>,
    /// Where the head of the vaults is kept too.
    pub(crate) vault_anchor: Option<PathBuf>,
}

impl Places {
    /// Resolves the options; a passphrase file takes the place of a key file. All paths become absolute.
    pub(crate) fn new(global: &GlobalArgs) -> Result<Self, Failure> {
        let data = absolute(global.data.as_deref().unwrap_or_else(|| Path::new(DATA)))?;
        let vaults = global
            .vaults
            .as_deref()
            .map(absolute)
            .transpose()?
            .unwrap_or_else(|| data.join("vaults"));
        let host = lock(
            &data,
            global.host_key.as_deref(),
            global.passphrase_file.as_deref(),
        )?;
        let vault = lock(
            &vaults,
            global.vault_key.as_deref(),
            global.vault_passphrase_file.as_deref(),
        )?;
        refuse_file(&data)?;
        refuse_file(&vaults)?;
        Ok(Self {
            data,
            vaults,
            host,
            vault,
            anchor: global.anchor.as_deref().map(absolute).transpose()?,
            vault_anchor: global.vault_anchor.as_deref().map(absolute).transpose()?,
        })
    }

    /// Everything that belongs to the store, which no walk may take in.
    pub(crate) fn all(&self) -> Vec<PathBuf> {
        let own = [
            self.data.as_path(),
            &self.vaults,
            self.host.path(),
            self.vault.path(),
        ];
        let anchors = self.anchor.iter().chain(&self.vault_anchor);
        own.into_iter()
            .chain(anchors.map(PathBuf::as_path))
            .map(Path::to_owned)
            .collect()
    }
}

fn refuse_file(path: &Path) -> Result<(), Failure> {
    if path.metadata().is_ok_and(|meta| !meta.is_dir()) {
        let message = format!("{} is no directory", path.display());
        return Err(Failure::new(Exit::Failed, "NotADirectory", message)
            .hint("Name the directory of the store with --data, that of the vaults with --vaults."));
    }
    Ok(())
}

fn lock(directory: &Path, key: Option<&Path>, passphrase: Option<&Path>) -> Result<Lock, Failure> {
    match (key, passphrase) {
        (_, Some(passphrase)) => absolute(passphrase).map(Lock::Passphrase),
        (Some(key), None) => absolute(key).map(Lock::Key),
        (None, None) => beside(directory).map(Lock::Key),
    }
}

/// `DIR.key`, in the directory that holds `DIR`.
fn beside(directory: &Path) -> Result<PathBuf, Failure> {
    let Some(name) = directory.file_name() else {
        let message = format!("{} cannot hold a store", directory.display());
        return Err(Failure::usage("InvalidArgumentValueError", message).hint("Name a directory below it."));
    };
    let mut key = OsString::from(name);
    key.push(".key");
    Ok(directory.with_file_name(key))
}

/// The path from the root on, so that it has a directory to sync and means the same everywhere.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::file(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::Parser;

    #[track_caller]
    fn check(options: &[&str], want: [&str; 4]) {
        let words = ["strongroom", "stats"].iter().chain(options);
        let places = Places::new(&Cli::parse_from(words).global).unwrap();
        let got = [
            places.data.as_path(),
            &places.vaults,
            places.host.path(),
            places.vault.path(),
        ];
        let here = std::env::current_dir().unwrap();
        assert_eq!(
            got.map(Path::to_owned),
            want.map(|path| here.join(path)),
            "{options:?}"
        );
    }

    #[test]
    fn keys_lie_beside_what_they_open() {
        check(
            &[],
            [
                "strongroom-data",
                "strongroom-data/vaults",
                "strongroom-data.key",
                "strongroom-data/vaults.key",
            ],
        );
        check(
            &["--data", "/d/x"],
            ["/d/x", "/d/x/vaults", "/d/x.key", "/d/x/vaults.key"],
        );
        check(
            &["--data", "d/", "--vaults", "/v"],
            ["d", "/v", "d.key", "/v.key"],
        );
        check(
            &["--host-key", "h", "--vault-passphrase-file", "p"],
            ["strongroom-data", "strongroom-data/vaults", "h", "p"],
        );
    }
}
