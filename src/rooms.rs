//! Every key range of the project's trees, in one place. A room number is on disk: never reuse one.
//!
//! Room 0 belongs to the tree itself; 0x10 and up belong to the vault's tree.

/// Store tree: account name → account record.
pub(crate) const ACCOUNTS: u8 = 0x01;
/// Account tree: encryption settings and the envelope, one record.
pub(crate) const ENVELOPE: u8 = 0x02;
/// Account tree: container name → container record.
pub(crate) const CONTAINERS: u8 = 0x03;
/// Account tree: container id (8 bytes), blob name → blob record.
pub(crate) const BLOBS: u8 = 0x04;
/// Account tree: container id → nothing; containers that are deleted but not yet emptied.
pub(crate) const DELETED_CONTAINERS: u8 = 0x05;

// Rooms of the account tree from 0x20 on: the vault's tree is another one, and its rooms are below.
/// Account tree: the settings of the Blob service, one record.
pub(crate) const BLOB_SERVICE: u8 = 0x20;
/// Account tree: container name, 00, container id (8 bytes) → deleted container that can be restored.
pub(crate) const KEPT_CONTAINERS: u8 = 0x21;
/// Account tree: until when (8 bytes), container name, 00, container id (8 bytes) → nothing.
pub(crate) const KEPT_CONTAINERS_DUE: u8 = 0x22;
/// Account tree: container id (8 bytes), blob name → nothing; blobs that a policy or a legal hold may protect.
pub(crate) const PROTECTED_BLOBS: u8 = 0x23;

/// A key: room, then parts.
pub(crate) fn key(room: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![room];
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}
