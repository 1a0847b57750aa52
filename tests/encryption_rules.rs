//! Every rule for customer keys, broken one at a time: refused with its code, the reason named, the old settings in
//! force and the data untouched.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::time::Duration;

use common::{ACCOUNT, KEY, NEEDED, VAULT, World, beginning, latest, name, pinned, vault};
use strongroom::engine::ManualClock;
use strongroom::keyvault::{
    KeyOperation, KeyReference, KeySize, KeyUpdate, NewKeyOptions, Retention, TenantId,
};
use strongroom::{CustomerKey, ErrorKind, KeyIdentity, KeySizes, KeySource, Settings};

/// What a refusal must look like.
struct Want {
    code: &'static str,
    status: u16,
    /// Something the message or the hint must name.
    named: &'static str,
}

fn want(code: &'static str, status: u16, named: &'static str) -> Want {
    Want { code, status, named }
}

/// Prepares a world, breaks one rule, and tries to enable: first from the platform's key, then from a customer's.
#[track_caller]
fn check(want: &Want, break_rule: impl Fn(&World) -> CustomerKey) {
    for world in [World::prepared(), World::customer()] {
        let before = world.account().encryption().unwrap();
        let key = break_rule(&world);
        let side_files = side_files(&world);
        let counts = world.store.write_counts();
        let error = world.account().use_customer_key(&key).unwrap_err();
        assert_eq!(
            (error.code(), error.status()),
            (want.code, want.status),
            "{error}"
        );
        let said = format!("{error} {}", error.what_to_do().unwrap_or_default());
        assert!(
            said.contains(want.named),
            "{said:?} does not name {:?}",
            want.named
        );
        assert_eq!(world.account().encryption().unwrap(), before);
        assert_eq!(
            world.store.write_counts().since(&counts).batches,
            0,
            "something was committed"
        );
        assert_eq!(self::side_files(&world), side_files);
    }
}

