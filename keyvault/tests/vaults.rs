//! Vaults: what can be set once, what can only be switched on, what is refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Bench, vault};
use strongroom_keyvault::{
    AccessPolicy, KeyPermissions, NewVault, ObjectId, POLICIES_MAX, Retention, VaultError, VaultUpdate,
};

#[track_caller]
fn check_update(from: Retention, update: VaultUpdate, want: Option<Retention>) {
    let bench = Bench::new();
    let name = bench.vault("bench", from);
    let result = bench.store.update_vault(&bench.owner(), &name, update);
    match want {
        Some(want) => {
            let properties = result.unwrap();
            assert_eq!(properties.soft_delete, want.soft_delete());
            assert_eq!(properties.purge_protection, want.purge_protection());
            assert_eq!(properties.retention_days, want.days().unwrap_or(0));
        }
        None => assert!(matches!(result, Err(VaultError::BadParameter { .. }))),
    }
}

#[test]
fn protections_are_switched_on_and_never_off() {
    let purgeable = Retention::Purgeable { days: 10 };
    let protected = Retention::Protected { days: 10 };
    let update = |soft_delete, purge_protection| VaultUpdate {
        soft_delete,
        purge_protection,
    };
    check_update(purgeable, update(None, Some(true)), Some(protected));
    check_update(purgeable, update(Some(true), None), Some(purgeable));
    check_update(purgeable, update(None, Some(false)), Some(purgeable));
    check_update(purgeable, update(Some(false), None), None);
    check_update(protected, update(None, Some(false)), None);
    check_update(protected, update(Some(false), None), None);
    check_update(protected, update(None, None), Some(protected));
    check_update(Retention::None, update(None, Some(true)), None);
    check_update(
        Retention::None,
        update(Some(true), None),
        Some(Retention::Purgeable { days: 90 }),
    );
    let both = update(Some(true), Some(true));
    check_update(Retention::None, both, Some(Retention::Protected { days: 90 }));
}

#[test]
fn a_retention_outside_seven_to_ninety_days_is_refused() {
    for (days, allowed) in [(0, false), (6, false), (7, true), (90, true), (91, false)] {
        for retention in [Retention::Purgeable { days }, Retention::Protected { days }] {
            let bench = Bench::new();
            let tenant = bench.store.default_tenant();
            let mut new = NewVault::new(vault("bench"), tenant, "westus".parse().unwrap());
            new.retention = retention;
            let made = bench.store.create_vault(&bench.owner(), new);
            assert_eq!(made.is_ok(), allowed, "{retention:?}");
        }
    }
}

#[test]
fn the_creator_gets_every_permission() {
    let bench = Bench::new();
    let name = bench.vault("bench", Retention::Purgeable { days: 7 });
    let shown = bench.store.show_vault(&bench.owner(), &name).unwrap();
    let policy = AccessPolicy {
        object_id: bench.store.owner(),
        keys: KeyPermissions::all(),
    };
    assert_eq!(shown.access_policies, [policy]);
    assert_eq!(shown.uri.to_string(), "https://bench.vault.azure.net");
}

#[test]
fn a_policy_replaces_the_one_before_and_there_are_at_most_1024() {
    let bench = Bench::new();
    let name = bench.vault("bench", Retention::Purgeable { days: 7 });
    let set = |id: usize, names: &[&str]| {
        let mut object_id = [0; 16];
        object_id[..8].copy_from_slice(&id.to_be_bytes());
        let policy = AccessPolicy {
            object_id: ObjectId(object_id),
            keys: KeyPermissions::parse(names).unwrap(),
        };
        bench.store.set_policy(&bench.owner(), &name, policy)
    };
    for id in 1..POLICIES_MAX {
        set(id, &["get"]).unwrap();
    }
    assert!(matches!(set(0, &["get"]), Err(VaultError::BadParameter { .. })));
    let replaced = set(1, &["list"]).unwrap();
    assert_eq!(replaced.access_policies.len(), POLICIES_MAX);
    let one = replaced
        .access_policies
        .iter()
        .filter(|policy| policy.object_id.0[7] == 1);
    let keys: Vec<_> = one
        .flat_map(|policy| policy.keys.iter())
        .map(|p| p.as_str())
        .collect();
    assert_eq!(keys.first(), Some(&"list"));
}

#[test]
fn a_stored_vault_is_the_same_after_opening_again() {
    let mut bench = Bench::new();
    let name = bench.vault("bench", Retention::Protected { days: 30 });
    let before = bench.store.show_vault(&bench.owner(), &name).unwrap();
    bench.reopen();
    assert_eq!(
        bench.store.show_vault(&bench.owner(), &vault("Bench")).unwrap(),
        before
    );
    assert_eq!(bench.store.list_vaults().unwrap(), [before]);
}
