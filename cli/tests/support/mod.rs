//! Runs the built binary in a directory of its own.
#![allow(dead_code, reason = "no test file needs all of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// An empty directory to run commands in; the store's default place is inside.
pub(crate) struct Room(tempfile::TempDir);

impl Room {
    /// An empty room.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A room with a store in it.
    pub(crate) fn with_store() -> Self {
        let room = Self::new();
        room.ok("init");
        room
    }

    /// The path of something in the room.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command line, split at spaces; `''` stands for an empty argument.
    pub(crate) fn run(&self, line: &str) -> Ran {
        let words = line
            .split_whitespace()
            .map(|word| if word == "''" { "" } else { word });
        Ran(
            line.to_owned(),
            binary(self.0.path()).args(words).output().unwrap(),
        )
    }

    /// Runs a command line with bytes on its standard input, through a pipe.
    pub(crate) fn fed(&self, line: &str, bytes: &[u8]) -> Ran {
        let mut command = binary(self.0.path());
        command.args(line.split_whitespace());
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        Ran(line.to_owned(), child.wait_with_output().unwrap())
    }

    /// Runs a command line that must succeed, and returns its JSON.
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> Value {
        let ran = self.run(line);
        ran.exits(0);
        match ran.stdout().trim() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        }
    }

    /// Runs a command line that must fail with an exit status and a code.
    #[track_caller]
    pub(crate) fn fails(&self, line: &str, exit: i32, code: &str) {
        let ran = self.run(line);
        ran.exits(exit);
        let stderr = ran.stderr();
        assert!(
            stderr.starts_with(&format!("ERROR: ({code}) ")),
            "{line}: {stderr}"
        );
        assert_eq!(
            stderr.lines().count(),
            2,
            "one line of error, one of advice: {stderr}"
        );
        assert_eq!(ran.stdout(), "", "{line}");
    }
}

/// A command that ran.
pub(crate) struct Ran(String, Output);

impl Ran {
    /// Checks the exit status.
    #[track_caller]
    pub(crate) fn exits(&self, want: i32) {
        assert_eq!(self.1.status.code(), Some(want), "{}\n{}", self.0, self.stderr());
    }

    /// Standard output.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.1.stdout.clone()).unwrap()
    }

    /// Standard output, whatever bytes it has.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.1.stdout
    }

    /// Standard error.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.1.stderr.clone()).unwrap()
    }
}

fn binary(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    command.current_dir(directory);
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("STRONGROOM") || name.starts_with("AZURE"))
    {
        command.env_remove(name);
    }
    command
}

/// A part of a result, by JSON pointer (RFC 6901).
#[track_caller]
pub(crate) fn at(value: &Value, pointer: &str) -> Value {
    value
        .pointer(pointer)
        .cloned()
        .unwrap_or_else(|| panic!("no {pointer} in {value:#}"))
}
