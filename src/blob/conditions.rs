//! Conditional requests: what must hold of a container or blob for an operation to happen.
//!
//! Reads and writes have different rules, those of Azure's "Specifying conditional headers for Blob service
//! operations".

use strongroom_engine::Timestamp;

use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::lease::LeaseId;

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
    /// The lease the caller holds. Where a lease forbids the operation to others, its id is needed; where it
    /// does not, an id that is given must be right all the same.
    pub lease: Option<LeaseId>,
}

/// What conditions are checked against: the tag and the time of the last change, if the thing exists.
pub(crate) type State = Option<(ETag, Timestamp)>;

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

    /// Checks a write; in a pair the tag decides.
    pub(crate) fn check_write(&self, state: State) -> Result<()> {
        self.check_write_form()?;
        let Some((etag, modified)) = state else {
            return match &self.if_match {
                Some(ETagMatch::OneOf(_)) => Err(not_met()),
                Some(ETagMatch::Any) | None => Ok(()),
            };
        };
        let holds = match (&self.if_match, &self.if_none_match) {
            (Some(tags), _) => tags.holds(etag),
            (None, Some(tags)) => !tags.holds(etag),
            (None, None) => {
                self.if_modified_since.is_none_or(|since| since < modified)
                    && self.if_unmodified_since.is_none_or(|since| since >= modified)
            }
        };
        if holds { Ok(()) } else { Err(not_met()) }
    }

    /// Checks a write that creates or replaces a blob: "only if absent" has an error of its own.
    pub(crate) fn check_put(&self, state: State) -> Result<()> {
        self.check_write_form()?;
        if state.is_some() && self.if_none_match == Some(ETagMatch::Any) {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "BlobAlreadyExists",
                409,
                "The specified blob already exists.",
            ));
        }
        self.check_write(state)
    }

    /// Checks a read of something that exists.
    pub(crate) fn check_read(&self, etag: ETag, modified: Timestamp) -> Result<()> {
        if self.if_none_match == Some(ETagMatch::Any) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "UnsatisfiableCondition",
                400,
                "The request includes an unsatisfiable condition for this operation.",
            )
            .hint("leave this condition out"));
        }
        let matches = self.if_match.as_ref().is_none_or(|tags| tags.holds(etag));
        if !matches || self.if_unmodified_since.is_some_and(|since| since < modified) {
            return Err(not_met());
        }
        let other_tag = self.if_none_match.as_ref().map(|tags| !tags.holds(etag));
        let newer = self.if_modified_since.map(|since| since < modified);
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
}

fn not_met() -> Error {
    Error::new(
        ErrorKind::Precondition,
        "ConditionNotMet",
        412,
        "The condition specified using HTTP conditional header(s) is not met.",
    )
}
