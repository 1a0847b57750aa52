//! Which operations need the customer's key: the table of what a revocation blocks, consulted by every
//! operation.
//!
//! The listed ones are those of Microsoft's "Revoke access to a storage account that uses customer-managed
//! keys", the names are those of the Blob service's REST interface. Everything that is neither listed nor
//! decided here goes on. docs/REVOCATION.md is generated from this table.

use std::sync::Arc;

use strongroom_engine::tree::Txn;

use crate::account::AccountCore;
use crate::blob::record::BlobRecord;
use crate::container::ContainerEncryption;
use crate::encryption::{EncryptionChoice, KeyGuard};
use crate::error::Result;

/// What an operation meets while access to the customer's key is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhileRevoked {
    /// Goes on.
    Allowed,
    /// Fails with 403.
    Blocked,
    /// Fails with 403 if it reads or writes user metadata of blobs, else goes on.
    BlockedWithMetadata,
}

/// Where a row of the table comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Basis {
    /// One of the 17 operations that Microsoft's article lists as failing.
    Listed,
    /// Not in the article, which lets everything unlisted proceed.
    Unlisted,
    /// Not in the article, but decided here; the reason.
    Decided(&'static str),
}

struct Row {
    number: u8,
    rest_name: &'static str,
    while_revoked: WhileRevoked,
    basis: Basis,
}

macro_rules! operations {
    ($($number:literal $name:ident $rest:literal $state:ident $basis:expr;)*) => {
        /// An operation of the Blob service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Operation {
            $(#[doc = concat!($rest, ".")] $name,)*
        }

        impl Operation {
            /// Every operation, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn row(self) -> Row {
                use Basis::{Decided, Listed, Unlisted};
                match self {
                    $(Self::$name => Row {
                        number: $number,
                        rest_name: $rest,
                        while_revoked: WhileRevoked::$state,
                        basis: $basis,
                    },)*
                }
            }
        }
    };
}

operations! {
    1 ListContainers "List Containers" Allowed Unlisted;
    2 GetBlobServiceProperties "Get Blob Service Properties" Allowed Unlisted;
    2 SetBlobServiceProperties "Set Blob Service Properties" Allowed Unlisted;
    2 GetBlobServiceStats "Get Blob Service Stats" Allowed Unlisted;
    2 GetAccountInformation "Get Account Information" Allowed Unlisted;
    2 GetUserDelegationKey "Get User Delegation Key" Allowed Unlisted;
    2 PreflightBlobRequest "Preflight Blob Request" Allowed Unlisted;
    3 CreateContainer "Create Container" Allowed Unlisted;
    4 GetContainerProperties "Get Container Properties" Allowed Unlisted;
    4 GetContainerMetadata "Get Container Metadata" Allowed Unlisted;
    5 SetContainerMetadata "Set Container Metadata" Allowed Unlisted;
    6 GetContainerAcl "Get Container ACL" Allowed Unlisted;
    6 SetContainerAcl "Set Container ACL" Allowed Unlisted;
    7 LeaseContainer "Lease Container" Allowed Unlisted;
    8 DeleteContainer "Delete Container" Allowed Unlisted;
    8 RestoreContainer "Restore Container" Allowed Unlisted;
    9 ListBlobs "List Blobs" BlockedWithMetadata Listed;
    10 FindBlobsByTags "Find Blobs by Tags" Allowed Unlisted;
    10 FindBlobsByTagsInContainer "Find Blobs by Tags in Container" Allowed Unlisted;
    11 PutBlob "Put Blob" Blocked Listed;
    12 PutBlobFromUrl "Put Blob From URL" Blocked Decided("a form of Put Blob that is newer than the list");
    13 GetBlob "Get Blob" Blocked Listed;
    14 GetBlobProperties "Get Blob Properties" Blocked Listed;
    15 GetBlobMetadata "Get Blob Metadata" Blocked Listed;
    16 SetBlobMetadata "Set Blob Metadata" Blocked Listed;
    17 SetBlobProperties "Set Blob Properties" Allowed Unlisted;
    18 GetBlobTags "Get Blob Tags" Allowed Unlisted;
    18 SetBlobTags "Set Blob Tags" Allowed Unlisted;
    19 LeaseBlob "Lease Blob" Allowed Unlisted;
    20 SnapshotBlob "Snapshot Blob" BlockedWithMetadata Listed;
    21 CopyBlob "Copy Blob" Blocked Listed;
    22 CopyBlobFromUrl "Copy Blob From URL" Blocked Listed;
    23 AbortCopyBlob "Abort Copy Blob" Allowed Unlisted;
    24 DeleteBlob "Delete Blob" Allowed Unlisted;
    25 UndeleteBlob "Undelete Blob" Allowed Unlisted;
    26 SetBlobTier "Set Blob Tier" Blocked Listed;
    27 BlobBatch "Blob Batch" Allowed Decided("the envelope goes on; every part has the row of its own operation");
    28 SetBlobExpiry "Set Blob Expiry" Allowed Unlisted;
    29 SetBlobImmutabilityPolicy "Set Blob Immutability Policy" Allowed Unlisted;
    29 DeleteBlobImmutabilityPolicy "Delete Blob Immutability Policy" Allowed Unlisted;
    29 SetBlobLegalHold "Set Blob Legal Hold" Allowed Unlisted;
    30 QueryBlobContents "Query Blob Contents" Blocked Decided("reads content, which cannot be opened without the key");
    31 PutBlock "Put Block" Blocked Listed;
    32 PutBlockFromUrl "Put Block From URL" Blocked Listed;
    33 PutBlockList "Put Block List" BlockedWithMetadata
        Decided("blocks are sealed already; new metadata has to be sealed, as with Snapshot Blob");
    34 GetBlockList "Get Block List" Allowed Unlisted;
    35 PutPage "Put Page" Blocked Listed;
    36 PutPageFromUrl "Put Page From URL" Blocked Listed;
    37 GetPageRanges "Get Page Ranges" Allowed Unlisted;
    38 IncrementalCopyBlob "Incremental Copy Blob" Blocked Listed;
    39 AppendBlock "Append Block" Blocked Listed;
    40 AppendBlockFromUrl "Append Block From URL" Blocked Listed;
    41 AppendBlobSeal "Append Blob Seal" Allowed Unlisted;
}

