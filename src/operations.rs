//! Which operations need the customer's key: the table of what a revocation blocks, consulted by every
//! operation.
//!
//! The blocked ones are those of Microsoft's "Revoke access to a storage account that uses customer-managed
//! keys", the names are those of the Blob service's REST interface. Everything that is not listed there goes
//! on.

use strongroom_engine::tree::Txn;

use crate::account::AccountCore;
use crate::error::Result;

/// An operation on an account's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    CreateContainer,
    DeleteBlob,
    DeleteContainer,
    GetBlob,
    GetBlobMetadata,
    GetBlobProperties,
    GetContainerProperties,
    ListBlobs,
    ListContainers,
    PutBlob,
    SetBlobMetadata,
    SetBlobProperties,
    SetContainerMetadata,
}

/// What an operation needs while access is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhileRevoked {
    /// Goes on.
    Allowed,
    /// Fails with 403.
    Blocked,
    /// Fails with 403 if it reads or writes user metadata of blobs, else goes on.
    BlockedWithMetadata,
}

impl Operation {
    /// The table.
    pub(crate) fn while_revoked(self) -> WhileRevoked {
        use WhileRevoked::{Allowed, Blocked, BlockedWithMetadata};
        match self {
            Self::CreateContainer => Allowed,
            Self::DeleteBlob => Allowed,
            Self::DeleteContainer => Allowed,
            Self::GetBlob => Blocked,
            Self::GetBlobMetadata => Blocked,
            Self::GetBlobProperties => Blocked,
            Self::GetContainerProperties => Allowed,
            Self::ListBlobs => BlockedWithMetadata,
            Self::ListContainers => Allowed,
            Self::PutBlob => Blocked,
            Self::SetBlobMetadata => Blocked,
            Self::SetBlobProperties => Allowed,
            Self::SetContainerMetadata => Allowed,
        }
    }
}

/// Whether an operation reads or writes user metadata of blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserMetadata {
    Touched,
    Untouched,
}

impl AccountCore {
    /// Fails with the 403 of the account's key guard if `operation` is blocked now.
    pub(crate) fn admit(&self, operation: Operation) -> Result<()> {
        self.admit_with(operation, UserMetadata::Untouched)
    }

    /// [`admit`](Self::admit) inside a transaction, which a blocked operation commits only through the
    /// guard's gate.
    pub(crate) fn admit_commit(&self, operation: Operation, txn: &mut Txn<'_>) -> Result<()> {
        self.admit(operation)?;
        if operation.while_revoked() == WhileRevoked::Blocked {
            txn.through(self.guard.clone());
        }
        Ok(())
    }

    /// [`admit`](Self::admit) for an operation whose fate depends on user metadata.
    pub(crate) fn admit_with(&self, operation: Operation, metadata: UserMetadata) -> Result<()> {
        match (operation.while_revoked(), metadata) {
            (WhileRevoked::Blocked, _) | (WhileRevoked::BlockedWithMetadata, UserMetadata::Touched) => {
                self.guard.check()
            }
            (WhileRevoked::Allowed | WhileRevoked::BlockedWithMetadata, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of Microsoft's list that exist here, in its order; everything else goes on.
    #[test]
    fn exactly_the_listed_operations_are_blocked() {
        use Operation::*;
        let listed = [
            (ListBlobs, WhileRevoked::BlockedWithMetadata),
            (PutBlob, WhileRevoked::Blocked),
            (GetBlob, WhileRevoked::Blocked),
            (GetBlobProperties, WhileRevoked::Blocked),
            (GetBlobMetadata, WhileRevoked::Blocked),
            (SetBlobMetadata, WhileRevoked::Blocked),
        ];
        let others = [
            CreateContainer,
            DeleteBlob,
            DeleteContainer,
            GetContainerProperties,
            ListContainers,
            SetBlobProperties,
            SetContainerMetadata,
        ];
        let goes_on = others.map(|operation| (operation, WhileRevoked::Allowed));
        for (operation, want) in listed.into_iter().chain(goes_on) {
            assert_eq!(operation.while_revoked(), want, "{operation:?}");
        }
    }
}
