//! Who may do what with a container: the public access level and the stored access policies, as Azure's "Set
//! Container ACL" has them.
//!
//! They are kept and handed out; whoever speaks for anonymous callers or checks signatures enforces them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;

use super::record::ContainerRecord;
use super::{Container, ContainerProperties};
use crate::blob::Conditions;
use crate::error::{Error, Result};
use crate::etag::ETag;
use crate::operations::Operation;

/// Stored access policies of a container at most.
const POLICIES_MAX: usize = 5;
/// Characters of a policy's id at most.
const POLICY_ID_CHARS_MAX: usize = 64;
/// What a policy may permit, in the order in which signatures have it.
const PERMISSIONS: &str = "racwdxyltfmeopi";

/// What anonymous callers may read. Prints as `x-ms-blob-public-access` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PublicAccess {
    /// Nothing.
    #[default]
    None,
    /// Blobs whose names they know.
    Blob,
    /// Blobs, and the list of them.
    Container,
}

impl fmt::Display for PublicAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Blob => "blob",
            Self::Container => "container",
        })
    }
}

impl FromStr for PublicAccess {
    type Err = Error;

    /// Reads `blob`, `container`, or `none` (also `off`, as the command line has it).
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "blob" => Ok(Self::Blob),
            "container" => Ok(Self::Container),
            "none" | "off" => Ok(Self::None),
            _ => Err(Error::invalid(
                "InvalidHeaderValue",
                format!("{text:?} is no level of public access"),
            )
            .hint("use blob, container or none")),
        }
    }
}

/// A rule that signatures can refer to by its id, so that they can be changed or taken back later. What it
/// leaves open the signature has to say.
///
/// ```
/// use strongroom::StoredAccessPolicy;
/// let readers = StoredAccessPolicy::new("readers")?.permitting("rl")?;
/// assert_eq!(readers.permission(), Some("rl"));
/// assert_eq!(readers.permitting("z").unwrap_err().code(), "InvalidXmlNodeValue");
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAccessPolicy {
    id: String,
    start: Option<Timestamp>,
    expiry: Option<Timestamp>,
    permission: Option<String>,
}

impl StoredAccessPolicy {
    /// A policy that leaves everything open.
    ///
    /// # Errors
    /// `InvalidXmlNodeValue` (400) unless the id has 1 to 64 characters.
    pub fn new(id: &str) -> Result<Self> {
        if !(1..=POLICY_ID_CHARS_MAX).contains(&id.chars().count()) {
            let message = "the id of an access policy has 1 to 64 characters";
            return Err(Error::invalid("InvalidXmlNodeValue", message));
        }
        Ok(Self {
            id: id.to_owned(),
            start: None,
            expiry: None,
            permission: None,
        })
    }

    /// Valid from `start` on.
    #[must_use]
    pub fn from(self, start: Timestamp) -> Self {
        Self {
            start: Some(start),
            ..self
        }
    }

    /// Valid until `expiry`.
    #[must_use]
    pub fn until(self, expiry: Timestamp) -> Self {
        Self {
            expiry: Some(expiry),
            ..self
        }
    }

    /// Permits these, one letter each: `r`ead, `a`dd, `c`reate, `w`rite, `d`elete, delete of versions (`x`),
    /// permanent delete (`y`), `l`ist, `t`ags, `f`ind by tags, `m`ove, `e`xecute, `o`wnership, `p`ermissions,
    /// `i`mmutability. Kept in that order.
    ///
    /// # Errors
    /// `InvalidXmlNodeValue` (400) for another letter, or one that is there twice.
    pub fn permitting(self, letters: &str) -> Result<Self> {
        let times = |letter: char| letters.matches(letter).count();
        let unknown = letters
            .chars()
            .find(|letter| !PERMISSIONS.contains(*letter) || times(*letter) > 1);
        if let Some(letter) = unknown {
            let message = format!("{letters:?} is no list of permissions: see {letter:?}");
            return Err(Error::invalid("InvalidXmlNodeValue", message)
                .hint(format!("use each of {PERMISSIONS} at most once")));
        }
        let sorted = PERMISSIONS.chars().filter(|letter| letters.contains(*letter));
        Ok(Self {
            permission: Some(sorted.collect()),
            ..self
        })
    }

    /// What signatures call it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it begins to be valid, if it says so.
    #[must_use]
    pub fn start(&self) -> Option<Timestamp> {
        self.start
    }

    /// When it ends to be valid, if it says so.
    #[must_use]
    pub fn expiry(&self) -> Option<Timestamp> {
        self.expiry
    }

    /// The letters of what it permits, if it says so.
    #[must_use]
    pub fn permission(&self) -> Option<&str> {
        self.permission.as_deref()
    }
}

/// Public access and stored access policies of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerAcl {
    /// The container's tag.
    pub etag: ETag,
    /// When the container changed last, in whole seconds.
    pub last_modified: Timestamp,
    /// What anonymous callers may read.
    pub public_access: PublicAccess,
    /// At most 5, in the order they were given in.
    pub policies: Vec<StoredAccessPolicy>,
}

impl ContainerAcl {
    fn of(record: &ContainerRecord) -> Self {
        Self {
            etag: record.etag,
            last_modified: record.last_modified,
            public_access: record.public_access,
            policies: record.policies.clone(),
        }
    }
}

impl Container {
    /// Public access and stored access policies. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); `LeaseIdMismatchWithContainerOperation`,
    /// `LeaseNotPresentWithContainerOperation` (412).
    pub fn acl(&self, conditions: &Conditions) -> Result<ContainerAcl> {
        self.core.admit(Operation::GetContainerAcl)?;
        let record = ContainerRecord::read(&self.core.tree, &self.name)?;
        record.check_lease(conditions.lease, self.core.clock.now())?;
        Ok(ContainerAcl::of(&record))
    }

    /// Replaces public access and all stored access policies; in force at once. Needs no key.
    ///
    /// # Errors
    /// `ContainerNotFound` (404); `InvalidInput` (400) for more than 5 policies or two of one id;
    /// `LeaseIdMismatchWithContainerOperation`, `LeaseNotPresentWithContainerOperation` (412);
    /// `ConditionNotMet` (412) and the other errors of conditional writes.
    pub fn set_acl(
        &self,
        public_access: PublicAccess,
        policies: &[StoredAccessPolicy],
        conditions: &Conditions,
    ) -> Result<ContainerProperties> {
        check_policies(policies)?;
        let policies = policies.to_vec();
        let record = self.change(Operation::SetContainerAcl, conditions, move |record| {
            record.public_access = public_access;
            record.policies.clone_from(&policies);
        })?;
        ContainerProperties::of(&record, self.core.clock.now())
    }
}

fn check_policies(policies: &[StoredAccessPolicy]) -> Result<()> {
    if policies.len() > POLICIES_MAX {
        let message = "a container has at most 5 stored access policies";
        return Err(Error::invalid("InvalidInput", message));
    }
    let mut ids: Vec<&str> = policies.iter().map(StoredAccessPolicy::id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < policies.len() {
        return Err(Error::invalid(
            "InvalidInput",
            "two stored access policies have the same id",
        ));
    }
    Ok(())
}
