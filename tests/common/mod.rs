//! A whole world for a test in one call: a store, key vaults, and an account under a customer's key.
#![allow(dead_code, reason = "every test file uses its own part of the world")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom::engine::{ManualClock, SystemEntropy, Timestamp};
use strongroom::keyvault::testing::FixtureProvider;
use strongroom::keyvault::{
    AccessPolicy, AccessToken, KeyBundle, KeyId, KeyPermissions, KeyUpdate, KeyVersion, NewKeyOptions,
    NewVault, ObjectId, Providers, Retention, TenantId, VaultName,
};
use strongroom::{
    Account, AccountName, CustomerKey, KeyFile, NewAccount, Store, StoreOptions, VaultOptions, Vaults,
};

/// What an account needs of a key.
pub(crate) const NEEDED: [&str; 3] = ["get", "wrapKey", "unwrapKey"];
/// The account, vault and key of [`World::customer`].
pub(crate) const ACCOUNT: &str = "photos";
pub(crate) const VAULT: &str = "safe";
pub(crate) const KEY: &str = "k";

/// 2020-03-01T00:00:00Z, when the world begins.
pub(crate) fn beginning() -> Timestamp {
    Timestamp::from_unix_seconds(1_583_020_800)
}

pub(crate) fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

pub(crate) fn vault(text: &str) -> VaultName {
    text.parse().unwrap()
}

/// A store and vaults in a directory that goes away with them.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Store,
    pub(crate) vaults: Vaults,
    pub(crate) directory: tempfile::TempDir,
}

impl World {
    /// An empty store and no vault.
    pub(crate) fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(beginning()));
        let key = |file: &str| KeyFile::create(&directory.path().join(file), &SystemEntropy).unwrap();
        let (host_key, vault_key) = (key("host.key"), key("vault.key"));
        let vaults = Vaults::builder(directory.path().join("vaults"), vault_key)
            .clock(clock.clone())
            .providers(fixtures())
            .init()
            .unwrap();
        let store = Store::builder(directory.path().join("data"), host_key)
            .clock(clock.clone())
            .vaults(&vaults)
            .init()
            .unwrap();
        Self {
            clock,
            store,
            vaults,
            directory,
        }
    }

    /// The account `photos`, with an identity that may use the key `k` of the vault `safe`; still
    /// platform-managed.
    pub(crate) fn prepared() -> Self {
        let world = Self::empty();
        world.make_vault(VAULT, |_| {});
        world.make_key(VAULT, KEY);
        let account = world.store.create_account(&world.new_account(ACCOUNT)).unwrap();
        let identity = account.assign_identity().unwrap();
        world.grant(VAULT, identity.principal_id, &NEEDED);
        world
    }

    /// The account `photos` under the first version of the key `k` of the vault `safe`.
    pub(crate) fn customer() -> Self {
        let world = Self::prepared();
        let key = world.current(VAULT, KEY);
        world.account().use_customer_key(&pinned(&key)).unwrap();
        world
    }

    pub(crate) fn account(&self) -> Account {
        self.store.account(&name(ACCOUNT)).unwrap()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn host_key(&self) -> KeyFile {
        KeyFile::read(&self.directory.path().join("host.key")).unwrap()
    }

    pub(crate) fn vault_key(&self) -> KeyFile {
        KeyFile::read(&self.directory.path().join("vault.key")).unwrap()
    }

    pub(crate) fn options(&self) -> StoreOptions {
        Store::builder(self.data(), self.host_key())
            .clock(self.clock.clone())
            .vaults(&self.vaults)
    }

    pub(crate) fn vault_options(&self) -> VaultOptions {
        Vaults::builder(self.directory.path().join("vaults"), self.vault_key())
            .clock(self.clock.clone())
            .providers(fixtures())
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(&mut self) {
        self.store.close().unwrap();
        self.store = self.options().open().unwrap();
    }

    /// An account in the vaults' tenant, in westus.
    pub(crate) fn new_account(&self, account: &str) -> NewAccount {
        NewAccount::new(name(account), self.tenant(), "westus".parse().unwrap())
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.vaults.store().default_tenant()
    }

    pub(crate) fn token(&self) -> AccessToken {
        self.vaults.store().owner_token().unwrap()
    }

    /// A vault with both protections, in the accounts' tenant and region, unless `change` says otherwise.
    pub(crate) fn make_vault(&self, text: &str, change: impl FnOnce(&mut NewVault)) {
        let mut new = NewVault::new(vault(text), self.tenant(), "westus".parse().unwrap());
        new.retention = Retention::Protected { days: 90 };
        change(&mut new);
        self.vaults.store().create_vault(&self.token(), new).unwrap();
    }

    /// A new key, or a new version of one.
    pub(crate) fn make_key(&self, vault_name: &str, key: &str) -> KeyId {
        self.make_key_with(vault_name, key, NewKeyOptions::default())
    }

    pub(crate) fn make_key_with(&self, vault_name: &str, key: &str, options: NewKeyOptions) -> KeyId {
        let key = key.parse().unwrap();
        let made = self
            .vaults
            .store()
            .create_key(&self.token(), &vault(vault_name), &key, options);
        made.unwrap().id
    }

    /// The newest version.
    pub(crate) fn current(&self, vault_name: &str, key: &str) -> KeyId {
        self.bundle(vault_name, key).id
    }

    pub(crate) fn bundle(&self, vault_name: &str, key: &str) -> KeyBundle {
        let key = key.parse().unwrap();
        let bundle = self
            .vaults
            .store()
            .get_key(&self.token(), &vault(vault_name), &key, None);
        bundle.unwrap()
    }

    pub(crate) fn update_key(&self, key: &KeyId, update: KeyUpdate) {
        let version: Option<KeyVersion> = Some(key.version);
        let store = self.vaults.store();
        store
            .update_key(&self.token(), key.vault.name(), (&key.name, version), update)
            .unwrap();
    }

    pub(crate) fn enable_key(&self, key: &KeyId, enabled: bool) {
        let update = KeyUpdate {
            enabled: Some(enabled),
            ..KeyUpdate::default()
        };
        self.update_key(key, update);
    }

    /// Gives a principal exactly these permissions.
    pub(crate) fn grant(&self, vault_name: &str, principal: ObjectId, permissions: &[&str]) {
        let policy = AccessPolicy {
            object_id: principal,
            keys: KeyPermissions::parse(permissions).unwrap(),
        };
        let store = self.vaults.store();
        store
            .set_policy(&self.token(), &vault(vault_name), policy)
            .unwrap();
    }

    pub(crate) fn revoke(&self, vault_name: &str, principal: ObjectId) {
        let store = self.vaults.store();
        store
            .delete_policy(&self.token(), &vault(vault_name), principal)
            .unwrap();
    }

    /// The account's identity.
    pub(crate) fn principal(&self) -> ObjectId {
        let properties = self.account().properties().unwrap();
        properties.system_identity.unwrap().principal_id
    }
}

/// Ready-made RSA keys: making them takes longer than most tests.
pub(crate) fn fixtures() -> Providers {
    Providers::software(Arc::new(FixtureProvider::default()))
}

/// Stay with this version.
pub(crate) fn pinned(key: &KeyId) -> CustomerKey {
    CustomerKey {
        version: Some(key.version),
        ..latest(key)
    }
}

/// Follow this key.
pub(crate) fn latest(key: &KeyId) -> CustomerKey {
    CustomerKey::from(key.base())
}

/// Copies a directory with everything in it; `to` may exist.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
