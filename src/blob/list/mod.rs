//! Listing blobs: by prefix and delimiter, page by page, in order of their names as bytes.
//!
//! A page reads one state of the container and costs what it returns: a group of names that share a delimiter
//! is skipped by a seek, however many blobs it has.

mod merge;

use strongroom_engine::Timestamp;
use strongroom_engine::codec::decode;
use strongroom_engine::tree::Snapshot;

use self::merge::{Item, Merge, Rooms, What, place};
use super::history::{self, Kind};
use super::properties::{BlobProperties, BlobType, ContentHeaders};
use super::record::{BlobContent, BlobRecord, NewBlob};
use super::staged::Staging;
use crate::container::Container;
use crate::container::record::{ContainerId, ContainerRecord};
use crate::encryption::EncryptionChoice;
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::operations::{Operation, UserMetadata};
use crate::paging::{Marker, PageSize};
use crate::rooms;
use crate::tags::Tags;

/// What a listing shows of each blob beyond its properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListDetail {
    /// Nothing: needs no key.
    #[default]
    Properties,
    /// User metadata: refused while the key is revoked.
    Metadata,
}

/// What is listed beside the blobs themselves. Needs no key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListInclude {
    /// Snapshots, oldest first, before their blob.
    pub snapshots: bool,
    /// Previous versions, oldest first, before the current one.
    pub versions: bool,
    /// What is deleted and can be restored: blobs, and of the snapshots and versions asked for those too.
    pub deleted: bool,
    /// Names that have versions but no current one, as one entry each.
    pub deleted_with_versions: bool,
    /// Blobs that have only uncommitted blocks; their length is 0.
    pub uncommitted: bool,
    /// The tags of each entry.
    pub tags: bool,
}

/// Which blobs to list. The default is the first 5000 of all.
///
/// ```
/// use strongroom::ListBlobs;
/// let folder = ListBlobs { prefix: "2026/".into(), delimiter: Some("/".into()), ..ListBlobs::default() };
/// ```
#[derive(Clone, Debug, Default)]
pub struct ListBlobs {
    /// Only names that begin with this.
    pub prefix: String,
    /// Names that have this after the prefix are shown once, as what comes up to it.
    pub delimiter: Option<String>,
    /// Where the page before ended.
    pub marker: Option<Marker>,
    /// Entries per page at most, groups included.
    pub page_size: PageSize,
    /// What is shown of each blob.
    pub detail: ListDetail,
    /// What is listed beside the blobs.
    pub include: ListInclude,
}

/// An entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListEntry {
    /// A blob.
    Blob(Box<BlobItem>),
    /// All blobs whose names begin like this, up to and including the delimiter.
    Prefix(String),
}

/// A blob in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobItem {
    /// The blob.
    pub name: BlobName,
    /// What is known of it; `metadata` only if asked for, and not of a blob whose content is under a
    /// provided key.
    pub properties: BlobProperties,
    /// Names the snapshot, if it is one.
    pub snapshot: Option<Timestamp>,
    /// True for what the name itself stands for.
    pub is_current: bool,
    /// True for a name of which only versions are left; the newest of them is shown.
    pub has_versions_only: bool,
    /// False for a blob that has only uncommitted blocks.
    pub is_committed: bool,
    /// Its tags; `None` in a listing that did not ask for them.
    pub tags: Option<Tags>,
}

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobPage {
    /// Blobs and groups, in order.
    pub entries: Vec<ListEntry>,
    /// Where to go on; `None` at the end.
    pub next: Option<Marker>,
}

impl BlobPage {
    /// The blobs of the page.
    pub fn blobs(&self) -> impl Iterator<Item = &BlobItem> {
        self.entries.iter().filter_map(|entry| match entry {
            ListEntry::Blob(item) => Some(item.as_ref()),
            ListEntry::Prefix(_) => None,
        })
    }

    /// The groups of the page.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match entry {
            ListEntry::Blob(_) => None,
            ListEntry::Prefix(prefix) => Some(prefix.as_str()),
        })
    }
}

