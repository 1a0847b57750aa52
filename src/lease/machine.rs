//! The lease state machine, as a value: what is kept, and what each action makes of it at a given time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;

use super::{BreakPeriod, LeaseDuration, LeaseId, LeaseReceipt, LeaseState, LeaseStatus};
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;

/// An action with everything it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseAction {
    Acquire { id: LeaseId, duration: LeaseDuration },
    Renew { id: LeaseId },
    Change { id: LeaseId, proposed: LeaseId },
    Release { id: LeaseId },
    Break { period: Option<BreakPeriod> },
}

/// What is kept of the lease of a blob or container. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Lease {
    #[default]
    None,
    /// Leased until it ends; expired from then on.
    Held {
        id: LeaseId,
        duration: LeaseDuration,
        /// `None` for a lease without end.
        ends: Option<Timestamp>,
    },
    /// Breaking until it ends; broken from then on.
    Broken { id: LeaseId, ends: Timestamp },
}

impl Lease {
    pub(crate) fn state(self, now: Timestamp) -> LeaseState {
        match self {
            Self::None => LeaseState::Available,
            Self::Held { ends: Some(ends), .. } if ends <= now => LeaseState::Expired,
            Self::Held { .. } => LeaseState::Leased,
            Self::Broken { ends, .. } if ends <= now => LeaseState::Broken,
            Self::Broken { .. } => LeaseState::Breaking,
        }
    }

    pub(crate) fn status(self, now: Timestamp) -> LeaseStatus {
        match self.state(now) {
            LeaseState::Leased | LeaseState::Breaking => LeaseStatus::Locked,
            LeaseState::Available | LeaseState::Expired | LeaseState::Broken => LeaseStatus::Unlocked,
        }
    }

    /// How long a lease that somebody holds was taken for.
    pub(crate) fn duration(self, now: Timestamp) -> Option<LeaseDuration> {
        match self {
            Self::Held { duration, .. } if self.state(now) == LeaseState::Leased => Some(duration),
            _ => None,
        }
    }

    /// The id it has or had last.
    pub(super) fn id(self) -> Option<LeaseId> {
        match self {
            Self::None => None,
            Self::Held { id, .. } | Self::Broken { id, .. } => Some(id),
        }
    }

    /// What `action` makes of the lease, or why it may not.
    pub(crate) fn apply(self, action: LeaseAction, now: Timestamp) -> Result<Self> {
        match action {
            LeaseAction::Acquire { id, duration } => self.acquire(id, duration, now),
            LeaseAction::Renew { id } => self.renew(id, now),
            LeaseAction::Change { id, proposed } => self.change(id, proposed, now),
            LeaseAction::Release { id } if self.id() == Some(id) => Ok(Self::None),
            LeaseAction::Release { .. } => Err(id_mismatch()),
            LeaseAction::Break { period } => self.broken(period, now),
        }
    }

    /// The lease after a successful write: one that has ended is forgotten.
    pub(crate) fn after_write(self, now: Timestamp) -> Self {
        match self.status(now) {
            LeaseStatus::Locked => self,
            LeaseStatus::Unlocked => Self::None,
        }
    }

    /// What the operation that made this lease of the one before says to its caller.
    pub(crate) fn receipt(self, action: LeaseAction, now: Timestamp, of: (ETag, Timestamp)) -> LeaseReceipt {
        let (lease_id, lease_time) = match action {
            LeaseAction::Break { .. } => (None, Some(self.seconds_left(now))),
            LeaseAction::Release { .. } => (None, None),
            LeaseAction::Acquire { .. } | LeaseAction::Renew { .. } | LeaseAction::Change { .. } => {
                (self.id(), None)
            }
        };
        LeaseReceipt {
            etag: of.0,
            last_modified: of.1,
            lease_id,
            lease_time,
        }
    }

