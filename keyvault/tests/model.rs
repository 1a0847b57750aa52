//! Any sequence of operations, time steps and openings does what a plain model in memory does.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{Bench, key, vault};
use proptest::prelude::*;
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::{KeyReference, KeyUpdate, NewKeyOptions, NewVault, Retention, VaultError, testing};

const HOUR: u64 = 3600;
const VAULTS: [&str; 2] = ["first", "second"];
const KEYS: [&str; 2] = ["alpha", "beta"];

#[derive(Clone, Debug)]
enum Op {
    CreateVault(usize, u8, bool),
    DeleteVault(usize),
    RecoverVault(usize),
    PurgeVault(usize),
    ImportKey(usize, usize),
    DeleteKey(usize, usize),
    RecoverKey(usize, usize),
    PurgeKey(usize, usize),
    Enable(usize, usize, bool),
    Wrap(usize, usize),
    Wait(u64),
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let place = || (0..2_usize, 0..2_usize);
    prop_oneof![
        3 => (0..2_usize, 7..9_u8, any::<bool>()).prop_map(|(v, d, p)| Op::CreateVault(v, d, p)),
        1 => (0..2_usize).prop_map(Op::DeleteVault),
        1 => (0..2_usize).prop_map(Op::RecoverVault),
        1 => (0..2_usize).prop_map(Op::PurgeVault),
        4 => place().prop_map(|(v, k)| Op::ImportKey(v, k)),
        3 => place().prop_map(|(v, k)| Op::DeleteKey(v, k)),
        2 => place().prop_map(|(v, k)| Op::RecoverKey(v, k)),
        2 => place().prop_map(|(v, k)| Op::PurgeKey(v, k)),
        2 => (place(), any::<bool>()).prop_map(|((v, k), e)| Op::Enable(v, k, e)),
        4 => place().prop_map(|(v, k)| Op::Wrap(v, k)),
        3 => (1..24 * 5_u64).prop_map(Op::Wait),
        1 => Just(Op::Reopen),
    ]
}

#[derive(Clone, Default)]
struct ModelKey {
    versions: usize,
    enabled: bool,
    ends: Option<u64>,
}

#[derive(Clone)]
struct ModelVault {
    days: u64,
    protected: bool,
    ends: Option<u64>,
    keys: BTreeMap<usize, ModelKey>,
}

#[derive(Default)]
struct Model {
    now: u64,
    vaults: BTreeMap<usize, ModelVault>,
}

/// What an operation says, in one word.
type Answer = Result<(), &'static str>;

impl Model {
    fn end_what_is_due(&mut self) {
        let now = self.now;
        let due = |ends: Option<u64>| ends.is_some_and(|ends| ends <= now);
        self.vaults.retain(|_, vault| !due(vault.ends));
        for vault in self.vaults.values_mut() {
            vault.keys.retain(|_, key| !due(key.ends));
        }
    }

    fn active(&mut self, vault: usize) -> Result<&mut ModelVault, &'static str> {
        let vault = self.vaults.get_mut(&vault).filter(|vault| vault.ends.is_none());
        vault.ok_or("no vault")
    }

    fn active_key(&mut self, vault: usize, key: usize) -> Result<&mut ModelKey, &'static str> {
        let key = self
            .active(vault)?
            .keys
            .get_mut(&key)
            .filter(|key| key.ends.is_none());
        key.ok_or("no key")
    }

    fn apply(&mut self, op: &Op) -> Answer {
        self.end_what_is_due();
        let now = self.now;
        match *op {
            Op::CreateVault(vault, days, protected) => match self.vaults.contains_key(&vault) {
                true => return Err("taken"),
                false => drop(self.vaults.insert(
                    vault,
                    ModelVault {
                        days: u64::from(days),
                        protected,
                        ends: None,
                        keys: BTreeMap::new(),
                    },
                )),
            },
            Op::DeleteVault(vault) => {
                let vault = self.active(vault)?;
                vault.ends = Some(now + vault.days * 24);
            }
            Op::RecoverVault(vault) => match self.vaults.get_mut(&vault) {
                None => return Err("no vault"),
                Some(vault) => drop(vault.ends.take().ok_or("conflict")?),
            },
            Op::PurgeVault(vault) => return self.purge_vault(vault),
            Op::ImportKey(vault, key) => {
                let key = self.active(vault)?.keys.entry(key).or_default();
                if key.ends.is_some() {
                    return Err("conflict");
                }
                key.versions += 1;
                key.enabled = true;
            }
            Op::DeleteKey(vault, key) => {
                let days = self.active(vault)?.days;
                self.active_key(vault, key)?.ends = Some(now + days * 24);
            }
            Op::RecoverKey(vault, key) => match self.active(vault)?.keys.get_mut(&key) {
                None => return Err("no key"),
                Some(key) => drop(key.ends.take().ok_or("conflict")?),
            },
            Op::PurgeKey(vault, key) => return self.purge_key(vault, key),
            Op::Enable(vault, key, enabled) => self.active_key(vault, key)?.enabled = enabled,
            Op::Wrap(vault, key) => match self.active_key(vault, key)?.enabled {
                true => {}
                false => return Err("disabled"),
            },
            Op::Wait(hours) => self.now += hours,
            Op::Reopen => {}
        }
        Ok(())
    }

    fn purge_vault(&mut self, vault: usize) -> Answer {
        match self.vaults.get(&vault) {
            None => Err("no vault"),
            Some(ModelVault { ends: None, .. }) => Err("conflict"),
            Some(ModelVault { protected: true, .. }) => Err("protected"),
            Some(_) => {
                self.vaults.remove(&vault);
                Ok(())
            }
        }
    }

    fn purge_key(&mut self, vault: usize, key: usize) -> Answer {
        let vault = self.active(vault)?;
        match vault.keys.get(&key) {
            None => Err("no key"),
            Some(ModelKey { ends: None, .. }) => Err("conflict"),
            Some(_) if vault.protected => Err("protected"),
            Some(_) => {
                vault.keys.remove(&key);
                Ok(())
            }
        }
    }

    fn side_files(&self) -> usize {
        let keys = self.vaults.values().flat_map(|vault| vault.keys.values());
        keys.map(|key| key.versions).sum()
    }
}

