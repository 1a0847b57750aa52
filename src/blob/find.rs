//! Finding blobs by their tags, in an account or a container.
//!
//! There is no index: tags are part of a blob's record, which is in the account's tree and needs no key, and
//! a search reads the records in order. So nothing can disagree with anything, whatever creates, copies,
//! overwrites or removes a blob, and blobs without tags cost nothing extra. What a call reads is bounded:
//! after
//! [`RECORDS_PER_CALL`] records it ends its page, which can then be short or empty and still have a marker.

use strongroom_engine::codec::decode;
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::Snapshot;

use super::record::BlobRecord;
use crate::account::{Account, AccountCore};
use crate::container::Container;
use crate::container::record::{self as containers, ContainerRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::names::{BlobName, ContainerName};
use crate::operations::Operation;
use crate::paging::{Marker, PageSize};
use crate::rooms;
use crate::tags::{TagQuery, Tags};

/// Records that one call reads at most.
const RECORDS_PER_CALL: usize = 20_000;
/// Records read at once.
const BATCH: usize = 256;
/// What stands between container and blob in a marker; in no container's name.
const BETWEEN: u8 = 0;

/// Which blobs to find.
///
/// ```
/// use strongroom::FindBlobs;
/// let request = FindBlobs::new("Status = 'done' AND Year >= '2026'".parse()?);
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FindBlobs {
    /// What their tags must be.
    pub query: TagQuery,
    /// Where the page before ended.
    pub marker: Option<Marker>,
    /// Blobs per page at most. A page can have fewer, even none, and still not be the last.
    pub page_size: PageSize,
}

impl FindBlobs {
    /// The first page of everything the query finds.
    #[must_use]
    pub fn new(query: TagQuery) -> Self {
        Self {
            query,
            marker: None,
            page_size: PageSize::default(),
        }
    }
}

/// A blob that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundBlob {
    /// Where it is.
    pub container: ContainerName,
    /// Its name.
    pub name: BlobName,
    /// Those of its tags that the query names.
    pub tags: Tags,
}

/// One page of what was found, in order of container and blob names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundPage {
    /// The blobs.
    pub blobs: Vec<FoundBlob>,
    /// Where to go on; `None` at the end.
    pub next: Option<Marker>,
}

impl Account {
    /// Finds blobs of all containers by their tags; snapshots, previous versions and deleted blobs are not
    /// looked at. Needs no key.
    ///
    /// # Errors
    /// Storage errors.
    pub fn find_blobs(&self, request: &FindBlobs) -> Result<FoundPage> {
        self.core.admit(Operation::FindBlobsByTags)?;
        Search::begin(&self.core, request)?.through_account()
    }
}

impl Container {
    /// Finds blobs of the container by their tags, as [`Account::find_blobs`] does.
    ///
    /// # Errors
    /// `ContainerNotFound` (404).
    pub fn find_blobs(&self, request: &FindBlobs) -> Result<FoundPage> {
        self.core.admit(Operation::FindBlobsByTagsInContainer)?;
        let mut search = Search::begin(&self.core, request)?;
        let record = ContainerRecord::read(&search.snapshot, &self.name)?;
        search.through_container(&self.name, &record)?;
        Ok(search.page())
    }
}

struct Search<'a> {
    request: &'a FindBlobs,
    snapshot: Snapshot,
    /// Container and blob of the marker.
    start: Option<(Vec<u8>, Vec<u8>)>,
    found: Vec<FoundBlob>,
    records: usize,
    next: Option<Marker>,
}

impl<'a> Search<'a> {
    fn begin(core: &AccountCore, request: &'a FindBlobs) -> Result<Self> {
        let split = |marker: &Marker| {
            let mut parts = marker.position().splitn(2, |byte| *byte == BETWEEN);
            let container = parts.next().unwrap_or_default().to_vec();
            (container, parts.next().unwrap_or_default().to_vec())
        };
        Ok(Self {
            request,
            snapshot: core.tree.snapshot()?,
            start: request.marker.as_ref().map(split),
            found: Vec::new(),
            records: 0,
            next: None,
        })
    }

    fn page(self) -> FoundPage {
        FoundPage {
            blobs: self.found,
            next: self.next,
        }
    }

    /// A query that names a container looks at no other.
    fn through_account(mut self) -> Result<FoundPage> {
        if let Some(named) = self.request.query.container() {
            if let Ok(name) = ContainerName::parse(named)
                && let Some(record) = ContainerRecord::find(&self.snapshot, &name)?
            {
                self.through_container(&name, &record)?;
            }
            return Ok(self.page());
        }
        let mut range = KeyRange::prefix(&rooms::key(rooms::CONTAINERS, &[]));
        // The room's own key, without a name, holds the next container's id.
        range = range.after(&rooms::key(rooms::CONTAINERS, &[]));
        if let Some((container, _)) = &self.start {
            range.start = range.start.max(rooms::key(rooms::CONTAINERS, &[container]));
        }
        loop {
            let page = self.snapshot.range(&range, Order::Ascending, BATCH)?;
            for (key, value) in &page {
                let name = containers::name(key).ok_or_else(|| damaged("container"))?;
                self.through_container(&name, &decode(value)?)?;
                if self.next.is_some() {
                    return Ok(self.page());
                }
            }
            match page.last() {
                Some((last, _)) => range = range.after(last),
                None => return Ok(self.page()),
            }
        }
    }

    /// Looks through one container, from the marker on if that is in it, until the page ends.
    fn through_container(&mut self, name: &ContainerName, record: &ContainerRecord) -> Result<()> {
        let prefix = record.id.blobs_prefix();
        let mut range = KeyRange::prefix(&prefix);
        if let Some((container, blob)) = &self.start
            && container == name.as_str().as_bytes()
        {
            range.start = [prefix.as_slice(), blob].concat();
        }
        loop {
            let page = self.snapshot.range(&range, Order::Ascending, BATCH)?;
            for (key, value) in &page {
                let blob = key.get(prefix.len()..).unwrap_or_default();
                self.records += 1;
                if self.found.len() == self.request.page_size.get() || self.records > RECORDS_PER_CALL {
                    self.next = Some(Marker::at(&[name.as_str().as_bytes(), &[BETWEEN], blob].concat()));
                    return Ok(());
                }
                self.look_at(name, blob, &decode(value)?)?;
            }
            match page.last() {
                Some((last, _)) => range = range.after(last),
                None => return Ok(()),
            }
        }
    }

    fn look_at(&mut self, container: &ContainerName, blob: &[u8], record: &BlobRecord) -> Result<()> {
        if !self.request.query.holds(container.as_str(), &record.tags) {
            return Ok(());
        }
        let name = std::str::from_utf8(blob).ok().map(BlobName::parse);
        let mut tags = Tags::new();
        for (name, value) in self.request.query.named(&record.tags) {
            tags.insert(name, value)?;
        }
        self.found.push(FoundBlob {
            container: container.clone(),
            name: name.and_then(Result::ok).ok_or_else(|| damaged("blob"))?,
            tags,
        });
        Ok(())
    }
}

fn damaged(what: &str) -> Error {
    let message = format!("the name of a {what} is damaged");
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
}
