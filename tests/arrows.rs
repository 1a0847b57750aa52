//! Dependencies point one way: `cli -> strongroom -> {engine, keyvault}` and `keyvault -> engine`.
//!
//! Held twice: by what the manifests declare, as cargo reports it, and by what the sources name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Each crate of the workspace: its package, its sources, and the crates of ours it may use.
const ARROWS: [(&str, &str, &[&str]); 5] = [
    ("strongroom-engine", "storage-engine/src", &[]),
    ("strongroom-keyvault", "keyvault/src", &["strongroom-engine"]),
    ("strongroom", "src", &["strongroom-engine", "strongroom-keyvault"]),
    ("strongroom-cli", "cli/src", &["strongroom"]),
    ("strongroom-xtask", "xtask/src", &[]),
];

#[test]
fn the_manifests_point_one_way() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    assert_eq!(packages.len(), ARROWS.len(), "a new crate needs its arrows here");
    for (name, _, allowed) in ARROWS {
        let package = packages
            .iter()
            .find(|package| package["name"] == name)
            .expect(name);
        let forbidden = forbidden_dependencies(package, allowed);
        assert!(forbidden.is_empty(), "{name} must not depend on {forbidden:?}");
    }
}

#[test]
fn the_sources_point_one_way() {
    for (name, folder, allowed) in ARROWS {
        let files = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
        assert!(!files.is_empty(), "{folder} has sources");
        for (path, text) in files {
            let forbidden = forbidden_names(&text, name, allowed);
            assert!(forbidden.is_empty(), "{path}: {name} must not name {forbidden:?}");
        }
    }
}

/// What cargo says of the workspace, without looking at the network or at dependencies of dependencies.
fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
            "--manifest-path",
        ])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// Crates of ours that `package` declares, of any kind, without being allowed to. Itself is fine: a crate
/// may turn on its own features for its tests.
fn forbidden_dependencies<'a>(package: &'a Value, allowed: &[&str]) -> Vec<&'a str> {
    let declared = package["dependencies"].as_array().expect("dependencies");
    let names = declared
        .iter()
        .map(|dependency| dependency["name"].as_str().expect("a name"));
    let ours = names.filter(|name| ARROWS.iter().any(|(known, ..)| known == name));
    ours.filter(|name| package["name"] != *name && !allowed.contains(name))
        .collect()
}

/// Crates of ours that a source of `package` names in a path or an import, without being allowed to.
fn forbidden_names(text: &str, package: &str, allowed: &[&str]) -> Vec<&'static str> {
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let others = ARROWS
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| *name != package && !allowed.contains(name));
    others
        .filter(|name| code.iter().any(|line| names_crate(line, &name.replace('-', "_"))))
        .collect()
}

fn names_crate(line: &str, identifier: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-' || c == '.' || c == '/';
    line.match_indices(identifier).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + identifier.len()..]);
        let path = after.starts_with("::");
        let import = before.trim_end().ends_with("use") && after.starts_with([';', ' ']);
        !before.ends_with(is_part) && (path || import)
    })
}

fn rust_files(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => rust_files(&path),
            Some(end) if end == "rs" => {
                vec![(path.display().to_string(), fs::read_to_string(&path).unwrap())]
            }
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn a_wrong_manifest_is_seen() {
    let package = |name: &str, uses: &str| {
        let declared = serde_json::json!([{ "name": "ring" }, { "name": uses, "kind": "dev" }]);
        serde_json::json!({ "name": name, "dependencies": declared })
    };
    for (name, _, allowed) in ARROWS {
        for (other, ..) in ARROWS {
            let fine = name == other || allowed.contains(&other);
            assert_eq!(
                forbidden_dependencies(&package(name, other), allowed).is_empty(),
                fine,
                "{name} -> {other}"
            );
        }
    }
}

#[test]
fn a_wrong_import_is_seen() {
    for (name, _, allowed) in ARROWS {
        for (other, ..) in ARROWS {
            let fine = name == other || allowed.contains(&other);
            let identifier = other.replace('-', "_");
            for line in [
                format!("use {identifier}::X;"),
                format!("    let x = ::{identifier}::x();"),
            ] {
                assert_eq!(
                    forbidden_names(&line, name, allowed).is_empty(),
                    fine,
                    "{name}: {line}"
                );
            }
            let prose = format!("//! Not a use of {identifier}::X.");
            assert!(
                forbidden_names(&prose, name, allowed).is_empty(),
                "{name}: {prose}"
            );
        }
    }
}
