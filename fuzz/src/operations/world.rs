//! A store and its vault in memory: one account under a customer's key, shared by all runs of the process.

use std::sync::Arc;

use strongroom::engine::engine::memory::MemoryEngine;
use strongroom::engine::entropy::SeededEntropy;
use strongroom::engine::{ManualClock, Timestamp};
use strongroom::keyvault::testing::FixtureProvider;
use strongroom::keyvault::{
    AccessPolicy, KeyName, KeyPermissions, NewKeyOptions, NewVault, ObjectId, Providers, Retention, VaultName,
};
use strongroom::{
    Account, Conditions, Container, ContainerName, CustomerKey, KeyFile, Metadata, NewAccount, Result, Store,
    Vaults,
};

pub(super) struct World {
    account: Account,
    vaults: Vaults,
    vault: VaultName,
    key: KeyName,
    principal: ObjectId,
    containers: u64,
    /// Open, and there, for as long as the account is used.
    _store: (Store, tempfile::TempDir),
}

impl World {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory for headers and key files");
        let entropy = Arc::new(SeededEntropy::new(1));
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_583_020_800)));
        let key =
            |name: &str| KeyFile::create(&directory.path().join(name), entropy.as_ref()).expect("a key file");
        let vaults = Vaults::builder(directory.path().join("vaults"), key("vault.key"))
            .engine(Box::new(MemoryEngine::new()))
            .clock(clock.clone())
            .entropy(entropy.clone())
            .providers(Providers::software(Arc::new(FixtureProvider::default())))
            .init()
            .expect("new vaults");
        let store = Store::builder(directory.path().join("data"), key("host.key"))
            .engine(Box::new(MemoryEngine::new()))
            .clock(clock)
            .entropy(entropy)
            .vaults(&vaults)
            .init()
            .expect("a new store");
        let tenant = vaults.store().default_tenant();
        let region = || "westus".parse().expect("a region");
        let new = NewAccount::new("fuzzed".parse().expect("a name"), tenant, region());
        let account = store.create_account(&new).expect("the first account");
        let principal = account.assign_identity().expect("the directory").principal_id;
        let (vault, key) = ("safe".parse().expect("a name"), "k".parse().expect("a name"));
        let mut world = Self {
            account,
            vaults,
            vault,
            key,
            principal,
            containers: 0,
            _store: (store, directory),
        };
        world.prepare_key(NewVault::new(world.vault.clone(), tenant, region()));
        world
    }

    fn prepare_key(&mut self, mut vault: NewVault) {
        vault.retention = Retention::Protected { days: 90 };
        let token = self.vaults.store().owner_token().expect("the owner");
        self.vaults
            .store()
            .create_vault(&token, vault)
            .expect("the first vault");
        self.restore();
        self.rotate().expect("customer keys");
    }

    /// A new version of the key, and the account under it.
    pub(super) fn rotate(&mut self) -> Result<()> {
        let token = self.vaults.store().owner_token().expect("the owner");
        let made = self
            .vaults
            .store()
            .create_key(&token, &self.vault, &self.key, NewKeyOptions::default());
        let made = made.expect("a new version of the key").id;
        let key = CustomerKey {
            version: Some(made.version),
            ..CustomerKey::from(made.base())
        };
        self.account.use_customer_key(&key).map(|_| ())
    }

    pub(super) fn revoke(&mut self) {
        self.allow(&[]);
    }

    pub(super) fn restore(&mut self) {
        self.allow(&["get", "wrapKey", "unwrapKey"]);
    }

    fn allow(&self, permissions: &[&str]) {
        let keys = KeyPermissions::parse(permissions).expect("known permissions");
        let policy = AccessPolicy {
            object_id: self.principal,
            keys,
        };
        let token = self.vaults.store().owner_token().expect("the owner");
        self.vaults
            .store()
            .set_policy(&token, &self.vault, policy)
            .expect("a new policy");
    }

    /// An empty container, of a name that no run had before.
    pub(super) fn new_container(&mut self) -> Container {
        self.containers += 1;
        let name = ContainerName::parse(&format!("run-{}", self.containers)).expect("a legal name");
        let container = self.account.container(&name);
        container.create(&Metadata::default()).expect("a new container");
        container
    }

    /// Deletes a container and gives its space back, so that long runs do not grow.
    pub(super) fn remove(&self, container: &Container) {
        container
            .delete(&Conditions::default())
            .expect("the container of this run");
        self.account.reap_deleted_containers().expect("reaping");
    }
}
