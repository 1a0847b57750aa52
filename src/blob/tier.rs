//! Access tiers: how readily a blob's content can be read.
//!
//! An archived blob keeps its record, and its content is out of reach until it has been rehydrated. When that
//! is, is fixed when the rehydration begins: whoever looks at the record afterwards works it out from the
//! clock, and nothing has to happen at that moment.

use std::sync::Arc;
use std::time::Duration;

use strongroom_engine::Timestamp;

use super::history::{self, Kind};
use super::properties::BlobType;
use super::record::{
    AccessTier, ArchiveStatus, BlobRecord, EncryptionDetails, RehydratePriority, TierState, key,
};
use super::{BlobVersionRef, Conditions};
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::ContainerRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::operations::{Operation, UserMetadata};

const HOUR: Duration = Duration::from_secs(3600);

/// How a tier is set. The default: of the base, with the standard priority, without conditions.
#[derive(Clone, Debug, Default)]
pub struct SetTierOptions {
    /// Which state of the blob; not a snapshot.
    pub which: BlobVersionRef,
    /// How urgently it leaves the archive tier: Standard takes 15 hours, High one.
    pub priority: RehydratePriority,
    /// The lease and the tags that must hold; tags and times of changes are not looked at by Azure either.
    pub conditions: Conditions,
}

/// What setting a tier has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TierChange {
    /// The blob has the tier: 200.
    Done,
    /// It will have the tier once it is rehydrated: 202.
    Rehydrating,
}

impl RehydratePriority {
    /// Azure promises no more than 15 hours for the one and expects less than one for the other.
    fn takes(self) -> Duration {
        match self {
            Self::Standard => HOUR * 15,
            Self::High => HOUR,
        }
    }
}

impl AccessTier {
    /// Bytes that a page blob of this tier may have; `None` for a tier of block blobs.
    fn capacity(self) -> Option<u64> {
        let gib = match self {
            Self::Hot | Self::Cool | Self::Cold | Self::Archive => return None,
            Self::P4 => 32,
            Self::P6 => 64,
            Self::P10 => 128,
            Self::P15 => 256,
            Self::P20 => 512,
            Self::P30 => 1 << 10,
            Self::P40 => 2 << 10,
            Self::P50 => 4 << 10,
            Self::P60 => 8 << 10,
            Self::P70 => 16 << 10,
            Self::P80 => 32 << 10,
        };
        Some(gib << 30)
    }

    /// Fails unless a blob of that type can have this tier.
    pub(super) fn check_type(self, blob_type: BlobType) -> Result<()> {
        let wanted = match blob_type {
            BlobType::BlockBlob => self.capacity().is_none(),
            BlobType::PageBlob => self.capacity().is_some(),
            BlobType::AppendBlob => false,
        };
        if wanted {
            return Ok(());
        }
        let message = format!("The access tier {self} is not supported for a {blob_type}.");
        let error = Error::invalid("AccessTierNotSupportedForBlobType", message);
        Err(error.hint("block blobs have Hot, Cool, Cold and Archive, page blobs P4 to P80"))
    }
}

impl TierState {
    /// The tier of a blob that is made with it.
    pub(super) fn given(tier: Option<AccessTier>, now: Timestamp) -> Self {
        Self {
            tier,
            changed: tier.map(|_| now),
            ..Self::default()
        }
    }

    /// The tier of a copy of an archived blob: on its way out, unless it is to be archived itself.
    pub(super) fn out_of_archive(
        tier: AccessTier,
        (priority, now): (RehydratePriority, Timestamp),
    ) -> Result<Self> {
        let mut state = Self::given(Some(AccessTier::Archive), now);
        state.move_to(tier, (priority, now))?;
        Ok(state)
    }

