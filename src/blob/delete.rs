//! Deleting blobs, snapshots and versions, and restoring them while that is possible. Needs no key.

use std::sync::Arc;

use strongroom_engine::Timestamp;
use strongroom_engine::tree::Txn;

use super::history::{History, Kind, State, states};
use super::record::{BlobRecord, key};
use super::staged::Staging;
use super::{BlobVersionRef, Conditions};
use crate::account::AccountCore;
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::operations::Operation;

/// What happens to the snapshots of a blob that is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeleteSnapshots {
    /// There must be none.
    #[default]
    None,
    /// They are deleted with it.
    Include,
    /// They alone are deleted.
    Only,
}

/// What to delete. The default is the base of a blob that has no snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteBlobOptions {
    /// Which state of the blob.
    pub which: BlobVersionRef,
    /// What happens to its snapshots; only for the base.
    pub snapshots: DeleteSnapshots,
    /// Remove a deleted snapshot or version before its time. The account must allow it.
    pub permanent: bool,
    /// What must hold of the state.
    pub conditions: Conditions,
}

impl From<&Self> for DeleteBlobOptions {
    fn from(options: &Self) -> Self {
        options.clone()
    }
}

impl From<&Conditions> for DeleteBlobOptions {
    /// The base under these conditions, if it has no snapshots.
    fn from(conditions: &Conditions) -> Self {
        Self {
            conditions: conditions.clone(),
            ..Self::default()
        }
    }
}

impl From<BlobVersionRef> for DeleteBlobOptions {
    /// This state without conditions.
    fn from(which: BlobVersionRef) -> Self {
        Self {
            which,
            ..Self::default()
        }
    }
}

impl From<DeleteSnapshots> for DeleteBlobOptions {
    /// The base or its snapshots, without conditions.
    fn from(snapshots: DeleteSnapshots) -> Self {
        Self {
            snapshots,
            ..Self::default()
        }
    }
}

impl Container {
    /// Deletes a blob, its snapshots, or one snapshot or version. Needs no key.
    ///
    /// Where versions are kept, deleting the base makes it a previous version. Where deleted blobs are kept,
    /// what is deleted can be restored by [`undelete_blob`](Self::undelete_blob) for that long. Uncommitted
    /// blocks go with the base.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); `SnapshotsPresent` (409) for a base with snapshots that are
    /// not to go with it; `InvalidOperation` (400) for `snapshots` or `permanent` where they do not belong;
    /// `OperationNotAllowedOnRootBlob` (403) for the id of the current version; `ConditionNotMet` (412) and
    /// the other errors of conditional writes.
    pub fn delete_blob(&self, name: &BlobName, options: impl Into<DeleteBlobOptions>) -> Result<()> {
        let delete = Delete {
            core: Arc::clone(&self.core),
            container: self.clone(),
            name: name.clone(),
            options: options.into(),
        };
        self.core.transact(move |txn| delete.run(txn))
    }

    /// Restores a deleted blob with its deleted snapshots and versions, if their time is not over. A blob
    /// with nothing to restore stays as it is. Needs no key. Returns how many states were restored.
    ///
    /// # Errors
    /// `ContainerNotFound`; `BlobNotFound` (404) if nothing of that name is kept.
    pub fn undelete_blob(&self, name: &BlobName) -> Result<usize> {
        let (core, container, name) = (Arc::clone(&self.core), self.name.clone(), name.clone());
        self.core.transact(move |txn| {
            let container = ContainerRecord::read(txn, &container)?.id;
            core.admit(Operation::UndeleteBlob)?;
            let now = core.clock.now();
            let base = key(container, &name);
            let known = states(txn, container, &name)?;
            if txn.get(&base)?.is_none() && known.iter().all(|state| state.record.is_gone(now)) {
                return Err(BlobRecord::not_found().into());
            }
            let history = History::of(&core, (container, &name));
            history.restore(txn, &base)
        })
    }
}

struct Delete {
    core: Arc<AccountCore>,
    container: Container,
    name: BlobName,
    options: DeleteBlobOptions,
}

