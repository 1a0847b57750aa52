//! Strongroom as one of those that are measured: one account, one container, default settings.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use strongroom::engine::SystemEntropy;
use strongroom::engine::engine::counting::WriteCounts;
use strongroom::keyvault::{
    AccessPolicy, KeyName, KeyPermissions, KeyUpdate, NewKeyOptions, NewVault, Retention, VaultName,
};
use strongroom::{
    Account, BlobName, BlobPage, Conditions, Container, ContainerName, CustomerKey, DownloadOptions,
    EngineKind, KeyFile, ListBlobs, Metadata, NewAccount, Placement, Settings, Store as Strongroom,
    UploadOptions, Vaults,
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

/// Which engine keeps the records, and where large bodies are. As text what a worker process is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Everything in the default engine: `engine`.
    Engine,
    /// Records in the default engine, large bodies in files: `files`.
    Files,
    /// Everything in fjall: `fjall`.
    Fjall,
}

impl FromStr for Layout {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "engine" => Ok(Self::Engine),
            "files" => Ok(Self::Files),
            "fjall" => Ok(Self::Fjall),
            _ => Err(format!("{text}: must be engine, files or fjall").into()),
        }
    }
}

impl Layout {
    fn settings(self) -> Settings {
        let mut settings = Settings::default();
        (settings.engine, settings.placement) = match self {
            Self::Engine => (EngineKind::Sled, Placement::Engine),
            Self::Files => (EngineKind::Sled, Placement::Files),
            Self::Fjall => (EngineKind::Fjall, Placement::Engine),
        };
        settings
    }
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
    /// A new store in `dir`, laid out so.
    ///
    /// # Errors
    /// Whatever the store or the vault says.
    pub fn create(dir: &Path, name: &'static str, (keys, layout): (Keys, Layout)) -> Result<Self> {
        let key = |file: &str| KeyFile::create(&dir.join(file), &SystemEntropy);
        let vaults = Vaults::builder(dir.join(VAULTS), key(VAULT_KEY)?).init()?;
        let store = Strongroom::builder(dir.join(DATA), key(HOST_KEY)?)
            .vaults(&vaults)
            .settings(layout.settings())
            .init()?;
        let tenant = vaults.store().default_tenant();
        store.create_account(&NewAccount::new(ACCOUNT.parse()?, tenant, "westus".parse()?))?;
        let ours = Self::around(name, store, vaults)?;
        ours.container.create(&Metadata::default())?;
        if keys == Keys::Customer {
            ours.prepare_vault()?;
            ours.rotate()?;
        }
        Ok(ours)
    }

    /// The store that [`create`](Self::create) made in `dir`, and how long its opening took without that of
    /// the vaults.
    ///
    /// # Errors
    /// Whatever the store or the vault says.
    pub fn open(dir: &Path) -> Result<(Self, Duration)> {
        let key = |file: &str| KeyFile::read(&dir.join(file));
        let vaults = Vaults::builder(dir.join(VAULTS), key(VAULT_KEY)?).open()?;
        let host_key = key(HOST_KEY)?;
        let begun = Instant::now();
        let store = Strongroom::builder(dir.join(DATA), host_key)
            .vaults(&vaults)
            .open()?;
        let taken = begun.elapsed();
        Ok((Self::around("ours", store, vaults)?, taken))
    }

    fn around(name: &'static str, store: Strongroom, vaults: Vaults) -> Result<Self> {
        let account = store.account(&ACCOUNT.parse()?)?;
        let container = account.container(&ContainerName::parse("bench")?);
        Ok(Self {
            name,
            container,
            account,
            store,
            vaults,
            vault: "safe".parse()?,
            key: "k".parse()?,
        })
    }

    /// Closes store and vaults, which says what dropping them could not.
    ///
    /// # Errors
    /// Whatever the store or the vault says.
    pub fn close(self) -> Result<()> {
        self.store.close()?;
        Ok(self.vaults.close()?)
    }

    fn prepare_vault(&self) -> Result<()> {
        let (vaults, token) = (self.vaults.store(), self.vaults.store().owner_token()?);
        let mut vault = NewVault::new(self.vault.clone(), vaults.default_tenant(), "westus".parse()?);
        vault.retention = Retention::Protected { days: 90 };
        vaults.create_vault(&token, vault)?;
        self.account.assign_identity()?;
        self.set_policy(&["get", "wrapKey", "unwrapKey"])
    }

    /// Lets the account do exactly this with the customer's key.
    ///
    /// # Errors
    /// Whatever the vault says.
    pub fn set_policy(&self, permissions: &[&str]) -> Result<()> {
        let keys = KeyPermissions::parse(permissions.iter().copied())?;
        let identity = self.account.properties()?.system_identity;
        let object_id = identity.ok_or("the account has no identity")?.principal_id;
        let (vaults, token) = (self.vaults.store(), self.vaults.store().owner_token()?);
        vaults.set_policy(&token, &self.vault, AccessPolicy { object_id, keys })?;
        Ok(())
    }

    /// Disables the current version of the customer's key, or enables it again.
    ///
    /// # Errors
    /// Whatever the vault says.
    pub fn set_key_enabled(&self, enabled: bool) -> Result<()> {
        let (vaults, token) = (self.vaults.store(), self.vaults.store().owner_token()?);
        let update = KeyUpdate {
            enabled: Some(enabled),
            ..KeyUpdate::default()
        };
        vaults.update_key(&token, &self.vault, (&self.key, None), update)?;
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

impl Ours {
    /// A blob opened for reading.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn reader(&self, name: &str) -> Result<impl Read + Seek + Send + use<>> {
        Ok(self
            .container
            .open_blob(&BlobName::parse(name)?, &DownloadOptions::default())?)
    }

    /// Uploads what `content` yields, as one blob of `length` bytes.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn upload(&self, name: &str, content: impl Read, length: u64) -> Result<()> {
        let options = UploadOptions {
            content_length: Some(length),
            ..UploadOptions::default()
        };
        self.container.upload(&BlobName::parse(name)?, content, options)?;
        Ok(())
    }

    /// Writes a whole blob to `out`.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn download(&self, name: &str, out: impl std::io::Write) -> Result<()> {
        self.container
            .download(&BlobName::parse(name)?, &DownloadOptions::default(), out)?;
        Ok(())
    }

    /// Deletes a blob.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn delete(&self, name: &str) -> Result<()> {
        Ok(self
            .container
            .delete_blob(&BlobName::parse(name)?, &Conditions::default())?)
    }

    /// One page of a listing.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn list(&self, request: &ListBlobs) -> Result<BlobPage> {
        Ok(self.container.list_blobs(request)?)
    }

    /// Calls the maintenance until it has nothing left to do.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn settle(&self) -> Result<()> {
        while !self.store.maintain()?.done {}
        Ok(())
    }
}

impl Store for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn put(&self, name: &str, body: &[u8]) -> Result<()> {
        self.upload(name, body, body.len() as u64)
    }

    fn get(&self, name: &str, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        self.download(name, out)
    }

    /// Through one open handle, as the peers do.
    fn read(&self, name: &str, offsets: &[u64], out: &mut [u8]) -> Result<()> {
        let mut blob = self.reader(name)?;
        offsets.iter().try_for_each(|&offset| {
            blob.seek(SeekFrom::Start(offset))?;
            Ok(blob.read_exact(out)?)
        })
    }
}

const DATA: &str = "data";
const VAULTS: &str = "vaults";
const HOST_KEY: &str = "host.key";
const VAULT_KEY: &str = "vault.key";
const ACCOUNT: &str = "benchmark";
