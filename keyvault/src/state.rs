//! The life of vaults and keys: states as an enum, transitions as total functions, time as an argument.
//!
//! "Purged while protected" cannot be written down: the only way to [`Purged`] is [`Life::purge`] or
//! [`Life::expire`], and both look at the clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;

/// Whether a vault or key is in use or waits for its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Life {
    /// In use.
    Active,
    /// Soft-deleted: it can be recovered until `purge_at`, when it ends by itself.
    Deleted {
        /// When it was deleted.
        since: Timestamp,
        /// When its retention ends.
        purge_at: Timestamp,
    },
}

/// What a vault promises about deleted things. Fixed but for its strengthening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retention {
    /// No soft delete: deleted is gone.
    None,
    /// Deleted things are kept, and may be purged early.
    Purgeable {
        /// 7 to 90.
        days: u8,
    },
    /// Deleted things are kept, and nobody can purge them early.
    Protected {
        /// 7 to 90.
        days: u8,
    },
}

/// What deleting leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// Kept, in this state.
    Kept(Life),
    /// Gone at once, for want of soft delete.
    Gone(Purged),
}

/// Proof that something may be destroyed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged(());

/// Why a transition was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifeError {
    /// It is deleted already.
    #[error("it is already deleted")]
    AlreadyDeleted,
    /// Its retention has ended; it is as good as purged.
    #[error("its retention has ended")]
    Ended,
    /// It is not deleted.
    #[error("it is not deleted")]
    NotDeleted,
    /// Purge protection keeps it until then.
    #[error("purge protection keeps it until {0}")]
    Protected(Timestamp),
}

/// Shortest retention, in days.
pub const RETENTION_DAYS_MIN: u8 = 7;
/// Longest retention, in days, and the default.
pub const RETENTION_DAYS_MAX: u8 = 90;

impl Life {
    /// Deletes something in use.
    ///
    /// # Errors
    /// [`LifeError::AlreadyDeleted`].
    pub fn delete(self, retention: Retention, now: Timestamp) -> Result<Deletion, LifeError> {
        match (self, retention.days()) {
            (Self::Active, Some(days)) => Ok(Deletion::Kept(Self::Deleted {
                since: now,
                purge_at: now.plus(Duration::from_secs(u64::from(days) * 86_400)),
            })),
            (Self::Active, None) => Ok(Deletion::Gone(Purged(()))),
            (Self::Deleted { .. }, _) => Err(LifeError::AlreadyDeleted),
        }
    }

    /// Brings something deleted back.
    ///
    /// # Errors
    /// [`LifeError::NotDeleted`], [`LifeError::Ended`].
    pub fn recover(self, now: Timestamp) -> Result<Self, LifeError> {
        match self {
            Self::Active => Err(LifeError::NotDeleted),
            Self::Deleted { purge_at, .. } if now >= purge_at => Err(LifeError::Ended),
            Self::Deleted { .. } => Ok(Self::Active),
        }
    }

    /// Ends something deleted because somebody asked.
    ///
    /// # Errors
    /// [`LifeError::NotDeleted`], [`LifeError::Protected`].
    pub fn purge(self, retention: Retention, now: Timestamp) -> Result<Purged, LifeError> {
        match (self, retention) {
            (Self::Active, _) => Err(LifeError::NotDeleted),
            (Self::Deleted { purge_at, .. }, Retention::Protected { .. }) if now < purge_at => {
                Err(LifeError::Protected(purge_at))
            }
            (Self::Deleted { .. }, _) => Ok(Purged(())),
        }
    }

    /// Ends something deleted because its time has come; `None` while it has not.
    #[must_use]
    pub fn expire(self, now: Timestamp) -> Option<Purged> {
        match self {
            Self::Deleted { purge_at, .. } if now >= purge_at => Some(Purged(())),
            Self::Active | Self::Deleted { .. } => None,
        }
    }
}

impl Retention {
    /// How long deleted things are kept; `None` without soft delete.
    #[must_use]
    pub fn days(self) -> Option<u8> {
        match self {
            Self::None => None,
            Self::Purgeable { days } | Self::Protected { days } => Some(days),
        }
    }

    /// True when deleted things can be recovered.
    #[must_use]
    pub fn soft_delete(self) -> bool {
        self.days().is_some()
    }

    /// True when nobody can purge early.
    #[must_use]
    pub fn purge_protection(self) -> bool {
        matches!(self, Self::Protected { .. })
    }

    /// The `recoveryLevel` that keys of such a vault show (`Recoverable` only for 90 days, else
    /// `Customized...`).
    #[must_use]
    pub fn recovery_level(self) -> &'static str {
        match self {
            Self::None => "Purgeable",
            Self::Purgeable {
                days: RETENTION_DAYS_MAX,
            } => "Recoverable+Purgeable",
            Self::Purgeable { .. } => "CustomizedRecoverable+Purgeable",
            Self::Protected {
                days: RETENTION_DAYS_MAX,
            } => "Recoverable",
            Self::Protected { .. } => "CustomizedRecoverable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(day: u64) -> Timestamp {
        Timestamp::from_unix_seconds(1_600_000_000).plus(Duration::from_secs(day * 86_400))
    }

    fn retentions() -> Vec<Retention> {
        (RETENTION_DAYS_MIN..=RETENTION_DAYS_MAX)
            .flat_map(|days| [Retention::Purgeable { days }, Retention::Protected { days }])
            .chain([Retention::None])
            .collect()
    }

    /// Invariant 8, exhaustively: every retention, every day from the deletion to a week after its end.
    #[test]
    fn what_is_protected_cannot_be_destroyed_before_its_time() {
        for retention in retentions() {
            let Ok(Deletion::Kept(life)) = Life::Active.delete(retention, at(0)) else {
                assert_eq!(retention, Retention::None);
                continue;
            };
            let days = u64::from(retention.days().unwrap());
            for day in 0..days + 7 {
                let ended = day >= days;
                let purge = life.purge(retention, at(day));
                assert_eq!(
                    purge.is_ok(),
                    ended || !retention.purge_protection(),
                    "{retention:?} day {day}"
                );
                assert_eq!(life.expire(at(day)).is_some(), ended, "{retention:?} day {day}");
                assert_eq!(life.recover(at(day)).is_ok(), !ended, "{retention:?} day {day}");
                assert_eq!(life.delete(retention, at(day)), Err(LifeError::AlreadyDeleted));
            }
            let instant_before = Timestamp::from_ticks(at(days).ticks() - 1);
            assert_eq!(
                life.purge(retention, instant_before).is_ok(),
                !retention.purge_protection()
            );
        }
    }

    #[test]
    fn what_is_in_use_is_neither_purged_nor_recovered() {
        for retention in retentions() {
            for day in [0, 1, 1000] {
                let now = at(0).plus(DAY * day);
                assert_eq!(Life::Active.purge(retention, now), Err(LifeError::NotDeleted));
                assert_eq!(Life::Active.recover(now), Err(LifeError::NotDeleted));
                assert_eq!(Life::Active.expire(now), None);
            }
        }
    }

    #[test]
    fn the_recovery_level_says_what_is_possible() {
        let cases = [
            (Retention::None, "Purgeable"),
            (Retention::Purgeable { days: 90 }, "Recoverable+Purgeable"),
            (
                Retention::Purgeable { days: 89 },
                "CustomizedRecoverable+Purgeable",
            ),
            (Retention::Protected { days: 90 }, "Recoverable"),
            (Retention::Protected { days: 7 }, "CustomizedRecoverable"),
        ];
        for (retention, level) in cases {
            assert_eq!(retention.recovery_level(), level);
        }
    }
}
