//! Directories given as files, files given as directories, and readers that went away.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;
use std::process::{Command, Stdio};

use support::Room;

const FILES: &str = "--account-name acc --container-name files";

/// A room with blob `a` in container `files`, a file `a` and a directory `d`.
fn stocked() -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok("storage container create --account-name acc -n files");
    fs::write(room.path("a"), "hello").unwrap();
    fs::create_dir(room.path("d")).unwrap();
    room.ok(&format!("storage blob upload {FILES} -f a"));
    room
}

#[test]
fn what_is_no_file_and_what_is_no_directory_is_said() {
    let room = stocked();
    room.ok("keyvault create --name vlt -g rg -l eastus");
    let cases = [
        (
            format!("storage blob download {FILES} -n a -f a/out"),
            1,
            "NotADirectory",
        ),
        (
            format!("storage blob download {FILES} -n a -f none/out"),
            3,
            "FileNotFound",
        ),
        (
            format!("storage blob download {FILES} -n a -f d"),
            2,
            "InvalidArgumentValueError",
        ),
        (
            "storage blob download-batch --account-name acc -s files -d a".to_owned(),
            1,
            "NotADirectory",
        ),
        (
            "storage blob download-batch --account-name acc -s files -d none".to_owned(),
            3,
            "FileNotFound",
        ),
        (
            "storage blob upload-batch --account-name acc -d files -s a".to_owned(),
            1,
            "NotADirectory",
        ),
        (
            "keyvault key import --vault-name vlt -n k --pem-file d".to_owned(),
            1,
            "IsADirectory",
        ),
        ("man a".to_owned(), 1, "NotADirectory"),
        ("stats --host-key d".to_owned(), 1, "InternalError"),
        (
            "stats --passphrase-file none".to_owned(),
            3,
            "PassphraseFileNotFound",
        ),
    ];
    for (line, exit, code) in cases {
        room.fails(&line, exit, code);
    }
}

#[test]
fn numbers_below_zero_are_wrong_values_and_no_options() {
    let room = Room::new();
    for line in [
        format!("storage blob list {FILES} --num-results -3"),
        format!("storage blob download {FILES} -n a -f out --start-range -1"),
        "storage account blob-service-properties update -n acc --delete-retention-days -1".to_owned(),
    ] {
        room.fails(&line, 2, "InvalidArgumentValueError");
    }
}

/// `strongroom ... | head` ends quietly, whatever it prints.
#[test]
fn a_reader_that_went_away_is_no_failure() {
    let room = stocked();
    let list = format!("storage blob list {FILES}");
    for line in ["--help", "storage blob --help", "completions bash", list.as_str()] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .current_dir(room.path("."))
            .args(line.split(' '))
            .stdout(Stdio::from(writer))
            .output()
            .unwrap();
        assert!(
            ended.status.success() && ended.stderr.is_empty(),
            "{line}: {ended:?}"
        );
    }
}
