//! Containers: create, show, change, delete. None of it needs the customer's key.
//!
//! A container is found by name and known by a number that is never used again. Deleting one removes its
//! name, in one small commit whatever it holds; its blobs are then out of reach and are removed in bounded
//! steps ([`reap`]).

mod acl;
mod encryption;
mod kept;
mod lease;
mod list;
mod reap;
pub(crate) mod record;

pub use acl::{ContainerAcl, PublicAccess, StoredAccessPolicy};
pub use encryption::ContainerEncryption;
pub use kept::ContainerVersion;
pub use list::{ContainerItem, ContainerPage, DeletedContainer, ListContainers};
pub use reap::Reaped;
pub(crate) use reap::reap_step;

pub(crate) use crate::lease::{LeaseState, LeaseStatus};

use std::sync::Arc;

use strongroom_engine::Timestamp;

use crate::account::{Account, AccountCore};
use crate::blob::{Conditions, immutability};
use crate::commit::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::lease::{Leasable, LeaseDuration};
use crate::metadata::Metadata;
use crate::names::ContainerName;
use crate::operations::Operation;
use crate::service::BlobServiceProperties;
use record::{ContainerRecord, NewContainer};

/// Where logs of requests are: left out of listings unless asked for.
const LOGS: &str = "$logs";

/// What is known of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerProperties {
    /// Changes with every change of the container's metadata.
    pub etag: ETag,
    /// When it was created.
    pub created: Timestamp,
    /// When it or its metadata changed last, in whole seconds.
    pub last_modified: Timestamp,
    /// What the user attached to it.
    pub metadata: Metadata,
    /// Whether somebody holds a lease.
    pub lease_state: LeaseState,
    /// Whether a lease forbids deleting it.
    pub lease_status: LeaseStatus,
    /// How long the lease was taken for, while somebody holds it.
    pub lease_duration: Option<LeaseDuration>,
    /// What anonymous callers may read.
    pub public_access: PublicAccess,
    /// What its blobs are under.
    pub encryption: ContainerEncryption,
}

/// What a new container is given.
#[derive(Clone, Debug, Default)]
pub struct CreateContainerOptions {
    /// User metadata.
    pub metadata: Metadata,
    /// What anonymous callers may read. Default: nothing.
    pub public_access: PublicAccess,
    /// What its blobs are under. Final. Default: the account's key.
    pub encryption: ContainerEncryption,
}

impl ContainerProperties {
    fn of(record: &ContainerRecord, now: Timestamp) -> Result<Self> {
        let damaged = || {
            Error::new(
                ErrorKind::Corrupt,
                "InternalError",
                500,
                "metadata of a container is damaged",
            )
        };
        Ok(Self {
            etag: record.etag,
            created: record.created,
            last_modified: record.last_modified,
            metadata: Metadata::from_pairs(&record.metadata).ok_or_else(damaged)?,
            lease_state: record.lease.state(now),
            lease_status: record.lease.status(now),
            lease_duration: record.lease.duration(now),
            public_access: record.public_access,
            encryption: record.encryption.clone(),
        })
    }
}

/// A handle to the container of a name, which may or may not exist. Cheap to clone; does no work until it is
/// asked.
#[derive(Clone)]
pub struct Container {
    pub(crate) core: Arc<AccountCore>,
    pub(crate) name: ContainerName,
}

impl Account {
    /// A handle to the container of that name.
    #[must_use]
    pub fn container(&self, name: &ContainerName) -> Container {
        Container {
            core: self.core.clone(),
            name: name.clone(),
        }
    }
}

impl Container {
    /// The container's name.
    #[must_use]
    pub fn name(&self) -> &ContainerName {
        &self.name
    }

    /// Creates the container, for the eyes of the account's own callers only.
    ///
    /// # Errors
    /// `ContainerAlreadyExists` (409).
    pub fn create(&self, metadata: &Metadata) -> Result<ContainerProperties> {
        self.create_with(&CreateContainerOptions {
            metadata: metadata.clone(),
            ..CreateContainerOptions::default()
        })
    }

    /// Creates the container and says who may read it anonymously, and what its blobs are under.
    ///
    /// # Errors
    /// `ContainerAlreadyExists` (409). `ContainerBeingDeleted` does not happen: deleting a container gives
    /// its name free in the same commit. `EncryptionScopeNotFound` (404); `InvalidHeaderValue` (400) if an
    /// override is denied of no scope.
    pub fn create_with(&self, options: &CreateContainerOptions) -> Result<ContainerProperties> {
        self.core.admit(Operation::CreateContainer)?;
        options.encryption.check()?;
        if let Some(scope) = &options.encryption.default_scope {
            self.core.scope(scope)?;
        }
        let (core, name, metadata) = (self.core.clone(), self.name.clone(), options.metadata.to_pairs());
        let (public_access, encryption) = (options.public_access, options.encryption.clone());
        let record = self.core.transact(move |txn| {
            if ContainerRecord::find(txn, &name)?.is_some() {
                return Err(Failure::Refused(already_exists()));
            }
            let new = NewContainer {
                metadata: metadata.clone(),
                public_access,
                encryption: encryption.clone(),
            };
            let record = ContainerRecord::create(&core, txn, new)?;
            record.write(txn, &name)?;
            Ok(record)
        })?;
        ContainerProperties::of(&record, self.core.clock.now())
    }

