//! The account record of the store's tree, and what it shows to callers.

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::{self, Record};
use strongroom_engine::keys::ScopeId;
use strongroom_keyvault::{ObjectId, Region, TenantId};

use super::AccountName;
use crate::encryption::KeyIdentity;
use crate::error::Result;
use crate::rooms;

/// Which key protects the data of a service. Chosen when the account is created, and final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyType {
    /// The account's own root key, and with it the customer's key.
    Account,
    /// The store's root key; a customer's key has no influence. The default for queues and tables.
    #[default]
    Service,
}

impl KeyType {
    /// `Account` or `Service`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::Service => "Service",
        }
    }
}

impl std::fmt::Display for KeyType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a new account is to be.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its name, unique in the store.
    pub name: AccountName,
    /// The directory tenant it belongs to; its key vault must be in the same.
    pub tenant: TenantId,
    /// Where it is; its key vault must be in the same.
    pub region: Region,
    /// A label; a key vault may have another.
    pub subscription: String,
    /// A label.
    pub resource_group: String,
    /// Key type of the queue service. Default: `Service`.
    pub queue: KeyType,
    /// Key type of the table service. Default: `Service`.
    pub table: KeyType,
    /// Whether everything under the account's key and its encryption scopes is sealed a second time, with
    /// another algorithm and under a key of the platform. Final. Default: false.
    pub require_infrastructure_encryption: bool,
}

impl NewAccount {
    /// An account with empty labels and the default key types.
    #[must_use]
    pub fn new(name: AccountName, tenant: TenantId, region: Region) -> Self {
        Self {
            name,
            tenant,
            region,
            subscription: String::new(),
            resource_group: String::new(),
            queue: KeyType::Service,
            table: KeyType::Service,
            require_infrastructure_encryption: false,
        }
    }
}

/// A managed identity of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its object id: what access policies name.
    pub principal_id: ObjectId,
    /// The tenant it was made in.
    pub tenant_id: TenantId,
}

/// The account as stored: names, labels, identity, and what its root key must match.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccountRecord {
    pub(crate) id: ScopeId,
    /// Id of the tree of the account's envelope: random, and of no other use.
    pub(crate) envelope_tree: ScopeId,
    pub(crate) name: String,
    pub(crate) tenant: TenantId,
    pub(crate) region: Region,
    pub(crate) subscription: String,
    pub(crate) resource_group: String,
    pub(crate) created: Timestamp,
    pub(crate) queue: KeyType,
    pub(crate) table: KeyType,
    /// Fixed at creation: no other root key is ever used for this account.
    pub(crate) root_commitment: [u8; 32],
    pub(crate) system_identity: Option<Identity>,
    pub(crate) user_identities: Vec<Identity>,
    /// Whether everything is sealed twice.
    pub(crate) infrastructure: bool,
}

impl Record for AccountRecord {
    const NAME: &'static str = "account record";
    const VERSION: u8 = 2;
    const OLDEST: u8 = 2;
}

impl AccountRecord {
    pub(crate) fn key(name: &AccountName) -> Vec<u8> {
        rooms::key(rooms::ACCOUNTS, &[name.as_str().as_bytes()])
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        Ok(codec::decode(bytes)?)
    }

    /// The object id behind an identity the account was told to use; `None` if the account does not have it.
    pub(crate) fn principal(&self, wanted: KeyIdentity) -> Option<ObjectId> {
        match wanted {
            KeyIdentity::System => self.system_identity.map(|identity| identity.principal_id),
            KeyIdentity::User(principal) => self
                .user_identities
                .iter()
                .map(|identity| identity.principal_id)
                .find(|known| *known == principal),
        }
    }
}

/// What is known of an account: the properties that `storage account show` prints.
#[derive(Clone, Debug)]
pub struct AccountProperties {
    /// Its name.
    pub name: AccountName,
    /// Its id: 16 random bytes, never used again.
    pub id: [u8; 16],
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Where it is.
    pub region: Region,
    /// A label.
    pub subscription: String,
    /// A label.
    pub resource_group: String,
    /// When it was created.
    pub created: Timestamp,
    /// Key type of the queue service.
    pub queue: KeyType,
    /// Key type of the table service.
    pub table: KeyType,
    /// The system-assigned identity, if there is one.
    pub system_identity: Option<Identity>,
    /// User-assigned identities.
    pub user_identities: Vec<Identity>,
    /// Whether everything is sealed twice.
    pub require_infrastructure_encryption: bool,
}

impl TryFrom<AccountRecord> for AccountProperties {
    type Error = crate::Error;

    fn try_from(record: AccountRecord) -> Result<Self> {
        Ok(Self {
            name: record.name.parse()?,
            id: record.id.0,
            tenant: record.tenant,
            region: record.region,
            subscription: record.subscription,
            resource_group: record.resource_group,
            created: record.created,
            queue: record.queue,
            table: record.table,
            system_identity: record.system_identity,
            user_identities: record.user_identities,
            require_infrastructure_encryption: record.infrastructure,
        })
    }
}
