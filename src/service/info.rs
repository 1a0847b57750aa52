//! What an account tells about itself: always the same, because there is one place and one copy.

use std::fmt;

use strongroom_engine::Timestamp;

use crate::account::Account;
use crate::error::Result;
use crate::operations::Operation;

/// How often and where data is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkuName {
    /// Once, here: `Standard_LRS`.
    StandardLrs,
}

impl fmt::Display for SkuName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardLrs => f.write_str("Standard_LRS"),
        }
    }
}

/// What an account can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountKind {
    /// Everything: `StorageV2`.
    StorageV2,
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StorageV2 => f.write_str("StorageV2"),
        }
    }
}

/// What `x-ms-sku-name`, `x-ms-account-kind` and `x-ms-is-hns-enabled` say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AccountInformation {
    /// How often and where data is kept.
    pub sku: SkuName,
    /// What the account can do.
    pub kind: AccountKind,
    /// Whether there are directories beside blobs: never.
    pub is_hierarchical: bool,
}

/// Whether a secondary copy can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GeoReplicationStatus {
    /// There is none.
    Unavailable,
}

impl fmt::Display for GeoReplicationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => f.write_str("unavailable"),
        }
    }
}

/// What "Get Blob Service Stats" says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ServiceStats {
    /// Whether a secondary copy can be read.
    pub geo_replication: GeoReplicationStatus,
    /// What the secondary copy has is at least as new as this.
    pub last_sync: Option<Timestamp>,
}

impl Account {
    /// Kind of account and of its redundancy. Needs no key.
    ///
    /// # Errors
    /// None so far.
    pub fn information(&self) -> Result<AccountInformation> {
        self.core.admit(Operation::GetAccountInformation)?;
        Ok(AccountInformation {
            sku: SkuName::StandardLrs,
            kind: AccountKind::StorageV2,
            is_hierarchical: false,
        })
    }

    /// How far a secondary copy is; there is none. Needs no key.
    ///
    /// # Errors
    /// None so far.
    pub fn blob_service_stats(&self) -> Result<ServiceStats> {
        self.core.admit(Operation::GetBlobServiceStats)?;
        Ok(ServiceStats {
            geo_replication: GeoReplicationStatus::Unavailable,
            last_sync: None,
        })
    }
}
