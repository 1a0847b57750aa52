//! A vault that is reached through a service: tokens are renewed in time and fetched again when they are
//! refused, and a service that pushes no changes is asked by every operation.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::time::Duration;

use common::{NEEDED, VAULT, World};
use strongroom::keyvault::{
    AccessToken, AccessWatcher, EncryptionAlgorithm, Epoch, Identity, KeyBundle, KeyId, KeyName, KeyService,
    KeyVersion, VaultError, VaultProperties, VaultStore, VaultUri,
};
use strongroom::{Container, DownloadOptions, Metadata, Store, UploadOptions};
use zeroize::Zeroizing;

const MINUTE: Duration = Duration::from_secs(60);
/// Larger than every buffer on the way.
const LENGTH: usize = 3 << 20;

/// A vault behind a service that counts tokens and never tells of a change.
struct Remote {
    vault: Arc<VaultStore>,
    tokens: AtomicUsize,
    unwraps: AtomicUsize,
    /// How many of the next calls refuse their token.
    refusals: AtomicUsize,
    watched: AtomicBool,
}

impl Remote {
    fn take_token(&self) -> Result<(), VaultError> {
        let take = |left: usize| left.checked_sub(1);
        match self.refusals.fetch_update(SeqCst, SeqCst, take) {
            Ok(_) => Err(VaultError::Unauthorized {
                message: "this token has had its day".to_owned(),
            }),
            Err(_) => Ok(()),
        }
    }
}

impl KeyService for Remote {
    fn epoch(&self) -> Epoch {
        self.vault.epoch()
    }
    fn watch(&self, _: Weak<dyn AccessWatcher>) {
        self.watched.store(true, SeqCst);
    }
    fn vault(&self, uri: &VaultUri) -> Result<VaultProperties, VaultError> {
        KeyService::vault(self.vault.as_ref(), uri)
    }
    fn token_for(&self, identity: &Identity) -> Result<AccessToken, VaultError> {
        self.tokens.fetch_add(1, SeqCst);
        self.vault.token_for(identity)
    }
    fn get_key(
        &self,
        token: &AccessToken,
        vault: &VaultUri,
        name: &KeyName,
        version: Option<KeyVersion>,
    ) -> Result<KeyBundle, VaultError> {
        self.take_token()?;
        KeyService::get_key(self.vault.as_ref(), token, vault, name, version)
    }
    fn wrap(
        &self,
        token: &AccessToken,
        key: &KeyId,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.take_token()?;
        self.vault.wrap(token, key, algorithm, plaintext)
    }
    fn unwrap(
        &self,
        token: &AccessToken,
        key: &KeyId,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.unwraps.fetch_add(1, SeqCst);
        self.take_token()?;
        self.vault.unwrap(token, key, algorithm, ciphertext)
    }
}

/// An account under a customer's key that it reaches through a [`Remote`], with the blob `b`.
struct Scene {
    world: World,
    remote: Arc<Remote>,
    container: Container,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::customer();
        let vault = world.vaults.store().clone();
        let remote = Arc::new(Remote {
            vault: vault.clone(),
            tokens: AtomicUsize::new(0),
            unwraps: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
            watched: AtomicBool::new(false),
        });
        world.store.close().unwrap();
        world.store = Store::builder(world.data(), world.host_key())
            .clock(world.clock.clone())
            .key_service(remote.clone(), vault)
            .open()
            .unwrap();
        let container = world.account().container(&"album".parse().unwrap());
        container.create(&Metadata::new()).unwrap();
        let scene = Self {
            world,
            remote,
            container,
        };
        scene.upload("b").unwrap();
        assert!(scene.remote.watched.load(SeqCst));
        scene
    }

    fn upload(&self, name: &str) -> strongroom::Result<()> {
        let content = vec![7_u8; LENGTH];
        let options = UploadOptions::default();
        self.container
            .upload(&name.parse().unwrap(), content.as_slice(), options)
            .map(drop)
    }

    fn download(&self) -> strongroom::Result<usize> {
        let mut out = Vec::new();
        let options = DownloadOptions::default();
        self.container
            .download(&"b".parse().unwrap(), &options, &mut out)?;
        Ok(out.len())
    }

    /// Something happens in the vault that takes nothing away: the account has to ask again.
    fn stir(&self) {
        self.world
            .grant(VAULT, strongroom::keyvault::ObjectId([9; 16]), &NEEDED);
    }

    fn tokens(&self) -> usize {
        self.remote.tokens.load(SeqCst)
    }
}