impl Container {
    /// Lists blobs in order of their names.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); with metadata, the 403 of a revoked key; `InvalidQueryParameterValue` (400)
    /// for an empty delimiter.
    pub fn list_blobs(&self, request: &ListBlobs) -> Result<BlobPage> {
        let snapshot = self.core.tree.snapshot()?;
        let container = ContainerRecord::read(&snapshot, &self.name)?;
        let touched = match request.detail {
            ListDetail::Properties => UserMetadata::Untouched,
            ListDetail::Metadata => UserMetadata::Touched,
        };
        self.core
            .admit_in((Operation::ListBlobs, touched), &container.encryption)?;
        if request.delimiter.as_deref() == Some("") {
            let message = "a delimiter is not empty";
            return Err(
                Error::new(ErrorKind::Invalid, "InvalidQueryParameterValue", 400, message)
                    .hint("correct the prefix or the delimiter"),
            );
        }
        let ListInclude {
            snapshots,
            versions,
            deleted,
            deleted_with_versions,
            uncommitted,
            tags: _,
        } = request.include;
        let rooms = Rooms {
            history: snapshots || versions || deleted || deleted_with_versions,
            staging: uncommitted,
        };
        let mut merge = Merge::new(&snapshot, (container.id, &request.prefix), rooms);
        if let Some(marker) = &request.marker {
            merge.seek(marker.position())?;
        }
        let mut walk = Walk {
            container: self,
            request,
            now: self.core.clock.now(),
            entries: Vec::new(),
            last_base: None,
            newest: None,
        };
        if deleted_with_versions {
            walk.resume(&snapshot, container.id)?;
        }
        walk.run(merge)
    }
}

/// The place behind a name's past and before its base.
fn end_of_past(name: &str) -> Vec<u8> {
    place(name, u64::MAX, 0xfd)
}

/// The newest version of a name whose base has not come yet.
struct Newest {
    name: String,
    record: BlobRecord,
}

struct Walk<'a> {
    container: &'a Container,
    request: &'a ListBlobs,
    now: Timestamp,
    entries: Vec<ListEntry>,
    /// The name whose base was met last, where uncommitted blobs are asked for.
    last_base: Option<String>,
    newest: Option<Newest>,
}

