//! Listing containers, page by page, deleted ones among them if they are asked for.

use strongroom_engine::Timestamp;
use strongroom_engine::codec::decode;
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::{Entry, Snapshot};

use super::kept::{self, ContainerVersion, KeptContainer};
use super::record::{self, ContainerRecord};
use super::{ContainerProperties, LOGS};
use crate::account::Account;
use crate::error::{Error, ErrorKind, Result};
use crate::names::ContainerName;
use crate::operations::Operation;
use crate::paging::{Marker, PageSize};
use crate::rooms;

/// Which containers to list. The default is the first 5000 of all.
///
/// ```
/// use strongroom::{ListContainers, PageSize};
/// let page_size = PageSize::new(100)?;
/// let request = ListContainers { prefix: "report".into(), page_size, ..ListContainers::default() };
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ListContainers {
    /// Only names that begin with this.
    pub prefix: String,
    /// Where the page before ended.
    pub marker: Option<Marker>,
    /// Containers per page at most.
    pub page_size: PageSize,
    /// Also deleted containers that can still be restored, after a container of their name.
    pub include_deleted: bool,
    /// Also `$logs`, which is left out otherwise; as `include=system` does.
    pub include_system: bool,
}

/// A container in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerItem {
    /// The container.
    pub name: ContainerName,
    /// What is known of it.
    pub properties: ContainerProperties,
    /// Set if it is deleted.
    pub deleted: Option<DeletedContainer>,
}

/// What is known of a deleted container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeletedContainer {
    /// What [`Account::restore_container`] asks for.
    pub version: ContainerVersion,
    /// When it was deleted.
    pub when: Timestamp,
    /// How many more whole days it can be restored.
    pub remaining_days: u16,
}

/// One page of containers, in order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerPage {
    /// The containers.
    pub containers: Vec<ContainerItem>,
    /// Where to go on; `None` at the end.
    pub next: Option<Marker>,
}

impl Account {
    /// Lists containers in order of their names.
    ///
    /// # Errors
    /// Storage errors.
    pub fn list_containers(&self, request: &ListContainers) -> Result<ContainerPage> {
        self.core.admit(Operation::ListContainers)?;
        let snapshot = self.core.tree.snapshot()?;
        let now = self.core.clock.now();
        let mut entries = request.entries(&snapshot, rooms::CONTAINERS)?;
        if request.include_deleted {
            entries.extend(request.entries(&snapshot, rooms::KEPT_CONTAINERS)?);
            // Without their room the keys of both are in order: a name comes before what it begins.
            entries.sort_by(|(left, _), (right, _)| left.get(1..).cmp(&right.get(1..)));
        }
        let limit = request.page_size.get();
        let position = |(key, _): &Entry| Marker::at(key.get(1..).unwrap_or_default());
        let next = entries.get(limit).map(position);
        let containers = entries
            .iter()
            .take(limit)
            .map(|(key, value)| item(key, value, now));
        let containers: Vec<Option<ContainerItem>> = containers.collect::<Result<_>>()?;
        let shown = |item: &ContainerItem| request.include_system || item.name.as_str() != LOGS;
        Ok(ContainerPage {
            containers: containers.into_iter().flatten().filter(shown).collect(),
            next,
        })
    }
}

impl ListContainers {
    /// The entries of a room from the marker on, one more than fit on the page.
    fn entries(&self, snapshot: &Snapshot, room: u8) -> Result<Vec<Entry>> {
        let mut range = KeyRange::prefix(&rooms::key(room, &[self.prefix.as_bytes()]));
        // The room's own key, without a name, holds the next container's id.
        range = range.after(&rooms::key(room, &[]));
        if let Some(marker) = &self.marker {
            range.start = range.start.max(rooms::key(room, &[marker.position()]));
        }
        let limit = self.page_size.get() + 1;
        Ok(snapshot.range(&range, Order::Ascending, limit)?)
    }
}

/// `None` for a deleted container whose time is over.
fn item(key: &[u8], value: &[u8], now: Timestamp) -> Result<Option<ContainerItem>> {
    if key.first() == Some(&rooms::CONTAINERS) {
        return Ok(Some(ContainerItem {
            name: record::name(key).ok_or_else(damaged)?,
            properties: ContainerProperties::of(&decode::<ContainerRecord>(value)?, now)?,
            deleted: None,
        }));
    }
    let kept: KeptContainer = decode(value)?;
    let deleted = DeletedContainer {
        version: kept.version(),
        when: kept.deleted,
        remaining_days: crate::service::days_left(kept.until, now),
    };
    let item = ContainerItem {
        name: kept::name_of(key.get(1..).unwrap_or_default()).ok_or_else(damaged)?,
        properties: ContainerProperties::of(&kept.record, now)?,
        deleted: Some(deleted),
    };
    Ok((now < kept.until).then_some(item))
}

fn damaged() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "InternalError",
        500,
        "the name of a container is damaged",
    )
}
