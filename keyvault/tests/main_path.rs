//! A vault holds a key, an identity with the three permissions uses it, and loses it when its policy goes.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Weak};

use common::{Bench, key, vault};
use strongroom_keyvault::{AccessWatcher, EncryptionAlgorithm::RsaOaep256, KeyService, VaultError};

#[derive(Default)]
struct Watcher(AtomicUsize);

impl AccessWatcher for Watcher {
    fn access_changed(&self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_wrapped_key_opens_until_its_policy_is_deleted() {
    let mut bench = Bench::with_key();
    let identity = bench.caller(&["get", "wrapKey", "unwrapKey"]);
    let service: Arc<dyn KeyService> = bench.store.clone();
    let token = service.token_for(&identity).unwrap();
    let properties = service.vault(&vault("bench").uri()).unwrap();
    let id = service
        .latest_version(&token, &properties.uri, &key("key"))
        .unwrap();
    let wrapped = service.wrap(&token, &id, RsaOaep256, b"root key").unwrap();
    assert_eq!(
        service
            .unwrap(&token, &id, RsaOaep256, &wrapped)
            .unwrap()
            .as_slice(),
        b"root key"
    );
    drop(service);

    bench.reopen();
    let service: Arc<dyn KeyService> = bench.store.clone();
    assert_eq!(
        service
            .unwrap(&token, &id, RsaOaep256, &wrapped)
            .unwrap()
            .as_slice(),
        b"root key"
    );

    let watcher: Arc<Watcher> = Arc::default();
    let weak: Weak<dyn AccessWatcher> = Arc::downgrade(&(watcher.clone() as Arc<dyn AccessWatcher>));
    service.watch(weak);
    let before = service.epoch();
    bench
        .store
        .delete_policy(&bench.owner(), &vault("bench"), identity.principal_id)
        .unwrap();
    assert_ne!(service.epoch(), before);
    assert_eq!(watcher.0.load(SeqCst), 1);
    let refused = service.unwrap(&token, &id, RsaOaep256, &wrapped).unwrap_err();
    let VaultError::AccessDenied(denied) = refused else {
        panic!("{refused}");
    };
    assert_eq!(denied.permission, "unwrapKey");
}