impl Walk<'_> {
    /// Where the page before ended behind the past of a name, its newest version is still to be shown.
    fn resume(&mut self, snapshot: &Snapshot, container: ContainerId) -> Result<()> {
        let Some(marker) = &self.request.marker else {
            return Ok(());
        };
        let (name, _) = rooms::unescape(marker.position()).ok_or_else(damaged)?;
        if marker.position() != end_of_past(&name) {
            return Ok(());
        }
        let name = BlobName::parse(&name)?;
        let mut states = history::states(snapshot, container, &name)?;
        states.retain(|state| state.kind == Kind::Version && !state.record.is_gone(self.now));
        self.newest = states.pop().map(|state| Newest {
            name: name.to_string(),
            record: BlobRecord {
                version: Some(state.time),
                ..state.record
            },
        });
        Ok(())
    }

    fn run(mut self, mut merge: Merge<'_>) -> Result<BlobPage> {
        let limit = self.request.page_size.get();
        while let Some(item) = merge.next()? {
            let is_next_name = self
                .newest
                .as_ref()
                .is_some_and(|newest| newest.name != item.name);
            if is_next_name && let Some(next) = self.end_of_name(limit, &mut merge)? {
                return Ok(self.page(Some(next)));
            }
            let is_full = self.entries.len() == limit;
            let position = is_full.then(|| item.position());
            let Some(entry) = self.entry(item)? else {
                continue;
            };
            if let Some(position) = position {
                return Ok(self.page(Some(Marker::at(&position))));
            }
            self.push(entry, &mut merge);
        }
        let next = self.end_of_name(limit, &mut merge)?;
        Ok(self.page(next))
    }

    /// A name has ended without a base: shows its newest version, or says where to go on if the page is full.
    fn end_of_name(&mut self, limit: usize, merge: &mut Merge<'_>) -> Result<Option<Marker>> {
        let Some(Newest { name, record }) = self.newest.take() else {
            return Ok(None);
        };
        if self.entries.len() == limit {
            return Ok(Some(Marker::at(&end_of_past(&name))));
        }
        let entry = match self.group(&name) {
            Some(group) => ListEntry::Prefix(group.to_owned()),
            None => ListEntry::Blob(Box::new(BlobItem {
                has_versions_only: true,
                ..self.blob(name, record)?
            })),
        };
        self.push(entry, merge);
        Ok(None)
    }

    /// Adds an entry; a group once, and the walk goes on behind it.
    fn push(&mut self, entry: ListEntry, merge: &mut Merge<'_>) {
        if let ListEntry::Prefix(group) = &entry {
            merge.skip(group);
            // Its name is in the group.
            self.newest = None;
            if self.entries.last() == Some(&entry) {
                return;
            }
        }
        self.entries.push(entry);
    }

    fn page(self, next: Option<Marker>) -> BlobPage {
        BlobPage {
            entries: self.entries,
            next,
        }
    }

    /// The group a name belongs to: up to and including the first delimiter after the prefix.
    fn group<'n>(&self, name: &'n str) -> Option<&'n str> {
        let delimiter = self.request.delimiter.as_deref()?;
        let rest = name.strip_prefix(&self.request.prefix)?;
        let end = self.request.prefix.len() + rest.find(delimiter)? + delimiter.len();
        name.get(..end)
    }

    /// What is listed of an item; `None` if it was not asked for. Of a group nothing but its name is shown:
    /// no key is asked for.
    fn entry(&mut self, item: Item) -> Result<Option<ListEntry>> {
        let group = self.group(&item.name).map(str::to_owned);
        let found = match item.what {
            What::Base => {
                if self.request.include.uncommitted {
                    self.last_base = Some(item.name.clone());
                }
                self.newest = None;
                if let Some(group) = group {
                    return Ok(Some(ListEntry::Prefix(group)));
                }
                Some(decode(&item.value)?)
            }
            What::Past(time, kind) => self.past(&item, (time, kind))?,
            What::Staged => self.staged(&item)?,
        };
        let Some(record) = found else {
            return Ok(None);
        };
        if let Some(group) = group {
            return Ok(Some(ListEntry::Prefix(group)));
        }
        let blob = self.blob(item.name, record)?;
        Ok(Some(ListEntry::Blob(Box::new(match item.what {
            What::Base => BlobItem {
                is_current: true,
                ..blob
            },
            What::Past(time, kind) => BlobItem {
                snapshot: (kind == Kind::Snapshot).then_some(time),
                ..blob
            },
            What::Staged => BlobItem {
                is_committed: false,
                ..blob
            },
        }))))
    }

    /// The record of an earlier state, if it was asked for.
    fn past(&mut self, item: &Item, (time, kind): (Timestamp, Kind)) -> Result<Option<BlobRecord>> {
        let include = self.request.include;
        let record: BlobRecord = decode(&item.value)?;
        if record.is_gone(self.now) {
            return Ok(None);
        }
        let record = match kind {
            Kind::Version => BlobRecord {
                version: Some(time),
                ..record
            },
            Kind::Snapshot | Kind::Deleted => record,
        };
        if kind == Kind::Version && include.deleted_with_versions {
            self.newest = Some(Newest {
                name: item.name.clone(),
                record: record.clone(),
            });
        }
        let asked = match kind {
            Kind::Snapshot => include.snapshots,
            Kind::Version => include.versions,
            Kind::Deleted => true,
        };
        if !asked || (record.deleted.is_some() && !include.deleted) {
            return Ok(None);
        }
        Ok(Some(record))
    }

    /// A blob of which only uncommitted blocks exist.
    fn staged(&self, item: &Item) -> Result<Option<BlobRecord>> {
        let staging: Staging = decode(&item.value)?;
        if self.last_base.as_ref() == Some(&item.name) || staging.is_over(self.now) {
            return Ok(None);
        }
        let record = BlobRecord::new(NewBlob {
            blob_type: BlobType::BlockBlob,
            created: staging.created,
            last_modified: staging.last.whole_seconds(),
            etag: self.container.core.etags.shown(staging.created),
            headers: ContentHeaders::default(),
            length: 0,
            content: BlobContent::empty(),
        });
        Ok(Some(BlobRecord {
            encryption: staging.kind.encryption,
            ..record
        }))
    }

    fn blob(&self, name: String, record: BlobRecord) -> Result<BlobItem> {
        let metadata = match self.request.detail {
            ListDetail::Properties => None,
            // As Get Blob Metadata, it would need the key that the caller provided.
            ListDetail::Metadata if record.encryption.customer_key_sha256.is_some() => None,
            ListDetail::Metadata => Some(
                self.container
                    .core
                    .keys_of(&record.encryption, &EncryptionChoice::Default)?
                    .with_keys(|keys| record.metadata(keys))??,
            ),
        };
        let tags = self.request.include.tags;
        let tags = tags.then(|| Tags::from_pairs(&record.tags)).transpose()?;
        Ok(BlobItem {
            name: BlobName::of(name).map_err(|_| damaged())?,
            properties: record.properties(metadata, self.now),
            snapshot: None,
            is_current: false,
            has_versions_only: false,
            is_committed: true,
            tags,
        })
    }
}

fn damaged() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "InternalError",
        500,
        "the name of a blob is damaged",
    )
}
