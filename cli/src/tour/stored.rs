//! The files of a tour as blobs, with the fingerprints they were stored with.

use std::fs::File;
use std::io;

use indicatif::ProgressBar;
use strongroom::{
    Account, AccountName, BlobName, Container, ContainerName, DownloadOptions, Metadata, NewAccount,
    UploadOptions,
};

use super::hashing::{Fingerprint, Hashing};
use super::workers::each;
use super::{GROUP, origin};
use crate::files::find::Found;
use crate::output::error::Failure;
use crate::progress::{Metered, Progress};
use crate::session::Session;

/// The container of the files.
const FILES: &str = "files";
/// The container of what is stored only to be tried out.
const PROBES: &str = "probes";

/// A file that was stored.
struct Entry {
    name: BlobName,
    fingerprint: Fingerprint,
    bytes: u64,
}

/// What was stored, and where.
pub(super) struct Stored {
    account: Account,
    container: Container,
    probes: Container,
    entries: Vec<Entry>,
}

impl Stored {
    /// Makes the account and its containers.
    pub(super) fn new(session: &Session, name: &AccountName) -> Result<Self, Failure> {
        let labels = session.labels();
        let mut new = NewAccount::new(name.clone(), session.tenant()?, labels.region()?);
        new.resource_group = labels.group_or(GROUP);
        let account = session.store()?.create_account(&new)?;
        let container = account.container(&FILES.parse::<ContainerName>()?);
        let probes = account.container(&PROBES.parse::<ContainerName>()?);
        container.create(&Metadata::new())?;
        probes.create(&Metadata::new())?;
        Ok(Self {
            account,
            container,
            probes,
            entries: Vec::new(),
        })
    }

    /// The account.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// The container of the files.
    pub(super) fn container(&self) -> &Container {
        &self.container
    }

    /// The container of what is stored only to be tried out.
    pub(super) fn probes(&self) -> &Container {
        &self.probes
    }

    /// How many files are stored.
    pub(super) fn files(&self) -> u64 {
        self.entries.len() as u64
    }

    /// How many bytes they hold.
    pub(super) fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.bytes).sum()
    }

    /// One of the blobs.
    pub(super) fn sample(&self) -> Result<&BlobName, Failure> {
        self.entries
            .first()
            .map(|entry| &entry.name)
            .ok_or_else(super::nothing_stored)
    }

    /// Stores files; returns the ones that have gone since they were found, with the reason.
    pub(super) fn upload(&mut self, progress: Progress, files: &[Found]) -> Result<Vec<String>, Failure> {
        let bar = progress.bytes("storing", files.iter().map(|file| file.bytes).sum());
        let mut gone = Vec::new();
        for (found, outcome) in files
            .iter()
            .zip(each(files, |found| self.upload_one(found, &bar)))
        {
            match outcome {
                Ok(Ok(entry)) => self.entries.push(entry),
                Ok(Err(error)) => gone.push(format!("{}: {error}", found.path.display())),
                Err(failure) => return Err(failure.about(&found.path.display())),
            }
        }
        bar.finish_and_clear();
        Ok(gone)
    }

    /// The inner error is of a file that cannot be opened any more.
    fn upload_one(&self, found: &Found, bar: &ProgressBar) -> Result<io::Result<Entry>, Failure> {
        let file = match File::open(&found.path) {
            Ok(file) => file,
            Err(error) => return Ok(Err(error)),
        };
        let name: BlobName = found.name.parse()?;
        let mut content = Hashing::new(Metered::new(file, bar));
        let options = UploadOptions {
            metadata: origin()?,
            ..UploadOptions::default()
        };
        self.container.upload(&name, &mut content, options)?;
        let (fingerprint, bytes) = content.finish();
        Ok(Ok(Entry {
            name,
            fingerprint,
            bytes,
        }))
    }

    /// Reads every blob back; returns the names of those that differ.
    pub(super) fn verify(&self, progress: Progress) -> Vec<String> {
        let bar = progress.bytes("verifying", self.bytes());
        let wrong = each(&self.entries, |entry| self.verify_one(entry, &bar));
        bar.finish_and_clear();
        wrong.into_iter().flatten().collect()
    }

    fn verify_one(&self, entry: &Entry, bar: &ProgressBar) -> Option<String> {
        let mut content = Hashing::new(Metered::new(io::sink(), bar));
        match self
            .container
            .download(&entry.name, &DownloadOptions::default(), &mut content)
        {
            Ok(_) if content.finish() == (entry.fingerprint, entry.bytes) => None,
            Ok(_) => Some(entry.name.to_string()),
            Err(error) => Some(format!("{}: {error}", entry.name)),
        }
    }
}
