//! Deleted vaults and keys come back until their time has come, and not after it.

mod common;

use std::time::Duration;

use common::{Bench, DAY, key, reference, vault};
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::{KeyService, NewKeyOptions, NewVault, Retention, VaultError, VaultUpdate};

const PROTECTED: Retention = Retention::Protected { days: 90 };

#[test]
fn a_deleted_key_is_invisible_and_comes_back_with_every_version() {
    let bench = Bench::with_key();
    let (owner, name, k) = (bench.owner(), vault("bench"), key("key"));
    bench.key("bench", "key");
    let wrapped = bench
        .store
        .wrap_key(&owner, &reference("key"), RsaOaep256, b"x")
        .unwrap();
    let deleted = bench.store.delete_key(&owner, &name, &k).unwrap();
    assert_eq!(
        deleted.recovery_id,
        "https://bench.vault.azure.net/deletedkeys/key"
    );
    assert_eq!(
        deleted.scheduled_purge.unwrap().since(deleted.deleted.unwrap()),
        DAY * 7
    );

    let not_found = [
        bench.store.get_key(&owner, &name, &k, None).map(drop),
        bench.store.list_versions(&owner, &name, &k).map(drop),
        bench
            .store
            .unwrap_key(&owner, &wrapped.key.reference(), RsaOaep256, &wrapped.value)
            .map(drop),
        bench.store.delete_key(&owner, &name, &k).map(drop),
    ];
    for result in not_found {
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.status()), ("KeyNotFound", 404));
    }
    let taken = bench
        .store
        .create_key(&owner, &name, &k, NewKeyOptions::default())
        .unwrap_err();
    assert_eq!(taken.inner_code(), Some("ObjectIsDeletedButRecoverable"));
    assert_eq!(bench.store.list_deleted_keys(&owner, &name).unwrap().len(), 1);

    bench.store.recover_key(&owner, &name, &k).unwrap();
    assert_eq!(bench.store.list_versions(&owner, &name, &k).unwrap().len(), 2);
    let opened = bench
        .store
        .unwrap_key(&owner, &wrapped.key.reference(), RsaOaep256, &wrapped.value);
    assert_eq!(opened.unwrap().value.as_slice(), b"x");
}

#[test]
fn a_purged_key_is_gone_with_its_side_files_and_its_name_is_free() {
    let bench = Bench::with_key();
    let (owner, name, k) = (bench.owner(), vault("bench"), key("key"));
    assert!(matches!(
        bench.store.purge_key(&owner, &name, &k),
        Err(VaultError::Conflict { .. })
    ));
    bench.store.delete_key(&owner, &name, &k).unwrap();
    assert_eq!(bench.side_files(), 1);
    bench.store.purge_key(&owner, &name, &k).unwrap();
    assert_eq!(bench.side_files(), 0);
    assert!(bench.store.recover_key(&owner, &name, &k).is_err());
    bench.key("bench", "key");
    bench.pass(DAY * 100);
    assert_eq!(
        bench.store.carry_out_due().unwrap(),
        0,
        "nothing of the old key is still due"
    );
}

#[test]
fn purge_protection_holds_for_ninety_days_and_then_the_key_ends_by_itself() {
    let mut bench = Bench::new();
    let name = bench.vault("bench", PROTECTED);
    let k = key("key");
    bench.key("bench", "key");
    bench.store.delete_key(&bench.owner(), &name, &k).unwrap();
    for _ in 0..90 {
        let error = bench.store.purge_key(&bench.owner(), &name, &k).unwrap_err();
        assert!(matches!(error, VaultError::PurgeProtected));
        assert_eq!(error.status(), 403);
        bench.store.get_deleted_key(&bench.owner(), &name, &k).unwrap();
        bench.pass(DAY);
    }
    assert!(bench.store.get_deleted_key(&bench.owner(), &name, &k).is_err());
    assert!(bench.store.recover_key(&bench.owner(), &name, &k).is_err());
    assert_eq!(bench.side_files(), 0, "the managing call carried the purge out");
    bench.reopen();
    bench.key("bench", "key");
}

#[test]
fn an_instant_before_its_end_a_key_can_be_recovered() {
    let bench = Bench::new();
    let name = bench.vault("bench", PROTECTED);
    bench.key("bench", "key");
    bench
        .store
        .delete_key(&bench.owner(), &name, &key("key"))
        .unwrap();
    bench.pass(DAY * 90 - Duration::from_nanos(100));
    bench
        .store
        .recover_key(&bench.owner(), &name, &key("key"))
        .unwrap();
    bench.pass(DAY * 400);
    assert_eq!(bench.store.carry_out_due().unwrap(), 0);
    bench
        .store
        .get_key(&bench.owner(), &name, &key("key"), None)
        .unwrap();
}

