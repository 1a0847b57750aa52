//! Encoding, splitting and merging of nodes.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;

fn leaf(keys: BTreeSet<Vec<u8>>) -> Node {
    let slot = |key: Vec<u8>| Slot {
        payload: match key.len() % 3 {
            0 => Payload::Overflow(Overflow {
                parts: vec![PageId([1; 24]), PageId([2; 24])].into(),
                length: OVERFLOW_PART_BYTES as u32 + 1,
            }),
            length => Payload::Inline(vec![7; length * 9].into()),
        },
        key: key.into(),
    };
    Node {
        level: 0,
        slots: keys.into_iter().map(slot).collect(),
    }
}

fn branch(keys: BTreeSet<Vec<u8>>) -> Node {
    let keys = std::iter::once(Vec::new()).chain(keys);
    let slot = |(id, key): (u8, Vec<u8>)| Slot {
        key: key.into(),
        payload: Payload::Page(PageId([id; 24])),
    };
    Node {
        level: 3,
        slots: (0..=u8::MAX).zip(keys).map(slot).collect(),
    }
}

fn keys() -> impl Strategy<Value = BTreeSet<Vec<u8>>> {
    let long = vec(0..3_u8, 1..4).prop_map(|tail| [b"a/common/prefix/".as_slice(), &tail].concat());
    prop_oneof![btree_set(vec(0..4_u8, 1..6), 1..60), btree_set(long, 1..60)]
}

proptest! {
    #[test]
    fn nodes_round_trip_and_refuse_prefixes_and_extensions(keys in keys()) {
        for node in [leaf(keys.clone()), branch(keys)] {
            let mut bytes = node.encode().unwrap();
            prop_assert_eq!(bytes.len(), node.size());
            prop_assert_eq!(&Node::decode(&bytes).unwrap().encode().unwrap(), &bytes);
            for cut in 0..bytes.len() {
                prop_assert!(Node::decode(&bytes[..cut]).is_err());
            }
            bytes.push(0);
            prop_assert!(Node::decode(&bytes).is_err());
        }
    }

    #[test]
    fn hostile_bytes_give_an_error_or_the_one_encoding(
        keys in keys(), bit in 0..8_u32, at: prop::sample::Index,
    ) {
        for node in [leaf(keys.clone()), branch(keys)] {
            let mut bytes = node.encode().unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(node) = Node::decode(&bytes) {
                prop_assert_eq!(node.encode().unwrap(), bytes);
            }
        }
    }

    #[test]
    fn parts_of_a_split_hold_what_the_node_held(keys in keys(), target in 64..400_usize, appended: bool) {
        for node in [leaf(keys.clone()), branch(keys)] {
            let parts = split(node.clone(), target, appended);
            prop_assert!(parts.windows(2).all(|pair| *pair[0].key < *pair[1].key));
            let mut nodes = parts.into_iter().map(|slot| match slot.payload {
                Payload::Fresh(node) => (slot.key, Arc::unwrap_or_clone(node)),
                _ => unreachable!("a split makes fresh nodes"),
            });
            let (_, mut whole) = nodes.next().unwrap();
            for (key, part) in nodes {
                prop_assert!(part.slots.len() >= SLOTS_MIN);
                prop_assert!(part.level > 0 || *part.slots[0].key >= *key);
                prop_assert!(part.level > 0 || *whole.slots.last().unwrap().key < *key);
                whole = merge(whole, part, key);
            }
            prop_assert_eq!(whole.encode().unwrap(), node.encode().unwrap());
        }
    }
}
