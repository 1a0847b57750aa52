//! Listing containers, page by page.

use strongroom_engine::Timestamp;
use strongroom_engine::codec::decode;
use strongroom_engine::engine::{KeyRange, Order};

use super::ContainerProperties;
use super::record::ContainerRecord;
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
}

/// A container in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerItem {
    /// The container.
    pub name: ContainerName,
    /// What is known of it.
    pub properties: ContainerProperties,
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
        let mut range = KeyRange::prefix(&rooms::key(rooms::CONTAINERS, &[request.prefix.as_bytes()]));
        // The room's own key, without a name, holds the next container's id.
        range = range.after(&rooms::key(rooms::CONTAINERS, &[]));
        if let Some(marker) = &request.marker {
            range.start = range
                .start
                .max(rooms::key(rooms::CONTAINERS, &[marker.position()]));
        }
        let limit = request.page_size.get();
        let mut entries = self.core.tree.range(&range, Order::Ascending, limit + 1)?;
        let next = entries
            .get(limit)
            .map(|(key, _)| Marker::at(key.get(1..).unwrap_or_default()));
        entries.truncate(limit);
        let containers = entries
            .iter()
            .map(|(key, value)| item(key, value, self.core.clock.now()))
            .collect::<Result<_>>()?;
        Ok(ContainerPage { containers, next })
    }
}

fn item(key: &[u8], value: &[u8], now: Timestamp) -> Result<ContainerItem> {
    let damaged = || {
        Error::new(
            ErrorKind::Corrupt,
            "InternalError",
            500,
            "the name of a container is damaged",
        )
    };
    let name = key
        .get(1..)
        .and_then(|name| std::str::from_utf8(name).ok())
        .ok_or_else(damaged)?;
    Ok(ContainerItem {
        name: ContainerName::parse(name).map_err(|_| damaged())?,
        properties: ContainerProperties::of(&decode::<ContainerRecord>(value)?, now)?,
    })
}
