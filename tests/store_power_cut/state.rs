//! What operation `number` does, and what the store holds after it: both parent and child know it by the
//! number.

use std::collections::BTreeMap;

use crate::random::Random;

/// What one operation does. Contents are named by the number of the operation that wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A blob, with its number as metadata.
    Upload {
        blob: String,
    },
    /// A blob of this many blocks, committed by one list.
    Blocks {
        blob: String,
        blocks: u64,
    },
    /// One block at the end of an append blob that was there from the beginning.
    Append {
        blob: String,
    },
    Delete {
        blob: String,
    },
    /// The account under a new key of the customer's, named after the number.
    CustomerKey,
    /// The account under the platform's key.
    PlatformKey,
}

const BLOBS: u64 = 9;
/// Names of the append blobs.
pub(crate) const LOGS: [&str; 2] = ["log-0", "log-1"];

fn chance(seed: u64, number: u64) -> Random {
    Random(seed ^ number.wrapping_mul(0xD134_2543_DE82_EF95))
}

pub(crate) fn operation(seed: u64, number: u64) -> Operation {
    let mut random = chance(seed, number);
    let blob = format!("blob-{}", random.below(BLOBS));
    match random.below(100) {
        0..45 => Operation::Upload { blob },
        45..55 => Operation::Delete { blob },
        55..70 => Operation::Append {
            blob: LOGS[random.below(LOGS.len() as u64) as usize].to_owned(),
        },
        70..82 => Operation::Blocks {
            blob,
            blocks: 1 + random.below(4),
        },
        82..94 => Operation::CustomerKey,
        _ => Operation::PlatformKey,
    }
}

/// Part `part` of what operation `number` wrote: nothing at all to about 700 KB, the larger ones rarer.
pub(crate) fn content(seed: u64, number: u64, part: u64) -> Vec<u8> {
    let mut random = chance(seed.wrapping_add(1 + part), number);
    let length = match random.below(8) {
        0..2 => random.below(100),
        2..4 => random.below(5_000),
        4..7 => random.below(100_000),
        _ => random.below(700_000),
    };
    // Azure refuses empty blocks and appends.
    random.bytes(length.max(u64::from(part > 0)) as usize)
}

/// A blob: its content in pieces, each an operation and a part of it, and its metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) pieces: Vec<(u64, u64)>,
    pub(crate) metadata: Option<u64>,
}

/// What the store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) blobs: BTreeMap<String, Blob>,
    /// The operation that put the account under a key of the customer's.
    pub(crate) key: Option<u64>,
}

impl State {
    pub(crate) fn after(seed: u64, number: u64) -> Self {
        let logs = LOGS.map(|log| (log.to_owned(), Blob::default()));
        let mut state = Self {
            blobs: BTreeMap::from(logs),
            key: None,
        };
        (1..=number).for_each(|number| state.change(seed, number));
        state
    }

    fn change(&mut self, seed: u64, number: u64) {
        let mut put = |blob, pieces, metadata| drop(self.blobs.insert(blob, Blob { pieces, metadata }));
        match operation(seed, number) {
            Operation::Upload { blob } => put(blob, vec![(number, 0)], Some(number)),
            Operation::Blocks { blob, blocks } => {
                put(blob, (1..=blocks).map(|part| (number, part)).collect(), None);
            }
            Operation::Append { blob } => {
                self.blobs.get_mut(&blob).unwrap().pieces.push((number, 1));
            }
            Operation::Delete { blob } => drop(self.blobs.remove(&blob)),
            Operation::CustomerKey => self.key = Some(number),
            Operation::PlatformKey => self.key = None,
        }
    }
}
