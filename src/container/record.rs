//! How a container is stored: one record under its name, readable without the customer's key.

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::{Entry, Snapshot, Tree, TreeError, Txn};

use super::acl::{PublicAccess, StoredAccessPolicy};
use super::encryption::ContainerEncryption;
use crate::account::AccountCore;
use crate::blob::Subject;
use crate::commit::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::lease::{Leasable, Lease, LeaseId};
use crate::names::ContainerName;
use crate::rooms;

/// Names a container within its account: never used again, so that a new container of an old name is another
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ContainerId(pub(crate) u64);

/// What is kept of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContainerRecord {
    pub(crate) id: ContainerId,
    pub(crate) created: Timestamp,
    pub(crate) last_modified: Timestamp,
    pub(crate) etag: ETag,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) lease: Lease,
    pub(crate) public_access: PublicAccess,
    pub(crate) policies: Vec<StoredAccessPolicy>,
    pub(crate) encryption: ContainerEncryption,
}

/// What a new container begins with.
pub(crate) struct NewContainer {
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) public_access: PublicAccess,
    pub(crate) encryption: ContainerEncryption,
}

impl Record for ContainerRecord {
    const NAME: &'static str = "container record";
    const VERSION: u8 = 3;
    const OLDEST: u8 = 3;
}

/// The id that the next container gets.
#[derive(Debug, Serialize, Deserialize)]
struct NextId(u64);

impl Record for NextId {
    const NAME: &'static str = "container id";
    const VERSION: u8 = 1;
}

/// Anything that a record can be read from.
pub(crate) trait Source {
    /// The value of `key`.
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError>;
    /// The first `limit` entries of `range`, in order.
    fn values(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, TreeError>;
    /// The last entry of `range`.
    fn last_value(&self, range: &KeyRange) -> Result<Option<Entry>, TreeError>;
}

impl Source for Tree {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        self.get(key)
    }

    fn values(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, TreeError> {
        self.range(range, Order::Ascending, limit)
    }

    fn last_value(&self, range: &KeyRange) -> Result<Option<Entry>, TreeError> {
        Ok(self.range(range, Order::Descending, 1)?.pop())
    }
}

impl Source for Snapshot {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        self.get(key)
    }

    fn values(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, TreeError> {
        self.range(range, Order::Ascending, limit)
    }

    fn last_value(&self, range: &KeyRange) -> Result<Option<Entry>, TreeError> {
        Ok(self.range(range, Order::Descending, 1)?.pop())
    }
}

impl Source for Txn<'_> {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        self.get(key)
    }

    fn values(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, TreeError> {
        self.range(range, Order::Ascending, limit)
    }

    fn last_value(&self, range: &KeyRange) -> Result<Option<Entry>, TreeError> {
        Ok(self.range(range, Order::Descending, 1)?.pop())
    }
}

impl ContainerRecord {
    /// The container of that name, or `ContainerNotFound`.
    pub(crate) fn read(source: &impl Source, name: &ContainerName) -> Result<Self> {
        Self::find(source, name)?.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "ContainerNotFound",
                404,
                "The specified container does not exist.",
            )
        })
    }

    /// The container of that name, if there is one.
    pub(crate) fn find(source: &impl Source, name: &ContainerName) -> Result<Option<Self>> {
        source
            .value(&key(name))?
            .map(|bytes| decode(&bytes).map_err(Error::from))
            .transpose()
    }

    /// A container as it begins, not yet stored.
    pub(crate) fn create(core: &AccountCore, txn: &mut Txn<'_>, new: NewContainer) -> Result<Self, Failure> {
        let now = core.clock.now();
        Ok(Self {
            id: ContainerId::take(txn)?,
            created: now,
            last_modified: now.whole_seconds(),
            etag: core.etags.first(now),
            metadata: new.metadata,
            lease: Lease::None,
            public_access: new.public_access,
            policies: Vec::new(),
            encryption: new.encryption,
        })
    }

    /// What conditions are checked against; a container has no tags.
    pub(crate) fn subject(&self) -> Subject<'static> {
        Subject {
            etag: self.etag,
            last_modified: self.last_modified,
            tags: None,
        }
    }

    /// Checks the id of a lease where none is needed.
    pub(crate) fn check_lease(&self, given: Option<LeaseId>, now: Timestamp) -> Result<()> {
        self.lease.check_read(given, now, Leasable::Container)
    }

    /// Gives the record the tag and time of a change.
    pub(crate) fn touch(&mut self, core: &AccountCore, now: Timestamp) {
        self.etag = self.etag.next(&core.etags, now);
        self.last_modified = now.whole_seconds();
    }

    /// Stores the record.
    pub(crate) fn write(&self, txn: &mut Txn<'_>, name: &ContainerName) -> Result<(), Failure> {
        Ok(txn.put(&key(name), &encode(self)?)?)
    }
}

impl ContainerId {
    /// An id that no container of this account had.
    pub(crate) fn take(txn: &mut Txn<'_>) -> Result<Self, Failure> {
        let counter = rooms::key(rooms::CONTAINERS, &[]);
        let id = match txn.get(&counter)? {
            Some(bytes) => decode::<NextId>(&bytes)?.0,
            None => 1,
        };
        let exhausted = || {
            Error::new(
                ErrorKind::Store,
                "InternalError",
                500,
                "container ids are used up",
            )
        };
        let next = id.checked_add(1).ok_or_else(exhausted)?;
        txn.put(&counter, &encode(&NextId(next))?)?;
        Ok(Self(id))
    }

    /// The key of the record that says this container is deleted but not yet empty.
    pub(crate) fn deleted_key(self) -> Vec<u8> {
        rooms::key(rooms::DELETED_CONTAINERS, &[&self.0.to_be_bytes()])
    }

    /// What the keys of this container's blobs begin with.
    pub(crate) fn blobs_prefix(self) -> Vec<u8> {
        rooms::key(rooms::BLOBS, &[&self.0.to_be_bytes()])
    }
}

/// The key of a container's record.
pub(crate) fn key(name: &ContainerName) -> Vec<u8> {
    rooms::key(rooms::CONTAINERS, &[name.as_str().as_bytes()])
}

/// The name in the key of a container's record.
pub(crate) fn name(key: &[u8]) -> Option<ContainerName> {
    let name = std::str::from_utf8(key.get(1..)?).ok()?;
    ContainerName::parse(name).ok()
}
