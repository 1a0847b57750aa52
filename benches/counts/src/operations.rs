//! The operations that are counted, on a store in which nothing depends on chance or on a disk.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strongroom::engine::engine::memory::MemoryEngine;
use strongroom::engine::entropy::EntropyError;
use strongroom::engine::{Entropy, ManualClock, Timestamp};
use strongroom::keyvault::{
    AccessPolicy, KeyName, KeyPermissions, NewKeyOptions, NewVault, Retention, TenantId, VaultName,
    import_key,
};
use strongroom::{
    Account, BlobName, Container, ContainerName, CustomerKey, DownloadOptions, KeyFile, ListBlobs, Metadata,
    NewAccount, Store, UploadOptions, Vaults,
};
use tempfile::TempDir;

use crate::Result;

/// One operation, repeated with ascending numbers. It owns the store it works on.
pub(crate) type Step = Box<dyn FnMut(usize) -> Result<()>>;

/// What is counted.
pub(crate) struct Operation {
    /// What it is called.
    pub(crate) name: &'static str,
    /// How often it is done for one figure.
    pub(crate) repeats: usize,
    /// Whether other threads take part, whose instructions count as well.
    pub(crate) is_threaded: bool,
    /// Makes the store.
    pub(crate) prepare: fn() -> Result<Step>,
}

pub(crate) const OPERATIONS: [Operation; 7] = [
    Operation {
        name: "put 4 KiB",
        repeats: 50,
        is_threaded: false,
        prepare: || put(4 << 10),
    },
    Operation {
        name: "put 1 MiB",
        repeats: 4,
        is_threaded: true,
        prepare: || put(1 << 20),
    },
    Operation {
        name: "get 4 KiB",
        repeats: 50,
        is_threaded: false,
        prepare: || get(4 << 10),
    },
    Operation {
        name: "get 1 MiB",
        repeats: 4,
        is_threaded: true,
        prepare: || get(1 << 20),
    },
    Operation {
        name: "list 1,000",
        repeats: 5,
        is_threaded: false,
        prepare: list,
    },
    Operation {
        name: "rotate",
        repeats: 4,
        is_threaded: false,
        prepare: rotate,
    },
    Operation {
        name: "key check",
        repeats: 20_000,
        is_threaded: false,
        prepare: key_check,
    },
];

fn put(bytes: usize) -> Result<Step> {
    let world = World::new()?;
    let body = vec![0x5a; bytes];
    Ok(Box::new(move |number| {
        world.put(&format!("blob/{number:06}"), &body)
    }))
}

fn get(bytes: usize) -> Result<Step> {
    let world = World::new()?;
    let body = vec![0x5a; bytes];
    world.put("blob", &body)?;
    let (name, mut out) = (BlobName::parse("blob")?, Vec::with_capacity(bytes));
    Ok(Box::new(move |_| {
        out.clear();
        let container = &world.whole().container;
        container.download(&name, &DownloadOptions::default(), &mut out)?;
        if out != body {
            return Err("other bytes came back than were put".into());
        }
        Ok(())
    }))
}

fn list() -> Result<Step> {
    let world = World::new()?;
    (0..1000).try_for_each(|number| world.put(&format!("blob/{number:06}"), b"small"))?;
    Ok(Box::new(move |_| {
        let page = world.whole().container.list_blobs(&ListBlobs::default())?;
        if page.blobs().count() != 1000 {
            return Err("not every blob is listed".into());
        }
        Ok(())
    }))
}

/// From one ready-made version of the customer's key to the other.
fn rotate() -> Result<Step> {
    let (world, [first, second]) = World::with_customer_key()?;
    let mut turns = [second, first].into_iter().cycle();
    Ok(Box::new(move |_| {
        let key = turns.next().ok_or("there is no key")?;
        world.whole().account.use_customer_key(&key)?;
        Ok(())
    }))
}

/// A read of one byte of an open blob under a customer's key: little beside the check.
fn key_check() -> Result<Step> {
    let (world, _) = World::with_customer_key()?;
    world.put("blob", &vec![0x5a; 64 << 10])?;
    let mut blob = world
        .container
        .open_blob(&BlobName::parse("blob")?, &DownloadOptions::default())?;
    Ok(Box::new(move |_| {
        world.whole();
        blob.seek(SeekFrom::Start(0))?;
        Ok(blob.read_exact(&mut [0])?)
    }))
}

/// A store, an account and a container in memory, but for the host key's file.
struct World {
    container: Container,
    account: Account,
    _store: Store,
    _directory: TempDir,
}

