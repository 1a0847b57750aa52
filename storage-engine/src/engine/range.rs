//! Half-open ranges of keys.

/// Direction of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    #[default]
    Ascending,
    /// Largest key first.
    Descending,
}

/// Keys from `start` (inclusive) to `end` (exclusive; `None` means no upper bound).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// First key that belongs to the range.
    pub start: Vec<u8>,
    /// First key after the range.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// `start..end`.
    #[must_use]
    pub fn new(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self {
            start: start.into(),
            end: Some(end.into()),
        }
    }

    /// Every key that begins with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            start: prefix.to_vec(),
            end: successor(prefix),
        }
    }

    /// The part of the range strictly after `key`.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        let mut next = key.to_vec();
        next.push(0);
        self.start = self.start.max(next);
        self
    }

    /// The part of the range strictly before `key`.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Self {
        self.end = Some(match self.end {
            Some(end) => end.min(key.to_vec()),
            None => key.to_vec(),
        });
        self
    }

    /// True when `key` lies inside.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && self.end.as_deref().is_none_or(|end| key < end)
    }

    /// True when no key can lie inside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end
            .as_deref()
            .is_some_and(|end| end <= self.start.as_slice())
    }
}

/// The smallest key greater than every key that begins with `prefix`; `None` when there is none.
pub(super) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let cut = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix.get(..=cut)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prefix: &[u8], inside: &[&[u8]], outside: &[&[u8]]) {
        let range = KeyRange::prefix(prefix);
        for key in inside {
            assert!(range.contains(key), "{key:?} begins with {prefix:?}");
        }
        for key in outside {
            assert!(!range.contains(key), "{key:?} does not begin with {prefix:?}");
        }
    }

    #[test]
    fn a_prefix_range_holds_exactly_the_keys_with_the_prefix() {
        check(b"ab", &[b"ab", b"ab\0", b"ab\xff\xff"], &[b"aa\xff", b"ac", b"b"]);
        check(b"a\xff", &[b"a\xff", b"a\xff\xff"], &[b"a\xfe", b"b"]);
        check(b"\xff\xff", &[b"\xff\xff", b"\xff\xff\xff"], &[b"\xff\xfe"]);
        check(b"", &[b"", b"\xff"], &[]);
    }

    #[test]
    fn after_and_before_leave_the_key_out() {
        let range = KeyRange::prefix(b"a").after(b"ab").before(b"ax");
        assert!(
            !range.contains(b"ab")
                && range.contains(b"ab\0")
                && !range.contains(b"ax")
                && range.contains(b"aw")
        );
        assert!(KeyRange::new(b"b", b"a").is_empty() && !KeyRange::all().is_empty());
    }
}
