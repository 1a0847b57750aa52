//! Attacks on revocation by way of time: an answer of the vault that was asked for before the revocation and
//! arrives after it.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;

use common::{KEY, NEEDED, VAULT, World, pinned};
use parking_lot::Mutex;
use strongroom::keyvault::{
    AccessToken, AccessWatcher, EncryptionAlgorithm, Epoch, Identity, KeyBundle, KeyId, KeyName, KeyService,
    KeyVersion, ObjectId, VaultError, VaultProperties, VaultStore, VaultUri,
};
use strongroom::{
    Container, CustomerKey, DownloadOptions, KeyIdentity, KeySource, Metadata, NewEncryptionScope, Store,
    UploadOptions,
};
use zeroize::Zeroizing;

/// A vault whose answers to `unwrap` can be held up once.
struct SlowVault {
    vault: Arc<VaultStore>,
    /// Told that an answer is there; then waits until it may be handed over.
    hold: Mutex<Option<(Sender<()>, Receiver<()>)>>,
    /// Gives another key than this version wrapped.
    lies_about: Mutex<Option<KeyVersion>>,
}

impl KeyService for SlowVault {
    fn epoch(&self) -> Epoch {
        self.vault.epoch()
    }
    fn watch(&self, watcher: Weak<dyn AccessWatcher>) {
        self.vault.watch(watcher);
    }
    fn vault(&self, uri: &VaultUri) -> Result<VaultProperties, VaultError> {
        KeyService::vault(self.vault.as_ref(), uri)
    }
    fn token_for(&self, identity: &Identity) -> Result<AccessToken, VaultError> {
        self.vault.token_for(identity)
    }
    fn get_key(
        &self,
        token: &AccessToken,
        vault: &VaultUri,
        name: &KeyName,
        version: Option<KeyVersion>,
    ) -> Result<KeyBundle, VaultError> {
        KeyService::get_key(self.vault.as_ref(), token, vault, name, version)
    }
    fn wrap(
        &self,
        token: &AccessToken,
        key: &KeyId,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.vault.wrap(token, key, algorithm, plaintext)
    }
    fn unwrap(
        &self,
        token: &AccessToken,
        key: &KeyId,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let unwrapped = self.vault.unwrap(token, key, algorithm, ciphertext);
        let hold = self.hold.lock().take();
        if let Some((answered, go_on)) = hold {
            answered.send(()).unwrap();
            go_on.recv().unwrap();
        }
        if *self.lies_about.lock() == Some(key.version) {
            return Ok(Zeroizing::new(vec![7; 32]));
        }
        unwrapped
    }
}

fn download(container: &Container) -> strongroom::Result<Vec<u8>> {
    let mut out = Vec::new();
    container.download(&"b".parse().unwrap(), &DownloadOptions::default(), &mut out)?;
    Ok(out)
}

/// An account under a customer's key that it asks for as a user-assigned identity, with a blob in it, not yet
/// unlocked.
fn by_a_user_identity() -> (World, Arc<SlowVault>) {
    let mut world = World::prepared();
    let vaults = world.vaults.store().clone();
    let identity = vaults.create_user_identity(world.tenant(), "shared").unwrap();
    let account = world.account();
    account.assign_user_identity(identity.principal_id).unwrap();
    world.grant(VAULT, identity.principal_id, &NEEDED);
    let key = CustomerKey {
        identity: KeyIdentity::User(identity.principal_id),
        ..pinned(&world.current(VAULT, KEY))
    };
    account.use_customer_key(&key).unwrap();
    account.remove_identity().unwrap();
    let container = account.container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let options = UploadOptions::default();
    container
        .upload(&"b".parse().unwrap(), b"content".as_slice(), options)
        .unwrap();
    let slow = Arc::new(SlowVault {
        vault: vaults.clone(),
        hold: Mutex::default(),
        lies_about: Mutex::default(),
    });
    world.store.close().unwrap();
    world.store = Store::builder(world.data(), world.host_key())
        .clock(world.clock.clone())
        .key_service(slow.clone(), vaults)
        .open()
        .unwrap();
    (world, slow)
}