impl World {
    /// Without vaults: making them makes an RSA key, which takes as long as it happens to take.
    fn new() -> Result<Self> {
        Self::within(tempfile::tempdir()?, TenantId([7; 16]), None)
    }

    /// With its account under the first of two versions of a customer's key.
    fn with_customer_key() -> Result<(Self, [CustomerKey; 2])> {
        let directory = tempfile::tempdir()?;
        let entropy = Arc::new(Repeating(AtomicU64::new(2)));
        let key = KeyFile::create(&directory.path().join("vault.key"), entropy.as_ref())?;
        let vaults = Vaults::builder(directory.path().join("vaults"), key)
            .engine(Box::new(MemoryEngine::new()))
            .clock(clock())
            .entropy(entropy)
            .init()?;
        let world = Self::within(directory, vaults.store().default_tenant(), Some(&vaults))?;
        let keys = customer_keys(&vaults, &world.account)?;
        let [first, _] = &keys;
        world.account.use_customer_key(first)?;
        Ok((world, keys))
    }

    fn within(directory: TempDir, tenant: TenantId, vaults: Option<&Vaults>) -> Result<Self> {
        let entropy = Arc::new(Repeating(AtomicU64::new(1)));
        let key = KeyFile::create(&directory.path().join("host.key"), entropy.as_ref())?;
        let options = Store::builder(directory.path().join("data"), key)
            .engine(Box::new(MemoryEngine::new()))
            .clock(clock())
            .entropy(entropy);
        let store = match vaults {
            Some(vaults) => options.vaults(vaults).init()?,
            None => options.init()?,
        };
        let account = store.create_account(&NewAccount::new("counts".parse()?, tenant, "westus".parse()?))?;
        let container = account.container(&ContainerName::parse("counts")?);
        container.create(&Metadata::default())?;
        Ok(Self {
            container,
            account,
            _store: store,
            _directory: directory,
        })
    }

    /// Itself: a closure that names only a part of it would own that part alone, and the store would close.
    fn whole(&self) -> &Self {
        self
    }

    fn put(&self, name: &str, body: &[u8]) -> Result<()> {
        self.container
            .upload(&BlobName::parse(name)?, body, UploadOptions::default())?;
        Ok(())
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_583_020_800)))
}

/// Two versions of a key that the account may use.
fn customer_keys(vaults: &Vaults, account: &Account) -> Result<[CustomerKey; 2]> {
    let (vaults, token) = (vaults.store(), vaults.store().owner_token()?);
    let (vault, name): (VaultName, KeyName) = ("safe".parse()?, "k".parse()?);
    let mut new = NewVault::new(vault.clone(), vaults.default_tenant(), "westus".parse()?);
    new.retention = Retention::Protected { days: 90 };
    vaults.create_vault(&token, new)?;
    let keys = KeyPermissions::parse(["get", "wrapKey", "unwrapKey"])?;
    let object_id = account.assign_identity()?.principal_id;
    vaults.set_policy(&token, &vault, AccessPolicy { object_id, keys })?;
    let version = |der: &[u8]| -> Result<CustomerKey> {
        let options = NewKeyOptions::default();
        let made = vaults.import_key(&token, (&vault, &name), import_key(der)?, options)?;
        Ok(CustomerKey {
            version: Some(made.id.version),
            ..CustomerKey::from(made.id.base())
        })
    };
    Ok([version(KEYS[0])?, version(KEYS[1])?])
}

/// The worthless keys of the vault's tests.
const KEYS: [&[u8]; 2] = [
    include_bytes!("../../../keyvault/tests/keys/rsa2048-1.pkcs8.der"),
    include_bytes!("../../../keyvault/tests/keys/rsa2048-2.pkcs8.der"),
];

/// Randomness that repeats itself in every process, and is fit for counting only (`SplitMix64`).
struct Repeating(AtomicU64);

impl Entropy for Repeating {
    fn fill(&self, bytes: &mut [u8]) -> std::result::Result<(), EntropyError> {
        for piece in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let word = (z ^ (z >> 31)).to_le_bytes();
            for (to, from) in piece.iter_mut().zip(word) {
                *to = from;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_can_be_repeated() -> Result<()> {
        for operation in &OPERATIONS {
            let mut step = (operation.prepare)()?;
            (0..3)
                .try_for_each(&mut step)
                .map_err(|error| format!("{}: {error}", operation.name))?;
        }
        Ok(())
    }
}
