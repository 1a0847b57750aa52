//! Disabled, expired and not yet valid versions: what goes on and what does not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{Bench, DAY, key, reference, vault};
use strongroom_engine::{Clock, Timestamp};
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::SignatureAlgorithm::PS256;
use strongroom_keyvault::{KeyOperation, KeyUpdate, VaultError};

struct Made {
    sealed: Vec<u8>,
    signature: Vec<u8>,
}

fn made(bench: &Bench) -> Made {
    let owner = bench.owner();
    Made {
        sealed: bench
            .store
            .wrap_key(&owner, &reference("key"), RsaOaep256, b"x")
            .unwrap()
            .value,
        signature: bench
            .store
            .sign(&owner, &reference("key"), PS256, &[1; 32])
            .unwrap()
            .value,
    }
}

fn run(bench: &Bench, made: &Made, operation: KeyOperation) -> Result<(), VaultError> {
    let (store, owner, key) = (&bench.store, bench.owner(), reference("key"));
    match operation {
        KeyOperation::Encrypt => store.encrypt(&owner, &key, RsaOaep256, b"x").map(drop),
        KeyOperation::Decrypt => store.decrypt(&owner, &key, RsaOaep256, &made.sealed).map(drop),
        KeyOperation::Sign => store.sign(&owner, &key, PS256, &[1; 32]).map(drop),
        KeyOperation::Verify => store
            .verify(&owner, &key, PS256, (&[1; 32], &made.signature))
            .map(drop),
        KeyOperation::WrapKey => store.wrap_key(&owner, &key, RsaOaep256, b"x").map(drop),
        KeyOperation::UnwrapKey => store.unwrap_key(&owner, &key, RsaOaep256, &made.sealed).map(drop),
    }
}

/// Applies `update`, lets `pass` go by, and compares every operation with the code it should be refused with.
#[track_caller]
fn check(update: impl FnOnce(Timestamp) -> KeyUpdate, pass: Duration, want: [Option<&str>; 6]) {
    let bench = Bench::with_key();
    let made = made(&bench);
    let update = update(bench.clock.now());
    bench
        .store
        .update_key(&bench.owner(), &vault("bench"), (&key("key"), None), update)
        .unwrap();
    bench.pass(pass);
    for (operation, want) in KeyOperation::ALL.into_iter().zip(want) {
        let error = run(&bench, &made, operation).err();
        let code = error.as_ref().and_then(VaultError::inner_code);
        assert_eq!(code, want, "{}", operation.as_str());
        if let Some(error) = error {
            assert_eq!((error.code(), error.status()), ("Forbidden", 403));
            assert!(error.to_string().contains(operation.as_str()), "{error}");
        }
    }
    let shown = bench
        .store
        .get_key(&bench.owner(), &vault("bench"), &key("key"), None);
    assert!(shown.is_ok(), "reading is always possible");
}

const NONE: Option<&str> = None;

#[test]
fn a_disabled_version_does_nothing() {
    let update = |_| KeyUpdate {
        enabled: Some(false),
        ..KeyUpdate::default()
    };
    check(update, Duration::ZERO, [Some("KeyDisabled"); 6]);
}

#[test]
fn an_expired_version_opens_and_verifies_but_protects_nothing_new() {
    let expired = Some("KeyExpired");
    let update = |now: Timestamp| KeyUpdate {
        expires: Some(Some(now.plus(DAY))),
        ..KeyUpdate::default()
    };
    // In the order of `KeyOperation::ALL`: encrypt, decrypt, sign, verify, wrap, unwrap.
    check(update, DAY - Duration::from_nanos(100), [NONE; 6]);
    check(update, DAY, [expired, NONE, expired, NONE, expired, NONE]);
    check(update, DAY * 400, [expired, NONE, expired, NONE, expired, NONE]);
}

