//! What any bytes are as a page of a tree, before sealing.

use std::sync::Arc;

use super::node::{Node, Overflow, Payload, Slot};
use super::page_id::PageId;

/// Decodes `bytes` as a page. True if they are one; their encoding must then be these very bytes.
///
/// # Panics
/// When a page has two encodings.
#[must_use]
pub fn is_page(bytes: &[u8]) -> bool {
    let Ok(node) = Node::decode(bytes) else {
        return false;
    };
    assert_eq!(
        node.encode().as_deref(),
        Ok(bytes),
        "a page has exactly one encoding"
    );
    true
}

/// A leaf with small values and a large one, and a branch above two leaves.
#[must_use]
pub fn pages() -> Vec<Vec<u8>> {
    let id = |byte| PageId([byte; PageId::BYTES]);
    let large = Overflow {
        parts: Arc::new([id(1), id(2)]),
        length: 2_000_000,
    };
    let slot = |key: &[u8], payload| Slot {
        key: key.into(),
        payload,
    };
    let leaf = vec![
        slot(b"\x04blob/a", Payload::Inline(b"value".as_slice().into())),
        slot(b"\x04blob/b", Payload::Inline([].as_slice().into())),
        slot(b"\x04blob/c", Payload::Overflow(large)),
    ];
    let branch = vec![
        slot(b"", Payload::Page(id(3))),
        slot(b"\x04blob/m", Payload::Page(id(4))),
    ];
    let nodes = [
        Node {
            level: 0,
            slots: leaf,
        },
        Node {
            level: 1,
            slots: branch,
        },
    ];
    nodes.iter().filter_map(|node| node.encode().ok()).collect()
}