impl Operation {
    /// What it is called in the REST interface, as in `Put Blob`.
    #[must_use]
    pub fn rest_name(self) -> &'static str {
        self.row().rest_name
    }

    /// What it meets while access is revoked.
    #[must_use]
    pub fn while_revoked(self) -> WhileRevoked {
        self.row().while_revoked
    }

    /// Where its row comes from.
    #[must_use]
    pub fn basis(self) -> Basis {
        self.row().basis
    }

    /// Its number in the table; operations that belong together share one.
    #[must_use]
    pub fn number(self) -> u8 {
        self.row().number
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rest_name())
    }
}

/// Whether an operation reads or writes user metadata of blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserMetadata {
    Touched,
    Untouched,
}

impl UserMetadata {
    /// Touched when there is some.
    pub(crate) fn given(metadata: &crate::Metadata) -> Self {
        if metadata.is_empty() {
            Self::Untouched
        } else {
            Self::Touched
        }
    }
}

impl Operation {
    /// True if it needs the customer's key.
    fn needs_key(self, metadata: UserMetadata) -> bool {
        match self.while_revoked() {
            WhileRevoked::Allowed => false,
            WhileRevoked::Blocked => true,
            WhileRevoked::BlockedWithMetadata => metadata == UserMetadata::Touched,
        }
    }
}

impl Operation {
    /// Fails with the 403 of `guard` if the operation is blocked now.
    pub(crate) fn admit(self, metadata: UserMetadata, guard: &KeyGuard) -> Result<()> {
        if self.needs_key(metadata) {
            guard.check()
        } else {
            Ok(())
        }
    }

    /// [`admit`](Self::admit) inside a transaction, which a blocked operation commits only through the
    /// guard's gate.
    pub(crate) fn admit_commit(
        self,
        metadata: UserMetadata,
        guard: &Arc<KeyGuard>,
        txn: &mut Txn<'_>,
    ) -> Result<()> {
        self.admit(metadata, guard)?;
        if self.needs_key(metadata) {
            txn.through(guard.clone());
        }
        Ok(())
    }
}

/// By the account's key guard, or by that of the encryption scope that a blob is under.
impl AccountCore {
    /// Fails with the 403 of the account's key guard if `operation` is blocked now.
    pub(crate) fn admit(&self, operation: Operation) -> Result<()> {
        operation.admit(UserMetadata::Untouched, &self.guard)
    }

