//! How long something deleted can be restored.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;

use super::invalid;
use crate::error::Result;

/// Seconds of a day.
const DAY_SECONDS: u64 = 86_400;

/// 1 to 365 days of 24 hours.
///
/// ```
/// use strongroom::RetentionDays;
/// assert_eq!(RetentionDays::new(365)?.get(), 365);
/// assert_eq!(RetentionDays::new(0).unwrap_err().code(), "InvalidXmlNodeValue");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct RetentionDays(u16);

impl RetentionDays {
    /// That many days.
    ///
    /// # Errors
    /// `InvalidXmlNodeValue` (400) unless it is 1 to 365.
    pub fn new(days: u16) -> Result<Self> {
        if (1..=365).contains(&days) {
            Ok(Self(days))
        } else {
            Err(invalid(format!("{days} days are no retention")).hint("give 1 to 365 days"))
        }
    }

    /// The days.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }

    /// The days as a time.
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0) * DAY_SECONDS)
    }

    /// When the retention of something deleted at `deleted` is over.
    pub(crate) fn end(self, deleted: Timestamp) -> Timestamp {
        deleted.plus(self.duration())
    }
}

impl TryFrom<u16> for RetentionDays {
    type Error = crate::Error;

    fn try_from(days: u16) -> Result<Self> {
        Self::new(days)
    }
}

impl From<RetentionDays> for u16 {
    fn from(days: RetentionDays) -> Self {
        days.0
    }
}

/// Whole days from `now` until `end`, rounded down.
pub(crate) fn days_left(end: Timestamp, now: Timestamp) -> u16 {
    u16::try_from(end.since(now).as_secs() / DAY_SECONDS).unwrap_or(u16::MAX)
}
