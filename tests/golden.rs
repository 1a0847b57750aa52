//! What earlier builds have backed up is restored, opened and read: the formats of `tests/golden` stay
//! readable.
//!
//! A golden backup has accounts under the platform's key, under a customer's and sealed twice, each with
//! blobs of every size, and the vaults. It was made once (`tests/golden/make.sh`) and is never made anew.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use strongroom::engine::{ManualClock, Timestamp};
use strongroom::{
    Account, DownloadOptions, EngineKind, KeyFile, KeySource, Placement, ReadOptions, RestoreOptions, Store,
    Vaults,
};

/// Everything that a restored store can be made of.
const TARGETS: &[(EngineKind, Placement)] = &[
    (EngineKind::Sled, Placement::Engine),
    (EngineKind::Sled, Placement::Files),
    #[cfg(feature = "fjall")]
    (EngineKind::Fjall, Placement::Engine),
];

/// A line of `contents.tsv`.
struct Line {
    account: String,
    blob: String,
    sha256: String,
    from: String,
}

fn lines(golden: &Path) -> Vec<Line> {
    let text = fs::read_to_string(golden.join("contents.tsv")).unwrap();
    let line = |line: &str| {
        let mut words = line.split('\t').map(str::to_owned);
        let mut word = || words.next().unwrap();
        Line {
            account: word(),
            blob: word(),
            sha256: word(),
            from: word(),
        }
    };
    text.lines().map(line).collect()
}

/// A key file of the golden backup, for its owner alone, as a checkout does not keep modes.
fn key(golden: &Path, name: &str, to: &Path) -> KeyFile {
    use std::os::unix::fs::PermissionsExt;
    let path = to.join(name);
    fs::copy(golden.join(name), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    KeyFile::read(&path).unwrap()
}

fn read(account: &Account, line: &Line) {
    let container = account.container(&"golden".parse().unwrap());
    let (blob, mut content) = (line.blob.parse().unwrap(), Vec::new());
    container
        .download(&blob, &DownloadOptions::default(), &mut content)
        .unwrap();
    let what = format!("{}: {}", line.account, line.blob);
    assert_eq!(hex::encode(Sha256::digest(&content)), line.sha256, "{what}");
    let metadata = container
        .blob_properties(&blob, ReadOptions::default())
        .unwrap()
        .metadata
        .unwrap();
    assert_eq!(metadata.get("from"), Some(line.from.as_str()), "{what}");
}

fn check(golden: &Path, (engine, placement): (EngineKind, Placement)) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let later = ManualClock::new(Timestamp::from_unix_seconds(1_800_000_000));
    let clock = std::sync::Arc::new(later);
    let vault_options =
        || Vaults::builder(root.join("vaults"), key(golden, "vault.key", root)).clock(clock.clone());
    Vaults::restore(&golden.join("vaults"), vault_options(), |_| ()).unwrap();
    let vaults = vault_options().open().unwrap();
    let options = || {
        Store::builder(root.join("data"), key(golden, "host.key", root))
            .clock(clock.clone())
            .vaults(&vaults)
    };
    let mut made_of = RestoreOptions::default();
    made_of.engine = Some(engine);
    made_of.placement = Some(placement);
    Store::restore(&golden.join("data"), options(), &made_of, |_| ()).unwrap();
    let store = options().open().unwrap();
    let lines = lines(golden);
    assert!(lines.len() >= 12);
    for line in &lines {
        read(&store.account(&line.account.parse().unwrap()).unwrap(), line);
    }
    let source = |account: &str| {
        store
            .account(&account.parse().unwrap())
            .unwrap()
            .encryption()
            .unwrap()
            .key_source
    };
    assert_eq!(
        [source("platform"), source("customer")],
        [KeySource::Platform, KeySource::KeyVault]
    );
    assert!(store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

#[test]
fn every_golden_backup_is_read() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let golden: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    assert!(!golden.is_empty());
    for golden in golden {
        TARGETS.iter().for_each(|&target| check(&golden, target));
    }
}
