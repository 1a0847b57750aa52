//! Calendar durations of ISO 8601 in the part of its grammar that key policies use: `P2Y`, `P18M`, `P4W`,
//! `P1Y10D`.
//!
//! A month has no fixed length, so a duration is kept as written and added to a date by the calendar, in UTC;
//! the 31st becomes the last day of a shorter month. Hours and smaller units, fractions, signs and empty
//! durations are refused.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The longest run of digits in front of a unit.
const MAX_DIGITS: usize = 4;

/// The fewest days that 0 to 11 months can have.
const FEWEST_DAYS: [u32; 12] = [0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334];
/// The most days that 0 to 11 months can have.
const MOST_DAYS: [u32; 12] = [0, 31, 62, 92, 123, 153, 184, 215, 245, 276, 306, 337];

/// Years, months, weeks and days, at least one of them not zero. Printed as written, without zero units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CalendarDuration {
    years: u16,
    months: u16,
    weeks: u16,
    days: u16,
}

/// Text that is no duration, or a date beyond the calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// The text breaks the grammar.
    #[error(
        "{found:?} is not a duration; use years, months, weeks and days of ISO 8601 such as P2Y, P18M or P30D"
    )]
    Malformed {
        /// The text as it came in, cut to 40 characters.
        found: String,
    },
    /// The sum lies outside the years -9999 to 9999.
    #[error("the date that lies {duration} from {unix_seconds} seconds after 1970 is outside the calendar")]
    OutOfRange {
        /// The duration that was added or taken away.
        duration: CalendarDuration,
        /// The date it started from, in seconds since the Unix epoch.
        unix_seconds: i64,
    },
}

impl CalendarDuration {
    /// A number of days.
    pub(crate) const fn from_days(days: u16) -> Self {
        Self {
            years: 0,
            months: 0,
            weeks: 0,
            days,
        }
    }

    /// The date this long after `unix_seconds`, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`DurationError::OutOfRange`] beyond the year 9999.
    pub fn after(self, unix_seconds: i64) -> Result<i64, DurationError> {
        self.shift(unix_seconds, |span| span)
    }

    /// The date this long before `unix_seconds`, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`DurationError::OutOfRange`] before the year -9999.
    pub fn before(self, unix_seconds: i64) -> Result<i64, DurationError> {
        self.shift(unix_seconds, |span| -span)
    }

    /// The fewest days that this can last, whatever the date it starts from.
    #[must_use]
    pub fn min_days(self) -> u32 {
        self.days_with(FEWEST_DAYS, |years| 365 * years)
    }

    /// The most days that this can last, whatever the date it starts from.
    #[must_use]
    pub fn max_days(self) -> u32 {
        self.days_with(MOST_DAYS, |years| 365 * years + years.div_ceil(4))
    }

    fn days_with(self, months_table: [u32; 12], years_in_days: impl Fn(u32) -> u32) -> u32 {
        let months = 12 * u32::from(self.years) + u32::from(self.months);
        let rest = months_table.into_iter().nth((months % 12) as usize).unwrap_or(0);
        years_in_days(months / 12) + rest + 7 * u32::from(self.weeks) + u32::from(self.days)
    }

    fn shift(self, unix_seconds: i64, direction: impl Fn(Span) -> Span) -> Result<i64, DurationError> {
        let shifted = || {
            let span = Span::new()
                .try_years(self.years)?
                .try_months(self.months)?
                .try_weeks(self.weeks)?
                .try_days(self.days)?;
            let start = Timestamp::from_second(unix_seconds)?.to_zoned_datetime(TimeZone::UTC);
            Ok(start.checked_add(direction(span))?.timestamp().as_second())
        };
        shifted().map_err(|_: jiff::Error| DurationError::OutOfRange {
            duration: self,
            unix_seconds,
        })
    }
}

impl FromStr for CalendarDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        parse(text).ok_or_else(|| DurationError::Malformed {
            found: text.chars().take(40).collect(),
        })
    }
}

