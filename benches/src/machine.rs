//! The machine and the versions a run was made with: a figure without them says nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Facts by name. What cannot be found out is left out.
pub(crate) fn describe(dir: &Path) -> BTreeMap<String, String> {
    let lock = include_str!("../Cargo.lock");
    let facts = [
        ("date", output("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("commit", output("git", &["describe", "--always", "--dirty"])),
        ("processor", field("/proc/cpuinfo", "model name")),
        (
            "cores",
            std::thread::available_parallelism()
                .ok()
                .map(|cores| cores.to_string()),
        ),
        ("memory", field("/proc/meminfo", "MemTotal")),
        ("kernel", output("uname", &["-sr"])),
        (
            "file system",
            output("stat", &["-f", "-c", "%T", &dir.to_string_lossy()]),
        ),
        ("rustc", output("rustc", &["--version"])),
        ("sqlite", Some(rusqlite::version().to_owned())),
        ("sqlcipher", crate::peers::sqlite::cipher_version()),
        ("ring", locked(lock, "ring")),
        ("aws-lc-rs", locked(lock, "aws-lc-rs")),
        ("sled", locked(lock, "sled")),
        ("fjall", locked(lock, "fjall")),
    ];
    facts
        .into_iter()
        .filter_map(|(name, fact)| Some((name.to_owned(), fact?)))
        .collect()
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn locked(lock: &str, name: &str) -> Option<String> {
    let (_, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(after.split_once('"')?.0.to_owned())
}
