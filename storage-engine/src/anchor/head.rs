//! One head of a whole store, as it is kept elsewhere: a line of text that fits on paper.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::AnchorError;
use crate::codec::{Record, fixed};
use crate::keys::{PurposeKey, ScopeId};

/// What the text of a head begins with.
const NAME: &str = "strongroom-head-1";
/// What is authenticated begins with; the digest of heads begins with another.
const LABEL: &[u8] = b"anchored-head";

/// Where a store stands: the number of its newest commit and a digest of the heads of all its trees.
///
/// Not secret. Written by the store only: a code that the store's root key makes goes with it. As text it is
/// `strongroom-head-1.ID.NUMBER.DIGEST.CODE`, all but the number in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchoredHead {
    store: ScopeId,
    #[serde(with = "fixed")]
    number: u64,
    digest: [u8; 32],
    code: [u8; 32],
}

impl Record for AnchoredHead {
    const NAME: &'static str = "head of a store";
    const VERSION: u8 = 1;
}

/// The text is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no head of a store; it begins with {NAME}. and is copied whole")]
pub struct NotAHead;

impl AnchoredHead {
    pub(crate) fn new(key: &PurposeKey, number: u64, digest: [u8; 32]) -> Self {
        let code = key.mac(&authenticated(number, &digest));
        Self {
            store: key.scope(),
            number,
            digest,
            code,
        }
    }

    /// The number of the commit. Grows by one with each, over all trees.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether both have seen the same trees.
    pub(crate) fn agrees_with(&self, digest: &[u8; 32]) -> bool {
        self.digest == *digest
    }

    /// Refuses a head that the store of `key` has not made.
    pub(crate) fn check(&self, key: &PurposeKey) -> Result<(), AnchorError> {
        if self.store != key.scope() {
            return Err(AnchorError::Foreign);
        }
        if key.verify_mac(&authenticated(self.number, &self.digest), &self.code) {
            Ok(())
        } else {
            Err(AnchorError::Forged)
        }
    }
}

/// The store's id is in the key already.
fn authenticated(number: u64, digest: &[u8; 32]) -> Vec<u8> {
    [LABEL, &number.to_be_bytes(), digest].concat()
}

impl fmt::Display for AnchoredHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (store, digest, code) = (Hex(&self.store.0), Hex(&self.digest), Hex(&self.code));
        write!(f, "{NAME}.{store}.{}.{digest}.{code}", self.number)
    }
}

impl FromStr for AnchoredHead {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(NotAHead);
        if next()? != NAME {
            return Err(NotAHead);
        }
        let (store, number) = (bytes(next()?)?, next()?);
        let head = Self {
            store: ScopeId(store),
            number: number.parse().map_err(|_| NotAHead)?,
            digest: bytes(next()?)?,
            code: bytes(next()?)?,
        };
        // One text for one head: no sign, no leading zeros, no capitals, nothing behind it.
        if head.to_string() == text {
            Ok(head)
        } else {
            Err(NotAHead)
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], NotAHead> {
    let mut bytes = [0; N];
    if !text.is_ascii() || text.len() != 2 * N {
        return Err(NotAHead);
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(2 * at..2 * at + 2).ok_or(NotAHead)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| NotAHead)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};
    use crate::keys::{Purpose, RootKey};
    use zeroize::Zeroizing;

    fn key(root: u8, store: u8) -> PurposeKey {
        let root = RootKey::from_array(Zeroizing::new([root; 32]));
        root.purpose(Purpose::Anchor, ScopeId([store; 16]))
    }

    #[test]
    fn a_head_has_one_text_and_one_length_and_comes_back() {
        for number in [0, 1, 250, 251, u64::MAX] {
            let head = AnchoredHead::new(&key(1, 2), number, [3; 32]);
            assert_eq!(head.to_string().parse(), Ok(head));
            let bytes = encode(&head).unwrap();
            assert_eq!(bytes.len(), 1 + 16 + 8 + 32 + 32, "{number}");
            assert_eq!(decode::<AnchoredHead>(&bytes).unwrap(), head);
        }
        let text = AnchoredHead::new(&key(1, 2), 7, [0xab; 32]).to_string();
        for cut in 0..text.len() {
            assert!(text[..cut].parse::<AnchoredHead>().is_err(), "prefix of {cut}");
        }
        let others = [
            text.replace(".7.", ".07."),
            text.replace(".7.", ".+7."),
            text.replace("ab", "AB"),
            format!("{text}."),
            format!("{text}\n"),
            text.replace("head-1", "head-2"),
        ];
        for other in others {
            assert!(other.parse::<AnchoredHead>().is_err(), "{other}");
        }
    }

    #[test]
    fn a_head_is_its_stores_own_and_whole() {
        let (ours, head) = (key(1, 2), AnchoredHead::new(&key(1, 2), 7, [3; 32]));
        assert!(head.check(&ours).is_ok());
        assert!(matches!(head.check(&key(1, 3)), Err(AnchorError::Foreign)));
        assert!(matches!(head.check(&key(2, 2)), Err(AnchorError::Forged)));
        let changed = [
            AnchoredHead { number: 8, ..head },
            AnchoredHead {
                digest: [4; 32],
                ..head
            },
            AnchoredHead {
                code: [4; 32],
                ..head
            },
        ];
        for changed in changed {
            assert!(
                matches!(changed.check(&ours), Err(AnchorError::Forged)),
                "{changed}"
            );
        }
    }
}