    /// True if the container exists.
    ///
    /// # Errors
    /// Storage errors.
    pub fn exists(&self) -> Result<bool> {
        self.core.admit(Operation::GetContainerProperties)?;
        Ok(ContainerRecord::find(&self.core.tree, &self.name)?.is_some())
    }

    /// What is known of the container.
    ///
    /// # Errors
    /// `ContainerNotFound` (404).
    pub fn properties(&self) -> Result<ContainerProperties> {
        self.properties_if(&Conditions::default())
    }

    /// What is known of the container, if its lease and its tag are as expected.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); `LeaseIdMismatchWithContainerOperation`,
    /// `LeaseNotPresentWithContainerOperation` (412); `ConditionNotMet` (412, 304) and the other errors of
    /// conditional reads.
    pub fn properties_if(&self, conditions: &Conditions) -> Result<ContainerProperties> {
        self.core.admit(Operation::GetContainerProperties)?;
        let record = ContainerRecord::read(&self.core.tree, &self.name)?;
        let now = self.core.clock.now();
        record.check_lease(conditions.lease, now)?;
        conditions.check_read(record.subject())?;
        ContainerProperties::of(&record, now)
    }

    /// Replaces all metadata of the container.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); `LeaseIdMismatchWithContainerOperation`,
    /// `LeaseNotPresentWithContainerOperation` (412); `ConditionNotMet` (412) and the other errors of
    /// conditional writes.
    pub fn set_metadata(&self, metadata: &Metadata, conditions: &Conditions) -> Result<ContainerProperties> {
        let metadata = metadata.to_pairs();
        let record = self.change(Operation::SetContainerMetadata, conditions, move |record| {
            record.metadata.clone_from(&metadata);
        })?;
        ContainerProperties::of(&record, self.core.clock.now())
    }

    /// Changes the record of the container, and with it tag and time.
    fn change(
        &self,
        operation: Operation,
        conditions: &Conditions,
        change: impl Fn(&mut ContainerRecord) + Send + 'static,
    ) -> Result<ContainerRecord> {
        self.core.admit(operation)?;
        conditions.check_write_form()?;
        let (core, name, conditions) = (self.core.clone(), self.name.clone(), conditions.clone());
        self.core.transact(move |txn| {
            let mut record = ContainerRecord::read(txn, &name)?;
            let now = core.clock.now();
            record.check_lease(conditions.lease, now)?;
            conditions.check_write(Some(record.subject()))?;
            change(&mut record);
            record.touch(&core, now);
            record.write(txn, &name)?;
            Ok(record)
        })
    }

    /// Deletes the container with everything in it; its name can be used again at once. While the service
    /// keeps deleted containers, [`Account::restore_container`] brings it back.
    ///
    /// The cost does not depend on what it holds: a first bounded step of
    /// [`Account::reap_deleted_containers`] follows, the rest is left to later calls of that.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); `LeaseIdMissing`, `LeaseIdMismatchWithContainerOperation`,
    /// `LeaseNotPresentWithContainerOperation` (412); `ConditionNotMet` (412) and the other errors of
    /// conditional writes; `ContainerHasLegalHold`, `ContainerImmutabilityPolicyLocked` (409) while one of
    /// its blobs is protected.
    pub fn delete(&self, conditions: &Conditions) -> Result<()> {
        self.core.admit(Operation::DeleteContainer)?;
        conditions.check_write_form()?;
        let (core, name, conditions) = (self.core.clone(), self.name.clone(), conditions.clone());
        self.core.transact(move |txn| {
            let record = ContainerRecord::read(txn, &name)?;
            let now = core.clock.now();
            record
                .lease
                .check_write(conditions.lease, now, Leasable::Container)?;
            immutability::check_container(txn, record.id, now)?;
            conditions.check_write(Some(record.subject()))?;
            txn.delete(&record::key(&name))?;
            let retention = BlobServiceProperties::read(txn)?.container_delete_retention;
            match retention {
                Some(days) => kept::keep(txn, &name, record, (now, days)),
                None => Ok(txn.put(&record.id.deleted_key(), &[])?),
            }
        })?;
        reap::step(&self.core).map(|_| ())
    }
}

fn already_exists() -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "ContainerAlreadyExists",
        409,
        "The specified container already exists.",
    )
}
