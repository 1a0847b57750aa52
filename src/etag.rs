//! Entity tags: every change of a container or blob gives it a new one, greater than any it had before.
//!
//! A tag is the time of the change in 100-nanosecond ticks since the year 1, which is where Azure's `0x8D...`
//! comes from, moved forward where the clock has not advanced since the last change.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;

use crate::error::{Error, ErrorKind, Result};

/// Ticks from 0001-01-01 to 1970-01-01.
const TICKS_TO_UNIX_EPOCH: u64 = 621_355_968_000_000_000;

/// An entity tag (RFC 9110, section 8.8.3) in Azure's form.
///
/// ```
/// use strongroom::ETag;
/// let tag: ETag = "\"0x8DE2B1A4C5D6E7F\"".parse()?;
/// assert_eq!(tag.to_string(), "\"0x8DE2B1A4C5D6E7F\"");
/// assert_eq!(tag.unquoted(), "0x8DE2B1A4C5D6E7F");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ETag(u64);

impl ETag {
    /// The tag without its quotes, as listings show it.
    #[must_use]
    pub fn unquoted(self) -> String {
        format!("0x{:015X}", self.0)
    }

    /// A tag greater than this one and not before `now`.
    pub(crate) fn next(self, source: &ETagSource, now: Timestamp) -> Self {
        source.at_least(self.0.saturating_add(1), now)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.unquoted())
    }
}

impl FromStr for ETag {
    type Err = Error;

    /// Reads a tag with or without its quotes.
    fn from_str(text: &str) -> Result<Self> {
        let bare = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(text);
        bare.strip_prefix("0x")
            .filter(|digits| !digits.starts_with('+'))
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(Self)
            .ok_or_else(|| {
                let message = format!("{text:?} is not an entity tag");
                Error::new(ErrorKind::Invalid, "InvalidHeaderValue", 400, message)
                    .hint("give a tag as it was returned, for example \"0x8DE2B1A4C5D6E7F\"")
            })
    }
}

/// Hands out the tags of one account.
#[derive(Debug, Default)]
pub(crate) struct ETagSource(AtomicU64);

impl ETagSource {
    /// The tag of something that had none yet.
    pub(crate) fn first(&self, now: Timestamp) -> ETag {
        self.at_least(0, now)
    }

    /// The tag of something that changed at `at` and has none of its own: always the same one.
    pub(crate) fn shown(&self, at: Timestamp) -> ETag {
        ETag(at.ticks().saturating_add(TICKS_TO_UNIX_EPOCH))
    }

    fn at_least(&self, least: u64, now: Timestamp) -> ETag {
        let wanted = least.max(now.ticks().saturating_add(TICKS_TO_UNIX_EPOCH));
        let next = |last: u64| wanted.max(last.saturating_add(1));
        let before = self.0.fetch_update(SeqCst, SeqCst, |last| Some(next(last)));
        ETag(next(before.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_grow_while_the_clock_stands_still_or_goes_back() {
        let source = ETagSource::default();
        let now = Timestamp::from_unix_seconds(1_764_000_000);
        let first = source.first(now);
        let second = first.next(&source, now);
        let third = source.first(Timestamp::default());
        assert!(first < second && second < third);
        assert!(first.to_string().starts_with("\"0x8D"));
        let restarted = ETagSource::default();
        assert!(third.next(&restarted, Timestamp::default()) > third);
    }
}
