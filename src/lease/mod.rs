//! Leases: a lock on a blob or container, for a time or until it is given up.
//!
//! The rules are those of Azure's "Lease Blob" and "Lease Container" (2012-02-12 and later). A lease changes
//! with time only by the clock that is passed in; nothing has to run when one ends.

mod check;
mod machine;
#[cfg(test)]
mod table;

pub(crate) use check::Leasable;
pub(crate) use machine::{Lease, LeaseAction};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strongroom_engine::entropy::random;
use strongroom_engine::{Entropy, Timestamp};

use crate::error::{Error, Result};
use crate::etag::ETag;

/// Names one lease: a GUID, whose case does not matter.
///
/// ```
/// use strongroom::LeaseId;
/// let id: LeaseId = "1F812371-A41D-49E6-B123-F4B542E851C5".parse()?;
/// assert_eq!(id.to_string(), "1f812371-a41d-49e6-b123-f4b542e851c5");
/// assert_eq!("mine".parse::<LeaseId>().unwrap_err().code(), "InvalidHeaderValue");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LeaseId([u8; 16]);

impl LeaseId {
    /// An id that nobody has yet.
    pub(crate) fn random(entropy: &dyn Entropy) -> Result<Self> {
        let bytes = random(entropy)?;
        Ok(Self(
            uuid::Builder::from_random_bytes(bytes).into_uuid().into_bytes(),
        ))
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl FromStr for LeaseId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = uuid::Uuid::try_parse(text).map(|id| Self(id.into_bytes()));
        parsed.map_err(|_| {
            let message = format!("{text:?} is not a lease id");
            Error::invalid("InvalidHeaderValue", message)
                .hint("give a GUID, for example 1f812371-a41d-49e6-b123-f4b542e851c5")
        })
    }
}

/// How long a lease lasts unless it is renewed: 15 to 60 seconds, or without end.
///
/// ```
/// use strongroom::LeaseDuration;
/// assert_eq!(LeaseDuration::new(15)?.to_string(), "fixed");
/// assert_eq!(LeaseDuration::new(-1)?, LeaseDuration::INFINITE);
/// assert_eq!(LeaseDuration::new(61).unwrap_err().code(), "InvalidHeaderValue");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LeaseDuration(Option<u8>);

impl LeaseDuration {
    /// Until it is released or broken.
    pub const INFINITE: Self = Self(None);

    /// Of 15 to 60 seconds; -1 is without end, as in `x-ms-lease-duration`.
    ///
    /// # Errors
    /// `InvalidHeaderValue` (400) for any other number.
    pub fn new(seconds: i64) -> Result<Self> {
        if seconds == -1 {
            return Ok(Self::INFINITE);
        }
        match u8::try_from(seconds) {
            Ok(fixed) if (15..=60).contains(&fixed) => Ok(Self(Some(fixed))),
            _ => Err(Error::invalid(
                "InvalidHeaderValue",
                format!("a lease cannot last {seconds} seconds"),
            )
            .hint("give 15 to 60 seconds, or -1 for a lease without end")),
        }
    }

    /// The seconds, or `None` without end.
    #[must_use]
    pub fn seconds(self) -> Option<u32> {
        self.0.map(u32::from)
    }
}

impl fmt::Display for LeaseDuration {
    /// `fixed` or `infinite`, as properties show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "fixed" } else { "infinite" })
    }
}

/// How long a lease goes on after it was broken: 0 to 60 seconds.
///
/// ```
/// use strongroom::BreakPeriod;
/// assert_eq!(BreakPeriod::new(0)?.seconds(), 0);
/// assert_eq!(BreakPeriod::new(61).unwrap_err().code(), "InvalidHeaderValue");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BreakPeriod(u8);

impl BreakPeriod {
    /// Of 0 to 60 seconds.
    ///
    /// # Errors
    /// `InvalidHeaderValue` (400) for any other number.
    pub fn new(seconds: i64) -> Result<Self> {
        match u8::try_from(seconds) {
            Ok(period) if period <= 60 => Ok(Self(period)),
            _ => Err(Error::invalid(
                "InvalidHeaderValue",
                format!("a lease cannot take {seconds} seconds to break"),
            )
            .hint("give 0 to 60 seconds")),
        }
    }

    /// The seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0.into()
    }
}

/// Where a lease is in its life. Prints as Azure has it, as in `available`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeaseState {
    /// Nobody holds one.
    #[default]
    Available,
    /// Somebody holds it.
    Leased,
    /// Its time is over.
    Expired,
    /// It was broken and goes on for a while.
    Breaking,
    /// It was broken and has ended.
    Broken,
}

impl fmt::Display for LeaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Available => "available",
            Self::Leased => "leased",
            Self::Expired => "expired",
            Self::Breaking => "breaking",
            Self::Broken => "broken",
        })
    }
}

/// Whether a lease forbids changes. Prints as `locked` or `unlocked`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeaseStatus {
    /// None does.
    #[default]
    Unlocked,
    /// A lease is leased or breaking.
    Locked,
}

impl fmt::Display for LeaseStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unlocked => "unlocked",
            Self::Locked => "locked",
        })
    }
}

/// What a lease operation says. Tag and time are those the thing had: leasing does not change them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseReceipt {
    /// The tag of the blob or container.
    pub etag: ETag,
    /// When the blob or container changed last, in whole seconds.
    pub last_modified: Timestamp,
    /// The lease after acquiring, renewing or changing it.
    pub lease_id: Option<LeaseId>,
    /// Whole seconds until a lease that was broken ends, rounded up; 0 when it has ended.
    pub lease_time: Option<u32>,
}

/// The five things that can be done to a lease, as `x-ms-lease-action` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseRequest {
    /// Takes a lease, under the given id or a fresh one; the holder may give it another duration.
    Acquire {
        /// How long it lasts.
        duration: LeaseDuration,
        /// The id it gets; `None` draws one at random.
        proposed: Option<LeaseId>,
    },
    /// Begins its time anew.
    Renew(LeaseId),
    /// Gives it another id.
    Change {
        /// The id it has, or already the proposed one.
        id: LeaseId,
        /// The id it gets.
        proposed: LeaseId,
    },
    /// Ends it at once.
    Release(LeaseId),
    /// Ends it without its id, after a period: `None` is the time a fixed lease still has, and no time for
    /// one without end.
    Break(Option<BreakPeriod>),
}

impl LeaseRequest {
    /// With an id drawn for an acquisition that proposes none.
    pub(crate) fn resolve(self, entropy: &dyn Entropy) -> Result<LeaseAction> {
        Ok(match self {
            Self::Acquire { duration, proposed } => LeaseAction::Acquire {
                id: proposed.map_or_else(|| LeaseId::random(entropy), Ok)?,
                duration,
            },
            Self::Renew(id) => LeaseAction::Renew { id },
            Self::Change { id, proposed } => LeaseAction::Change { id, proposed },
            Self::Release(id) => LeaseAction::Release { id },
            Self::Break(period) => LeaseAction::Break { period },
        })
    }
}
