//! A recovery key: a root key wrapped for a key pair whose private part is offline survives the loss of the
//! vault, opens to nobody else, costs a rotation nothing, and is never there unless it was asked for.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use common::{KEY, VAULT, World, latest, pinned};
use strongroom::engine::engine::sled::{SledEngine, SledOptions};
use strongroom::engine::engine::{Engine, KeyRange, Order, ScanOptions, Space};
use strongroom::keyvault::testing::{self, FixtureProvider};
use strongroom::keyvault::{KeyProvider, KeySize, PublicKey, import_public_key};
use strongroom::{
    Account, CustomerKey, DownloadOptions, EncryptionChoice, EncryptionScope, ErrorKind, KeySource, Metadata,
    NewEncryptionScope, RecoverTo, RecoveryPrivateKey, Result, Store, UploadOptions,
};

/// A key pair that is kept offline.
struct Pair {
    public: PublicKey,
    private: RecoveryPrivateKey,
}

/// One of that size, and another one of 2048 bits; neither is a key of the vault.
fn pairs(size: KeySize) -> [Pair; 2] {
    let ours = match size {
        KeySize::Rsa2048 => testing::key(2),
        size => FixtureProvider::default().generate(size).unwrap(),
    };
    [ours, testing::key(3)].map(|key| Pair {
        private: RecoveryPrivateKey::parse(key.private.as_bytes()).unwrap(),
        public: key.public,
    })
}

fn store_blob(account: &Account, encryption: EncryptionChoice) {
    let album = account.container(&"album".parse().unwrap());
    if !album.exists().unwrap() {
        album.create(&Metadata::new()).unwrap();
    }
    let name = match &encryption {
        EncryptionChoice::Scope(_) => "scoped",
        _ => "plain",
    };
    let options = UploadOptions {
        encryption,
        ..UploadOptions::default()
    };
    album
        .upload(&name.parse().unwrap(), name.as_bytes(), options)
        .unwrap();
}

fn read(store: &Store, blob: &str) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let account = store.account(&common::name(common::ACCOUNT)).unwrap();
    let album = account.container(&"album".parse().unwrap());
    album.download(&blob.parse().unwrap(), &DownloadOptions::default(), &mut out)?;
    Ok(out)
}

fn code<T>(result: Result<T>) -> (u16, &'static str) {
    result.map_or_else(|error| (error.status(), error.code()), |_| (200, ""))
}

fn scope(account: &Account) -> EncryptionScope {
    account.encryption_scope(&"tenant".parse().unwrap()).unwrap()
}

/// An account and a scope in it, each under the customer's key, with a blob; and no vault any more.
fn lost(size: KeySize) -> (World, [Pair; 2]) {
    let world = World::customer();
    let (account, pairs) = (world.account(), pairs(size));
    let new = NewEncryptionScope {
        key: Some(pinned(&world.current(VAULT, KEY))),
        ..NewEncryptionScope::default()
    };
    let made = account
        .create_encryption_scope(&"tenant".parse().unwrap(), &new)
        .unwrap();
    store_blob(&account, EncryptionChoice::default());
    store_blob(&account, EncryptionChoice::Scope(made.name().clone()));
    account.set_recovery_key(&pairs[0].public).unwrap();
    made.set_recovery_key(&pairs[0].public).unwrap();
    world.store.close().unwrap();
    world.vaults.close().unwrap();
    std::fs::remove_dir_all(world.directory.path().join("vaults")).unwrap();
    (world, pairs)
}

#[test]
fn what_the_vault_held_is_taken_back_without_it() {
    for size in [KeySize::Rsa2048, KeySize::Rsa3072, KeySize::Rsa4096] {
        let (world, [ours, others]) = lost(size);
        let store = Store::builder(world.data(), world.host_key()).open().unwrap();
        let account = store.account(&common::name(common::ACCOUNT)).unwrap();
        for blob in ["plain", "scoped"] {
            assert_eq!(read(&store, blob).unwrap_err().status(), 403, "{blob}");
        }
        let refused = account.recover(&others.private, &RecoverTo::Platform);
        assert_eq!(code(refused), (400, "WrongRecoveryKey"));
        assert_eq!(read(&store, "plain").unwrap_err().status(), 403);

        let status = account.recover(&ours.private, &RecoverTo::Platform).unwrap();
        assert_eq!(status.key_source, KeySource::Platform);
        assert_eq!(
            status.recovery_key.unwrap().last_used,
            Some(recovered_at(&account))
        );
        assert_eq!(read(&store, "plain").unwrap(), b"plain");
        assert_eq!(
            read(&store, "scoped").unwrap_err().status(),
            403,
            "a scope is by itself"
        );
        scope(&account)
            .recover(&ours.private, &RecoverTo::Platform)
            .unwrap();
        store.close().unwrap();

        let store = Store::builder(world.data(), world.host_key()).open().unwrap();
        for blob in ["plain", "scoped"] {
            assert_eq!(read(&store, blob).unwrap(), blob.as_bytes(), "{size:?}");
        }
    }
}

