//! What the documents name exists: every source and test file, every folder of tests, every test by name.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Paths from the root of every file below a folder; nothing that is built or hidden.
fn walk(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            walk(&path, found);
        } else if path.is_file() {
            let path = path.strip_prefix(root()).unwrap().display().to_string();
            found.push(path.replace('\\', "/"));
        }
    }
}

/// What stands between backticks on one line.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// `a/{b,c}.rs` written out.
fn alternatives(text: &str) -> Vec<String> {
    match (text.split_once('{'), text.split_once('}')) {
        (Some((before, _)), Some((middle, after))) => {
            let middle = middle.split_once('{').map_or("", |(_, inside)| inside);
            middle
                .split(',')
                .map(|one| format!("{before}{one}{after}"))
                .collect()
        }
        _ => vec![text.to_owned()],
    }
}

/// A path is named in full, or by its end where the text says in which folder it is.
fn names(path: &str, end: &str) -> bool {
    let whole = |path: &str, end: &str| path == end || path.ends_with(&format!("/{end}"));
    match end.split_once('*') {
        Some((before, after)) => path.rfind(before).is_some_and(|at| {
            path[at + before.len()..].ends_with(after) && (at == 0 || path[..at].ends_with('/'))
        }),
        None => match end.strip_suffix('/') {
            Some(folder) => format!("/{path}").contains(&format!("/{folder}/")),
            None => whole(path, end),
        },
    }
}

fn is_path(word: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-/.*{},".contains(letter);
    let file = word.ends_with(".rs") && word.len() > 3;
    let tests = word.contains("tests/") && !word.contains("//");
    word.chars().all(plain) && (file || tests)
}

/// A test is told from other words by its length.
fn is_test(word: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    word.chars().all(plain) && word.matches('_').count() >= 3
}

/// What a document names and the sources do not have.
fn missing(text: &str, paths: &[String], sources: &str) -> Vec<String> {
    let absent = |word: &&str| {
        let path = is_path(word)
            && alternatives(word)
                .iter()
                .any(|one| !paths.iter().any(|path| names(path, one)));
        path || is_test(word) && !sources.contains(&format!("fn {word}("))
    };
    quoted(text).filter(absent).map(str::to_owned).collect()
}

fn everything() -> (Vec<String>, String) {
    let mut paths = Vec::new();
    walk(root(), &mut paths);
    let rust = paths.iter().filter(|path| path.ends_with(".rs"));
    let sources = rust
        .map(|path| fs::read_to_string(root().join(path)).unwrap())
        .collect();
    (paths, sources)
}

#[test]
fn every_file_and_test_that_a_document_names_exists() {
    let (paths, sources) = everything();
    let is_document = |path: &&String| {
        let folder = Path::new(path.as_str())
            .parent()
            .map(PathBuf::from)
            .unwrap_or_default();
        path.ends_with(".md") && (folder.as_os_str().is_empty() || folder == Path::new("docs"))
    };
    let (mut complaints, mut words) = (Vec::new(), 0);
    for path in paths.iter().filter(is_document) {
        let text = fs::read_to_string(root().join(path)).unwrap();
        words += quoted(&text)
            .filter(|word| is_path(word) || is_test(word))
            .count();
        let absent = missing(&text, &paths, &sources);
        complaints.extend(absent.iter().map(|word| format!("{path} names {word}")));
    }
    assert_eq!(complaints, Vec::<String>::new());
    assert!(words > 40, "only {words} names were looked up");
}

#[test]
fn what_does_not_exist_is_seen() {
    let (paths, sources) = everything();
    let check = |text: &str, want: &[&str]| assert_eq!(missing(text, &paths, &sources), want, "{text}");
    check(
        "`tests/docs.rs`, `docs.rs`, `storage-engine/tests/body_*.rs`, `storage-engine/tests/`",
        &[],
    );
    check(
        "`storage-engine/src/{keys,seal}.rs` and `what_does_not_exist_is_seen`",
        &[],
    );
    check("`tests/gone.rs` and `ocs.rs`", &["tests/gone.rs", "ocs.rs"]);
    check(
        "`storage-engine/src/{keys,gone}.rs`",
        &["storage-engine/src/{keys,gone}.rs"],
    );
    check("`tests/gone/`, `gone_*.rs`", &["tests/gone/", "gone_*.rs"]);
    check("`no_test_has_this_name`", &["no_test_has_this_name"]);
}
