//! Accounts are created once, show what they were created with, survive a restart, and are gone once deleted.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use common::{World, beginning, name};
use strongroom::{ErrorKind, KeyType};

#[test]
fn an_account_shows_what_it_was_created_with_also_after_a_restart() {
    let mut world = World::empty();
    let mut new = world.new_account("photos");
    new.subscription = "first".to_owned();
    new.resource_group = "group".to_owned();
    new.table = KeyType::Account;
    world.store.create_account(&new).unwrap();
    for _ in 0..2 {
        let shown = world
            .store
            .account(&name("photos"))
            .unwrap()
            .properties()
            .unwrap();
        assert_eq!(shown.name, name("photos"));
        assert_eq!((shown.tenant, &shown.region), (new.tenant, &new.region));
        assert_eq!(
            (shown.subscription.as_str(), shown.resource_group.as_str()),
            ("first", "group")
        );
        assert_eq!((shown.queue, shown.table), (KeyType::Service, KeyType::Account));
        assert_eq!((shown.created, shown.system_identity), (beginning(), None));
        world.reopen();
    }
}

#[test]
fn a_name_is_taken_once_and_free_again_after_deletion() {
    let world = World::empty();
    let new = world.new_account("photos");
    let first = world.store.create_account(&new).unwrap();
    let refused = world.store.create_account(&new).err().unwrap();
    assert_eq!(
        (refused.code(), refused.status()),
        ("StorageAccountAlreadyTaken", 409)
    );
    world.store.delete_account(&name("photos")).unwrap();
    assert_eq!(first.properties().unwrap_err().code(), "ResourceNotFound");
    let second = world.store.create_account(&new).unwrap();
    assert_eq!(first.properties().unwrap_err().code(), "ResourceNotFound");
    second.properties().unwrap();
}

#[test]
fn accounts_are_listed_in_order_of_name() {
    let mut world = World::empty();
    for account in ["zeta", "alpha", "mid0"] {
        world.store.create_account(&world.new_account(account)).unwrap();
    }
    world.store.delete_account(&name("mid0")).unwrap();
    for _ in 0..2 {
        let names: Vec<_> = world
            .store
            .accounts()
            .unwrap()
            .into_iter()
            .map(|account| account.name)
            .collect();
        assert_eq!(names, [name("alpha"), name("zeta")]);
        world.reopen();
    }
}

#[test]
fn a_missing_account_is_not_found() {
    let world = World::empty();
    for error in [
        world.store.account(&name("nobody")).err().unwrap(),
        world.store.delete_account(&name("nobody")).unwrap_err(),
    ] {
        assert_eq!((error.code(), error.status()), ("ResourceNotFound", 404));
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().contains("nobody"));
    }
}

#[test]
fn nothing_is_left_of_a_deleted_account() {
    let world = World::empty();
    world.store.create_account(&world.new_account("photos")).unwrap();
    assert_eq!(std::fs::read_dir(world.data().join("keys")).unwrap().count(), 1);
    world.store.delete_account(&name("photos")).unwrap();
    assert_eq!(std::fs::read_dir(world.data().join("keys")).unwrap().count(), 0);
}