    /// As it is at `now`: a rehydration that is over has happened.
    pub(super) fn at(self, now: Timestamp) -> Self {
        match (self.archive, self.rehydrated) {
            (Some(status), Some(done)) if done <= now => Self {
                tier: Some(status.target()),
                archive: None,
                priority: None,
                ..self
            },
            _ => self,
        }
    }

    pub(super) fn is_archived(self, now: Timestamp) -> bool {
        self.at(now).tier == Some(AccessTier::Archive)
    }

    /// Moves a block blob to another tier.
    fn move_to(
        &mut self,
        tier: AccessTier,
        (priority, now): (RehydratePriority, Timestamp),
    ) -> Result<TierChange> {
        let present = self.at(now);
        if present.tier != Some(AccessTier::Archive) || tier == AccessTier::Archive {
            if present.archive.is_some() {
                return Err(rehydrating());
            }
            *self = Self::given(Some(tier), now);
            return Ok(TierChange::Done);
        }
        let status = ArchiveStatus::towards(tier)?;
        let begun = match present.archive {
            Some(under_way) if under_way != status => return Err(rehydrating()),
            // Asking again can only make it faster.
            Some(_) => present.rehydrated,
            None => None,
        };
        let done = now.plus(priority.takes());
        *self = Self {
            archive: Some(status),
            priority: Some(priority.max(present.priority.unwrap_or_default())),
            rehydrated: Some(begun.map_or(done, |begun| begun.min(done))),
            changed: begun.map_or(Some(now), |_| present.changed),
            ..present
        };
        Ok(TierChange::Rehydrating)
    }

    /// Raises the tier of a page blob of `length` bytes.
    fn raise_to(&mut self, tier: AccessTier, (length, now): (u64, Timestamp)) -> Result<TierChange> {
        let conflict = |code, message| Err(Error::new(ErrorKind::Conflict, code, 409, message));
        if self.tier.is_some_and(|present| tier < present) {
            return conflict(
                "CannotChangeToLowerTier",
                "A higher access tier has already been explicitly set.",
            );
        }
        check_capacity(tier, length)?;
        *self = Self::given(Some(tier), now);
        Ok(TierChange::Done)
    }
}

/// Fails if a page blob is too large for its tier.
pub(super) fn check_capacity(tier: AccessTier, length: u64) -> Result<()> {
    if tier.capacity().is_none_or(|capacity| length <= capacity) {
        return Ok(());
    }
    let message = "Specified blob tier size limit cannot be less than content length.";
    let error = Error::new(
        ErrorKind::Conflict,
        "BlobTierInadequateForContentLength",
        409,
        message,
    );
    Err(error.hint("choose a higher tier"))
}

impl ArchiveStatus {
    fn target(self) -> AccessTier {
        match self {
            Self::RehydratePendingToHot => AccessTier::Hot,
            Self::RehydratePendingToCool => AccessTier::Cool,
            Self::RehydratePendingToCold => AccessTier::Cold,
        }
    }

    fn towards(tier: AccessTier) -> Result<Self> {
        match tier {
            AccessTier::Hot => Ok(Self::RehydratePendingToHot),
            AccessTier::Cool => Ok(Self::RehydratePendingToCool),
            AccessTier::Cold => Ok(Self::RehydratePendingToCold),
            _ => Err(Error::invalid(
                "InvalidHeaderValue",
                format!("a blob does not leave the archive tier for {tier}"),
            )),
        }
    }
}

impl BlobRecord {
    /// Fails while the content is out of reach.
    pub(crate) fn check_online(&self, now: Timestamp) -> Result<()> {
        let present = self.tier.at(now);
        match present.archive {
            Some(_) => Err(rehydrating()),
            None if present.tier == Some(AccessTier::Archive) => {
                let message = "This operation is not permitted on an archived blob.";
                let error = Error::new(ErrorKind::Conflict, "BlobArchived", 409, message);
                Err(error.hint("move the blob to another tier and wait until it is rehydrated"))
            }
            None => Ok(()),
        }
    }
}

