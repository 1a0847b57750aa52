//! Time as a parameter: a point in time, and the clock that tells it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: 100-nanosecond ticks since 1970-01-01T00:00:00Z.
///
/// Prints as Azure does, with seven fractional digits:
///
/// ```
/// use strongroom_engine::Timestamp;
/// assert_eq!(Timestamp::from_unix_seconds(1_576_269_383).to_string(), "2019-12-13T20:36:23.0000000Z");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(u64);

/// Ticks of a [`Timestamp`] in one second.
const TICKS_PER_SECOND: u64 = 10_000_000;
/// 9999-12-30T22:00:00Z, the last second that prints with four digits of year in every zone.
const SECONDS_MAX: u64 = 253_402_207_200;

impl Timestamp {
    /// From 100-nanosecond ticks since the Unix epoch; capped at the year 9999.
    #[must_use]
    pub fn from_ticks(ticks: u64) -> Self {
        Self(ticks.min(SECONDS_MAX * TICKS_PER_SECOND))
    }

    /// From whole seconds since the Unix epoch; times before it become the epoch.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_ticks(
            u64::try_from(seconds)
                .unwrap_or(0)
                .saturating_mul(TICKS_PER_SECOND),
        )
    }

    /// 100-nanosecond ticks since the Unix epoch.
    #[must_use]
    pub fn ticks(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        i64::try_from(self.0 / TICKS_PER_SECOND).unwrap_or(i64::MAX)
    }

    /// This time with the part below a second cut off, as HTTP dates have it.
    #[must_use]
    pub fn whole_seconds(self) -> Self {
        Self(self.0 - self.0 % TICKS_PER_SECOND)
    }

    /// Later by `duration`, at most the year 9999.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let ticks = u64::try_from(duration.as_nanos() / 100).unwrap_or(u64::MAX);
        Self::from_ticks(self.0.saturating_add(ticks))
    }

    /// How long ago `earlier` was; zero if it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0).saturating_mul(100))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = jiff::Timestamp::from_second(self.unix_seconds()).map_err(|_| fmt::Error)?;
        write!(
            f,
            "{}.{:07}Z",
            second.strftime("%Y-%m-%dT%H:%M:%S"),
            self.0 % TICKS_PER_SECOND
        )
    }
}

/// A text that is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time; give it as in 2019-12-13T20:36:23.1234567Z")]
pub struct NoTimestamp(String);

impl std::str::FromStr for Timestamp {
    type Err = NoTimestamp;

    /// Reads RFC 3339 from 1970 on; what comes after seven fractional digits is cut off.
    ///
    /// ```
    /// use strongroom_engine::Timestamp;
    /// let time: Timestamp = "2019-12-13T20:36:23.1234567Z".parse()?;
    /// assert_eq!(time.to_string(), "2019-12-13T20:36:23.1234567Z");
    /// # Ok::<(), strongroom_engine::NoTimestamp>(())
    /// ```
    fn from_str(text: &str) -> Result<Self, NoTimestamp> {
        let wrong = || NoTimestamp(text.chars().take(64).collect());
        let time: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        u64::try_from(time.as_nanosecond() / 100)
            .map(Self::from_ticks)
            .map_err(|_| wrong())
    }
}

/// Tells the time. Passed in everywhere, so that 90 days can pass in a test.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the system's clock"
    )]
    fn now(&self) -> Timestamp {
        let elapsed = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::default().plus(elapsed)
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// Stands at `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicU64::new(start.0))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        let now = Timestamp(self.0.load(SeqCst)).plus(by);
        self.0.store(now.0, SeqCst);
    }

    /// Moves to `time`, forward or back.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.0, SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_seven_digits_and_caps_at_the_year_9999() {
        let time = Timestamp::from_unix_seconds(0).plus(Duration::from_nanos(1_234_567_800));
        assert_eq!(time.to_string(), "1970-01-01T00:00:01.2345678Z");
        assert_eq!(
            Timestamp::from_ticks(u64::MAX).to_string(),
            "9999-12-30T22:00:00.0000000Z"
        );
        assert_eq!(Timestamp::from_unix_seconds(-5), Timestamp::default());
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(Timestamp::from_unix_seconds(100));
        let before = clock.now();
        clock.advance(Duration::from_secs(90 * 86_400));
        assert_eq!(clock.now().since(before), Duration::from_secs(90 * 86_400));
        assert_eq!(before.since(clock.now()), Duration::ZERO);
    }
}