#[test]
fn a_version_that_is_not_yet_valid_opens_and_verifies_but_protects_nothing_new() {
    let early = Some("KeyNotYetValid");
    let update = |now: Timestamp| KeyUpdate {
        not_before: Some(Some(now.plus(DAY))),
        ..KeyUpdate::default()
    };
    check(
        update,
        DAY - Duration::from_nanos(100),
        [early, NONE, early, NONE, early, NONE],
    );
    check(update, DAY, [NONE; 6]);
}

#[test]
fn an_operation_that_is_not_in_key_ops_is_refused() {
    for (index, operation) in KeyOperation::ALL.into_iter().enumerate() {
        let others = KeyOperation::ALL.into_iter().filter(|other| *other != operation);
        let update = |_| KeyUpdate {
            operations: Some(others.collect()),
            ..KeyUpdate::default()
        };
        let mut want = [NONE; 6];
        want[index] = Some("KeyOperationForbidden");
        check(update, Duration::ZERO, want);
    }
}

#[test]
fn a_limit_can_be_taken_away_again() {
    let bench = Bench::with_key();
    let made = made(&bench);
    let owner = bench.owner();
    let change = |update| {
        bench
            .store
            .update_key(&owner, &vault("bench"), (&key("key"), None), update)
    };
    change(KeyUpdate {
        expires: Some(Some(bench.clock.now())),
        ..KeyUpdate::default()
    })
    .unwrap();
    assert!(run(&bench, &made, KeyOperation::WrapKey).is_err());
    let bundle = change(KeyUpdate {
        expires: Some(None),
        ..KeyUpdate::default()
    })
    .unwrap();
    assert_eq!(bundle.attributes.expires, None);
    run(&bench, &made, KeyOperation::WrapKey).unwrap();
}

#[test]
fn attributes_belong_to_one_version() {
    let bench = Bench::with_key();
    let first = bench
        .store
        .get_key(&bench.owner(), &vault("bench"), &key("key"), None)
        .unwrap();
    let second = bench.key("bench", "key");
    let update = KeyUpdate {
        enabled: Some(false),
        ..KeyUpdate::default()
    };
    let target = (&key("key"), Some(first.id.version));
    bench
        .store
        .update_key(&bench.owner(), &vault("bench"), target, update)
        .unwrap();
    let owner = bench.owner();
    let wrap = |reference| bench.store.wrap_key(&owner, &reference, RsaOaep256, b"x");
    assert!(matches!(
        wrap(first.id.reference()),
        Err(VaultError::KeyDisabled { .. })
    ));
    assert_eq!(wrap(second.id.reference()).unwrap().key, second.id);
    assert_eq!(wrap(reference("key")).unwrap().key, second.id);
}

#[test]
fn limits_on_times_and_tags_are_told() {
    let bench = Bench::with_key();
    let owner = bench.owner();
    let now = bench.clock.now();
    let tags =
        |count: usize, length: usize| Some((0..count).map(|n| (n.to_string(), "v".repeat(length))).collect());
    let cases = [
        (
            KeyUpdate {
                tags: tags(15, 256),
                ..KeyUpdate::default()
            },
            true,
        ),
        (
            KeyUpdate {
                tags: tags(16, 1),
                ..KeyUpdate::default()
            },
            false,
        ),
        (
            KeyUpdate {
                tags: tags(1, 257),
                ..KeyUpdate::default()
            },
            false,
        ),
        (
            KeyUpdate {
                not_before: Some(Some(now)),
                expires: Some(Some(now)),
                ..KeyUpdate::default()
            },
            false,
        ),
    ];
    for (index, (update, allowed)) in cases.into_iter().enumerate() {
        let result = bench
            .store
            .update_key(&owner, &vault("bench"), (&key("key"), None), update);
        assert_eq!(result.is_ok(), allowed, "case {index}");
        assert!(result.is_ok() || matches!(result, Err(VaultError::BadParameter { .. })));
    }
}