fn rehydrating() -> Error {
    let message = "This operation is not permitted because the blob is being rehydrated.";
    let error = Error::new(ErrorKind::Conflict, "BlobBeingRehydrated", 409, message);
    error.hint("wait until it is rehydrated; its properties show the archive status")
}

impl Container {
    /// Sets the tier of a blob or version. Changes neither tag nor time of the last change, and makes no
    /// version. A blob leaves the archive tier after 15 hours, or one with
    /// [`High`](RehydratePriority::High); until then its content is out of reach.
    ///
    /// # Errors
    /// `ContainerNotFound`, `BlobNotFound` (404); the 403 of a revoked key; 400:
    /// `AccessTierNotSupportedForBlobType`, `SnapshotsPresent` for a snapshot; 409: `BlobBeingRehydrated`,
    /// `CannotChangeToLowerTier` and `BlobTierInadequateForContentLength` of page blobs; `LeaseIdMissing` and
    /// the other errors of leases and conditions (412).
    pub fn set_blob_tier(
        &self,
        name: &BlobName,
        tier: AccessTier,
        options: &SetTierOptions,
    ) -> Result<TierChange> {
        let (core, container, name) = (Arc::clone(&self.core), self.name.clone(), name.clone());
        let options = options.clone();
        // Before the transaction, which finds only keys that are at hand.
        let found = self.read_blob(Operation::SetBlobTier, &name, options.which);
        if let Err(error) = found {
            // A snapshot has no tier, whether it is there or not.
            match options.which {
                BlobVersionRef::Snapshot(_) if error.kind() == ErrorKind::NotFound => {}
                _ => return Err(error),
            }
        }
        self.core.transact(move |txn| {
            let container = ContainerRecord::read(txn, &container)?.id;
            if let BlobVersionRef::Snapshot(_) = options.which {
                let message = "This operation is not permitted on a snapshot.";
                return Err(Error::invalid("SnapshotsPresent", message).into());
            }
            let now = core.clock.now();
            let found = BlobRecord::read_state(txn, (container, &name), options.which);
            let asked = (Operation::SetBlobTier, UserMetadata::Untouched);
            let mut record = core.admit_blob_commit(asked, found, txn)?;
            record.check_note(&options.conditions, now)?;
            let change = record.set_tier(tier, (options.priority, now))?;
            let place = match options.which {
                BlobVersionRef::Version(id) if past_version(txn, (container, &name), id)? => {
                    history::key(container, &name, (id, Kind::Version))
                }
                _ => key(container, &name),
            };
            record.write(txn, &place)?;
            Ok::<_, Failure>(change)
        })
    }
}

impl BlobRecord {
    fn set_tier(
        &mut self,
        tier: AccessTier,
        (priority, now): (RehydratePriority, Timestamp),
    ) -> Result<TierChange> {
        tier.check_type(self.blob_type)?;
        check_encryption(tier, &self.encryption)?;
        match self.blob_type {
            BlobType::PageBlob => self.tier.raise_to(tier, (self.length, now)),
            BlobType::BlockBlob | BlobType::AppendBlob => self.tier.move_to(tier, (priority, now)),
        }
    }
}

/// Fails if a blob under these keys cannot be in that tier.
pub(super) fn check_encryption(tier: AccessTier, details: &EncryptionDetails) -> Result<()> {
    if tier == AccessTier::Archive && details.scope.is_some() {
        let message = "a blob under an encryption scope cannot be archived";
        return Err(Error::invalid("InvalidHeaderValue", message));
    }
    Ok(())
}

/// True if the version is not the current one.
pub(super) fn past_version(
    source: &impl crate::container::record::Source,
    (container, name): (crate::container::record::ContainerId, &BlobName),
    id: Timestamp,
) -> Result<bool> {
    let base = BlobRecord::find(source, container, name)?;
    Ok(base.is_none_or(|base| base.version != Some(id)))
}
