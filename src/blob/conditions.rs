//! Conditional requests: what must hold of a container or blob for an operation to happen.
//!
//! Reads and writes have different rules, those of Azure's "Specifying conditional headers for Blob service
//! operations".

use strongroom_engine::Timestamp;

use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::lease::LeaseId;
use crate::tags::TagCondition;

/// What an entity tag is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ETagMatch {
    /// `*`: anything that exists.
    Any,
    /// One of these tags. Writes take a single one.
    OneOf(Vec<ETag>),
}

impl ETagMatch {
    fn holds(&self, etag: ETag) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.contains(&etag),
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Any => 1,
            Self::OneOf(tags) => tags.len(),
        }
    }
}

impl From<ETag> for ETagMatch {
    fn from(etag: ETag) -> Self {
        Self::OneOf(vec![etag])
    }
}

impl std::str::FromStr for ETagMatch {
    type Err = Error;

    /// Reads `*` or tags separated by commas.
    fn from_str(text: &str) -> Result<Self> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let tags = text
            .split(',')
            .map(|tag| tag.trim().parse())
            .collect::<Result<_>>()?;
        Ok(Self::OneOf(tags))
    }
}

/// Conditions of one operation; the default has none.
///
/// ```
/// use strongroom::{Conditions, ETagMatch};
/// let create_only = Conditions { if_none_match: Some(ETagMatch::Any), ..Conditions::default() };
/// assert_eq!(create_only, Conditions::if_absent());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Only if the tag is one of these.
    pub if_match: Option<ETagMatch>,
    /// Only if the tag is none of these.
    pub if_none_match: Option<ETagMatch>,
    /// Only if changed after this time.
    pub if_modified_since: Option<Timestamp>,
    /// Only if not changed after this time.
    pub if_unmodified_since: Option<Timestamp>,
    /// Only if the blob's tags are so; together with all others. Not for containers.
    pub if_tags: Option<TagCondition>,
    /// The lease the caller holds. Where a lease forbids the operation to others, its id is needed; where it
    /// does not, an id that is given must be right all the same.
    pub lease: Option<LeaseId>,
}

/// What conditions are checked against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) etag: ETag,
    pub(crate) last_modified: Timestamp,
    /// `None` for what can have no tags.
    pub(crate) tags: Option<&'a [(String, String)]>,
}

impl Conditions {
    /// Only if nothing of that name exists.
    #[must_use]
    pub fn if_absent() -> Self {
        Self {
            if_none_match: Some(ETagMatch::Any),
            ..Self::default()
        }
    }

    /// Only if the thing still has this tag.
    #[must_use]
    pub fn if_match(etag: ETag) -> Self {
        Self {
            if_match: Some(etag.into()),
            ..Self::default()
        }
    }

    /// By the holder of this lease.
    #[must_use]
    pub fn under_lease(lease: LeaseId) -> Self {
        Self {
            lease: Some(lease),
            ..Self::default()
        }
    }

