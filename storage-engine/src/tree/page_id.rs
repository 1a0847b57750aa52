//! Page ids: the commit that wrote a page, then 16 random bytes. A page is written once.

use std::fmt;

use crate::Entropy;
use crate::entropy::{EntropyError, random};
use crate::keys::ScopeId;

/// Names a page, an overflow part or a small body within its tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct PageId(pub [u8; PageId::BYTES]);

impl PageId {
    /// Bytes of an id.
    pub const BYTES: usize = 24;

    /// A new id for something that commit number `commit` writes.
    pub(super) fn new(commit: u64, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut id = [0; Self::BYTES];
        let bytes = commit.to_be_bytes().into_iter().chain(random::<16>(entropy)?);
        for (to, from) in id.iter_mut().zip(bytes) {
            *to = from;
        }
        Ok(Self(id))
    }

    /// The engine's key of what has this id in `tree`; also the item id it is sealed under.
    pub(super) fn record(&self, tree: ScopeId) -> Vec<u8> {
        [tree.0.as_slice(), &self.0].concat()
    }
}

impl fmt::Debug for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Lower-case hexadecimal (RFC 4648 base16), for messages.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
