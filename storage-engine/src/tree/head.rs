//! Heads and freed lists: the records a commit is made of besides its pages.

use serde::{Deserialize, Serialize};

use super::core::Core;
use super::page_id::PageId;
use super::pages::{Pages, RecordKind};
use super::{Entry, TreeError};
use crate::body::BodyId;
use crate::codec::{Record, decode, encode, fixed};
use crate::keys::{PurposeKey, ScopeId};

/// The newest commit of a tree: from here everything is reached. Its numbers are of fixed width, so that the
/// cost of a commit does not grow with the number of those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// Number of the commit; 0 is the empty tree as it was created.
    #[serde(with = "fixed")]
    pub(super) commit: u64,
    /// The root page; `None` when the tree is empty.
    pub(super) root: Option<PageId>,
    /// Entries, without room 0.
    #[serde(with = "fixed")]
    pub(super) entries: u64,
}

impl Record for Head {
    const NAME: &'static str = "head";
    const VERSION: u8 = 1;
}

impl Head {
    /// The record, sealed with a fresh salt.
    pub(super) fn seal(&self, tree: ScopeId, key: &PurposeKey, core: &Core) -> Result<Vec<u8>, TreeError> {
        RecordKind::HEAD.seal(key, &tree.0, &encode(self)?, core)
    }

    pub(super) fn open(tree: ScopeId, key: &PurposeKey, bytes: &[u8]) -> Result<Self, TreeError> {
        Ok(decode(&RecordKind::HEAD.open(key, &tree.0, bytes)?)?)
    }
}

/// What a commit released.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Freed {
    /// Pages, overflow parts and small bodies.
    pub(super) pages: Vec<PageId>,
    /// Large bodies.
    pub(super) bodies: Vec<BodyId>,
}

impl Record for Freed {
    const NAME: &'static str = "list of freed pages";
    const VERSION: u8 = 1;
}

/// Ids in one record of a freed list: about 384 KiB.
const FREED_PART_IDS: usize = 1 << 14;

impl Freed {
    pub(super) fn is_empty(&self) -> bool {
        self.pages.is_empty() && self.bodies.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.pages.len() + self.bodies.len()
    }

    /// The list of one commit as records: keys and sealed values.
    pub(super) fn seal(&self, pages: &Pages, commit: u64) -> Result<Vec<Entry>, TreeError> {
        let page_parts = self.pages.chunks(FREED_PART_IDS).map(|pages| Self {
            pages: pages.to_vec(),
            bodies: Vec::new(),
        });
        let body_parts = self.bodies.chunks(FREED_PART_IDS).map(|bodies| Self {
            pages: Vec::new(),
            bodies: bodies.to_vec(),
        });
        let parts: Vec<Self> = if self.len() <= FREED_PART_IDS && !self.is_empty() {
            vec![self.clone()]
        } else {
            page_parts.chain(body_parts).collect()
        };
        let seal = |(part, list): (u32, &Self)| {
            let key = freed_key(pages.tree, commit, part);
            let value = RecordKind::FREED.seal(&pages.key, &key, &encode(list)?, &pages.core)?;
            Ok((key, value))
        };
        (0..).zip(&parts).map(seal).collect()
    }

    pub(super) fn open(pages: &Pages, key: &[u8], bytes: &[u8]) -> Result<Self, TreeError> {
        Ok(decode(&RecordKind::FREED.open(&pages.key, key, bytes)?)?)
    }
}

/// The engine's key of one part of a freed list.
pub(super) fn freed_key(tree: ScopeId, commit: u64, part: u32) -> Vec<u8> {
    [tree.0.as_slice(), &commit.to_be_bytes(), &part.to_be_bytes()].concat()
}

/// The commit number in the key of a page or of a freed list.
pub(super) fn commit_of(key: &[u8]) -> Option<u64> {
    let (number, _) = key.get(16..)?.split_first_chunk()?;
    Some(u64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_one_length_whatever_it_counts() {
        let numbers = [
            0,
            250,
            251,
            65_535,
            65_536,
            70_000,
            u64::from(u32::MAX) + 1,
            u64::MAX,
        ];
        for commit in numbers {
            for entries in numbers {
                let head = Head {
                    commit,
                    root: Some(PageId([7; PageId::BYTES])),
                    entries,
                };
                let bytes = encode(&head).unwrap();
                assert_eq!(bytes.len(), 1 + 8 + 1 + PageId::BYTES + 8, "{head:?}");
                assert_eq!(decode::<Head>(&bytes).unwrap(), head);
            }
        }
    }
}
