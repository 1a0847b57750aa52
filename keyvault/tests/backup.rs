//! A backup brings a key back with every version under its id, and only where it was taken.

mod common;

use common::{Bench, key, reference, vault};
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::{KeyBackup, NewKeyOptions, NewVault, Retention, TenantId, VaultError};

#[test]
fn a_purged_key_comes_back_and_opens_what_its_old_versions_wrapped() {
    let mut bench = Bench::with_key();
    let (name, k) = (vault("bench"), key("key"));
    let old = bench
        .store
        .wrap_key(&bench.owner(), &reference("key"), RsaOaep256, b"old")
        .unwrap();
    let options = NewKeyOptions {
        tags: [("purpose".to_owned(), "test".to_owned())].into(),
        ..NewKeyOptions::default()
    };
    bench.key_with("bench", "key", options);
    let before = bench.store.list_versions(&bench.owner(), &name, &k).unwrap();
    let backup = bench.store.backup_key(&bench.owner(), &name, &k).unwrap();

    bench.store.delete_key(&bench.owner(), &name, &k).unwrap();
    bench.store.purge_key(&bench.owner(), &name, &k).unwrap();
    assert_eq!(bench.side_files(), 0);
    bench.reopen();
    let backup = KeyBackup::from_text(&backup.to_text()).unwrap();
    let restored = bench.store.restore_key(&bench.owner(), &name, &backup).unwrap();
    assert_eq!(restored.tags.len(), 1, "the current version is current again");
    assert_eq!(
        bench.store.list_versions(&bench.owner(), &name, &k).unwrap(),
        before
    );
    assert_eq!(bench.side_files(), 2);
    let opened = bench
        .store
        .unwrap_key(&bench.owner(), &old.key.reference(), RsaOaep256, &old.value);
    assert_eq!(opened.unwrap().value.as_slice(), b"old");
    bench.key("bench", "key");
    let versions = bench.store.list_versions(&bench.owner(), &name, &k).unwrap();
    assert_eq!(versions[..2], before, "a later version comes last");
}

#[test]
fn a_backup_is_not_restored_over_a_key_deleted_or_not() {
    let bench = Bench::with_key();
    let (owner, name, k) = (bench.owner(), vault("bench"), key("key"));
    let backup = bench.store.backup_key(&owner, &name, &k).unwrap();
    let restore = || bench.store.restore_key(&owner, &name, &backup).unwrap_err();
    assert!(matches!(restore(), VaultError::Conflict { .. }));
    bench.store.delete_key(&owner, &name, &k).unwrap();
    assert_eq!(restore().inner_code(), Some("ObjectIsDeletedButRecoverable"));
    assert_eq!(restore().status(), 409);
    assert_eq!(bench.side_files(), 1, "a refused restore leaves nothing behind");
}

#[test]
fn a_backup_opens_in_no_other_region_tenant_or_installation() {
    let bench = Bench::with_key();
    let (owner, name) = (bench.owner(), vault("bench"));
    let backup = bench.store.backup_key(&owner, &name, &key("key")).unwrap();
    let tenant = bench.store.default_tenant();
    let places = [
        ("east", tenant, "eastus", false),
        ("foreign", TenantId([9; 16]), "westus", false),
    ];
    for (name, tenant, region, allowed) in places.into_iter().chain([("same", tenant, "West US", true)]) {
        let new = NewVault::new(vault(name), tenant, region.parse().unwrap());
        bench.store.create_vault(&owner, new).unwrap();
        let restored = bench.store.restore_key(&owner, &vault(name), &backup);
        assert_eq!(restored.is_ok(), allowed, "{name}");
        assert!(allowed || matches!(restored, Err(VaultError::BadParameter { .. })));
    }
    let other = Bench::new();
    other.vault("bench", Retention::Purgeable { days: 7 });
    let restored = other.store.restore_key(&other.owner(), &name, &backup);
    assert!(matches!(restored, Err(VaultError::BadParameter { .. })));
}

#[test]
fn every_altered_or_cut_backup_is_refused() {
    let bench = Bench::with_key();
    let owner = bench.owner();
    bench.vault("second", Retention::Purgeable { days: 7 });
    let good = bench
        .store
        .backup_key(&owner, &vault("bench"), &key("key"))
        .unwrap();
    let refused = |bytes: Vec<u8>| {
        let restored = bench
            .store
            .restore_key(&owner, &vault("second"), &KeyBackup::from_bytes(bytes));
        matches!(restored, Err(VaultError::BadParameter { .. }))
    };
    for at in (0..good.as_bytes().len()).step_by(11) {
        let mut bytes = good.as_bytes().to_vec();
        bytes[at] ^= 1;
        assert!(refused(bytes), "byte {at}");
        assert!(refused(good.as_bytes()[..at].to_vec()), "prefix of {at}");
    }
    assert!(refused([good.as_bytes(), b"x"].concat()));
    assert!(KeyBackup::from_text("no base64url!").is_err());
    assert_eq!(bench.side_files(), 1);
}

#[test]
fn a_backup_shows_no_key_material() {
    let bench = Bench::with_key();
    let bundle = bench
        .store
        .get_key(&bench.owner(), &vault("bench"), &key("key"), None)
        .unwrap();
    let backup = bench
        .store
        .backup_key(&bench.owner(), &vault("bench"), &key("key"))
        .unwrap();
    let n = bundle.public.n();
    assert!(!backup.as_bytes().windows(16).any(|window| window == &n[..16]));
}