fn side_files(world: &World) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(world.data().join("keys")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A key in a vault of its own that differs from a good one in `change`.
fn in_vault(world: &World, change: impl FnOnce(&mut strongroom::keyvault::NewVault)) -> CustomerKey {
    world.make_vault("broken", change);
    let identity = world.account().properties().unwrap().system_identity.unwrap();
    world.grant("broken", identity.principal_id, &NEEDED);
    pinned(&world.make_key("broken", KEY))
}

fn with_options(world: &World, options: NewKeyOptions) -> CustomerKey {
    pinned(&world.make_key_with(VAULT, "broken", options))
}

fn other_tenant() -> TenantId {
    "11111111-2222-3333-4444-555555555555".parse().unwrap()
}

const AUTHENTICATION: &str = "KeyVaultAuthenticationFailure";
const INVALID: &str = "InvalidValuesForRequestParameters";

#[test]
fn an_identity_is_needed_first() {
    let world = World::prepared();
    let account = world.account();
    account.remove_identity().unwrap();
    let error = account
        .use_customer_key(&pinned(&world.current(VAULT, KEY)))
        .unwrap_err();
    assert_eq!(
        error.message(),
        "Managed Service Identity (MSI) is not set for this account."
    );
    assert_eq!((error.kind(), error.status()), (ErrorKind::Invalid, 400));
    assert_eq!(account.encryption().unwrap().key_source, KeySource::Platform);
}

#[test]
fn an_identity_must_be_in_the_directory() {
    check(
        &want("ManagedServiceIdentityNotFound", 400, "identity"),
        |world| {
            use strongroom::keyvault::Directory;
            let key = pinned(&world.make_key(VAULT, "another"));
            world.vaults.store().remove_identity(world.principal()).unwrap();
            key
        },
    );
}

#[test]
fn a_user_assigned_identity_must_be_attached() {
    check(&want("ManagedServiceIdentityNotFound", 400, "MSI"), |world| {
        let store = world.vaults.store();
        let identity = store.create_user_identity(world.tenant(), "shared").unwrap();
        CustomerKey {
            identity: KeyIdentity::User(identity.principal_id),
            ..pinned(&world.make_key(VAULT, "another"))
        }
    });
}

#[test]
fn a_user_assigned_identity_works_once_attached_and_granted() {
    let world = World::prepared();
    let store = world.vaults.store();
    let identity = store.create_user_identity(world.tenant(), "shared").unwrap();
    let account = world.account();
    account.assign_user_identity(identity.principal_id).unwrap();
    let key = CustomerKey {
        identity: KeyIdentity::User(identity.principal_id),
        ..pinned(&world.current(VAULT, KEY))
    };
    assert_eq!(account.use_customer_key(&key).unwrap_err().code(), AUTHENTICATION);
    world.grant(VAULT, identity.principal_id, &NEEDED);
    account.use_customer_key(&key).unwrap();
    account.remove_identity().unwrap();
    let container = account.container(&"album".parse().unwrap());
    container.create(&strongroom::Metadata::new()).unwrap();
    let upload = || {
        let blob = "b".parse().unwrap();
        container.upload(&blob, b"x".as_slice(), strongroom::UploadOptions::default())
    };
    upload().unwrap();
    account.remove_user_identity(identity.principal_id).unwrap();
    assert_eq!(
        upload().unwrap_err().code(),
        "KeyVaultAccessTokenCannotBeAcquired"
    );

    let foreign = store.create_user_identity(other_tenant(), "foreign").unwrap();
    let refused = account.assign_user_identity(foreign.principal_id).unwrap_err();
    assert_eq!(refused.code(), "ManagedServiceIdentityNotFoundOnTenant");
}

#[test]
fn the_vault_must_have_both_protections() {
    let missing = |named| want("KeyVaultPolicyError", 400, named);
    check(&missing("soft delete and purge protection"), |world| {
        in_vault(world, |new| new.retention = Retention::None)
    });
    check(&missing("purge protection"), |world| {
        in_vault(world, |new| new.retention = Retention::Purgeable { days: 90 })
    });
    check(&missing("Keyvault policy recoverable is not set"), |world| {
        in_vault(world, |new| new.retention = Retention::Purgeable { days: 7 })
    });
}

#[test]
fn the_vault_must_be_in_the_same_region_and_tenant() {
    check(&want(INVALID, 400, "eastus"), |world| {
        in_vault(world, |new| new.region = "eastus".parse().unwrap())
    });
    check(&want(AUTHENTICATION, 400, "tenant"), |world| {
        in_vault(world, |new| new.tenant = other_tenant())
    });
}

#[test]
fn the_subscription_may_differ() {
    let world = World::prepared();
    let key = in_vault(&world, |new| new.subscription = "another".to_owned());
    world.account().use_customer_key(&key).unwrap();
}

#[test]
fn only_rsa_2048_unless_the_setting_says_more() {
    for (size, named) in [(KeySize::Rsa3072, "3072"), (KeySize::Rsa4096, "4096")] {
        let options = || NewKeyOptions {
            size,
            ..NewKeyOptions::default()
        };
        check(&want(INVALID, 400, named), |world| with_options(world, options()));
        let mut world = World::prepared();
        let key = with_options(&world, options());
        world.store.close().unwrap();
        let mut settings = Settings::default();
        settings.key_sizes = KeySizes::Rsa2048To4096;
        world.store = world.options().settings(settings).open().unwrap();
        world.account().use_customer_key(&key).unwrap();
    }
}

#[test]
fn each_permission_is_needed_and_the_missing_one_is_named() {
    for missing in NEEDED {
        check(&want(AUTHENTICATION, 400, missing), |world| {
            let key = pinned(&world.make_key("safe", "another"));
            // In a vault of its own, so that the present key stays usable.
            world.make_vault("strict", |_| {});
            let left: Vec<_> = NEEDED
                .into_iter()
                .filter(|permission| *permission != missing)
                .collect();
            world.grant("strict", world.principal(), &left);
            drop(key);
            pinned(&world.make_key("strict", KEY))
        });
    }
}

#[test]
fn the_version_must_be_usable_now() {
    let later = || Some(beginning().plus(Duration::from_secs(60)));
    check(&want(AUTHENTICATION, 400, "disabled"), |world| {
        let options = NewKeyOptions {
            enabled: false,
            ..NewKeyOptions::default()
        };
        with_options(world, options)
    });
    check(&want(AUTHENTICATION, 400, "not valid yet"), |world| {
        let options = NewKeyOptions {
            not_before: later(),
            ..NewKeyOptions::default()
        };
        with_options(world, options)
    });
    check(&want(AUTHENTICATION, 400, "expired"), |world| {
        let options = NewKeyOptions {
            expires: later(),
            ..NewKeyOptions::default()
        };
        let key = with_options(world, options);
        let clock: &ManualClock = &world.clock;
        clock.advance(Duration::from_secs(60));
        key
    });
    check(&want(AUTHENTICATION, 400, "unwrapKey"), |world| {
        let options = NewKeyOptions {
            operations: [KeyOperation::Encrypt, KeyOperation::WrapKey]
                .into_iter()
                .collect(),
            ..NewKeyOptions::default()
        };
        with_options(world, options)
    });
}

#[test]
fn what_is_not_there_is_not_found() {
    let at = |text: &str| CustomerKey::from(text.parse::<KeyReference>().unwrap());
    check(&want("KeyVaultVaultNotFound", 404, "nowhere"), |_| {
        at("https://nowhere.vault.azure.net/keys/k")
    });
    check(&want("KeyNotFound", 404, "nothing"), |_| {
        at("https://safe.vault.azure.net/keys/nothing")
    });
    check(&want("KeyNotFound", 404, "k"), |_| {
        at("https://safe.vault.azure.net/keys/k/00000000000000000000000000000000")
    });
    check(&want("KeyNotFound", 404, "another"), |world| {
        let key = world.make_key(VAULT, "another");
        let store = world.vaults.store();
        store
            .delete_key(&world.token(), &vault(VAULT), &key.name)
            .unwrap();
        latest(&key)
    });
}

#[test]
fn no_way_out_while_the_present_key_cannot_be_used() {
    let world = World::customer();
    let second = world.make_key(VAULT, KEY);
    let first = world.account().encryption().unwrap().key_vault.unwrap();
    world.enable_key(&first.current_versioned_key_identifier, false);
    let account = world.store.account(&name(ACCOUNT)).unwrap();
    for error in [
        account.use_customer_key(&pinned(&second)).unwrap_err(),
        account.use_platform_key().unwrap_err(),
    ] {
        assert_eq!(
            (error.code(), error.status()),
            ("KeyVaultEncryptionKeyNotFound", 403)
        );
    }
    assert_eq!(account.encryption().unwrap().key_vault.unwrap(), first);
    let enabled = KeyUpdate {
        enabled: Some(true),
        ..KeyUpdate::default()
    };
    world.update_key(&first.current_versioned_key_identifier, enabled);
    account.use_customer_key(&pinned(&second)).unwrap();
}

#[test]
fn the_host_key_and_the_vault_key_must_differ() {
    let mut world = World::empty();
    world.store.close().unwrap();
    let same = strongroom::Store::builder(world.directory.path().join("new"), world.vault_key());
    assert_eq!(
        same.vaults(&world.vaults).init().err().unwrap().code(),
        "SamePlatformKey"
    );
    assert!(!world.directory.path().join("new").exists());
    world.store = world.options().open().unwrap();
    let (old, new) = (world.host_key(), world.vault_key());
    let refused = world.store.change_platform_key(&old, &new).unwrap_err();
    assert_eq!(refused.code(), "SamePlatformKey");
    world.reopen();
    // The same passphrase is the same key, whatever its salts.
    let passphrase = || strongroom::Passphrase::new("one for both".to_owned()).unwrap();
    world
        .vaults
        .change_platform_key(&world.vault_key(), &passphrase())
        .unwrap();
    let refused = world
        .store
        .change_platform_key(&world.host_key(), &passphrase())
        .unwrap_err();
    assert_eq!(refused.code(), "SamePlatformKey");
}
