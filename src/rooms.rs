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

/// Account tree: container id (8), escaped blob name, time (8), kind (1) → blob record: snapshots, versions,
/// deleted blobs.
pub(crate) const HISTORY: u8 = 0x06;
/// Account tree: the id that the next manifest, staging area or page map gets, one record.
pub(crate) const CONTENT_IDS: u8 = 0x07;
/// Account tree: manifest id (8), part number (4) → part.
pub(crate) const MANIFESTS: u8 = 0x08;
/// Account tree: manifest id (8) → references beyond the first.
pub(crate) const MANIFEST_COUNTS: u8 = 0x09;
/// Account tree: container id (8), escaped blob name → head of the staging area: what is known of the
/// uncommitted blocks of a blob.
pub(crate) const STAGING: u8 = 0x0a;
/// Account tree: staging area id (8), block id → uncommitted block.
pub(crate) const STAGED: u8 = 0x0b;
/// Account tree: id of a page map (8), kind (1), numbers → a record of the map, see `blob/page/map.rs`.
pub(crate) const PAGE_MAPS: u8 = 0x0c;
/// Account tree: id of a manifest, staging area or page map (8) → what is left to take apart.
pub(crate) const DOOMED: u8 = 0x0d;
/// Account tree: time (8), what it is about → what is due then.
pub(crate) const AGENDA: u8 = 0x0e;

/// Store tree: account id (16 bytes), name of an encryption scope → the scope's record.
pub(crate) const ENCRYPTION_SCOPES: u8 = 0x0f;

// Rooms of the account tree from 0x20 on: the vault's tree is another one, and its rooms are below.
/// Account tree: the settings of the Blob service, one record.
pub(crate) const BLOB_SERVICE: u8 = 0x20;
/// Account tree: container name, 00, container id (8 bytes) → deleted container that can be restored.
pub(crate) const KEPT_CONTAINERS: u8 = 0x21;
/// Account tree: until when (8 bytes), container name, 00, container id (8 bytes) → nothing.
pub(crate) const KEPT_CONTAINERS_DUE: u8 = 0x22;
/// Account tree: container id (8 bytes), blob name → nothing; blobs that a policy or a legal hold may
/// protect.
pub(crate) const PROTECTED_BLOBS: u8 = 0x23;

/// Account tree: id of a copy (16 bytes) → what is to be copied from another account, and what has been.
pub(crate) const COPIES: u8 = 0x28;

/// Store tree: number of a commit (8 bytes) → the rollback that was accepted after it.
pub(crate) const ROLLBACKS: u8 = 0x2a;

/// Store tree: id of the holder of a root key (16 bytes) → the root key, wrapped for its recovery key.
pub(crate) const RECOVERY_KEYS: u8 = 0x2b;

/// A name as part of a key: 00 becomes 00 FF, 00 00 ends it. The order of names is kept, and no name's keys
/// lie among those of another.
pub(crate) fn escape(name: &str) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(name.len() + 2);
    for byte in name.bytes() {
        escaped.push(byte);
        if byte == 0 {
            escaped.push(0xff);
        }
    }
    escaped.extend([0, 0]);
    escaped
}

/// The name at the start of `bytes` and what follows its end; `None` if there is none.
pub(crate) fn unescape(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut name = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        rest = match rest {
            [0, 0, rest @ ..] => return String::from_utf8(name).ok().map(|name| (name, rest)),
            [0, 0xff, rest @ ..] => {
                name.push(0);
                rest
            }
            [0, ..] | [] => return None,
            [byte, rest @ ..] => {
                name.push(*byte);
                rest
            }
        };
    }
}

/// A key: room, then parts.
pub(crate) fn key(room: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![room];
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_names_keep_their_order_and_come_back() {
        let names = ["a", "a\0", "a\0\0", "a\0b", "a\u{1}", "aa", "b"];
        for pair in names.windows(2) {
            assert!(pair[0] < pair[1]);
            assert!(escape(pair[0]) < escape(pair[1]), "{pair:?}");
        }
        for name in names {
            let key = [escape(name), vec![7, 0]].concat();
            assert_eq!(unescape(&key), Some((name.to_owned(), [7, 0].as_slice())));
            assert!(!escape("a\0").starts_with(&escape("a")));
        }
        for damaged in [b"a".as_slice(), b"a\0", b"a\0\x01", b"", b"\xff\0\0"] {
            assert_eq!(unescape(damaged), None, "{damaged:?}");
        }
    }
}
