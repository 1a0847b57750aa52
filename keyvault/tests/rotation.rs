//! Rotation makes a new version by hand or when the policy's time has come; old versions go on opening.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Bench, DAY, key, reference, vault};
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::{KeyOperation, NewKeyOptions, RotationPolicy, VaultError};

const POLICY: &str = r#"{"lifetimeActions":
    [{"trigger":{"timeAfterCreate":"P30D"},"action":{"type":"rotate"}}],
    "attributes":{"expiryTime":"P60D"}}"#;

fn set(bench: &Bench, json: &str) {
    let policy = RotationPolicy::from_json(json.as_bytes()).unwrap();
    let names = (&vault("bench"), &key("key"));
    bench
        .store
        .set_rotation_policy(&bench.owner(), names, &policy)
        .unwrap();
}

#[test]
fn a_new_version_is_like_the_old_one_and_the_old_one_still_opens() {
    let bench = Bench::with_key();
    let options = NewKeyOptions {
        operations: [KeyOperation::WrapKey, KeyOperation::UnwrapKey]
            .into_iter()
            .collect(),
        tags: [("a".to_owned(), "b".to_owned())].into(),
        ..NewKeyOptions::default()
    };
    let old = bench.key_with("bench", "key", options);
    let wrapped = bench
        .store
        .wrap_key(&bench.owner(), &reference("key"), RsaOaep256, b"x")
        .unwrap();
    let new = bench
        .store
        .rotate_key(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    assert_ne!(new.id, old.id);
    assert_eq!(
        (new.operations, &new.tags, new.kty),
        (old.operations, &old.tags, old.kty)
    );
    assert_eq!(new.public.bits(), old.public.bits());
    let opened = bench.store.unwrap_key(
        &bench.owner(),
        &wrapped.key.reference(),
        RsaOaep256,
        &wrapped.value,
    );
    assert_eq!(opened.unwrap().value.as_slice(), b"x");
    let current = bench
        .store
        .get_key(&bench.owner(), &vault("bench"), &key("key"), None)
        .unwrap();
    assert_eq!(current.id, new.id);
}

#[test]
fn versions_are_listed_in_the_order_in_which_they_were_made() {
    let bench = Bench::with_key();
    let made: Vec<_> = (0..5).map(|_| bench.key("bench", "key").id.version).collect();
    let versions = bench
        .store
        .list_versions(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    let listed: Vec<_> = versions.iter().filter_map(|item| item.kid.version).collect();
    assert_eq!(listed[1..], made, "all within one second");
}

#[test]
fn the_policy_gives_new_versions_their_expiry_and_rotates_when_it_is_time() {
    let mut bench = Bench::with_key();
    set(&bench, POLICY);
    assert!(bench.store.rotate_if_due().unwrap().is_empty());
    bench.pass(DAY * 30);
    bench.reopen();
    let rotated = bench.store.rotate_if_due().unwrap();
    assert_eq!(rotated.len(), 1);
    let current = bench
        .store
        .get_key(&bench.owner(), &vault("bench"), &key("key"), None)
        .unwrap();
    assert_eq!(current.id, rotated[0]);
    let life = current
        .attributes
        .expires
        .unwrap()
        .since(current.attributes.created);
    assert_eq!(life, DAY * 60);
    assert!(bench.store.rotate_if_due().unwrap().is_empty(), "once is enough");
    let versions = bench
        .store
        .list_versions(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    assert_eq!(
        versions[0].attributes.expires, None,
        "a version that exists keeps its expiry"
    );
}

#[test]
fn a_policy_rotates_whatever_the_owner_may_do() {
    let bench = Bench::with_key();
    set(&bench, POLICY);
    let owner = bench.store.owner();
    bench
        .store
        .delete_policy(&bench.owner(), &vault("bench"), owner)
        .unwrap();
    bench.pass(DAY * 30);
    assert_eq!(bench.store.rotate_if_due().unwrap().len(), 1);
    let log = bench
        .store
        .audit(&bench.owner(), &vault("bench"), 0, 100)
        .unwrap();
    let last = &log.last().unwrap().record;
    assert_eq!(
        (last.operation.as_str(), last.object_id),
        ("KeyRotateIfDue", None)
    );
}

#[test]
fn an_expiry_of_ones_own_stands_against_the_policy() {
    let bench = Bench::with_key();
    set(&bench, POLICY);
    let options = NewKeyOptions {
        expires: Some(strongroom_engine::Clock::now(bench.clock.as_ref()).plus(DAY)),
        ..NewKeyOptions::default()
    };
    let made = bench.key_with("bench", "key", options.clone());
    assert_eq!(made.attributes.expires, options.expires);
}

#[test]
fn deleted_keys_are_not_rotated_and_their_policy_comes_back_with_them() {
    let bench = Bench::with_key();
    set(&bench, POLICY);
    bench.pass(DAY * 31);
    bench
        .store
        .delete_key(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    assert!(bench.store.rotate_if_due().unwrap().is_empty());
    let refused = bench
        .store
        .rotate_key(&bench.owner(), &vault("bench"), &key("key"));
    assert!(matches!(refused, Err(VaultError::KeyNotFound { .. })));
    bench
        .store
        .recover_key(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    assert_eq!(bench.store.rotate_if_due().unwrap().len(), 1);
}

#[test]
fn a_stored_policy_is_read_back_even_when_the_default_notice_does_not_fit() {
    let bench = Bench::with_key();
    set(
        &bench,
        r#"{"lifetimeActions":[],"attributes":{"expiryTime":"P28D"}}"#,
    );
    let stored = bench
        .store
        .rotation_policy(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    assert!(stored.policy.expiry().is_some());
    assert_eq!(stored.created, stored.updated);
    let view = strongroom_keyvault::view::rotation_policy(&stored);
    assert_eq!(view["attributes"]["expiryTime"], "P28D");
    assert_eq!(view["attributes"]["created"], "2020-09-13T12:26:40+00:00");
}
