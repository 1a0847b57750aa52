//! What the vault's tree holds, as it is encoded. Everything here is inside the sealed tree.
//!
//! Text in a record came through its checking type when it was written and goes through it again when it is
//! read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::Record;

use crate::error::VaultError;
use crate::ids::{KeyName, KeyVersion, ObjectId, Region, TenantId, VaultName};
use crate::permissions::{KeyOperations, KeyPermissions};
use crate::state::{Life, Retention};

/// Names a vault for as long as it lives; a later vault of the same name has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct VaultId(pub(crate) [u8; 16]);

/// Names a side file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct FileId(pub(crate) [u8; 16]);

/// Tags of a key version.
pub type Tags = BTreeMap<String, String>;

macro_rules! records {
    ($($record:ident $name:literal,)*) => {
        $(impl Record for $record {
            const NAME: &'static str = $name;
            const VERSION: u8 = 1;
        })*
    };
}

records! {
    DueRecord "retention record",
    IdentityRecord "identity",
    InstallationRecord "installation record",
    KeyRecord "key record",
    PolicyRecord "access policy",
    TenantRecord "tenant",
    VaultRecord "vault record",
    VersionRecord "key version record",
}

#[derive(Serialize, Deserialize)]
pub(crate) struct InstallationRecord {
    pub(crate) id: [u8; 16],
    pub(crate) tenant: TenantId,
    pub(crate) owner: ObjectId,
    /// The private key that signs tokens, PKCS#8.
    pub(crate) token_key: Vec<u8>,
}

impl Drop for InstallationRecord {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.token_key);
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct VaultRecord {
    pub(crate) id: VaultId,
    pub(crate) name: String,
    pub(crate) tenant: TenantId,
    pub(crate) region: Region,
    pub(crate) resource_group: String,
    pub(crate) subscription: String,
    pub(crate) retention: Retention,
    pub(crate) life: Life,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// The next version's place in the order of creation.
    pub(crate) next_sequence: u64,
}

impl VaultRecord {
    pub(crate) fn name(&self) -> Result<VaultName, VaultError> {
        self.name.parse()
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    pub(crate) object_id: ObjectId,
    pub(crate) keys: KeyPermissions,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub(crate) name: String,
    pub(crate) current: KeyVersion,
    pub(crate) life: Life,
    /// The rotation policy as JSON, once one is set.
    pub(crate) rotation_policy: Option<String>,
    pub(crate) policy_created: Option<Timestamp>,
    pub(crate) policy_updated: Option<Timestamp>,
}

impl KeyRecord {
    pub(crate) fn name(&self) -> Result<KeyName, VaultError> {
        self.name.parse()
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    pub(crate) version: KeyVersion,
    pub(crate) sequence: u64,
    pub(crate) kty: StoredKeyType,
    pub(crate) n: Vec<u8>,
    pub(crate) e: Vec<u8>,
    pub(crate) operations: KeyOperations,
    pub(crate) enabled: bool,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) tags: Tags,
    /// The side file that holds the one-time key of `private`.
    pub(crate) file: FileId,
    /// The private part, sealed by that key.
    pub(crate) private: Vec<u8>,
}

/// A key type as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StoredKeyType {
    Rsa,
    RsaHsm,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DueRecord {
    pub(crate) ticks: u64,
    pub(crate) vault: VaultId,
    pub(crate) vault_name: String,
    /// `None` is the vault itself.
    pub(crate) key: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct IdentityRecord {
    pub(crate) object_id: ObjectId,
    pub(crate) tenant: TenantId,
    pub(crate) client_id: [u8; 16],
    pub(crate) kind: IdentityKind,
    pub(crate) created: Timestamp,
}

/// What an identity belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdentityKind {
    /// The owner of the installation: manages vaults and policies.
    Owner,
    /// Belongs to one resource and goes with it.
    System {
        /// The resource, for example a storage account.
        resource: String,
    },
    /// A resource of its own that others may use.
    User {
        /// Its name.
        name: String,
    },
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TenantRecord {
    pub(crate) id: TenantId,
    pub(crate) created: Timestamp,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strongroom_engine::codec;

    use super::*;
    use crate::fuzzing::is_vault_record;

    proptest! {
        #[test]
        fn hostile_bytes_give_an_error_or_a_record(mut bytes: Vec<u8>) {
            let _ = is_vault_record(&bytes);
            bytes.insert(0, 1);
            let _ = is_vault_record(&bytes);
        }
    }

    #[test]
    fn every_prefix_and_every_extension_of_a_record_is_refused() {
        let record = VaultRecord {
            id: VaultId([1; 16]),
            name: "bench".to_owned(),
            tenant: TenantId([2; 16]),
            region: "westus".parse().unwrap(),
            resource_group: "group".to_owned(),
            subscription: String::new(),
            retention: Retention::Protected { days: 90 },
            life: Life::Active,
            created: Timestamp::from_unix_seconds(1),
            updated: Timestamp::from_unix_seconds(2),
            next_sequence: 3,
        };
        let mut bytes = codec::encode(&record).unwrap();
        assert!(is_vault_record(&bytes));
        for cut in 0..bytes.len() {
            assert!(
                codec::decode::<VaultRecord>(&bytes[..cut]).is_err(),
                "prefix of {cut}"
            );
        }
        bytes.push(0);
        assert!(codec::decode::<VaultRecord>(&bytes).is_err());
    }
}
