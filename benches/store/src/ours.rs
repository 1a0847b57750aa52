//! Strongroom as one of those that are measured: one account, one container, default settings.

use std::path::Path;

use strongroom::engine::SystemEntropy;
use strongroom::{
    BlobName, Container, ContainerName, DownloadOptions, KeyFile, Metadata, NewAccount, Store as Strongroom,
    UploadOptions,
};

use crate::{Result, Store};

/// A container of a new store.
pub struct Ours {
    name: &'static str,
    container: Container,
    /// Open for as long as the container is used.
    _store: Strongroom,
}

impl Ours {
    /// A new store in `dir`, on the default engine, platform-managed.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn create(dir: &Path) -> Result<Self> {
        let host_key = KeyFile::create(&dir.join("host.key"), &SystemEntropy)?;
        let store = Strongroom::builder(dir.join("data"), host_key).init()?;
        let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47".parse()?;
        let account =
            store.create_account(&NewAccount::new("benchmark".parse()?, tenant, "westus".parse()?))?;
        let container = account.container(&ContainerName::parse("bench")?);
        container.create(&Metadata::default())?;
        Ok(Self {
            name: "ours",
            container,
            _store: store,
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