    /// Asks the guard of what a new blob of the container would be under. Not inside a transaction.
    pub(crate) fn admit_in(
        &self,
        (operation, metadata): (Operation, UserMetadata),
        container: &ContainerEncryption,
    ) -> Result<()> {
        if operation.needs_key(metadata) {
            let choice = EncryptionChoice::Default;
            let keys = self.keys_of(&container.details(&choice)?, &choice)?;
            operation.admit(metadata, &keys.guard)?;
        }
        Ok(())
    }

    /// The blob, if the operation may touch it. Where there is none the guard of what a new one would be
    /// under is asked, so that whoever is revoked is told nothing about blobs. Not inside a transaction.
    pub(crate) fn admit_blob(
        &self,
        operation: Operation,
        container: &ContainerEncryption,
        found: Result<BlobRecord>,
    ) -> Result<BlobRecord> {
        let metadata = UserMetadata::Untouched;
        match &found {
            Ok(record) if operation.needs_key(metadata) => {
                let keys = self.keys_of(&record.encryption, &EncryptionChoice::Default)?;
                operation.admit(metadata, &keys.guard)?;
            }
            Ok(_) => {}
            Err(_) => self.admit_in((operation, metadata), container)?,
        }
        found
    }

    /// [`admit_blob`](Self::admit_blob) inside a transaction, of a blob that has been looked at before.
    pub(crate) fn admit_blob_commit(
        &self,
        (operation, metadata): (Operation, UserMetadata),
        found: Result<BlobRecord>,
        txn: &mut Txn<'_>,
    ) -> Result<BlobRecord> {
        let record = found?;
        if operation.needs_key(metadata) {
            let guard = self.guard_at_hand(&record.encryption)?;
            operation.admit_commit(metadata, &guard, txn)?;
        }
        Ok(record)
    }

    /// [`admit`](Self::admit) inside a transaction, which a blocked operation commits only through the
    /// guard's gate.
    pub(crate) fn admit_commit(&self, operation: Operation, txn: &mut Txn<'_>) -> Result<()> {
        operation.admit_commit(UserMetadata::Untouched, &self.guard, txn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Microsoft's list, in its order; the conditional ones name their condition in the article.
    const LISTED: [(&str, WhileRevoked); 17] = [
        ("List Blobs", WhileRevoked::BlockedWithMetadata),
        ("Get Blob", WhileRevoked::Blocked),
        ("Get Blob Properties", WhileRevoked::Blocked),
        ("Get Blob Metadata", WhileRevoked::Blocked),
        ("Set Blob Metadata", WhileRevoked::Blocked),
        ("Snapshot Blob", WhileRevoked::BlockedWithMetadata),
        ("Copy Blob", WhileRevoked::Blocked),
        ("Copy Blob From URL", WhileRevoked::Blocked),
        ("Set Blob Tier", WhileRevoked::Blocked),
        ("Put Block", WhileRevoked::Blocked),
        ("Put Block From URL", WhileRevoked::Blocked),
        ("Append Block", WhileRevoked::Blocked),
        ("Append Block From URL", WhileRevoked::Blocked),
        ("Put Blob", WhileRevoked::Blocked),
        ("Put Page", WhileRevoked::Blocked),
        ("Put Page From URL", WhileRevoked::Blocked),
        ("Incremental Copy Blob", WhileRevoked::Blocked),
    ];

    #[test]
    fn exactly_the_listed_operations_are_blocked() {
        for operation in Operation::ALL {
            let name = operation.rest_name();
            let listed = LISTED.iter().find(|(listed, _)| *listed == name);
            match operation.basis() {
                Basis::Listed => assert_eq!(listed, Some(&(name, operation.while_revoked()))),
                Basis::Unlisted => {
                    assert_eq!(
                        (listed, operation.while_revoked()),
                        (None, WhileRevoked::Allowed),
                        "{name}"
                    );
                }
                Basis::Decided(reason) => assert!(listed.is_none() && !reason.is_empty(), "{name}"),
            }
        }
        let rows = Operation::ALL.iter().filter(|row| row.basis() == Basis::Listed);
        assert_eq!(rows.count(), LISTED.len());
    }

    #[test]
    fn the_table_has_every_row_in_order() {
        let numbers: Vec<u8> = Operation::ALL.iter().map(|row| row.number()).collect();
        assert!(numbers.is_sorted());
        assert!((1..=41).all(|number| numbers.contains(&number)));
        let mut names: Vec<_> = Operation::ALL.iter().map(|row| row.rest_name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Operation::ALL.len(), "no name twice");
    }
}
