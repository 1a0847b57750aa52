//! What takes a customer's key away from an account, and what gives it back.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use strongroom::keyvault::{Directory, KeyName};

use crate::common::{KEY, NEEDED, VAULT, World, vault};

const KEY_NOT_FOUND: &str = "KeyVaultEncryptionKeyNotFound";
const VAULT_NOT_FOUND: &str = "KeyVaultVaultNotFound";
const NO_TOKEN: &str = "KeyVaultAccessTokenCannotBeAcquired";

/// How access comes back.
pub(crate) enum Undone {
    By(fn(&World)),
    /// Not at all, and why.
    Never(&'static str),
}

pub(crate) struct Cause {
    pub(crate) name: &'static str,
    /// What the refused operations meet; `None` if it must block nothing.
    pub(crate) code: Option<&'static str>,
    pub(crate) revoke: fn(&World),
    pub(crate) restore: Undone,
}

pub(crate) const CAUSES: &[Cause] = &[
    Cause {
        name: "access policy removed",
        code: Some(KEY_NOT_FOUND),
        revoke: |world| world.revoke(VAULT, world.principal()),
        restore: Undone::By(grant_all),
    },
    Cause {
        name: "permission get removed",
        code: Some(KEY_NOT_FOUND),
        revoke: |world| world.grant(VAULT, world.principal(), &["wrapKey", "unwrapKey"]),
        restore: Undone::By(grant_all),
    },
    Cause {
        name: "permission unwrapKey removed",
        code: Some(KEY_NOT_FOUND),
        revoke: |world| world.grant(VAULT, world.principal(), &["get", "wrapKey"]),
        restore: Undone::By(grant_all),
    },
    Cause {
        name: "permission wrapKey removed",
        code: None,
        revoke: |world| world.grant(VAULT, world.principal(), &["get", "unwrapKey"]),
        restore: Undone::By(grant_all),
    },
    Cause {
        name: "version disabled",
        code: Some(KEY_NOT_FOUND),
        revoke: |world| world.enable_key(&world.current(VAULT, KEY), false),
        restore: Undone::By(|world| world.enable_key(&world.current(VAULT, KEY), true)),
    },
    Cause {
        name: "key deleted",
        code: Some(KEY_NOT_FOUND),
        revoke: delete_key,
        restore: Undone::By(|world| {
            let store = world.vaults.store();
            let recovered = store.recover_key(&world.token(), &vault(VAULT), &key());
            recovered.unwrap();
        }),
    },
    Cause {
        name: "key purged",
        code: Some(KEY_NOT_FOUND),
        // The vault is protected from purges, so the end of its 90 days purges the key.
        revoke: |world| {
            delete_key(world);
            world.clock.advance(Duration::from_secs(91 * 86_400));
            let store = world.vaults.store();
            let recovered = store.recover_key(&world.token(), &vault(VAULT), &key());
            assert!(recovered.is_err(), "a purged key is gone");
        },
        restore: Undone::Never("a purged key is gone, and with it what it has wrapped"),
    },
    Cause {
        name: "vault deleted",
        code: Some(VAULT_NOT_FOUND),
        revoke: |world| {
            let store = world.vaults.store();
            store.delete_vault(&world.token(), &vault(VAULT)).unwrap();
        },
        restore: Undone::By(|world| {
            let store = world.vaults.store();
            store.recover_vault(&world.token(), &vault(VAULT)).unwrap();
        }),
    },
    Cause {
        name: "identity removed",
        code: Some(NO_TOKEN),
        revoke: |world| world.account().remove_identity().unwrap(),
        restore: Undone::By(new_identity),
    },
    Cause {
        name: "identity deleted",
        code: Some(NO_TOKEN),
        revoke: |world| world.vaults.store().remove_identity(world.principal()).unwrap(),
        restore: Undone::By(|world| {
            world.account().remove_identity().unwrap();
            new_identity(world);
        }),
    },
    Cause {
        name: "account moved to a tenant",
        code: Some(NO_TOKEN),
        revoke: |world| {
            let elsewhere = "11111111-2222-3333-4444-555555555555".parse().unwrap();
            world.account().move_to_tenant(elsewhere).unwrap();
        },
        // The move itself has removed the identity: only moving back makes room for one that may.
        restore: Undone::By(|world| {
            world.account().move_to_tenant(world.tenant()).unwrap();
            new_identity(world);
        }),
    },
];

fn key() -> KeyName {
    KEY.parse().unwrap()
}

fn delete_key(world: &World) {
    let store = world.vaults.store();
    store.delete_key(&world.token(), &vault(VAULT), &key()).unwrap();
}

fn grant_all(world: &World) {
    world.grant(VAULT, world.principal(), &NEEDED);
}

fn new_identity(world: &World) {
    let identity = world.account().assign_identity().unwrap();
    world.grant(VAULT, identity.principal_id, &NEEDED);
}
