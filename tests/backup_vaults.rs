//! Vaults are backed up and restored apart from the data; what is restored says so in every log.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod backup_world;
mod common;

use backup_world::{Source, container, number, options, put};
use common::{VAULT, fixtures, pinned, vault};
use strongroom::keyvault::{AuditOperation, KeyService};
use strongroom::{EngineKind, ErrorKind, KeyFile, Placement, RestoreOptions, Store, VaultOptions, Vaults};

fn source() -> Source {
    let source = Source::new((EngineKind::Sled, Placement::Engine));
    let account = source.account("one");
    account
        .use_customer_key(&pinned(&source.world.current(VAULT, "k")))
        .unwrap();
    put(&container(&source.store, "one"), "a", 2);
    source
}

fn to(source: &Source, directory: &str, key: &str) -> VaultOptions {
    let key = KeyFile::read(&source.path(key)).unwrap();
    Vaults::builder(source.path(directory), key)
        .clock(source.world.clock.clone())
        .providers(fixtures())
}

fn operations(vaults: &Vaults) -> Vec<AuditOperation> {
    let store = vaults.store();
    let token = store.owner_token().unwrap();
    let verdict = store.verify_audit(&token, &vault(VAULT)).unwrap();
    assert_eq!(verdict.broken, None);
    let lines = store.audit(&token, &vault(VAULT), 0, 1000).unwrap();
    lines.into_iter().map(|line| line.record.operation).collect()
}

fn opened(source: &Source, vaults: &Vaults) -> Store {
    let key = KeyFile::read(&source.path("source.key")).unwrap();
    let options = Store::builder(source.path("again"), key)
        .clock(source.world.clock.clone())
        .vaults(vaults);
    options.open().unwrap()
}

#[test]
fn restored_vaults_open_the_restored_store_and_tell_that_they_are_restored() {
    let source = source();
    let vaults = &source.world.vaults;
    let made = vaults
        .backup(&source.path("of the vaults"), &options(), |_| ())
        .unwrap();
    assert_eq!((made.accounts, made.chunks), (1, 0));
    source.backup("backup").unwrap();
    assert_eq!(operations(vaults).last(), Some(&AuditOperation::VaultBackup));
    // What the restored vaults will not know.
    let principal = source.store.account(&common::name("one")).unwrap();
    let principal = principal
        .properties()
        .unwrap()
        .system_identity
        .unwrap()
        .principal_id;
    source.world.revoke(VAULT, principal);
    source.restore("backup", "again").unwrap();
    let locked = opened(&source, vaults);
    let refused =
        container(&locked, "one").download(&"a".parse().unwrap(), &Default::default(), &mut Vec::new());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::KeyUnavailable);
    locked.close().unwrap();

    let restored = Vaults::restore(
        &source.path("of the vaults"),
        to(&source, "vaults again", "vault.key"),
        |_| (),
    );
    assert_eq!(restored.unwrap(), made);
    let again = to(&source, "vaults again", "vault.key").open().unwrap();
    assert_eq!(operations(&again).last(), Some(&AuditOperation::VaultRestore));
    assert_ne!(again.store().epoch(), vaults.store().epoch());
    let store = opened(&source, &again);
    assert_eq!(number(&container(&store, "one"), "a"), 2);
}

#[test]
fn a_purged_key_is_in_no_later_backup() {
    let source = Source::new((EngineKind::Sled, Placement::Engine));
    let world = &source.world;
    world.make_vault("other", |new| {
        new.retention = strongroom::keyvault::Retention::Purgeable { days: 7 };
    });
    world.make_key("other", "gone");
    let files = |directory: &str| {
        std::fs::read_dir(source.path(directory).join("keys"))
            .unwrap()
            .count()
    };
    world
        .vaults
        .backup(&source.path("before"), &options(), |_| ())
        .unwrap();
    let (store, token, key) = (world.vaults.store(), world.token(), "gone".parse().unwrap());
    store.delete_key(&token, &vault("other"), &key).unwrap();
    store.purge_key(&token, &vault("other"), &key).unwrap();
    world
        .vaults
        .backup(&source.path("after"), &options(), |_| ())
        .unwrap();
    assert_eq!((files("before"), files("after")), (2, 1));
    Vaults::restore(&source.path("after"), to(&source, "again", "vault.key"), |_| ()).unwrap();
    to(&source, "again", "vault.key").open().unwrap().close().unwrap();
}

#[test]
fn a_backup_of_one_kind_is_not_taken_for_the_other() {
    let source = source();
    source
        .world
        .vaults
        .backup(&source.path("of the vaults"), &options(), |_| ())
        .unwrap();
    source.backup("backup").unwrap();
    let refused = source.restore("of the vaults", "again").unwrap_err();
    assert_eq!(refused.code(), "NotABackup");
    let refused = Vaults::restore(&source.path("backup"), to(&source, "again", "vault.key"), |_| ());
    assert_eq!(refused.unwrap_err().code(), "NotABackup");
    let refused = Vaults::restore(
        &source.path("of the vaults"),
        to(&source, "again", "source.key"),
        |_| (),
    );
    assert_eq!(refused.unwrap_err().code(), "WrongPlatformKey");
    let inside = source
        .store
        .backup(&source.path("vaults/backup"), &options(), |_| ());
    assert_eq!(inside.unwrap_err().code(), "DestinationInsideStore");
    assert!(!source.path("again").exists());
    let missing = RestoreOptions::default();
    let to = source.options("again");
    let refused = Store::restore(&source.path("nowhere"), to, &missing, |_| ());
    assert_eq!(refused.unwrap_err().code(), "NotABackup");
}