fn recovered_at(account: &Account) -> strongroom::Timestamp {
    account.recovery_key().unwrap().unwrap().last_used.unwrap()
}

#[test]
fn it_is_taken_back_under_another_key_of_the_customers_at_once() {
    let mut world = World::customer();
    let [ours, _] = pairs(KeySize::Rsa2048);
    store_blob(&world.account(), EncryptionChoice::default());
    world.account().set_recovery_key(&ours.public).unwrap();
    let lost = world.current(VAULT, KEY);
    world.enable_key(&lost, false);
    assert_eq!(read(&world.store, "plain").unwrap_err().status(), 403);
    let other = CustomerKey::from(world.make_key(VAULT, "other").base());
    let status = world
        .account()
        .recover(&ours.private, &RecoverTo::Customer(other))
        .unwrap();
    let current = status.key_vault.unwrap().current_versioned_key_identifier;
    assert_eq!(current, world.current(VAULT, "other"));
    assert_eq!(read(&world.store, "plain").unwrap(), b"plain");
    world.reopen();
    assert_eq!(read(&world.store, "plain").unwrap(), b"plain");
    // It is under that key from now on, and nobody else's.
    world.revoke(VAULT, world.principal());
    assert_eq!(read(&world.store, "plain").unwrap_err().status(), 403);
}

#[test]
fn it_is_set_replaced_and_removed_only_while_the_key_can_be_had() {
    let mut world = World::customer();
    let [first, second] = pairs(KeySize::Rsa2048);
    let account = world.account();
    assert_eq!(account.recovery_key().unwrap(), None, "off by default");
    assert_eq!(
        code(account.recover(&first.private, &RecoverTo::Platform)),
        (404, "RecoveryKeyNotFound")
    );
    let set = account.set_recovery_key(&first.public).unwrap();
    let spki = first.public.to_spki_der().unwrap();
    let sha = sha2_hex(&spki);
    assert_eq!(
        (set.fingerprint.as_str(), set.bits, set.last_used),
        (sha.as_str(), 2048, None)
    );
    assert_eq!(account.encryption().unwrap().recovery_key, Some(set.clone()));

    let principal = world.principal();
    world.revoke(VAULT, principal);
    for refused in [
        code(account.set_recovery_key(&second.public)),
        code(account.remove_recovery_key()),
    ] {
        assert_eq!(refused, (403, "KeyVaultEncryptionKeyNotFound"));
    }
    assert_eq!(
        account.recovery_key().unwrap(),
        Some(set),
        "a revocation leaves it"
    );
    world.grant(VAULT, principal, &common::NEEDED);
    account.set_recovery_key(&second.public).unwrap();
    world.reopen();
    let account = world.account();
    assert_eq!(
        code(account.recover(&first.private, &RecoverTo::Platform)),
        (400, "WrongRecoveryKey")
    );
    account.remove_recovery_key().unwrap();
    assert_eq!(
        code(account.recover(&second.private, &RecoverTo::Platform)),
        (404, "RecoveryKeyNotFound")
    );
}

fn sha2_hex(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}

#[test]
fn a_rotation_neither_touches_it_nor_costs_a_byte_more() {
    let world = World::customer();
    let [ours, _] = pairs(KeySize::Rsa4096);
    let account = world.account();
    let rotate = || {
        let key = world.make_key(VAULT, KEY);
        let before = world.store.write_counts();
        account.use_customer_key(&pinned(&key)).unwrap();
        world.store.write_counts().since(&before)
    };
    let without = rotate();
    let set = account.set_recovery_key(&ours.public).unwrap();
    assert_eq!(rotate(), without);
    assert_eq!(account.recovery_key().unwrap(), Some(set));
    account.use_platform_key().unwrap();
    account
        .use_customer_key(&latest(&world.current(VAULT, KEY)))
        .unwrap();
    account.recover(&ours.private, &RecoverTo::Platform).unwrap();
}

/// The lengths of all pages of the store's engine, in order.
fn page_lengths(world: &World) -> Vec<usize> {
    world.store.close().unwrap();
    let engine = SledEngine::open(world.data().join("engine"), &SledOptions::default()).unwrap();
    let options = ScanOptions {
        order: Order::Ascending,
        limit: 1 << 20,
        max_bytes: usize::MAX,
        keys_only: false,
    };
    let pages = engine
        .scan(Space::PAGES, &KeyRange::all(), options)
        .unwrap()
        .entries;
    let mut lengths: Vec<_> = pages.iter().map(|(_, page)| page.len()).collect();
    engine.close().unwrap();
    lengths.sort_unstable();
    lengths
}

