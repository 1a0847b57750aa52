//! Every operation on blobs under an encryption scope, and on blobs under the account's key, while the one or
//! the other cannot be had: each is stopped by its own, as the table of `src/operations.rs` says, and by
//! nothing else. `cargo test --test scope_revocation -- --nocapture` prints the matrix.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may fail loudly, and this one shows the matrix"
)]

mod common;
mod matrix;
#[path = "../storage-engine/tests/common/tally.rs"]
mod tally;

use common::{KEY, VAULT, World, pinned};
use matrix::calls::Place;
use matrix::operations::{CASES, Case};
use strongroom::{
    BlockId, ContainerEncryption, CreateContainerOptions, DeleteBlobOptions, EncryptionChoice,
    EncryptionScope, EncryptionScopeState, Error, ErrorKind, ListBlobs, ListDetail, ListEntry, ListInclude,
    Metadata, NewEncryptionScope, PutBlockOptions, UploadOptions, WhileRevoked,
};

const SCOPE: &str = "tenant-1";
const SCOPE_KEY: &str = "tenant-key";
const KEY_NOT_FOUND: &str = "KeyVaultEncryptionKeyNotFound";

struct Cause {
    name: &'static str,
    revoke: fn(&World),
    restore: fn(&World),
    /// What blobs under the scope meet, and those under the account's key.
    codes: [Option<&'static str>; 2],
}

const CAUSES: &[Cause] = &[
    Cause {
        name: "scope disabled",
        revoke: |world| set_state(world, EncryptionScopeState::Disabled),
        restore: |world| set_state(world, EncryptionScopeState::Enabled),
        codes: [Some("EncryptionScopeDisabled"), None],
    },
    Cause {
        name: "scope's key version disabled",
        revoke: |world| world.enable_key(&world.current(VAULT, SCOPE_KEY), false),
        restore: |world| world.enable_key(&world.current(VAULT, SCOPE_KEY), true),
        codes: [Some(KEY_NOT_FOUND), None],
    },
    Cause {
        name: "account's key version disabled",
        revoke: |world| world.enable_key(&world.current(VAULT, KEY), false),
        restore: |world| world.enable_key(&world.current(VAULT, KEY), true),
        codes: [None, Some(KEY_NOT_FOUND)],
    },
    Cause {
        name: "identity removed",
        revoke: |world| world.account().remove_identity().unwrap(),
        restore: |world| {
            let identity = world.account().assign_identity().unwrap();
            world.grant(VAULT, identity.principal_id, &common::NEEDED);
        },
        codes: [Some("KeyVaultAccessTokenCannotBeAcquired"); 2],
    },
];

/// The container of each stage, and whether its blobs are under the scope.
const STAGES: [[(&str, bool); 2]; 3] = [
    [("healthy-scope", true), ("healthy-account", false)],
    [("revoked-scope", true), ("revoked-account", false)],
    [("restored-scope", true), ("restored-account", false)],
];

fn scope(world: &World) -> EncryptionScope {
    world.account().encryption_scope(&SCOPE.parse().unwrap()).unwrap()
}

fn set_state(world: &World, state: EncryptionScopeState) {
    let properties = scope(world).set_state(state).unwrap();
    assert_eq!(properties.state, state);
}

fn expected(case: &Case, code: Option<&'static str>) -> Option<&'static str> {
    let blocked = match case.operation.while_revoked() {
        WhileRevoked::Blocked => true,
        WhileRevoked::BlockedWithMetadata => case.form == "with metadata",
        _ => false,
    };
    code.filter(|_| blocked)
}

fn seen(outcome: Result<(), Error>) -> Option<String> {
    let error = outcome.err()?;
    let proper = error.status() == 403 && error.kind() == ErrorKind::KeyUnavailable;
    Some(match proper {
        true => error.code().to_owned(),
        false => format!("{} ({}): {error}", error.code(), error.status()),
    })
}

fn place<'a>(world: &'a World, (stage, scoped): (&'static str, bool)) -> Place<'a> {
    let place = Place::new(world, stage);
    let options = CreateContainerOptions {
        encryption: ContainerEncryption {
            default_scope: scoped.then(|| SCOPE.parse().unwrap()),
            deny_override: scoped,
        },
        ..CreateContainerOptions::default()
    };
    place.container.create_with(&options).unwrap();
    CASES.iter().for_each(|case| (case.prepare)(&place.of(case)));
    place
}

/// Calls every case and prints a line of the matrix for each; how many differ.
fn differences(place: &Place<'_>, cause: &str, code: Option<&'static str>) -> usize {
    let mut differences = 0;
    for case in CASES {
        let (expected, seen) = (expected(case, code), seen((case.call)(&place.of(case))));
        let differs = expected != seen.as_deref();
        differences += usize::from(differs);
        println!(
            "{:<32} {:<17} {:<17} {:<31} {:<38} {}{}",
            case.operation.rest_name(),
            case.form,
            place.stage,
            cause,
            expected.unwrap_or("goes on"),
            seen.as_deref().unwrap_or("goes on"),
            if differs { "  DIFFERS" } else { "" },
        );
    }
    differences
}

fn walk(cause: &Cause) -> usize {
    let world = World::customer();
    world.make_key(VAULT, SCOPE_KEY);
    let new = NewEncryptionScope {
        key: Some(pinned(&world.current(VAULT, SCOPE_KEY))),
        ..NewEncryptionScope::default()
    };
    let account = world.account();
    account
        .create_encryption_scope(&SCOPE.parse().unwrap(), &new)
        .unwrap();
    let [healthy, revoked, restored] = STAGES.map(|stage| stage.map(|one| place(&world, one)));
    let all = |places: &[Place<'_>; 2], name: &str, codes: [Option<&'static str>; 2]| -> usize {
        let places = places.iter().zip(codes);
        places.map(|(place, code)| differences(place, name, code)).sum()
    };
    let mut found = all(&healthy, "nothing", [None, None]);
    (cause.revoke)(&world);
    found += all(&revoked, cause.name, cause.codes);
    (cause.restore)(&world);
    found + all(&restored, "restored", [None, None])
}

#[test]
fn each_is_stopped_by_its_own_key_and_by_nothing_else() {
    let differences: usize = CAUSES.iter().map(walk).sum();
    let counts = [
        ("operations", 2 * CASES.len() as u64),
        ("causes", CAUSES.len() as u64),
    ];
    tally::tally("R11", "an encryption scope", &counts, differences);
    assert_eq!(differences, 0, "differences");
}

/// A group is shown by its name alone: what is in it needs no key, though its metadata was asked for.
#[test]
fn a_listing_asks_for_the_keys_of_what_it_shows() {
    let world = World::customer();
    let account = world.account();
    account
        .change_blob_service_properties(|settings| settings.versioning = true)
        .unwrap();
    let new = NewEncryptionScope::default();
    let made = account.create_encryption_scope(&SCOPE.parse().unwrap(), &new);
    made.unwrap();
    let container = account.container(&"listed".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let mut metadata = Metadata::new();
    metadata.insert("who", "carol").unwrap();
    for blob in ["deleted/a", "replaced/a", "replaced/a"] {
        let options = UploadOptions {
            metadata: metadata.clone(),
            encryption: EncryptionChoice::Scope(SCOPE.parse().unwrap()),
            ..UploadOptions::default()
        };
        container
            .upload(&blob.parse().unwrap(), &b"content"[..], options)
            .unwrap();
    }
    container
        .delete_blob(&"deleted/a".parse().unwrap(), DeleteBlobOptions::default())
        .unwrap();
    let staged = PutBlockOptions {
        encryption: EncryptionChoice::Scope(SCOPE.parse().unwrap()),
        ..PutBlockOptions::default()
    };
    let id = BlockId::new(b"one").unwrap();
    container
        .put_block(&"staged/a".parse().unwrap(), &id, &b"block"[..], &staged)
        .unwrap();
    let list = |delimiter: Option<&str>, include: ListInclude| {
        let request = ListBlobs {
            delimiter: delimiter.map(str::to_owned),
            detail: ListDetail::Metadata,
            include,
            ..ListBlobs::default()
        };
        container.list_blobs(&request).map(|page| page.entries)
    };
    let versions = ListInclude {
        versions: true,
        ..ListInclude::default()
    };
    let uncommitted = ListInclude {
        uncommitted: true,
        ..ListInclude::default()
    };
    let only_versions = ListInclude {
        deleted_with_versions: true,
        ..ListInclude::default()
    };
    set_state(&world, EncryptionScopeState::Disabled);
    for include in [versions, only_versions] {
        let groups = ["deleted/", "replaced/"].map(|group| ListEntry::Prefix(group.to_owned()));
        assert_eq!(list(Some("/"), include).unwrap(), groups);
        assert_eq!(list(None, include).unwrap_err().status(), 403);
    }
    container
        .delete_blob(&"replaced/a".parse().unwrap(), DeleteBlobOptions::default())
        .unwrap();
    assert_eq!(
        list(None, uncommitted).unwrap_err().status(),
        403,
        "of its blocks"
    );
    set_state(&world, EncryptionScopeState::Enabled);
    assert_eq!(list(None, uncommitted).unwrap().len(), 1);
}
