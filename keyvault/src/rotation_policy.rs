//! When a key gets a new version, and when somebody is told that it should.
//!
//! A policy exists only in a valid state: at most one rotation and one notification, a rotation neither in
//! the first nor in the last seven days of a version's life, an expiry of at least 28 days. The rules are
//! checked against the shortest and longest that months and years can be, so they hold for every date. All
//! times are seconds since the Unix epoch.

mod json;

pub use json::PolicyJsonError;

use crate::duration::{CalendarDuration, DurationError};
use crate::error::VaultError;

/// The shortest `expiryTime`, in days.
const MIN_EXPIRY_DAYS: u32 = 28;
/// The distance that a rotation keeps from creation and from expiry, in days.
const ROTATION_MARGIN_DAYS: u32 = 7;
/// When nobody said otherwise, a notification comes this long before expiry.
const DEFAULT_NOTICE: CalendarDuration = CalendarDuration::from_days(30);

/// What is done when a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RotationAction {
    /// Tell whoever listens that the version is near its end.
    Notify,
    /// Make a new version.
    Rotate,
}

/// When an action happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// This long after the version was created.
    TimeAfterCreate(CalendarDuration),
    /// This long before the version expires; never for a version that does not.
    TimeBeforeExpiry(CalendarDuration),
}

/// A key's rotation policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationPolicy {
    rotate: Option<Trigger>,
    notify: Option<Trigger>,
    expiry: Option<CalendarDuration>,
}

/// A policy that would break a rule, and how to repair it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// `expiryTime` is too short.
    #[error("expiryTime {found} is too short; it must be at least {MIN_EXPIRY_DAYS} days")]
    ExpiryTooShort {
        /// What was asked for.
        found: CalendarDuration,
    },
    /// An action would come before the version exists or after it has expired.
    #[error("{found} does not lie within the expiryTime {expiry}; shorten it or lengthen expiryTime")]
    OutsideLifetime {
        /// The trigger's duration.
        found: CalendarDuration,
        /// The policy's expiry.
        expiry: CalendarDuration,
    },
    /// `timeBeforeExpiry` for a rotation, but new versions never expire.
    #[error("a rotation by timeBeforeExpiry needs attributes.expiryTime; set it or use timeAfterCreate")]
    NeedsExpiry,
    /// A rotation in the first seven days of a version.
    #[error(
        "a rotation {found} would come less than {ROTATION_MARGIN_DAYS} days after creation; choose a later one"
    )]
    TooSoon {
        /// The trigger's duration.
        found: CalendarDuration,
    },
    /// A rotation in the last seven days of a version.
    #[error(
        "a rotation {found} would come less than {ROTATION_MARGIN_DAYS} days before expiry; choose an earlier one"
    )]
    TooLate {
        /// The trigger's duration.
        found: CalendarDuration,
    },
}

impl From<PolicyError> for VaultError {
    fn from(error: PolicyError) -> Self {
        Self::bad_parameter(error.to_string())
    }
}

impl RotationPolicy {
    /// A policy from its parts. Without `notify` the notification comes 30 days before expiry.
    ///
    /// # Errors
    /// A [`PolicyError`] for the first rule that is broken.
    pub fn new(
        rotate: Option<Trigger>,
        notify: Option<Trigger>,
        expiry: Option<CalendarDuration>,
    ) -> Result<Self, PolicyError> {
        if let Some(found) = expiry.filter(|expiry| expiry.min_days() < MIN_EXPIRY_DAYS) {
            return Err(PolicyError::ExpiryTooShort { found });
        }
        if let Some(trigger) = rotate {
            check_rotation(trigger, expiry)?;
        }
        if let (Some(trigger), Some(expiry)) = (notify, expiry) {
            check_within(trigger, expiry, 0)?;
        }
        Ok(Self {
            rotate,
            notify,
            expiry,
        })
    }

    /// When a new version is made; `None` means only by hand.
    #[must_use]
    pub fn rotate(&self) -> Option<Trigger> {
        self.rotate
    }

    /// When a notification is due, the default included.
    #[must_use]
    pub fn notify(&self) -> Trigger {
        self.notify.unwrap_or(Trigger::TimeBeforeExpiry(DEFAULT_NOTICE))
    }

    /// How long new versions live; `None` means for ever.
    #[must_use]
    pub fn expiry(&self) -> Option<CalendarDuration> {
        self.expiry
    }

    /// The `exp` of a version created at `created`. Versions that exist keep theirs.
    ///
    /// # Errors
    /// [`DurationError::OutOfRange`] when the calendar ends before the version does.
    pub fn expires(&self, created: i64) -> Result<Option<i64>, DurationError> {
        self.expiry.map(|expiry| expiry.after(created)).transpose()
    }
}

/// What is due at `now` for a version created at `created` that expires at `expires`. A rotation comes before
/// a notification, since it makes it needless. An action stays due once its time has come, so that a vault
/// that was closed at that time catches up; whoever acts remembers that it did.
#[must_use]
pub fn due(policy: &RotationPolicy, created: i64, expires: Option<i64>, now: i64) -> Option<RotationAction> {
    let reached = |trigger| fires_at(trigger, created, expires).is_some_and(|time| time <= now);
    if policy.rotate.is_some_and(reached) {
        return Some(RotationAction::Rotate);
    }
    reached(policy.notify()).then_some(RotationAction::Notify)
}

/// The moment of a trigger; `None` when it never comes, because the version does not expire or the calendar
/// ends.
fn fires_at(trigger: Trigger, created: i64, expires: Option<i64>) -> Option<i64> {
    match trigger {
        Trigger::TimeAfterCreate(duration) => duration.after(created).ok(),
        Trigger::TimeBeforeExpiry(duration) => duration.before(expires?).ok(),
    }
}

fn check_rotation(trigger: Trigger, expiry: Option<CalendarDuration>) -> Result<(), PolicyError> {
    match trigger {
        Trigger::TimeAfterCreate(found) if found.min_days() < ROTATION_MARGIN_DAYS => {
            return Err(PolicyError::TooSoon { found });
        }
        Trigger::TimeBeforeExpiry(found) if found.min_days() < ROTATION_MARGIN_DAYS => {
            return Err(PolicyError::TooLate { found });
        }
        Trigger::TimeBeforeExpiry(_) if expiry.is_none() => return Err(PolicyError::NeedsExpiry),
        Trigger::TimeAfterCreate(_) | Trigger::TimeBeforeExpiry(_) => {}
    }
    expiry.map_or(Ok(()), |expiry| {
        check_within(trigger, expiry, ROTATION_MARGIN_DAYS)
    })
}

/// The trigger leaves at least `margin` days at the far end of the lifetime.
fn check_within(trigger: Trigger, expiry: CalendarDuration, margin: u32) -> Result<(), PolicyError> {
    let (Trigger::TimeAfterCreate(found) | Trigger::TimeBeforeExpiry(found)) = trigger;
    let (longest, shortest) = (found.max_days(), expiry.min_days());
    if longest > shortest {
        return Err(PolicyError::OutsideLifetime { found, expiry });
    }
    if longest + margin > shortest {
        return Err(match trigger {
            Trigger::TimeAfterCreate(_) => PolicyError::TooLate { found },
            Trigger::TimeBeforeExpiry(_) => PolicyError::TooSoon { found },
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