#[test]
fn what_ended_while_the_store_was_closed_ends_at_open() {
    let mut bench = Bench::new();
    let name = bench.vault("bench", PROTECTED);
    bench.key("bench", "key");
    bench
        .store
        .delete_key(&bench.owner(), &name, &key("key"))
        .unwrap();
    bench.pass(DAY * 91);
    assert_eq!(bench.side_files(), 1);
    bench.reopen();
    assert_eq!(bench.side_files(), 0);
}

#[test]
fn switching_protection_on_protects_what_is_deleted_already() {
    let bench = Bench::with_key();
    let (owner, name) = (bench.owner(), vault("bench"));
    bench.store.delete_key(&owner, &name, &key("key")).unwrap();
    let update = VaultUpdate {
        purge_protection: Some(true),
        ..VaultUpdate::default()
    };
    bench.store.update_vault(&owner, &name, update).unwrap();
    let refused = bench.store.purge_key(&owner, &name, &key("key"));
    assert!(matches!(refused, Err(VaultError::PurgeProtected)));
}

#[test]
fn a_deleted_vault_keeps_its_name_and_comes_back_with_everything() {
    let bench = Bench::with_key();
    let (owner, name) = (bench.owner(), vault("bench"));
    let caller = bench.caller(&["get"]);
    let token = bench.token(&caller);
    bench.store.delete_vault(&owner, &name).unwrap();
    assert!(bench.store.list_vaults().unwrap().is_empty());
    assert_eq!(bench.store.list_deleted_vaults().unwrap().len(), 1);
    let gone = [
        bench.store.show_vault(&owner, &name).map(drop),
        bench.store.vault(&name.uri()).map(drop),
        bench.store.get_key(&token, &name, &key("key"), None).map(drop),
        bench
            .store
            .wrap_key(&owner, &reference("key"), RsaOaep256, b"x")
            .map(drop),
        bench.store.delete_vault(&owner, &name),
    ];
    for result in gone {
        assert!(matches!(result, Err(VaultError::VaultNotFound { .. })));
    }
    let new = NewVault::new(
        vault("BENCH"),
        bench.store.default_tenant(),
        "westus".parse().unwrap(),
    );
    let taken = bench.store.create_vault(&owner, new).unwrap_err();
    assert_eq!((taken.code(), taken.status()), ("VaultAlreadyExists", 409));

    bench.store.recover_vault(&owner, &name).unwrap();
    bench.store.get_key(&token, &name, &key("key"), None).unwrap();
}

#[test]
fn a_protected_vault_cannot_be_purged_before_its_time() {
    let bench = Bench::new();
    let name = bench.vault("bench", PROTECTED);
    bench.key("bench", "key");
    let purge = || bench.store.purge_vault(&bench.owner(), &name);
    assert!(
        matches!(purge(), Err(VaultError::Conflict { .. })),
        "it is not even deleted"
    );
    bench.store.delete_vault(&bench.owner(), &name).unwrap();
    for _ in 0..90 {
        assert!(matches!(purge(), Err(VaultError::PurgeProtected)));
        bench.pass(DAY);
    }
    assert!(
        matches!(purge(), Err(VaultError::VaultNotFound { .. })),
        "time has purged it"
    );
    assert_eq!(bench.side_files(), 0);
    bench.vault("bench", PROTECTED);
}

#[test]
fn an_unprotected_vault_is_purged_with_all_its_keys() {
    let bench = Bench::with_key();
    let (owner, name) = (bench.owner(), vault("bench"));
    bench.key("bench", "deleted");
    bench.store.delete_key(&owner, &name, &key("deleted")).unwrap();
    bench.store.delete_vault(&owner, &name).unwrap();
    bench.store.purge_vault(&owner, &name).unwrap();
    assert_eq!(bench.side_files(), 0);
    bench.vault("bench", PROTECTED);
    assert!(bench.store.list_keys(&owner, &name).unwrap().is_empty());
    assert!(bench.store.list_deleted_keys(&owner, &name).unwrap().is_empty());
    bench.pass(DAY * 100);
    assert_eq!(
        bench.store.carry_out_due().unwrap(),
        0,
        "nothing of the old vault is still due"
    );
}

#[test]
fn without_soft_delete_deleted_is_gone() {
    let bench = Bench::new();
    let name = bench.vault("bench", Retention::None);
    let made = bench.key("bench", "key");
    assert_eq!(made.attributes.recovery_level, "Purgeable");
    assert_eq!(made.attributes.recoverable_days, 0);
    bench
        .store
        .delete_key(&bench.owner(), &name, &key("key"))
        .unwrap();
    assert_eq!(bench.side_files(), 0);
    bench.key("bench", "key");
    bench.store.delete_vault(&bench.owner(), &name).unwrap();
    assert_eq!(bench.side_files(), 0);
    assert!(bench.store.list_deleted_vaults().unwrap().is_empty());
}
