//! Scrub: reading everything back and naming what is damaged.
//!
//! Every record of every tree is opened, which checks each page. Content is opened chunk by chunk while the
//! account's key is at hand; while it is not, the checksums outside the ciphertext still find what the medium
//! has damaged.

use strongroom_engine::body::{BodyRef, Location};
use strongroom_engine::chunks::ChunkId;
use strongroom_engine::codec::{FrameKind, unframe};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::{Snapshot, Tree};

use super::Store;
use crate::account::{Account, AccountName};
use crate::blob::ListBlobs;
use crate::blob::record::{BlobContent, BlobRecord};
use crate::container::record::ContainerRecord;
use crate::container::{Container, ListContainers};
use crate::error::{Error, ErrorKind, Result};
use crate::names::{BlobName, ContainerName};

/// Records read at a time.
const PAGE: usize = 256;

/// What a scrub went through and found. Counted up while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScrubReport {
    /// Accounts looked at.
    pub accounts: u64,
    /// Records of trees opened.
    pub records: u64,
    /// Blobs whose content and metadata were opened and authenticated.
    pub blobs_opened: u64,
    /// Blobs of which only checksums could be checked, because the account's key is out of reach.
    pub blobs_without_key: u64,
    /// Bytes of content of both.
    pub bytes: u64,
    /// What is damaged, by name.
    pub damage: Vec<Damage>,
}

/// Something that cannot be read as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// Where: `account`, `account/container` or `account/container/blob`; the store's own records are
    /// `store`.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl Store {
    /// Checks the whole store, or one account: everything that can be checked with the keys at hand.
    ///
    /// Damage is no error: it is in the report, by name, and the scrub goes on. `progress` is called after
    /// each blob.
    ///
    /// # Errors
    /// `ResourceNotFound` for an account that is not there; when the store fails otherwise.
    pub fn scrub(
        &self,
        account: Option<&AccountName>,
        mut progress: impl FnMut(&ScrubReport),
    ) -> Result<ScrubReport> {
        let mut scrub = Scrub {
            report: ScrubReport::default(),
            progress: &mut progress,
        };
        let names = match account {
            Some(name) => vec![name.clone()],
            None => {
                scrub.tree("store", &self.inner.shared.tree)?;
                self.accounts()?.into_iter().map(|account| account.name).collect()
            }
        };
        for name in names {
            match self.account(&name) {
                Ok(account) => scrub.account(&account)?,
                Err(error) => scrub.note(name.as_str(), error)?,
            }
            scrub.report.accounts += 1;
        }
        Ok(scrub.report)
    }
}

struct Scrub<'a> {
    report: ScrubReport,
    progress: &'a mut dyn FnMut(&ScrubReport),
}

impl Scrub<'_> {
    fn account(&mut self, account: &Account) -> Result<()> {
        self.tree(account.name(), account.core.custody.envelope_tree.tree())?;
        self.tree(account.name(), &account.core.tree)?;
        let mut request = ListContainers::default();
        loop {
            let page = match account.list_containers(&request) {
                Ok(page) => page,
                Err(error) => return self.note(account.name(), error),
            };
            for item in &page.containers {
                self.container(account, &item.name)?;
            }
            match page.next {
                Some(next) => request.marker = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn container(&mut self, account: &Account, name: &ContainerName) -> Result<()> {
        let container = account.container(name);
        let place = format!("{}/{name}", account.name());
        let mut request = ListBlobs::default();
        loop {
            let page = match container.list_blobs(&request) {
                Ok(page) => page,
                Err(error) => return self.note(&place, error),
            };
            for item in page.blobs() {
                self.blob(account, &container, (name, &item.name))?;
            }
            match page.next {
                Some(next) => request.marker = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn blob(
        &mut self,
        account: &Account,
        container: &Container,
        (within, name): (&ContainerName, &BlobName),
    ) -> Result<()> {
        let place = format!("{}/{within}/{name}", account.name());
        match container.content_check(name) {
            Ok(checked) => {
                self.report.blobs_opened += 1;
                self.report.bytes += checked.length;
            }
            Err(error) if error.kind() == ErrorKind::KeyUnavailable => {
                match without_key(account, (within, name)) {
                    Ok(length) => {
                        self.report.blobs_without_key += 1;
                        self.report.bytes += length;
                    }
                    Err(error) => self.note(&place, error)?,
                }
            }
            Err(error) => self.note(&place, error)?,
        }
        (self.progress)(&self.report);
        Ok(())
    }

    /// Opens every record of a tree, and with it every page.
    fn tree(&mut self, place: &str, tree: &Tree) -> Result<()> {
        let snapshot = tree.snapshot()?;
        let mut range = KeyRange::all();
        loop {
            let page = match snapshot.range(&range, Order::Ascending, PAGE) {
                Ok(page) => page,
                Err(error) => return self.note(place, error.into()),
            };
            self.report.records += page.len() as u64;
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range = range.after(last),
                _ => return Ok(()),
            }
        }
    }

    /// Damage is noted; what was deleted meanwhile is none; anything else ends the scrub.
    fn note(&mut self, place: &str, error: Error) -> Result<()> {
        match error.kind() {
            ErrorKind::Corrupt => {
                self.report.damage.push(Damage {
                    place: place.to_owned(),
                    what: error.message().to_owned(),
                });
                Ok(())
            }
            ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        }
    }
}

/// Checks the checksums of a blob's chunks; its length.
fn without_key(account: &Account, (within, name): (&ContainerName, &BlobName)) -> Result<u64> {
    let snapshot = account.core.tree.snapshot()?;
    let container = ContainerRecord::read(&snapshot, within)?;
    let record = BlobRecord::read(&snapshot, container.id, name)?;
    let BlobContent::Own(extents) = &record.content else {
        return Err(crate::blob::unreadable_content());
    };
    for extent in extents {
        body_without_key(&account.core.tree, &snapshot, &extent.body)?;
    }
    Ok(record.length)
}

fn body_without_key(tree: &Tree, snapshot: &Snapshot, body: &BodyRef) -> Result<()> {
    let _pin = snapshot.pin_body(body.id);
    if let Location::Small(location) = &body.location {
        return match tree.small_body(location)? {
            Some(_) => Ok(()),
            None => Err(missing(0)),
        };
    }
    let chunks = body.length.div_ceil(body.chunk_bytes.max(1).into()).max(1);
    for index in 0..u32::try_from(chunks).map_err(|_| missing(0))? {
        let id = ChunkId {
            body: tree.body_key(body.id),
            index,
        };
        let chunk = tree
            .chunks()
            .get(id)
            .map_err(|error| Error::from(strongroom_engine::tree::TreeError::from(error)))?
            .ok_or_else(|| missing(index))?;
        unframe(FrameKind::Chunk, &chunk)?;
    }
    Ok(())
}

fn missing(index: u32) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "InternalError",
        500,
        format!("chunk {index} of the content is missing"),
    )
}