    fn held(id: LeaseId, duration: LeaseDuration, now: Timestamp) -> Self {
        let ends = duration
            .seconds()
            .map(|seconds| now.plus(Duration::from_secs(seconds.into())));
        Self::Held { id, duration, ends }
    }

    fn acquire(self, id: LeaseId, duration: LeaseDuration, now: Timestamp) -> Result<Self> {
        let same = self.id() == Some(id);
        match self.state(now) {
            LeaseState::Leased if !same => Err(already_present()),
            LeaseState::Breaking if !same => Err(already_present()),
            LeaseState::Breaking => Err(conflict(
                "LeaseIsBreakingAndCannotBeAcquired",
                "The lease ID matched, but the lease is currently in breaking state and cannot be acquired \
                 until it is broken.",
            )),
            LeaseState::Available | LeaseState::Leased | LeaseState::Expired | LeaseState::Broken => {
                Ok(Self::held(id, duration, now))
            }
        }
    }

    fn renew(self, id: LeaseId, now: Timestamp) -> Result<Self> {
        match self {
            Self::Held {
                id: held, duration, ..
            } if held == id => Ok(Self::held(id, duration, now)),
            Self::Broken { id: held, .. } if held == id => Err(conflict(
                "LeaseIsBrokenAndCannotBeRenewed",
                "The lease ID matched, but the lease has been broken explicitly and cannot be renewed.",
            )),
            Self::None | Self::Held { .. } | Self::Broken { .. } => Err(id_mismatch()),
        }
    }

    fn change(self, id: LeaseId, proposed: LeaseId, now: Timestamp) -> Result<Self> {
        let known = self.id().is_some_and(|held| held == id || held == proposed);
        match (self.state(now), self) {
            (LeaseState::Leased, Self::Held { duration, ends, .. }) if known => Ok(Self::Held {
                id: proposed,
                duration,
                ends,
            }),
            (LeaseState::Breaking, _) if known => Err(conflict(
                "LeaseIsBreakingAndCannotBeChanged",
                "The lease ID matched, but the lease is currently in breaking state and cannot be changed.",
            )),
            (LeaseState::Leased | LeaseState::Breaking, _) => Err(id_mismatch()),
            (LeaseState::Available | LeaseState::Expired | LeaseState::Broken, _) => Err(not_present()),
        }
    }

    fn broken(self, period: Option<BreakPeriod>, now: Timestamp) -> Result<Self> {
        let asked = period.map(|period| now.plus(Duration::from_secs(period.seconds().into())));
        match self {
            Self::None => Err(not_present()),
            Self::Held { id, ends, .. } => Ok(Self::Broken {
                id,
                ends: match (asked, ends) {
                    (Some(asked), Some(ends)) => asked.min(ends),
                    (Some(one), None) | (None, Some(one)) => one,
                    (None, None) => now,
                },
            }),
            Self::Broken { id, ends } => Ok(Self::Broken {
                id,
                ends: asked.map_or(ends, |asked| asked.min(ends)),
            }),
        }
    }

    fn seconds_left(self, now: Timestamp) -> u32 {
        match self {
            Self::Broken { ends, .. } => {
                let left = ends.since(now);
                let started = u64::from(left.subsec_nanos() > 0);
                u32::try_from(left.as_secs() + started).unwrap_or(u32::MAX)
            }
            Self::None | Self::Held { .. } => 0,
        }
    }
}

fn conflict(code: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::Conflict, code, 409, message)
}

fn already_present() -> Error {
    conflict("LeaseAlreadyPresent", "There is already a lease present.")
        .hint("wait until it ends, or break it")
}

fn id_mismatch() -> Error {
    conflict(
        "LeaseIdMismatchWithLeaseOperation",
        "The lease ID specified did not match the lease ID for the resource.",
    )
}

fn not_present() -> Error {
    conflict(
        "LeaseNotPresentWithLeaseOperation",
        "There is currently no lease on the resource.",
    )
}
