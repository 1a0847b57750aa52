//! The keyspaces of the vault's tree: room byte, key codec and record type meet here and nowhere else.
//!
//! A room number is on disk: never reuse one.

use std::marker::PhantomData;

use strongroom_engine::codec::{self, Record};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::tree::{Entry, Snapshot, Tree, TreeError, Txn};

use crate::audit::{AuditHead, AuditLine};
use crate::error::VaultError;
use crate::ids::{KeyName, KeyVersion, ObjectId, TenantId, VaultName};
use crate::records::{
    DueRecord, IdentityRecord, InstallationRecord, KeyRecord, PolicyRecord, TenantRecord, VaultId,
    VaultRecord, VersionRecord,
};

/// What there is one of.
pub(crate) const INSTALLATION: Room<(), InstallationRecord> = Room::new(0x10);
/// Vaults, deleted ones included, by folded name.
pub(crate) const VAULTS: Room<VaultName, VaultRecord> = Room::new(0x11);
/// Access policies.
pub(crate) const POLICIES: Room<(VaultId, ObjectId), PolicyRecord> = Room::new(0x12);
/// Keys, deleted ones included: one name is one record.
pub(crate) const KEYS: Room<(VaultId, KeyName), KeyRecord> = Room::new(0x13);
/// Versions of keys.
pub(crate) const VERSIONS: Room<(VaultId, KeyName, KeyVersion), VersionRecord> = Room::new(0x14);
/// What ends by itself, by time: deleted vaults and keys.
pub(crate) const DUE: Room<DueKey, DueRecord> = Room::new(0x15);
/// Principals.
pub(crate) const IDENTITIES: Room<ObjectId, IdentityRecord> = Room::new(0x16);
/// Tenants.
pub(crate) const TENANTS: Room<TenantId, TenantRecord> = Room::new(0x17);
/// Heads of the audit chains: one chain per vault name, which outlives the vault.
pub(crate) const AUDIT_HEADS: Room<VaultName, AuditHead> = Room::new(0x18);
/// Lines of the audit chains.
pub(crate) const AUDIT_LINES: Room<(VaultName, u64), AuditLine> = Room::new(0x19);

/// A keyspace.
pub(crate) struct Room<K, V> {
    number: u8,
    types: PhantomData<fn(K) -> V>,
}

/// How a key becomes bytes that sort as the key does.
pub(crate) trait RoomKey {
    fn append(&self, bytes: &mut Vec<u8>);
}

/// Reading, the same in a transaction and outside one.
pub(crate) trait Read {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError>;
    fn entries(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, TreeError>;
}

impl<K: RoomKey, V: Record> Room<K, V> {
    const fn new(number: u8) -> Self {
        Self {
            number,
            types: PhantomData,
        }
    }

    pub(crate) fn get(&self, read: &impl Read, key: &K) -> Result<Option<V>, VaultError> {
        match read.value(&self.key(key))? {
            Some(bytes) => Ok(Some(codec::decode(&bytes)?)),
            None => Ok(None),
        }
    }

    pub(crate) fn put(&self, txn: &mut Txn<'_>, key: &K, record: &V) -> Result<(), VaultError> {
        Ok(txn.put(&self.key(key), &codec::encode(record)?)?)
    }

    pub(crate) fn delete(&self, txn: &mut Txn<'_>, key: &K) -> Result<bool, VaultError> {
        Ok(txn.delete(&self.key(key))?)
    }

    /// Every record whose key begins with `prefix`, in order of keys.
    pub(crate) fn all(&self, read: &impl Read, prefix: &impl RoomKey) -> Result<Vec<V>, VaultError> {
        self.page(read, &self.under(prefix), usize::MAX)
    }

    /// The first `limit` records of `range`.
    pub(crate) fn page(
        &self,
        read: &impl Read,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<V>, VaultError> {
        let entries = read.entries(range, limit)?;
        Ok(entries
            .iter()
            .map(|(_, value)| codec::decode(value))
            .collect::<Result<_, _>>()?)
    }

    /// The range of all keys that begin with `prefix`.
    pub(crate) fn under(&self, prefix: &impl RoomKey) -> KeyRange {
        KeyRange::prefix(&self.bytes(prefix))
    }

    /// The whole key of a record.
    pub(crate) fn key(&self, key: &K) -> Vec<u8> {
        self.bytes(key)
    }

    fn bytes(&self, key: &impl RoomKey) -> Vec<u8> {
        let mut bytes = vec![self.number];
        key.append(&mut bytes);
        bytes
    }
}

impl Read for Tree {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        self.get(key)
    }

    fn entries(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, TreeError> {
        self.range(range, Order::Ascending, limit)
    }
}

impl Read for Snapshot {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        self.get(key)
    }

    fn entries(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, TreeError> {
        self.range(range, Order::Ascending, limit)
    }
}

impl Read for Txn<'_> {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        self.get(key)
    }

    fn entries(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, TreeError> {
        self.range(range, Order::Ascending, limit)
    }
}

/// When something ends, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DueKey {
    pub(crate) ticks: u64,
    pub(crate) vault: VaultId,
    /// `None` is the vault itself.
    pub(crate) key: Option<KeyName>,
}

impl RoomKey for () {
    fn append(&self, _: &mut Vec<u8>) {}
}

impl RoomKey for u64 {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_be_bytes());
    }
}

impl RoomKey for VaultId {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0);
    }
}

impl RoomKey for ObjectId {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0);
    }
}

impl RoomKey for TenantId {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0);
    }
}

impl RoomKey for KeyVersion {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0);
    }
}

// Names hold no zero byte, so a zero behind them keeps one name from being the prefix of another.
impl RoomKey for VaultName {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.folded().as_bytes());
        bytes.push(0);
    }
}

impl RoomKey for KeyName {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.folded().as_bytes());
        bytes.push(0);
    }
}

impl RoomKey for DueKey {
    fn append(&self, bytes: &mut Vec<u8>) {
        self.ticks.append(bytes);
        self.vault.append(bytes);
        if let Some(key) = &self.key {
            key.append(bytes);
        }
    }
}

impl<A: RoomKey, B: RoomKey> RoomKey for (A, B) {
    fn append(&self, bytes: &mut Vec<u8>) {
        self.0.append(bytes);
        self.1.append(bytes);
    }
}

impl<A: RoomKey, B: RoomKey, C: RoomKey> RoomKey for (A, B, C) {
    fn append(&self, bytes: &mut Vec<u8>) {
        self.0.append(bytes);
        self.1.append(bytes);
        self.2.append(bytes);
    }
}
