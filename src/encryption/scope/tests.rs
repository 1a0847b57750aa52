//! Side files of scopes whose every operation fails once: a scope is there with a way to its root key, or it
//! is not there and has left nothing. And scopes of an account that closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::open::OpenScope;
use super::{EncryptionScopeName, NewEncryptionScope};
use crate::encryption::tests::{DISARMED, FailingFiles, World};
use crate::encryption::{Closed, KeySource, RealFiles, open_guard};
use crate::error::Result;

fn name(number: usize) -> EncryptionScopeName {
    format!("scope-{number}").parse().unwrap()
}

/// Which scopes there are, and who holds the root key of each. All of them open.
fn sources(world: &World) -> Vec<(EncryptionScopeName, KeySource)> {
    let account = world.account();
    let scopes = account.encryption_scopes().unwrap();
    for scope in &scopes {
        account.core.scope(&scope.name).unwrap().guard.check().unwrap();
    }
    let sources = scopes.into_iter().map(|scope| (scope.name, scope.key_source));
    sources.collect()
}

/// Runs `change` with every file operation failing once, until it passes untouched. However it ends, opening
/// again finds the same scopes, and a one-time key for the account and for every scope of the platform.
#[track_caller]
fn check(prepare: impl Fn(&World), change: impl Fn(&World, usize) -> Result<()>) {
    let mut world = World::new();
    prepare(&world);
    for fails in 0.. {
        let files = FailingFiles {
            passes: Arc::new(AtomicUsize::new(DISARMED)),
        };
        world.reopen(Box::new(files.clone()));
        sources(&world);
        files.passes.store(fails, SeqCst);
        let outcome = change(&world, fails);
        files.passes.store(DISARMED, SeqCst);
        let now = sources(&world);
        world.reopen(Box::new(RealFiles));
        assert_eq!(sources(&world), now, "failure {fails}");
        let of_platform = now.iter().filter(|(_, source)| *source == KeySource::Platform);
        assert_eq!(world.one_time_keys(), 1 + of_platform.count(), "failure {fails}");
        let scrubbed = world.store.scrub(None, |_| ()).unwrap();
        assert_eq!(
            (scrubbed.damage.len(), scrubbed.leftovers),
            (0, 0),
            "failure {fails}"
        );
        if outcome.is_ok() {
            break;
        }
        assert!(fails < 100, "never passes");
    }
}

fn create(world: &World, number: usize, new: &NewEncryptionScope) -> Result<()> {
    world
        .account()
        .create_encryption_scope(&name(number), new)
        .map(drop)
}

#[test]
fn creating_a_scope_survives_every_failing_file_operation() {
    check(
        |_| {},
        |world, number| create(world, number, &NewEncryptionScope::default()),
    );
}

#[test]
fn creating_a_scope_under_a_customers_key_survives_every_failing_file_operation() {
    let under_key = |world: &World, number| {
        let new = NewEncryptionScope {
            key: Some(world.customer_key()),
            ..NewEncryptionScope::default()
        };
        create(world, number, &new)
    };
    check(|_| {}, under_key);
}

/// There, or back again after one that failed in its end only.
#[test]
fn moving_a_scopes_key_survives_every_failing_file_operation() {
    let prepare = |world: &World| create(world, 0, &NewEncryptionScope::default()).unwrap();
    let change = |world: &World, _| {
        let scope = world.account().encryption_scope(&name(0))?;
        match scope.properties()?.key_source {
            KeySource::Platform => scope.use_customer_key(&world.customer_key())?,
            KeySource::KeyVault => scope.use_platform_key()?,
        };
        Ok(())
    };
    check(prepare, change);
}

#[test]
fn a_scope_that_is_opened_while_its_account_closes_gives_its_keys_up() {
    let world = World::new();
    create(&world, 0, &NewEncryptionScope::default()).unwrap();
    let account = world.account();
    let opened = account.core.scope(&name(0)).unwrap();
    account.core.scopes.close(Closed::Store);
    let late = Arc::new(OpenScope {
        guard: open_guard(&opened.custody).unwrap(),
        custody: Arc::clone(&opened.custody),
    });
    late.guard.check().unwrap();
    account.core.scopes.insert(&name(0), &late);
    for scope in [opened, late] {
        assert!(scope.guard.with_keys(|_| ()).is_err());
    }
}
