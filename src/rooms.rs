//! Every key range of the project's trees, in one place. A room number is on disk: never reuse one.
//!
//! Room 0 belongs to the tree itself; 0x10 and up belong to the vault's tree.

/// Store tree: account name → account record.
pub(crate) const ACCOUNTS: u8 = 0x01;
/// Envelope tree: id of the holder (16 bytes) → encryption settings and the envelope, one record.
pub(crate) const ENVELOPE: u8 = 0x02;
/// Account tree: container name → container record.
pub(crate) const CONTAINERS: u8 = 0x03;
/// Account tree: container id (8 bytes), blob name → blob record.
pub(crate) const BLOBS: u8 = 0x04;
/// Account tree: container id → nothing; containers that are deleted but not yet emptied.
pub(crate) const DELETED_CONTAINERS: u8 = 0x05;

/// A key: room, then parts.
pub(crate) fn key(room: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![room];
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}
