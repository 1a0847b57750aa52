//! Every operation needs its own permission, and the refusal names the one that is missing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Bench, key, reference, vault};
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::SignatureAlgorithm::RS256;
use strongroom_keyvault::{
    AccessToken, KeyPermission, KeyUpdate, NewKeyOptions, RotationPolicy, VaultError, testing,
};

type Operation = fn(&Bench, &AccessToken) -> Result<(), VaultError>;

const OPERATIONS: [(&str, Operation); 22] = [
    ("get", |b, t| {
        b.store.get_key(t, &vault("bench"), &key("key"), None).map(drop)
    }),
    ("get", |b, t| {
        b.store
            .get_deleted_key(t, &vault("bench"), &key("gone"))
            .map(drop)
    }),
    ("list", |b, t| b.store.list_keys(t, &vault("bench")).map(drop)),
    ("list", |b, t| {
        b.store.list_versions(t, &vault("bench"), &key("key")).map(drop)
    }),
    ("list", |b, t| {
        b.store.list_deleted_keys(t, &vault("bench")).map(drop)
    }),
    ("update", |b, t| {
        let target = (&key("key"), None);
        b.store
            .update_key(t, &vault("bench"), target, KeyUpdate::default())
            .map(drop)
    }),
    ("create", |b, t| {
        b.store
            .create_key(t, &vault("bench"), &key("new"), NewKeyOptions::default())
            .map(drop)
    }),
    ("import", |b, t| {
        let names = (&vault("bench"), &key("taken-in"));
        b.store
            .import_key(t, names, testing::key(0), NewKeyOptions::default())
            .map(drop)
    }),
    ("delete", |b, t| {
        b.store.delete_key(t, &vault("bench"), &key("other")).map(drop)
    }),
    ("recover", |b, t| {
        b.store.recover_key(t, &vault("bench"), &key("gone")).map(drop)
    }),
    ("purge", |b, t| {
        b.store.purge_key(t, &vault("bench"), &key("gone")).map(drop)
    }),
    ("backup", |b, t| {
        b.store.backup_key(t, &vault("bench"), &key("key")).map(drop)
    }),
    ("restore", |b, t| {
        let backup = b.store.backup_key(&b.owner(), &vault("bench"), &key("key"))?;
        let place = vault("second");
        if b.store.show_vault(&b.owner(), &place).is_err() {
            b.vault("second", strongroom_keyvault::Retention::Purgeable { days: 7 });
        }
        // The name exists in `bench`, so a caller with the permission meets a conflict there.
        match b.store.restore_key(t, &vault("bench"), &backup) {
            Err(VaultError::Conflict { .. }) => Ok(()),
            other => other.map(drop),
        }
    }),
    ("encrypt", |b, t| {
        b.store.encrypt(t, &reference("key"), RsaOaep256, b"x").map(drop)
    }),
    ("decrypt", |b, t| {
        let sealed = b.store.encrypt(&b.owner(), &reference("key"), RsaOaep256, b"x")?;
        b.store
            .decrypt(t, &reference("key"), RsaOaep256, &sealed.value)
            .map(drop)
    }),
    ("wrapKey", |b, t| {
        b.store.wrap_key(t, &reference("key"), RsaOaep256, b"x").map(drop)
    }),
    ("unwrapKey", |b, t| {
        let sealed = b
            .store
            .wrap_key(&b.owner(), &reference("key"), RsaOaep256, b"x")?;
        b.store
            .unwrap_key(t, &reference("key"), RsaOaep256, &sealed.value)
            .map(drop)
    }),
    ("sign", |b, t| {
        b.store.sign(t, &reference("key"), RS256, &[1; 32]).map(drop)
    }),
    ("verify", |b, t| {
        let signed = b.store.sign(&b.owner(), &reference("key"), RS256, &[1; 32])?;
        b.store
            .verify(t, &reference("key"), RS256, (&[1; 32], &signed.value))
            .map(drop)
    }),
    ("rotate", |b, t| {
        b.store.rotate_key(t, &vault("bench"), &key("key")).map(drop)
    }),
    ("getrotationpolicy", |b, t| {
        b.store.rotation_policy(t, &vault("bench"), &key("key")).map(drop)
    }),
    ("setrotationpolicy", |b, t| {
        let names = (&vault("bench"), &key("key"));
        b.store
            .set_rotation_policy(t, names, &RotationPolicy::default())
            .map(drop)
    }),
];

fn bench() -> Bench {
    let bench = Bench::with_key();
    for name in ["gone", "other"] {
        bench.key("bench", name);
    }
    bench
        .store
        .delete_key(&bench.owner(), &vault("bench"), &key("gone"))
        .unwrap();
    bench
}

#[test]
fn without_its_permission_an_operation_is_denied_by_name_and_changes_nothing() {
    let bench = bench();
    for (permission, operation) in OPERATIONS {
        let others: Vec<&str> = KeyPermission::ALL
            .into_iter()
            .map(KeyPermission::as_str)
            .filter(|other| *other != permission)
            .collect();
        let caller = bench.caller(&others);
        let token = bench.token(&caller);
        match operation(&bench, &token) {
            Err(VaultError::AccessDenied(denied)) => {
                assert_eq!(denied.permission, permission);
                assert_eq!(denied.object_id, caller.principal_id.to_string());
                assert_eq!(denied.vault, "bench");
                assert_eq!(denied.location, "westus");
            }
            other => panic!("{permission}: {other:?}"),
        }
    }
    let keys = bench.store.list_keys(&bench.owner(), &vault("bench")).unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(bench.side_files(), 3);
}

#[test]
fn with_its_permission_alone_an_operation_is_done() {
    for (permission, operation) in OPERATIONS {
        let bench = bench();
        let token = bench.token(&bench.caller(&[permission]));
        operation(&bench, &token).unwrap_or_else(|error| panic!("{permission}: {error}"));
    }
}

#[test]
fn every_permission_but_release_guards_an_operation() {
    for permission in KeyPermission::ALL {
        let guarded = OPERATIONS.iter().any(|(name, _)| *name == permission.as_str());
        assert_eq!(guarded, permission != KeyPermission::Release, "{permission}");
    }
}

#[test]
fn nobody_but_the_owner_manages_vaults() {
    let bench = Bench::with_key();
    let token = bench.token(&bench.caller(&["all"]));
    let name = vault("bench");
    let new = strongroom_keyvault::NewVault::new(
        vault("another"),
        bench.store.default_tenant(),
        "westus".parse().unwrap(),
    );
    let policy = strongroom_keyvault::AccessPolicy {
        object_id: bench.store.owner(),
        keys: strongroom_keyvault::KeyPermissions::all(),
    };
    let refused = [
        bench.store.create_vault(&token, new).map(drop),
        bench.store.show_vault(&token, &name).map(drop),
        bench
            .store
            .update_vault(&token, &name, Default::default())
            .map(drop),
        bench.store.set_policy(&token, &name, policy).map(drop),
        bench
            .store
            .delete_policy(&token, &name, policy.object_id)
            .map(drop),
        bench.store.delete_vault(&token, &name),
        bench.store.recover_vault(&token, &name).map(drop),
        bench.store.purge_vault(&token, &name),
        bench.store.audit(&token, &name, 0, 1).map(drop),
        bench.store.verify_audit(&token, &name).map(drop),
    ];
    for (index, result) in refused.into_iter().enumerate() {
        let error = result.unwrap_err();
        assert!(
            matches!(error, VaultError::NotOwner { .. }),
            "case {index}: {error}"
        );
        assert_eq!((error.code(), error.status()), ("AccessDenied", 403));
    }
}
