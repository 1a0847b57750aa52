//! Which state of a blob is meant: the base, a snapshot or a version.

use strongroom_engine::Timestamp;

use super::Conditions;
use crate::encryption::EncryptionChoice;

/// A state of a blob. The default is the base: what the name itself stands for.
///
/// ```
/// use strongroom::{BlobVersionRef, Timestamp};
/// assert_eq!(BlobVersionRef::default(), BlobVersionRef::Base);
/// let taken = Timestamp::from_unix_seconds(1_576_269_383);
/// assert_eq!(BlobVersionRef::Snapshot(taken).snapshot(), Some(taken));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobVersionRef {
    /// The blob itself.
    #[default]
    Base,
    /// The snapshot taken at that time, to the tick: `x-ms-snapshot`.
    Snapshot(Timestamp),
    /// The version of that id, to the tick: `x-ms-version-id`. The current version has one too.
    Version(Timestamp),
}

impl BlobVersionRef {
    /// The time of the snapshot, if one is meant.
    #[must_use]
    pub fn snapshot(self) -> Option<Timestamp> {
        match self {
            Self::Snapshot(time) => Some(time),
            Self::Base | Self::Version(_) => None,
        }
    }

    /// The id of the version, if one is meant.
    #[must_use]
    pub fn version(self) -> Option<Timestamp> {
        match self {
            Self::Version(id) => Some(id),
            Self::Base | Self::Snapshot(_) => None,
        }
    }
}

/// What a read of a blob's properties or blocks asks for. The default is the base without conditions.
///
/// ```
/// use strongroom::{BlobVersionRef, Conditions, ReadOptions, Timestamp};
/// let taken = Timestamp::from_unix_seconds(1_576_269_383);
/// let of_snapshot = ReadOptions::from(BlobVersionRef::Snapshot(taken));
/// assert_eq!(of_snapshot.conditions, Conditions::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which state of the blob.
    pub which: BlobVersionRef,
    /// What must hold of it.
    pub conditions: Conditions,
    /// What its content is sealed under. Blocks and tags are shown without it.
    pub encryption: EncryptionChoice,
}

impl From<&Self> for ReadOptions {
    fn from(options: &Self) -> Self {
        options.clone()
    }
}

impl From<&Conditions> for ReadOptions {
    /// The base under these conditions.
    fn from(conditions: &Conditions) -> Self {
        Self {
            conditions: conditions.clone(),
            ..Self::default()
        }
    }
}

impl From<BlobVersionRef> for ReadOptions {
    /// This state without conditions.
    fn from(which: BlobVersionRef) -> Self {
        Self {
            which,
            ..Self::default()
        }
    }
}
