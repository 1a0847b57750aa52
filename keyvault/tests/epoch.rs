//! Every change moves the epoch and calls the watchers before it returns; reading and refusals do not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, Weak};

use common::{Bench, DAY, key, reference, vault};
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::{
    AccessPolicy, AccessToken, AccessWatcher, Directory, KeyId, KeyPermissions, KeyService, KeyUpdate,
    NewKeyOptions, NewVault, ObjectId, Retention, RotationPolicy, TenantId, VaultError, VaultStore,
    VaultUpdate,
};

#[derive(Default)]
struct Counter(AtomicUsize);

impl AccessWatcher for Counter {
    fn access_changed(&self) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn watch(store: &VaultStore) -> Arc<Counter> {
    let counter: Arc<Counter> = Arc::default();
    let watcher: Arc<dyn AccessWatcher> = counter.clone();
    let weak: Weak<dyn AccessWatcher> = Arc::downgrade(&watcher);
    store.watch(weak);
    counter
}

type Step = (&'static str, fn(&Bench) -> Result<(), VaultError>);

const CHANGES: [Step; 24] = [
    ("create vault", |b| {
        let new = NewVault::new(vault("second"), b.store.default_tenant(), "westus".parse()?);
        b.store.create_vault(&b.owner(), new).map(drop)
    }),
    ("update vault", |b| {
        b.store
            .update_vault(&b.owner(), &vault("bench"), VaultUpdate::default())
            .map(drop)
    }),
    ("set policy", |b| {
        b.store
            .set_policy(&b.owner(), &vault("bench"), policy())
            .map(drop)
    }),
    ("delete policy", |b| {
        b.store
            .delete_policy(&b.owner(), &vault("bench"), ObjectId([5; 16]))
            .map(drop)
    }),
    ("create key", |b| {
        b.store
            .create_key(
                &b.owner(),
                &vault("bench"),
                &key("other"),
                NewKeyOptions::default(),
            )
            .map(drop)
    }),
    ("new version", |b| {
        b.store
            .create_key(&b.owner(), &vault("bench"), &key("key"), NewKeyOptions::default())
            .map(drop)
    }),
    ("import key", |b| {
        b.key("bench", "taken-in");
        Ok(())
    }),
    ("disable a version", |b| enable(b, false)),
    ("enable a version", |b| enable(b, true)),
    ("rotate", |b| {
        b.store
            .rotate_key(&b.owner(), &vault("bench"), &key("key"))
            .map(drop)
    }),
    ("set rotation policy", |b| {
        let names = (&vault("bench"), &key("key"));
        b.store
            .set_rotation_policy(&b.owner(), names, &RotationPolicy::default())
            .map(drop)
    }),
    ("delete key", |b| {
        b.store
            .delete_key(&b.owner(), &vault("bench"), &key("key"))
            .map(drop)
    }),
    ("recover key", |b| {
        b.store
            .recover_key(&b.owner(), &vault("bench"), &key("key"))
            .map(drop)
    }),
    ("delete another key", |b| {
        b.store
            .delete_key(&b.owner(), &vault("bench"), &key("other"))
            .map(drop)
    }),
    ("purge key", |b| {
        b.store.purge_key(&b.owner(), &vault("bench"), &key("other"))
    }),
    ("create system identity", |b| {
        b.store
            .create_system_identity(TenantId([1; 16]), "account")
            .map(drop)
    }),
    ("create user identity", |b| {
        b.store.create_user_identity(TenantId([1; 16]), "name").map(drop)
    }),
    ("remove identity", |b| {
        let identity = b
            .store
            .identities()?
            .into_iter()
            .find(|i| i.tenant_id == TenantId([1; 16]));
        b.store.remove_identity(identity.unwrap().principal_id)
    }),
    ("create tenant", |b| b.store.create_tenant(TenantId([2; 16]))),
    ("delete vault", |b| {
        b.store.delete_vault(&b.owner(), &vault("bench"))
    }),
    ("recover vault", |b| {
        b.store.recover_vault(&b.owner(), &vault("bench")).map(drop)
    }),
    ("delete a key that time will end", |b| {
        b.store
            .delete_key(&b.owner(), &vault("bench"), &key("taken-in"))
            .map(drop)
    }),
    ("the end of a retention", |b| {
        b.pass(DAY * 7);
        b.store.carry_out_due().map(drop)
    }),
    ("delete the other vault", |b| {
        b.store.delete_vault(&b.owner(), &vault("second"))
    }),
];

fn policy() -> AccessPolicy {
    AccessPolicy {
        object_id: ObjectId([5; 16]),
        keys: KeyPermissions::all(),
    }
}

fn enable(bench: &Bench, enabled: bool) -> Result<(), VaultError> {
    let update = KeyUpdate {
        enabled: Some(enabled),
        ..KeyUpdate::default()
    };
    let target = (&key("key"), None);
    bench
        .store
        .update_key(&bench.owner(), &vault("bench"), target, update)
        .map(drop)
}

#[test]
fn every_change_moves_the_epoch_once_and_calls_the_watchers() {
    let bench = Bench::with_key();
    let counter = watch(&bench.store);
    for (name, change) in CHANGES {
        let (epoch, calls) = (bench.store.epoch(), counter.0.load(SeqCst));
        change(&bench).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_ne!(bench.store.epoch(), epoch, "{name}");
        assert_eq!(counter.0.load(SeqCst), calls + 1, "{name}");
        assert_eq!(bench.store.epoch(), bench.store.epoch());
    }
}

#[test]
fn reading_using_and_refusing_leave_the_epoch_alone() {
    let bench = Bench::with_key();
    let stranger = bench.token(&bench.caller(&[]));
    let epoch = bench.store.epoch();
    let owner = bench.owner();
    let wrapped = bench
        .store
        .wrap_key(&owner, &reference("key"), RsaOaep256, b"x")
        .unwrap();
    bench
        .store
        .unwrap_key(&owner, &reference("key"), RsaOaep256, &wrapped.value)
        .unwrap();
    bench
        .store
        .get_key(&owner, &vault("bench"), &key("key"), None)
        .unwrap();
    bench.store.list_keys(&owner, &vault("bench")).unwrap();
    assert!(
        bench
            .store
            .delete_key(&stranger, &vault("bench"), &key("key"))
            .is_err()
    );
    assert!(
        bench
            .store
            .purge_key(&owner, &vault("bench"), &key("key"))
            .is_err()
    );
    assert!(bench.store.delete_vault(&stranger, &vault("bench")).is_err());
    assert_eq!(bench.store.epoch(), epoch);
}

#[test]
fn another_opening_is_another_instance() {
    let mut bench = Bench::new();
    let before = bench.store.epoch();
    bench.reopen();
    assert_ne!(bench.store.epoch().instance, before.instance);
}

/// A guard that asks the vault again from inside the call, as one may.
struct Asking {
    store: Weak<VaultStore>,
    token: AccessToken,
    key: KeyId,
    wrapped: Vec<u8>,
    refused: OnceLock<bool>,
}

impl AccessWatcher for Asking {
    fn access_changed(&self) {
        let store = self.store.upgrade().unwrap();
        store.epoch();
        let opened = store.unwrap(&self.token, &self.key, RsaOaep256, &self.wrapped);
        self.refused.set(opened.is_err()).unwrap();
    }
}

#[test]
fn a_watcher_may_call_the_vault_and_sees_the_change() {
    let bench = Bench::with_key();
    let identity = bench.caller(&["get", "wrapKey", "unwrapKey"]);
    let token = bench.token(&identity);
    let id = bench
        .store
        .latest_version(&token, &vault("bench").uri(), &key("key"))
        .unwrap();
    let asking = Arc::new(Asking {
        store: Arc::downgrade(&bench.store),
        wrapped: bench.store.wrap(&token, &id, RsaOaep256, b"x").unwrap(),
        token,
        key: id,
        refused: OnceLock::new(),
    });
    let watcher: Arc<dyn AccessWatcher> = asking.clone();
    bench.store.watch(Arc::downgrade(&watcher));
    bench
        .store
        .delete_policy(&bench.owner(), &vault("bench"), identity.principal_id)
        .unwrap();
    assert_eq!(asking.refused.get(), Some(&true));
}

#[test]
fn a_watcher_that_is_gone_is_forgotten() {
    let bench = Bench::with_key();
    drop(watch(&bench.store));
    bench.vault("second", Retention::None);
}

#[test]
fn no_unwrap_succeeds_after_a_revoke_has_returned() {
    let bench = Bench::with_key();
    let identity = bench.caller(&["get", "wrapKey", "unwrapKey"]);
    let token = bench.token(&identity);
    let id = bench
        .store
        .latest_version(&token, &vault("bench").uri(), &key("key"))
        .unwrap();
    let wrapped = bench.store.wrap(&token, &id, RsaOaep256, b"x").unwrap();
    let revoked = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let was_revoked = revoked.load(SeqCst);
                    match bench.store.unwrap(&token, &id, RsaOaep256, &wrapped) {
                        Ok(_) => assert!(!was_revoked, "unwrapped after the revoke had returned"),
                        Err(VaultError::AccessDenied(_)) => break,
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        bench
            .store
            .delete_policy(
                &bench.store.owner_token().unwrap(),
                &vault("bench"),
                identity.principal_id,
            )
            .unwrap();
        revoked.store(true, SeqCst);
    });
}