impl Delete {
    fn run(&self, txn: &mut Txn<'_>) -> Result<(), Failure> {
        let container = ContainerRecord::read(txn, &self.container.name)?.id;
        self.core.admit(Operation::DeleteBlob)?;
        self.check_form()?;
        let history = History::of(&self.core, (container, &self.name));
        match self.options.which {
            BlobVersionRef::Base => self.base(txn, &history),
            BlobVersionRef::Snapshot(time) => self.past(txn, &history, (time, Kind::Snapshot)),
            BlobVersionRef::Version(id) => {
                let base = BlobRecord::find(txn, container, &self.name)?;
                if base.is_some_and(|base| base.version == Some(id)) {
                    return Err(root_blob().into());
                }
                self.past(txn, &history, (id, Kind::Version))
            }
        }
    }

    fn check_form(&self) -> Result<()> {
        let base = self.options.which == BlobVersionRef::Base;
        if base && self.options.permanent {
            return Err(
                invalid("only a deleted snapshot or version can be removed for good")
                    .hint("name the snapshot or version"),
            );
        }
        if !base && self.options.snapshots != DeleteSnapshots::None {
            return Err(invalid("a snapshot or version has no snapshots").hint("leave the choice out"));
        }
        Ok(())
    }

    fn base(&self, txn: &mut Txn<'_>, history: &History<'_>) -> Result<(), Failure> {
        let base = BlobRecord::read(txn, history.container, &self.name)?;
        base.check_change(&self.options.conditions, history)?;
        let snapshots = live_snapshots(txn, history)?;
        if self.options.snapshots == DeleteSnapshots::None && !snapshots.is_empty() {
            return Err(snapshots_present().into());
        }
        for snapshot in snapshots {
            snapshot.record.check_immutability(history.now)?;
            history.delete(txn, snapshot)?;
        }
        if self.options.snapshots == DeleteSnapshots::Only {
            return Ok(());
        }
        Staging::discard(txn, history.container, &self.name)?;
        txn.delete(&key(history.container, &self.name))?;
        history.after_delete(txn, base)
    }

    fn past(
        &self,
        txn: &mut Txn<'_>,
        history: &History<'_>,
        place: (Timestamp, Kind),
    ) -> Result<(), Failure> {
        let record = history
            .get(txn, place)?
            .filter(|record| !record.is_gone(history.now));
        let record = record.ok_or_else(BlobRecord::not_found)?;
        record.check_write(&self.options.conditions, history.now)?;
        match (self.options.permanent, record.deleted) {
            (true, Some(_)) if history.protection.permanent_delete => history.purge(txn, place, &record),
            (true, Some(_)) => Err(not_allowed().into()),
            (true, None) => Err(invalid("the snapshot or version is not deleted")
                .hint("delete it first")
                .into()),
            (false, Some(_)) => Err(BlobRecord::not_found().into()),
            (false, None) => {
                let (time, kind) = place;
                history.delete(txn, State { kind, time, record })
            }
        }
    }
}

fn live_snapshots(txn: &Txn<'_>, history: &History<'_>) -> Result<Vec<State>> {
    let mut snapshots = states(txn, history.container, history.name)?;
    snapshots.retain(|state| state.kind == Kind::Snapshot && !state.is_deleted());
    Ok(snapshots)
}

fn snapshots_present() -> Error {
    let message = "This operation is not permitted because the blob has snapshots.";
    Error::new(ErrorKind::Conflict, "SnapshotsPresent", 409, message)
        .hint("delete the snapshots too, or delete them first")
}

fn root_blob() -> Error {
    let message = "The current version cannot be deleted by its id.";
    Error::new(
        ErrorKind::Forbidden,
        "OperationNotAllowedOnRootBlob",
        403,
        message,
    )
    .hint("delete the blob without a version; its current version becomes a previous one then")
}

fn not_allowed() -> Error {
    let message = "The account does not allow to remove deleted snapshots and versions before their time.";
    Error::new(ErrorKind::Conflict, "PermanentDeleteNotAllowed", 409, message)
        .hint("allow permanent deletion in the properties of the blob service")
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::Invalid, "InvalidOperation", 400, message)
}