/// What is left of an account that was deleted, had it recovery keys or not.
fn left_behind(with_keys: bool) -> Vec<usize> {
    let mut world = World::customer();
    let [ours, _] = pairs(KeySize::Rsa2048);
    let account = world.account();
    let made = account.create_encryption_scope(&"tenant".parse().unwrap(), &NewEncryptionScope::default());
    if with_keys {
        account.set_recovery_key(&ours.public).unwrap();
        made.unwrap().set_recovery_key(&ours.public).unwrap();
    }
    world
        .store
        .delete_account(&common::name(common::ACCOUNT))
        .unwrap();
    assert_eq!(code(account.set_recovery_key(&ours.public)).0, 404);
    world
        .store
        .create_account(&world.new_account(common::ACCOUNT))
        .unwrap();
    assert_eq!(world.account().recovery_key().unwrap(), None);
    world.reopen();
    page_lengths(&world)
}

#[test]
fn a_deleted_account_takes_its_recovery_keys_with_it() {
    assert_eq!(left_behind(true), left_behind(false));
}

#[test]
fn every_form_of_a_public_key_is_taken_and_a_private_one_refused() {
    let key = FixtureProvider::default().generate(KeySize::Rsa2048).unwrap();
    let (public, der) = (&key.public, key.public.to_spki_der().unwrap());
    let jwk = format!(
        r#"{{"kty":"RSA","kid":"x","n":"{}","e":"{}"}}"#,
        public.n_base64url(),
        public.e_base64url()
    );
    // RSAPublicKey is what the bit string of the DER holds.
    let pkcs1 = &der[24..];
    for form in [
        der.as_slice(),
        public.to_spki_pem().unwrap().as_bytes(),
        jwk.as_bytes(),
        pkcs1,
    ] {
        assert_eq!(&import_public_key(form).unwrap(), public);
    }
    let private = key.private.as_bytes();
    assert!(
        import_public_key(private)
            .unwrap_err()
            .to_string()
            .contains("private key")
    );
    for cut in 0..der.len() {
        assert!(import_public_key(&der[..cut]).is_err(), "prefix of {cut}");
    }
    for form in [
        jwk.replace("\"e\"", "\"f\""),
        jwk.replace("RSA", "EC"),
        jwk.replace("\"kid\"", "\"d\""),
    ] {
        assert!(import_public_key(form.as_bytes()).is_err(), "{form}");
    }
}

/// Makes every one-time key useless, as somebody or a disk could.
fn spoil_one_time_keys(world: &World, spoil: fn(&std::path::Path)) {
    let entries = std::fs::read_dir(world.data().join("keys")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let one_time = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "onetime");
    let spoilt = paths.filter(one_time).map(|path| spoil(&path)).count();
    assert_eq!(spoilt, 2, "the account's and the scope's");
}

fn unlink(path: &std::path::Path) {
    std::fs::remove_file(path).unwrap();
}

fn cut(path: &std::path::Path) {
    std::fs::write(path, [0; 7]).unwrap();
}

#[test]
fn what_the_platform_held_is_taken_back_without_its_one_time_key() {
    for spoil in [unlink, cut] {
        let mut world = World::prepared();
        let [ours, _] = pairs(KeySize::Rsa2048);
        let account = world.account();
        let made = account
            .create_encryption_scope(&"tenant".parse().unwrap(), &NewEncryptionScope::default())
            .unwrap();
        store_blob(&account, EncryptionChoice::default());
        store_blob(&account, EncryptionChoice::Scope(made.name().clone()));
        account.set_recovery_key(&ours.public).unwrap();
        made.set_recovery_key(&ours.public).unwrap();
        world.store.close().unwrap();
        spoil_one_time_keys(&world, spoil);
        world.store = world.options().open().unwrap();

        let account = world.account();
        let listed = account.list_containers(&Default::default()).unwrap();
        assert_eq!(listed.containers.len(), 1);
        assert_eq!(account.encryption().unwrap().key_source, KeySource::Platform);
        for blob in ["plain", "scoped"] {
            let error = read(&world.store, blob).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{blob}: {error}");
        }
        let key = RecoverTo::Customer(pinned(&world.current(VAULT, KEY)));
        account.recover(&ours.private, &RecoverTo::Platform).unwrap();
        scope(&account).recover(&ours.private, &key).unwrap();
        for _ in 0..2 {
            for blob in ["plain", "scoped"] {
                assert_eq!(read(&world.store, blob).unwrap(), blob.as_bytes());
            }
            world.reopen();
        }
    }
}

#[test]
fn an_account_without_its_one_time_key_can_be_deleted() {
    let mut world = World::prepared();
    let account = world.account();
    let made = account.create_encryption_scope(&"tenant".parse().unwrap(), &NewEncryptionScope::default());
    made.unwrap();
    world.store.close().unwrap();
    spoil_one_time_keys(&world, unlink);
    world.store = world.options().open().unwrap();
    let photos = common::name(common::ACCOUNT);
    world.store.delete_account(&photos).unwrap();
    assert_eq!(code(world.store.account(&photos)).0, 404);
}
