//! Names of stripes: an order-preserving code for (space, key, stripe number).
//!
//! `space · escape(key) · 00 00 · stripe (u16, big-endian)`, where escape turns each `00` into `00 FF`. Keys
//! keep their order, no coded key is a prefix of another one, and all stripes of a key are neighbours.

use super::super::range::KeyRange;
use super::super::{KEY_BYTES_MAX, Space, VALUE_BYTES_MAX};

/// Most data bytes in one stripe: four of them hold a sealed chunk of 64 KiB with its frame, one holds a
/// page.
pub(super) const STRIPE_BYTES: usize = 16_640;
/// Most stripes in a leaf page of sled, which splits pages by number of entries.
pub(super) const LEAF_STRIPES: usize = 17;
/// Most stripes of one value.
const STRIPES_MAX: usize = VALUE_BYTES_MAX.div_ceil(STRIPE_BYTES);

const ESCAPED_ZERO: [u8; 2] = [0, u8::MAX];
const END_OF_KEY: [u8; 2] = [0, 0];

const _: () = assert!(STRIPES_MAX <= u16::MAX as usize, "stripe numbers have two bytes");

/// The part of a stripe's name that all stripes of a key share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stem(Vec<u8>);

impl Stem {
    pub(super) fn new(space: Space, key: &[u8]) -> Self {
        let mut stem = escaped(space, key);
        stem.extend_from_slice(&END_OF_KEY);
        Self(stem)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name of one stripe.
    pub(super) fn stripe(&self, number: u16) -> Vec<u8> {
        let mut name = Vec::with_capacity(self.0.len() + 2);
        name.extend_from_slice(&self.0);
        name.extend_from_slice(&number.to_be_bytes());
        name
    }

    /// A bound between the stripes of this key and whatever follows.
    pub(super) fn past(&self) -> Vec<u8> {
        let mut bound = self.stripe(u16::MAX);
        bound.push(u8::MAX);
        bound
    }
}

/// How many stripes a value of this length takes; an empty value takes one.
pub(super) fn stripes_of(length: usize) -> usize {
    length.div_ceil(STRIPE_BYTES).max(1)
}

/// First name inside `range` of `space`, and first name after it.
pub(super) fn bounds(space: Space, range: &KeyRange) -> (Vec<u8>, Vec<u8>) {
    let end = match &range.end {
        Some(end) => escaped_bound(space, end),
        None => space.0.checked_add(1).map_or(end_of_all(), |next| vec![next]),
    };
    (escaped_bound(space, &range.start), end)
}

fn end_of_all() -> Vec<u8> {
    vec![u8::MAX; 3 + 2 * KEY_BYTES_MAX]
}

/// The smallest name of any stripe of any key at or after `key`.
fn escaped_bound(space: Space, key: &[u8]) -> Vec<u8> {
    let mut bound = escaped(space, key);
    bound.extend_from_slice(&END_OF_KEY);
    bound
}

fn escaped(space: Space, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + 8);
    bytes.push(space.0);
    for &byte in key {
        if byte == 0 {
            bytes.extend_from_slice(&ESCAPED_ZERO);
        } else {
            bytes.push(byte);
        }
    }
    bytes
}

/// Key and stripe number of a name; `None` for bytes that no [`Stem`] makes.
pub(super) fn decode(name: &[u8]) -> Option<(Vec<u8>, u16)> {
    let (_space, rest) = name.split_first()?;
    let (escaped, tail) = rest.split_at_checked(rest.len().checked_sub(4)?)?;
    let (end, number) = tail.split_at_checked(2)?;
    if end != END_OF_KEY {
        return None;
    }
    let number = u16::from_be_bytes(number.try_into().ok()?);
    let mut key = Vec::with_capacity(escaped.len());
    let mut bytes = escaped.iter();
    while let Some(&byte) = bytes.next() {
        if byte == 0 && bytes.next() != Some(&u8::MAX) {
            return None;
        }
        key.push(byte);
    }
    (!key.is_empty()).then_some((key, number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(vec![0u8, 1, 0x61, 0xfe, 0xff]), 1..6)
    }

    proptest! {
        #[test]
        fn names_sort_as_keys_then_stripes(a in key(), b in key(), i: u16, j: u16) {
            let names = (Stem::new(Space(1), &a).stripe(i), Stem::new(Space(1), &b).stripe(j));
            prop_assert_eq!(names.0.cmp(&names.1), (a, i).cmp(&(b, j)));
        }

        #[test]
        fn names_decode_to_what_they_were_made_of(key in key(), number: u16) {
            prop_assert_eq!(decode(&Stem::new(Space(9), &key).stripe(number)), Some((key, number)));
        }

        #[test]
        fn a_range_bounds_exactly_the_names_of_its_keys(a in key(), b in key(), probe in key(), number: u16) {
            let range = KeyRange::new(a, b);
            let (start, end) = bounds(Space(1), &range);
            let name = Stem::new(Space(1), &probe).stripe(number);
            prop_assert_eq!(start <= name && name < end, range.contains(&probe));
        }

        #[test]
        fn foreign_bytes_decode_to_nothing_or_to_a_name(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            if let Some((key, number)) = decode(&bytes) {
                prop_assert_eq!(Stem::new(Space(bytes[0]), &key).stripe(number), bytes);
            }
        }
    }

    #[test]
    fn the_whole_of_a_space_is_one_range() {
        for space in [Space(0), Space(1), Space(u8::MAX)] {
            let (start, end) = bounds(space, &KeyRange::all());
            let name = Stem::new(space, &[u8::MAX; KEY_BYTES_MAX]).stripe(u16::MAX);
            assert!(
                start <= Stem::new(space, &[0]).stripe(0) && name < end,
                "{space:?}"
            );
            assert!(Stem::new(Space(1), b"a").past() < Stem::new(Space(1), b"a\0").stripe(0));
        }
    }
}