    /// Fails unless a write allows this combination: one condition, or a tag with the time that belongs to
    /// it.
    pub(crate) fn check_write_form(&self) -> Result<()> {
        let count = |tags: &Option<ETagMatch>| tags.as_ref().map_or(0, ETagMatch::count);
        let several = count(&self.if_match) > 1 || count(&self.if_none_match) > 1;
        let positive = self.if_match.is_some() || self.if_unmodified_since.is_some();
        let negative = self.if_none_match.is_some() || self.if_modified_since.is_some();
        if several || (positive && negative) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "MultipleConditionHeadersNotSupported",
                400,
                "Multiple condition headers are not supported.",
            )
            .hint("give one condition, or a tag with the time of the same sense"));
        }
        Ok(())
    }

    /// Checks a write of something that exists, or that does not; in a pair the tag decides.
    pub(crate) fn check_write(&self, subject: Option<Subject<'_>>) -> Result<()> {
        self.check_write_form()?;
        if self.write_holds(subject)? {
            Ok(())
        } else {
            Err(not_met())
        }
    }

    /// Checks a write that creates or replaces a blob: "only if absent" has an error of its own.
    pub(crate) fn check_put(&self, subject: Option<Subject<'_>>) -> Result<()> {
        self.check_write_form()?;
        if subject.is_some() && self.if_none_match == Some(ETagMatch::Any) {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "BlobAlreadyExists",
                409,
                "The specified blob already exists.",
            )
            .hint("choose another name, or allow overwriting"));
        }
        self.check_write(subject)
    }

    /// Checks a read of something that exists.
    pub(crate) fn check_read(&self, subject: Subject<'_>) -> Result<()> {
        if self.if_none_match == Some(ETagMatch::Any) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "UnsatisfiableCondition",
                400,
                "The request includes an unsatisfiable condition for this operation.",
            )
            .hint("leave this condition out"));
        }
        let Subject {
            etag, last_modified, ..
        } = subject;
        let matches = self.if_match.as_ref().is_none_or(|tags| tags.holds(etag));
        let old = self
            .if_unmodified_since
            .is_none_or(|since| since >= last_modified);
        if !matches || !old || !self.tags_hold(Some(subject))? {
            return Err(not_met());
        }
        let other_tag = self.if_none_match.as_ref().map(|tags| !tags.holds(etag));
        let newer = self.if_modified_since.map(|since| since < last_modified);
        match (other_tag, newer) {
            (None, None) | (Some(true), _) | (_, Some(true)) => Ok(()),
            (Some(false) | None, Some(false) | None) => Err(Error::new(
                ErrorKind::Precondition,
                "ConditionNotMet",
                304,
                "The blob has not changed.",
            )),
        }
    }

    /// Checks the source of a copy, by the rules of writes; nothing is a source that does not exist.
    #[cfg_attr(not(test), expect(dead_code, reason = "copies have sources"))]
    pub(crate) fn check_source(&self, subject: Subject<'_>) -> Result<()> {
        self.check_write_form()?;
        if self.write_holds(Some(subject))? {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Precondition,
            "SourceConditionNotMet",
            412,
            "The source condition specified using HTTP conditional header(s) is not met.",
        ))
    }

    fn write_holds(&self, subject: Option<Subject<'_>>) -> Result<bool> {
        let tags = self.tags_hold(subject)?;
        let Some(Subject {
            etag, last_modified, ..
        }) = subject
        else {
            return Ok(tags && !matches!(self.if_match, Some(ETagMatch::OneOf(_))));
        };
        let others = match (&self.if_match, &self.if_none_match) {
            (Some(tags), _) => tags.holds(etag),
            (None, Some(tags)) => !tags.holds(etag),
            (None, None) => {
                self.if_modified_since.is_none_or(|since| since < last_modified)
                    && self
                        .if_unmodified_since
                        .is_none_or(|since| since >= last_modified)
            }
        };
        Ok(tags && others)
    }

    /// A blob that does not exist has no tags.
    fn tags_hold(&self, subject: Option<Subject<'_>>) -> Result<bool> {
        let Some(condition) = &self.if_tags else {
            return Ok(true);
        };
        let tags = match subject {
            Some(subject) => subject.tags,
            None => Some(Default::default()),
        };
        let none = || {
            let message = "Condition headers are not supported for this operation.";
            Error::invalid("ConditionHeadersNotSupported", message)
                .hint("a container has no tags: leave if_tags out")
        };
        Ok(condition.holds(tags.ok_or_else(none)?))
    }
}

fn not_met() -> Error {
    Error::new(
        ErrorKind::Precondition,
        "ConditionNotMet",
        412,
        "The condition specified using HTTP conditional header(s) is not met.",
    )
    .hint("read the current state, then decide again")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every single condition and every pair, of a source that exists: what fails has a code of its own.
    #[test]
    fn a_source_is_checked_like_a_write_with_its_own_code() {
        let (now, before) = (Timestamp::from_unix_seconds(20), Timestamp::from_unix_seconds(10));
        let (own, other): (ETag, ETag) = ("0x1".parse().unwrap(), "0x2".parse().unwrap());
        let tags = vec![("a".to_owned(), "1".to_owned())];
        let subject = Subject {
            etag: own,
            last_modified: now,
            tags: Some(&tags),
        };
        let none = Conditions::default;
        let with_tags = |text: &str| Conditions {
            if_tags: Some(text.parse().unwrap()),
            ..none()
        };
        let (not_met, several) = (
            "SourceConditionNotMet 412",
            "MultipleConditionHeadersNotSupported 400",
        );
        #[rustfmt::skip]
        let cases = [
            (none(), ""),
            (Conditions::if_match(own), ""),
            (Conditions::if_match(other), not_met),
            (Conditions { if_none_match: Some(other.into()), ..none() }, ""),
            (Conditions { if_none_match: Some(own.into()), ..none() }, not_met),
            (Conditions::if_absent(), not_met),
            (Conditions { if_modified_since: Some(before), ..none() }, ""),
            (Conditions { if_modified_since: Some(now), ..none() }, not_met),
            (Conditions { if_unmodified_since: Some(now), ..none() }, ""),
            (Conditions { if_unmodified_since: Some(before), ..none() }, not_met),
            (Conditions { if_unmodified_since: Some(before), ..Conditions::if_match(own) }, ""),
            (Conditions { if_modified_since: Some(before), ..Conditions::if_match(own) }, several),
            (Conditions { if_match: Some(ETagMatch::OneOf(vec![own, other])), ..none() }, several),
            (with_tags("a = '1'"), ""),
            (with_tags("a <> '1'"), not_met),
            (Conditions { if_tags: with_tags("a = '2'").if_tags, ..Conditions::if_match(own) }, not_met),
        ];
        for (conditions, want) in cases {
            let seen = conditions.check_source(subject);
            let seen = seen.map_or_else(
                |error| format!("{} {}", error.code(), error.status()),
                |()| String::new(),
            );
            assert_eq!(seen, want, "{conditions:?}");
        }
    }
}