/// Revokes while an answer that was given before is on its way; nothing may be read once `revoke` has
/// returned.
#[track_caller]
fn check(revoke: impl Fn(&World)) {
    let (world, slow) = by_a_user_identity();
    let container = world.account().container(&"album".parse().unwrap());
    let ((answered, wait), (release, go_on)) = (channel(), channel());
    *slow.hold.lock() = Some((answered, go_on));
    let late = container.clone();
    let reader = thread::spawn(move || download(&late));
    wait.recv().unwrap();
    revoke(&world);
    release.send(()).unwrap();
    let late = reader.join().unwrap();
    assert_eq!(late.unwrap_err().code(), "KeyVaultAccessTokenCannotBeAcquired");
    let after = download(&container).unwrap_err();
    assert_eq!(after.code(), "KeyVaultAccessTokenCannotBeAcquired");
}

/// The same while a scope comes under the customer's key: what was proven before the revocation is not put in
/// force after it.
#[track_caller]
fn check_change(revoke: impl Fn(&World)) {
    let (world, slow) = by_a_user_identity();
    let account = world.account();
    let scope = account.create_encryption_scope(&"tenant-1".parse().unwrap(), &NewEncryptionScope::default());
    let scope = scope.unwrap();
    let container = account.container(&"album".parse().unwrap());
    let options = UploadOptions {
        encryption: scope.name().clone().into(),
        ..UploadOptions::default()
    };
    let upload = container.upload(&"b".parse().unwrap(), b"content".as_slice(), options);
    upload.unwrap();
    let key = CustomerKey {
        identity: KeyIdentity::User(user_identity(&world)),
        ..pinned(&world.current(VAULT, KEY))
    };
    let ((answered, wait), (release, go_on)) = (channel(), channel());
    *slow.hold.lock() = Some((answered, go_on));
    let change = thread::spawn(move || scope.use_customer_key(&key));
    wait.recv().unwrap();
    revoke(&world);
    release.send(()).unwrap();
    change.join().unwrap().unwrap_err();
    let scope = account.encryption_scope(&"tenant-1".parse().unwrap()).unwrap();
    assert_eq!(scope.properties().unwrap().key_source, KeySource::Platform);
    assert_eq!(download(&container).unwrap(), b"content");
}

#[test]
fn an_answer_from_before_the_key_was_disabled_gives_the_account_to_nobody() {
    let (world, slow) = by_a_user_identity();
    let account = world.account();
    let container = account.container(&"album".parse().unwrap());
    let ((answered, wait), (release, go_on)) = (channel(), channel());
    *slow.hold.lock() = Some((answered, go_on));
    let leaving = account.clone();
    let change = thread::spawn(move || leaving.use_platform_key());
    wait.recv().unwrap();
    let key = world.current(VAULT, KEY);
    world.enable_key(&key, false);
    release.send(()).unwrap();
    let refused = change.join().unwrap().unwrap_err();
    assert_eq!(refused.code(), "KeyVaultEncryptionKeyNotFound");
    assert_eq!(account.encryption().unwrap().key_source, KeySource::KeyVault);
    let after = download(&container).unwrap_err();
    assert_eq!(after.code(), "KeyVaultEncryptionKeyNotFound");
    let one_time = std::fs::read_dir(world.data().join("keys")).unwrap();
    let one_time = one_time.filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "onetime")
    });
    assert_eq!(one_time.count(), 0, "no way in is left");
}

fn user_identity(world: &World) -> ObjectId {
    let properties = world.account().properties().unwrap();
    properties.user_identities.first().unwrap().principal_id
}

fn remove_identity(world: &World) {
    let identity = user_identity(world);
    world.account().remove_user_identity(identity).unwrap();
}

fn move_away(world: &World) {
    let tenant = strongroom::keyvault::TenantId([9; 16]);
    world.account().move_to_tenant(tenant).unwrap();
}

#[test]
fn an_answer_from_before_a_user_identity_was_removed_opens_nothing() {
    check(remove_identity);
    check_change(remove_identity);
}

#[test]
fn an_answer_from_before_the_account_moved_to_another_tenant_opens_nothing() {
    check(move_away);
    check_change(move_away);
}

#[test]
fn a_vault_that_gives_another_key_back_is_not_trusted_with_the_account() {
    let (world, slow) = by_a_user_identity();
    let account = world.account();
    let before = account.encryption().unwrap().key_vault.unwrap();
    let key = CustomerKey {
        identity: KeyIdentity::User(user_identity(&world)),
        ..pinned(&world.make_key(VAULT, KEY))
    };
    *slow.lies_about.lock() = key.version;
    assert!(account.use_customer_key(&key).is_err());
    assert_eq!(account.encryption().unwrap().key_vault.unwrap(), before);
    let container = account.container(&"album".parse().unwrap());
    assert_eq!(download(&container).unwrap(), b"content");
}
