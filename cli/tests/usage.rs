//! Wrong usage exits with 2, says what is wrong in one line, what to do in a second, and touches nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use support::Room;

#[test]
fn wrong_usage_exits_with_2_and_two_lines() {
    let room = Room::new();
    let cases = [
        ("", "CommandNotFoundError"),
        ("keyvault", "CommandNotFoundError"),
        ("storage blob", "CommandNotFoundError"),
        ("frobnicate", "CommandNotFoundError"),
        ("keyvault frobnicate", "CommandNotFoundError"),
        ("stats --bogus", "UnrecognizedArgumentError"),
        ("stats extra", "UnrecognizedArgumentError"),
        ("keyvault create -g g -l eastus", "RequiredArgumentMissingError"),
        (
            "keyvault create --name v -l eastus",
            "RequiredArgumentMissingError",
        ),
        ("storage account create --name a", "RequiredArgumentMissingError"),
        ("storage account move --name a", "RequiredArgumentMissingError"),
        (
            "storage blob upload --account-name a -c c",
            "RequiredArgumentMissingError",
        ),
        ("keyvault key show --vault-name v", "RequiredArgumentMissingError"),
        (
            "keyvault key show --id x --name k",
            "MutuallyExclusiveArgumentError",
        ),
        ("stats --quiet --verbose", "MutuallyExclusiveArgumentError"),
        ("stats -o yaml", "InvalidArgumentValueError"),
        (
            "keyvault create --name v -g g --enable-soft-delete maybe",
            "InvalidArgumentValueError",
        ),
        (
            "keyvault create --name v -g g --retention-days many",
            "InvalidArgumentValueError",
        ),
        (
            "keyvault key set-attributes --vault-name v -n k --expires soon",
            "InvalidArgumentValueError",
        ),
        (
            "storage blob list --account-name a -c c --num-results 0",
            "InvalidArgumentValueError",
        ),
        (
            "storage blob upload --account-name a -c c -f f --metadata novalue",
            "InvalidArgumentValueError",
        ),
        (
            "storage account create -n a -g g --encryption-key-type-for-queue Other",
            "InvalidArgumentValueError",
        ),
        (
            "storage account update -n a --encryption-key-source Other",
            "InvalidArgumentValueError",
        ),
        ("stats --query [.", "InvalidQuery"),
        ("completions tcsh", "InvalidArgumentValueError"),
    ];
    for (line, code) in cases {
        room.fails(line, 2, code);
    }
    assert!(!room.path("strongroom-data").exists());
}

#[test]
fn help_and_version_go_to_standard_output() {
    let room = Room::new();
    for line in [
        "--help",
        "--version",
        "keyvault --help",
        "storage blob upload --help",
        "tour --help",
    ] {
        let ran = room.run(line);
        ran.exits(0);
        assert!(!ran.stdout().is_empty() && ran.stderr().is_empty(), "{line}");
    }
}

#[test]
fn completions_and_manual_pages_cover_every_command() {
    let room = Room::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = room.run(&format!("completions {shell}"));
        ran.exits(0);
        let script = ran.stdout();
        for word in ["set-attributes", "set-legal-hold", "delete-policy", "cors"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    room.ok("man pages");
    for page in [
        "strongroom.1",
        "strongroom-keyvault-key-set-attributes.1",
        "strongroom-storage-account-blob-service-properties-update.1",
        "strongroom-storage-blob-immutability-policy-set.1",
        "strongroom-storage-blob-incremental-copy-cancel.1",
        "strongroom-storage-blob-rewrite.1",
        "strongroom-storage-blob-snapshot.1",
        "strongroom-storage-blob-upload.1",
        "strongroom-storage-container-policy-create.1",
        "strongroom-storage-cors-add.1",
    ] {
        assert!(room.path("pages").join(page).is_file(), "{page}");
    }
}
