//! What a lease means to the operations on the thing that is leased.

use strongroom_engine::Timestamp;

use super::{Lease, LeaseId, LeaseStatus};
use crate::error::{Error, ErrorKind, Result};

/// What is leased; errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leasable {
    Blob,
    Container,
}

impl Lease {
    /// Checks an operation that a lease forbids to everybody but its holder: every write of a blob, and
    /// deleting a container.
    pub(crate) fn check_write(self, given: Option<LeaseId>, now: Timestamp, of: Leasable) -> Result<()> {
        if given.is_none() && self.status(now) == LeaseStatus::Locked {
            let what = of.name();
            let message = format!(
                "There is currently a lease on the {what} and no lease ID was specified in the request."
            );
            return Err(
                Error::new(ErrorKind::Precondition, "LeaseIdMissing", 412, message)
                    .hint("give the id of the lease, wait until it ends, or break it"),
            );
        }
        self.check_read(given, now, of)
    }

    /// Checks an operation that needs no lease: an id that is given must be right all the same.
    pub(crate) fn check_read(self, given: Option<LeaseId>, now: Timestamp, of: Leasable) -> Result<()> {
        match (given, self.status(now)) {
            (None, _) => Ok(()),
            (Some(_), LeaseStatus::Unlocked) => Err(of.not_present()),
            (Some(given), LeaseStatus::Locked) if self.id() == Some(given) => Ok(()),
            (Some(_), LeaseStatus::Locked) => Err(of.mismatch()),
        }
    }
}

impl Leasable {
    fn name(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Container => "container",
        }
    }

    fn not_present(self) -> Error {
        let code = match self {
            Self::Blob => "LeaseNotPresentWithBlobOperation",
            Self::Container => "LeaseNotPresentWithContainerOperation",
        };
        let message = format!("There is currently no lease on the {}.", self.name());
        Error::new(ErrorKind::Precondition, code, 412, message)
    }

    fn mismatch(self) -> Error {
        let code = match self {
            Self::Blob => "LeaseIdMismatchWithBlobOperation",
            Self::Container => "LeaseIdMismatchWithContainerOperation",
        };
        let what = self.name();
        let message = format!("The lease ID specified did not match the lease ID for the {what}.");
        Error::new(ErrorKind::Precondition, code, 412, message)
    }
}
