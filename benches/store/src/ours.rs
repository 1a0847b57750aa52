//! Strongroom as one of those that are measured: one account, one container, default settings.

use std::path::Path;
use std::time::{Duration, Instant};

use strongroom::engine::SystemEntropy;
use strongroom::engine::engine::counting::WriteCounts;
use strongroom::keyvault::{
    AccessPolicy, KeyName, KeyPermissions, NewKeyOptions, NewVault, Retention, VaultName,
};
use strongroom::{
    Account, BlobName, Container, ContainerName, CustomerKey, DownloadOptions, EngineKind, KeyFile, Metadata,
    NewAccount, Placement, Settings, Store as Strongroom, UploadOptions, Vaults,
};

use crate::{Result, Store};

/// Who holds the account's root key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// The host.
    Platform,
    /// The customer: a key of 2048 bits in a vault beside the store.
    Customer,
}

/// A container of a new store.
pub struct Ours {
    name: &'static str,
    container: Container,
    account: Account,
    store: Strongroom,
    vaults: Vaults,
    vault: VaultName,
    key: KeyName,
}

/// What one rotation took, without the making of the new key version.
pub struct Rotation {
    /// From the call to its return.
    pub time: Duration,
    /// What the store of the account was asked to write.
    pub written: WriteCounts,
}

impl Ours {
    /// A new store in `dir`, on this engine, with its large bodies where `placement` says.
    ///
    /// # Errors
    /// Whatever the store or the vault says.
    pub fn create(
        dir: &Path,
        name: &'static str,
        (keys, engine, placement): (Keys, EngineKind, Placement),
    ) -> Result<Self> {
        let key = |file: &str| KeyFile::create(&dir.join(file), &SystemEntropy);
        let vaults = Vaults::builder(dir.join("vaults"), key("vault.key")?).init()?;
        let mut settings = Settings::default();
        settings.engine = engine;
        settings.placement = placement;
        let store = Strongroom::builder(dir.join("data"), key("host.key")?)
            .vaults(&vaults)
            .settings(settings)
            .init()?;
        let tenant = vaults.store().default_tenant();
        let account =
            store.create_account(&NewAccount::new("benchmark".parse()?, tenant, "westus".parse()?))?;
        let container = account.container(&ContainerName::parse("bench")?);
        container.create(&Metadata::default())?;
        let (vault, key) = ("safe".parse()?, "k".parse()?);
        let ours = Self {
            name,
            container,
            account,
            store,
            vaults,
            vault,
            key,
        };
        if keys == Keys::Customer {
            ours.prepare_vault()?;
            ours.rotate()?;
        }
        Ok(ours)
    }

    fn prepare_vault(&self) -> Result<()> {
        let (vaults, token) = (self.vaults.store(), self.vaults.store().owner_token()?);
        let mut vault = NewVault::new(self.vault.clone(), vaults.default_tenant(), "westus".parse()?);
        vault.retention = Retention::Protected { days: 90 };
        vaults.create_vault(&token, vault)?;
        let keys = KeyPermissions::parse(["get", "wrapKey", "unwrapKey"])?;
        let object_id = self.account.assign_identity()?.principal_id;
        vaults.set_policy(&token, &self.vault, AccessPolicy { object_id, keys })?;
        Ok(())
    }

    /// Makes a new version of the customer's key and puts the account under it.
    ///
    /// # Errors
    /// Whatever the store or the vault says.
    pub fn rotate(&self) -> Result<Rotation> {
        let token = self.vaults.store().owner_token()?;
        let made =
            self.vaults
                .store()
                .create_key(&token, &self.vault, &self.key, NewKeyOptions::default())?;
        let key = CustomerKey {
            version: Some(made.id.version),
            ..CustomerKey::from(made.id.base())
        };
        let (before, begun) = (self.store.write_counts(), Instant::now());
        self.account.use_customer_key(&key)?;
        Ok(Rotation {
            time: begun.elapsed(),
            written: self.store.write_counts().since(&before),
        })
    }
}

impl Store for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn put(&self, name: &str, body: &[u8]) -> Result<()> {
        self.container
            .upload(&BlobName::parse(name)?, body, UploadOptions::default())?;
        Ok(())
    }

    fn get(&self, name: &str, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        self.container
            .download(&BlobName::parse(name)?, &DownloadOptions::default(), out)?;
        Ok(())
    }

    /// Through one open handle, as the peers do.
    fn read(&self, name: &str, offsets: &[u64], out: &mut [u8]) -> Result<()> {
        use std::io::{Read as _, Seek as _, SeekFrom};
        let mut blob = self
            .container
            .open_blob(&BlobName::parse(name)?, &DownloadOptions::default())?;
        offsets.iter().try_for_each(|&offset| {
            blob.seek(SeekFrom::Start(offset))?;
            Ok(blob.read_exact(out)?)
        })
    }
}
