//! The heads of all trees of a store as one value that a commit moves without looking at the other trees.
//!
//! `LtHash` (Bellare and Micciancio 1997; Lewi and others, IACR ePrint 2019/227): each head is expanded to
//! 1024 numbers of 16 bits, and the value is their sum. A commit subtracts the heads it replaces and adds its
//! own: its cost does not depend on the number of trees. A sum of short digests would not do: whoever holds
//! many old heads could choose among them until the sums agree. With 1024 numbers finding two sets of equal
//! sums is a lattice problem of more than 200 bits of strength, for the holder of the key too, so that a head
//! on paper binds everybody.

use crate::keys::{PurposeKey, ScopeId};

const NUMBERS: usize = 1024;
const LABEL: &[u8] = b"anchored-trees";

/// The sum over the heads of all trees.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Heads(Box<[u16; NUMBERS]>);

impl Heads {
    /// Of no tree.
    pub(crate) fn new() -> Self {
        Self(Box::new([0; NUMBERS]))
    }

    pub(crate) fn add(&mut self, key: &PurposeKey, tree: ScopeId, head: &[u8]) {
        self.each(key, tree, head, u16::wrapping_add);
    }

    pub(crate) fn remove(&mut self, key: &PurposeKey, tree: ScopeId, head: &[u8]) {
        self.each(key, tree, head, u16::wrapping_sub);
    }

    /// What a head of the store keeps of it.
    pub(crate) fn digest(&self, key: &PurposeKey, number: u64) -> [u8; 32] {
        let mut bytes = [LABEL, &number.to_be_bytes()].concat();
        bytes.extend(self.0.iter().flat_map(|number| number.to_be_bytes()));
        key.mac(&bytes)
    }

    fn each(&mut self, key: &PurposeKey, tree: ScopeId, head: &[u8], join: fn(u16, u16) -> u16) {
        let mut expanded = [0; 2 * NUMBERS];
        key.expand_element(&key.mac(&[&tree.0, head].concat()), &mut expanded);
        for (sum, pair) in self.0.iter_mut().zip(expanded.as_chunks().0) {
            *sum = join(*sum, u16::from_be_bytes(*pair));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Purpose, RootKey};
    use zeroize::Zeroizing;

    #[test]
    fn the_value_is_that_of_the_set_of_heads_whatever_way_led_to_it() {
        let root = RootKey::from_array(Zeroizing::new([1; 32]));
        let key = root.purpose(Purpose::Anchor, ScopeId([2; 16]));
        let (one, two) = (ScopeId([3; 16]), ScopeId([4; 16]));
        let of = |heads: &[(ScopeId, &[u8])]| {
            let mut sum = Heads::new();
            heads.iter().for_each(|(tree, head)| sum.add(&key, *tree, head));
            sum
        };
        let mut moved = of(&[(one, b"a"), (two, b"b")]);
        moved.remove(&key, one, b"a");
        moved.add(&key, one, b"c");
        assert!(moved == of(&[(two, b"b"), (one, b"c")]));
        let others = [
            of(&[]),
            of(&[(one, b"c")]),
            of(&[(one, b"a"), (two, b"b")]),
            of(&[(one, b"b"), (two, b"c")]),
            of(&[(one, b"c"), (two, b"b"), (two, b"b")]),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(moved.digest(&key, 1), other.digest(&key, 1), "set {index}");
        }
        assert_ne!(moved.digest(&key, 1), moved.digest(&key, 2));
        moved.remove(&key, one, b"c");
        moved.remove(&key, two, b"b");
        assert!(moved == Heads::new());
    }
}
