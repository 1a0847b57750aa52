//! Every call proves its caller: by a signed token that has not expired, of an identity that still exists, in
//! the vault's tenant.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{Bench, key, vault};
use strongroom_keyvault::{
    AccessPolicy, AccessToken, Directory, KeyPermissions, KeyService, TOKEN_SECONDS, TenantId, VaultError,
};
use zeroize::Zeroizing;

fn get(bench: &Bench, token: &AccessToken) -> Result<(), VaultError> {
    bench
        .store
        .get_key(token, &vault("bench"), &key("key"), None)
        .map(drop)
}

#[track_caller]
fn check_unauthorized(result: Result<(), VaultError>, says: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.status()), ("Unauthorized", 401), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn a_token_is_good_for_an_hour_even_when_it_is_known() {
    let bench = Bench::with_key();
    let token = bench.token(&bench.caller(&["get"]));
    get(&bench, &token).unwrap();
    bench.pass(Duration::from_secs(TOKEN_SECONDS as u64 - 1));
    get(&bench, &token).unwrap();
    bench.pass(Duration::from_secs(1));
    check_unauthorized(get(&bench, &token), "expired");
    check_unauthorized(get(&bench, &token), "expired");
}

#[test]
fn a_token_from_the_future_is_refused() {
    let bench = Bench::with_key();
    let now = strongroom_engine::Clock::now(bench.clock.as_ref());
    bench.pass(Duration::from_secs(60));
    let token = bench.token(&bench.caller(&["get"]));
    bench.clock.set(now);
    check_unauthorized(get(&bench, &token), "not valid before");
}

#[test]
fn an_identity_that_was_removed_is_refused_at_once_and_a_new_one_is_another() {
    let bench = Bench::with_key();
    let identity = bench.caller(&["get"]);
    let token = bench.token(&identity);
    get(&bench, &token).unwrap();
    bench.store.remove_identity(identity.principal_id).unwrap();
    check_unauthorized(get(&bench, &token), &identity.principal_id.to_string());
    let error = bench.store.token_for(&identity).unwrap_err();
    assert!(matches!(error, VaultError::IdentityNotFound { .. }));
    let tenant = bench.store.default_tenant();
    let again = bench.store.create_system_identity(tenant, "a test").unwrap();
    assert_ne!(again.principal_id, identity.principal_id);
    let denied = get(&bench, &bench.token(&again));
    assert!(matches!(denied, Err(VaultError::AccessDenied(_))));
}

#[test]
fn a_token_of_another_tenant_is_refused_in_spite_of_its_policy() {
    let bench = Bench::with_key();
    let foreign = bench
        .store
        .create_system_identity(TenantId([9; 16]), "a test")
        .unwrap();
    let policy = AccessPolicy {
        object_id: foreign.principal_id,
        keys: KeyPermissions::all(),
    };
    bench
        .store
        .set_policy(&bench.owner(), &vault("bench"), policy)
        .unwrap();
    check_unauthorized(get(&bench, &bench.token(&foreign)), "AKV10032");
    let mut moved = foreign.clone();
    moved.tenant_id = bench.store.default_tenant();
    assert!(
        bench.store.token_for(&moved).is_err(),
        "the directory knows its tenant"
    );
}

#[test]
fn every_altered_byte_of_a_token_is_refused() {
    let bench = Bench::with_key();
    let good = bench.token(&bench.caller(&["get"]));
    get(&bench, &good).unwrap();
    let text = good.expose_text();
    for at in (0..text.len()).step_by(7) {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let altered = AccessToken::from_text(Zeroizing::new(String::from_utf8(bytes).unwrap()));
        check_unauthorized(get(&bench, &altered), "");
    }
    for text in ["", ".", "..", "a.b.c"] {
        check_unauthorized(
            get(&bench, &AccessToken::from_text(Zeroizing::new(text.to_owned()))),
            "",
        );
    }
}

#[test]
fn a_token_of_another_installation_is_refused() {
    let (bench, other) = (Bench::with_key(), Bench::with_key());
    assert_ne!(bench.owner().expose_text(), other.owner().expose_text());
    check_unauthorized(get(&bench, &other.owner()), "");
}

#[test]
fn a_token_outlives_the_opening_of_the_store() {
    let mut bench = Bench::with_key();
    let token = bench.token(&bench.caller(&["get"]));
    bench.reopen();
    get(&bench, &token).unwrap();
}

#[test]
fn a_token_is_not_printed() {
    let bench = Bench::new();
    assert_eq!(format!("{:?}", bench.owner()), "AccessToken { .. }");
}

#[test]
fn the_owner_cannot_be_removed_and_manages_vaults_of_every_tenant() {
    let bench = Bench::new();
    assert!(bench.store.remove_identity(bench.store.owner()).is_err());
    let mut new =
        strongroom_keyvault::NewVault::new(vault("bench"), TenantId([9; 16]), "westus".parse().unwrap());
    new.subscription = "other".to_owned();
    bench.store.create_vault(&bench.owner(), new).unwrap();
    bench.key("bench", "key");
    get(&bench, &bench.owner()).unwrap();
    assert!(bench.store.tenants().unwrap().contains(&TenantId([9; 16])));
}
