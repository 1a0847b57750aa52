//! Listing blobs: by prefix and delimiter, page by page, in order of their names as bytes.
//!
//! A page reads one state of the container and costs what it returns: a group of names that share a delimiter
//! is skipped by a seek, however many blobs it has.

use strongroom_engine::codec::decode;
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::Snapshot;

use super::properties::BlobProperties;
use super::record::BlobRecord;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::operations::{Operation, UserMetadata};
use crate::paging::{Marker, PageSize};

/// Records read at once.
const BATCH: usize = 128;

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
    /// What is known of it; `metadata` only if asked for.
    pub properties: BlobProperties,
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
        self.core.admit_with(Operation::ListBlobs, touched)?;
        if request.delimiter.as_deref() == Some("") {
            let message = "a delimiter is not empty";
            return Err(
                Error::new(ErrorKind::Invalid, "InvalidQueryParameterValue", 400, message)
                    .hint("correct the prefix or the delimiter"),
            );
        }
        let room = container.id.blobs_prefix();
        let mut range = KeyRange::prefix(&[&room, request.prefix.as_bytes()].concat());
        if let Some(marker) = &request.marker {
            range.start = range.start.max([&room, marker.position()].concat());
        }
        let walk = Walk {
            container: self,
            snapshot: &snapshot,
            request,
            room: room.len(),
            entries: Vec::new(),
        };
        walk.run(range)
    }
}

struct Walk<'a> {
    container: &'a Container,
    snapshot: &'a Snapshot,
    request: &'a ListBlobs,
    /// Bytes of a key in front of the name.
    room: usize,
    entries: Vec<ListEntry>,
}

impl Walk<'_> {
    fn run(mut self, mut range: KeyRange) -> Result<BlobPage> {
        let limit = self.request.page_size.get();
        loop {
            let batch = BATCH.min(limit - self.entries.len() + 1);
            let found = self.snapshot.range(&range, Order::Ascending, batch)?;
            let more = found.len() == batch;
            for (key, value) in found {
                if key < range.start {
                    continue; // Belongs to the group that was just listed.
                }
                let name = self.name(&key)?;
                if self.entries.len() == limit {
                    return Ok(self.page(Some(Marker::at(name.as_bytes()))));
                }
                range = match self.group(name) {
                    Some(group) => {
                        let past =
                            KeyRange::prefix(key.get(..self.room + group.len()).unwrap_or_default()).end;
                        let entry = ListEntry::Prefix(group.to_owned());
                        self.entries.push(entry);
                        match past {
                            Some(start) => KeyRange {
                                start,
                                end: range.end,
                            },
                            None => return Ok(self.page(None)),
                        }
                    }
                    None => {
                        let item = self.item(name, &value)?;
                        self.entries.push(ListEntry::Blob(Box::new(item)));
                        range.after(&key)
                    }
                };
            }
            if !more || range.is_empty() {
                return Ok(self.page(None));
            }
        }
    }

    fn page(self, next: Option<Marker>) -> BlobPage {
        BlobPage {
            entries: self.entries,
            next,
        }
    }

    fn name<'k>(&self, key: &'k [u8]) -> Result<&'k str> {
        key.get(self.room..)
            .and_then(|name| std::str::from_utf8(name).ok())
            .ok_or_else(damaged)
    }

    /// The group a name belongs to: up to and including the first delimiter after the prefix.
    fn group<'n>(&self, name: &'n str) -> Option<&'n str> {
        let delimiter = self.request.delimiter.as_deref()?;
        let rest = name.strip_prefix(&self.request.prefix)?;
        let end = self.request.prefix.len() + rest.find(delimiter)? + delimiter.len();
        name.get(..end)
    }

    fn item(&self, name: &str, value: &[u8]) -> Result<BlobItem> {
        let record: BlobRecord = decode(value)?;
        let metadata = match self.request.detail {
            ListDetail::Properties => None,
            ListDetail::Metadata => Some(
                self.container
                    .core
                    .guard
                    .with_keys(|keys| record.metadata(keys))??,
            ),
        };
        Ok(BlobItem {
            name: BlobName::parse(name).map_err(|_| damaged())?,
            properties: record.properties(metadata),
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
