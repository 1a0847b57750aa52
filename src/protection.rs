//! What an account keeps of blobs that are replaced or deleted.

use std::time::Duration;

use crate::account::AccountCore;

/// What is kept of the past of blobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DataProtection {
    /// Every write makes a version.
    pub(crate) versioning: bool,
    /// How long what is deleted can be restored; `None` if it is gone at once.
    pub(crate) retention: Option<Duration>,
    /// Deleted snapshots and versions may be removed before their time.
    pub(crate) permanent_delete: bool,
}

impl AccountCore {
    /// What is kept from now on.
    pub(crate) fn protection(&self) -> DataProtection {
        *self.protection.read()
    }
}
