//! One way to look at every refusal: its kind and code, what it says to do, and that nothing changed.
#![allow(dead_code, reason = "every test file uses its own part of the world")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the world of a test may fail loudly"
)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use strongroom::{Error, ErrorKind};

/// Every file and directory below `directory` with its bytes; the lock file is nobody's content.
pub(crate) fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
            found.insert(path.display().to_string(), Vec::new());
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// Calls what must be refused, and looks before and after.
#[track_caller]
pub(crate) fn check<T, V: PartialEq + Debug>(
    what: &str,
    want: (ErrorKind, &str),
    look: impl Fn() -> V,
    call: impl FnOnce() -> Result<T, Error>,
) {
    let before = look();
    let error = call().err().expect(what);
    assert_eq!((error.kind(), error.code()), want, "{what}: {error}");
    let hint = error.what_to_do().unwrap_or_default();
    assert!(hint.len() > 8, "{what}: {error} does not say what to do");
    assert!(!error.message().is_empty(), "{what}");
    assert!(look() == before, "{what}: {error}, and yet something changed");
}