fn parse(text: &str) -> Option<CalendarDuration> {
    let mut rest = text.strip_prefix('P')?;
    let mut duration = CalendarDuration::from_days(0);
    let units = [
        ('Y', &mut duration.years),
        ('M', &mut duration.months),
        ('W', &mut duration.weeks),
        ('D', &mut duration.days),
    ];
    for (unit, value) in units {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        // A unit that is absent leaves the text for the next one.
        let (number, after) = rest.split_at_checked(digits)?;
        let Some(after) = after.strip_prefix(unit) else {
            continue;
        };
        if number.len() > MAX_DIGITS {
            return None;
        }
        *value = number.parse().ok()?;
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    (rest.is_empty() && duration != CalendarDuration::from_days(0)).then_some(duration)
}

impl fmt::Display for CalendarDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        for (value, unit) in [
            (self.years, 'Y'),
            (self.months, 'M'),
            (self.weeks, 'W'),
            (self.days, 'D'),
        ] {
            if value != 0 {
                write!(f, "{value}{unit}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn the_calendar_is_followed() {
        let check = |start: &str, duration: &str, after: &str| {
            let duration: CalendarDuration = duration.parse().unwrap();
            assert_eq!(
                duration.after(seconds(start)),
                Ok(seconds(after)),
                "{start} + {duration}"
            );
        };
        check("2020-03-12T10:00:00Z", "P2Y", "2022-03-12T10:00:00Z");
        check("2020-03-12T10:00:00Z", "P18M", "2021-09-12T10:00:00Z");
        check("2020-01-31T00:00:00Z", "P1M", "2020-02-29T00:00:00Z");
        check("2020-02-29T00:00:00Z", "P1Y", "2021-02-28T00:00:00Z");
        check("2020-12-31T23:59:59Z", "P1D", "2021-01-01T23:59:59Z");
        check("2020-01-01T00:00:00Z", "P1Y2M1W3D", "2021-03-11T00:00:00Z");
        let month: CalendarDuration = "P1M".parse().unwrap();
        assert_eq!(
            month.before(seconds("2021-03-31T00:00:00Z")),
            Ok(seconds("2021-02-28T00:00:00Z"))
        );
    }

    #[test]
    fn the_grammar_is_closed() {
        for text in [
            "P18M",
            "P30D",
            "P2Y",
            "P4W",
            "P1Y6M",
            "P1Y1M1W1D",
            "P9999Y",
            "P1Y10D",
        ] {
            assert_eq!(
                text.parse::<CalendarDuration>()
                    .map(|duration| duration.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!("P0Y30D".parse::<CalendarDuration>().unwrap().to_string(), "P30D");
        let refused = [
            "", "P", "P0D", "30D", "p30d", "P30", "P30d", "PT24H", "P1DT1H", "-P1D", "P-1D", "P+1D", "P1.5Y",
            "P1D1D", "P1D1M", "P 1D", "P1D ", "P10000D", "P٣D", "PY", "P1YD",
        ];
        for text in refused {
            assert!(
                matches!(
                    text.parse::<CalendarDuration>(),
                    Err(DurationError::Malformed { .. })
                ),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_end_of_the_calendar_is_an_error() {
        let long: CalendarDuration = "P9999Y".parse().unwrap();
        assert!(matches!(long.after(0), Err(DurationError::OutOfRange { .. })));
        assert!(matches!(
            long.after(i64::MAX),
            Err(DurationError::OutOfRange { .. })
        ));
        assert!(matches!(
            long.before(i64::MIN),
            Err(DurationError::OutOfRange { .. })
        ));
    }

    #[test]
    fn the_bounds_of_months_are_reached_and_never_passed() {
        for months in 1..12 {
            let duration = CalendarDuration {
                months,
                ..CalendarDuration::from_days(0)
            };
            let days = |start: i64| u32::try_from((duration.after(start).unwrap() - start) / 86_400).unwrap();
            let lengths: Vec<u32> = (0..4 * 366).map(|day| days(day * 86_400)).collect();
            let bounds = (lengths.iter().min().copied(), lengths.iter().max().copied());
            assert_eq!(
                bounds,
                (Some(duration.min_days()), Some(duration.max_days())),
                "{duration}"
            );
        }
    }

    proptest! {
        #[test]
        fn real_lengths_lie_between_the_bounds(
            start in 0_i64..4_102_444_800, years in 0_u16..50, months in 0_u16..50, weeks in 0_u16..10,
            days in 1_u16..99,
        ) {
            let duration = CalendarDuration { years, months, weeks, days };
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
            for length in [duration.after(start).unwrap() - start, start - duration.before(start).unwrap()] {
                prop_assert_eq!(length % 86_400, 0);
                let length = u32::try_from(length / 86_400).unwrap();
                prop_assert!((duration.min_days()..=duration.max_days()).contains(&length));
            }
        }
    }
}