fn reference(vault: usize, key: usize) -> KeyReference {
    let text = format!("https://{}.vault.azure.net/keys/{}", VAULTS[vault], KEYS[key]);
    text.parse().unwrap()
}

fn apply(bench: &mut Bench, op: &Op) -> Result<(), VaultError> {
    let owner = bench.owner();
    let store = bench.store.clone();
    let (v, k) = (
        |index: usize| vault(VAULTS[index]),
        |index: usize| key(KEYS[index]),
    );
    match *op {
        Op::CreateVault(name, days, protected) => {
            let mut new = NewVault::new(v(name), store.default_tenant(), "westus".parse()?);
            new.retention = match protected {
                true => Retention::Protected { days },
                false => Retention::Purgeable { days },
            };
            store.create_vault(&owner, new).map(drop)
        }
        Op::DeleteVault(name) => store.delete_vault(&owner, &v(name)),
        Op::RecoverVault(name) => store.recover_vault(&owner, &v(name)).map(drop),
        Op::PurgeVault(name) => store.purge_vault(&owner, &v(name)),
        Op::ImportKey(name, key) => store
            .import_key(
                &owner,
                (&v(name), &k(key)),
                testing::key(key),
                NewKeyOptions::default(),
            )
            .map(drop),
        Op::DeleteKey(name, key) => store.delete_key(&owner, &v(name), &k(key)).map(drop),
        Op::RecoverKey(name, key) => store.recover_key(&owner, &v(name), &k(key)).map(drop),
        Op::PurgeKey(name, key) => store.purge_key(&owner, &v(name), &k(key)),
        Op::Enable(name, key, enabled) => {
            let update = KeyUpdate {
                enabled: Some(enabled),
                ..KeyUpdate::default()
            };
            store
                .update_key(&owner, &v(name), (&k(key), None), update)
                .map(drop)
        }
        Op::Wrap(name, key) => {
            let wrapped = store.wrap_key(&owner, &reference(name, key), RsaOaep256, b"root key")?;
            let opened = store.unwrap_key(&owner, &wrapped.key.reference(), RsaOaep256, &wrapped.value)?;
            assert_eq!(opened.value.as_slice(), b"root key");
            Ok(())
        }
        Op::Wait(hours) => {
            bench.pass(Duration::from_secs(hours * HOUR));
            Ok(())
        }
        Op::Reopen => {
            drop(store);
            bench.reopen();
            Ok(())
        }
    }
}

fn word(error: &VaultError) -> &'static str {
    match error {
        VaultError::VaultNotFound { .. } => "no vault",
        VaultError::KeyNotFound { .. } => "no key",
        VaultError::VaultAlreadyExists { .. } => "taken",
        VaultError::Conflict { .. } | VaultError::ObjectIsDeletedButRecoverable { .. } => "conflict",
        VaultError::PurgeProtected => "protected",
        VaultError::KeyDisabled { .. } => "disabled",
        _ => "unexpected",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_vault_does_what_the_model_does(ops in proptest::collection::vec(op(), 1..60)) {
        let mut bench = Bench::new();
        let mut model = Model::default();
        for op in &ops {
            let epoch = strongroom_keyvault::KeyService::epoch(bench.store.as_ref());
            let got = apply(&mut bench, op);
            let answer = got.as_ref().copied().map_err(word);
            prop_assert_eq!(answer, model.apply(op), "{:?}: {:?}", op, got);
            let moved = strongroom_keyvault::KeyService::epoch(bench.store.as_ref()) != epoch;
            let changes = !matches!(op, Op::Wrap(..) | Op::Wait(_));
            prop_assert!(moved || !changes || got.is_err(), "{op:?} left the epoch alone");
        }
        bench.store.carry_out_due().unwrap();
        model.end_what_is_due();
        prop_assert_eq!(bench.side_files(), model.side_files());
        bench.reopen();
        prop_assert_eq!(bench.side_files(), model.side_files());
        for name in VAULTS {
            if let Ok(verdict) = bench.store.verify_audit(&bench.owner(), &vault(name)) {
                prop_assert_eq!(verdict.broken, None);
            }
        }
    }
}