#[test]
fn a_token_is_kept_for_fifty_minutes_and_then_renewed() {
    let scene = Scene::new();
    assert_eq!(scene.tokens(), 1);
    let steps = [(MINUTE * 49, 1), (MINUTE, 2), (MINUTE * 49, 2), (MINUTE * 600, 3)];
    for (index, (later, tokens)) in steps.into_iter().enumerate() {
        scene.world.clock.advance(later);
        let unwraps = scene.remote.unwraps.load(SeqCst);
        scene.stir();
        assert_eq!(scene.download().unwrap(), LENGTH, "step {index}");
        assert!(
            scene.remote.unwraps.load(SeqCst) > unwraps,
            "step {index}: asked again"
        );
        assert_eq!(scene.tokens(), tokens, "step {index}");
    }
}

#[test]
fn while_nothing_changes_no_token_is_needed_however_old_it_is() {
    let scene = Scene::new();
    let unwraps = scene.remote.unwraps.load(SeqCst);
    scene.world.clock.advance(MINUTE * 6000);
    assert_eq!(scene.download().unwrap(), LENGTH);
    assert_eq!((scene.tokens(), scene.remote.unwraps.load(SeqCst)), (1, unwraps));
}

#[test]
fn a_refused_token_is_fetched_again_once() {
    let scene = Scene::new();
    scene.stir();
    scene.remote.refusals.store(1, SeqCst);
    assert_eq!(scene.download().unwrap(), LENGTH);
    assert_eq!(scene.tokens(), 2, "one fresh token");
    scene.stir();
    scene.remote.refusals.store(2, SeqCst);
    let refused = scene.download().unwrap_err();
    assert_eq!(refused.status(), 403, "{refused}");
    assert_eq!(scene.tokens(), 3, "not a third attempt");
    assert_eq!(scene.remote.refusals.load(SeqCst), 0);
    scene.stir();
    assert_eq!(scene.download().unwrap(), LENGTH);
}

#[test]
fn a_token_of_the_future_is_not_taken_for_a_young_one() {
    let scene = Scene::new();
    scene.world.clock.set(common::beginning().plus(MINUTE * 60));
    scene.stir();
    assert_eq!(scene.download().unwrap(), LENGTH);
    let before = scene.tokens();
    scene.world.clock.set(common::beginning());
    scene.stir();
    assert_eq!(scene.download().unwrap(), LENGTH);
    assert_eq!(scene.tokens(), before + 1);
}

#[test]
fn a_revocation_that_is_not_pushed_is_seen_by_the_next_operation_and_the_next_chunk() {
    let scene = Scene::new();
    let principal = scene.world.principal();
    let options = DownloadOptions::default();
    let name = "b".parse().unwrap();
    let mut stream = scene.container.open_blob(&name, &options).unwrap();
    let mut begun = [0; 1];
    stream.read_exact(&mut begun).unwrap();
    let mut upload = scene
        .container
        .begin_upload(&"c".parse().unwrap(), UploadOptions::default())
        .unwrap();
    upload.write(&[7; 10]).unwrap();
    scene.world.revoke(VAULT, principal);
    assert!(
        std::io::copy(&mut stream, &mut std::io::sink()).is_err(),
        "mid-stream"
    );
    assert_eq!(upload.commit().unwrap_err().status(), 403);
    assert_eq!(
        scene.download().unwrap_err().code(),
        "KeyVaultEncryptionKeyNotFound"
    );
    assert_eq!(scene.upload("d").unwrap_err().status(), 403);
    scene.world.grant(VAULT, principal, &NEEDED);
    assert_eq!(scene.download().unwrap(), LENGTH);
    scene.upload("d").unwrap();
    assert!(
        scene
            .container
            .open_blob(&"c".parse().unwrap(), &options)
            .is_err()
    );
}
