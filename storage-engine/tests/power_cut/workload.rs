//! What is written before the power fails: batches that a number determines, and a journal of what was
//! promised.
//!
//! Batch `n` sets the counter in [`Space::HEADS`] to `n` and changes some of a few hundred keys, so that
//! sled's cleaner, or fjall's compaction, works all the time. `B n` goes to the journal before batch `n`,
//! `S n` after a sync of it returned.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

#[cfg(feature = "fjall")]
use strongroom_engine::engine::fjall::{FjallEngine, FjallOptions};
use strongroom_engine::engine::sled::{SledEngine, SledOptions, SyncMode};
use strongroom_engine::engine::{
    BATCH_OPERATIONS_MAX, Batch, Durability, Engine, EngineError, KeyRange, Mutation, Order, ScanOptions,
    Space,
};

use crate::random::Random;

/// What runs, and which measures of ours are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Sled(SyncMode),
    #[cfg(feature = "fjall")]
    Fjall,
}

impl Target {
    const ALL: &[Self] = &[
        Self::Sled(SyncMode::DataSync),
        Self::Sled(SyncMode::DangerFlushOnly),
        Self::Sled(SyncMode::DangerNoQuarters),
        #[cfg(feature = "fjall")]
        Self::Fjall,
    ];

    pub(crate) fn name(self) -> String {
        format!("{self:?}")
    }

    pub(crate) fn named(name: &str) -> Self {
        *Self::ALL.iter().find(|target| target.name() == name).unwrap()
    }

    /// Enough for several segments; fjall begins a new journal after 64 MB, whatever its memtables have.
    pub(crate) fn stretch_bytes(self, segment_bytes: u64) -> u64 {
        match self {
            Self::Sled(_) => segment_bytes * 5,
            #[cfg(feature = "fjall")]
            Self::Fjall => 66_000_000,
        }
    }

    pub(crate) fn stretches(self) -> u64 {
        match self {
            Self::Sled(_) => 2,
            #[cfg(feature = "fjall")]
            Self::Fjall => 1,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) target: Target,
    pub(crate) seed: u64,
    /// Of sled's log; a batch is at most a sixteenth of it.
    pub(crate) segment_bytes: usize,
    pub(crate) keys: u64,
    /// User bytes between two acknowledgements of a long stretch.
    pub(crate) stretch_bytes: u64,
    pub(crate) stretches: u64,
}

/// Where the journal is, beside the engine's directory.
pub(crate) const JOURNAL: &str = "journal";
pub(crate) const ENGINE: &str = "engine";

const COUNTER: &[u8] = b"counter";

impl Workload {
    /// Opens the engine in `dir` with all measures.
    fn open(&self, dir: &Path) -> Result<Box<dyn Engine>, EngineError> {
        let whole = match self.target {
            Target::Sled(_) => Target::Sled(SyncMode::DataSync),
            #[cfg(feature = "fjall")]
            Target::Fjall => Target::Fjall,
        };
        let workload = Self {
            target: whole,
            ..*self
        };
        workload.open_as_told(dir)
    }

    /// Opens the engine in `dir` without the measures that the target leaves out.
    pub(crate) fn open_as_told(&self, dir: &Path) -> Result<Box<dyn Engine>, EngineError> {
        match self.target {
            Target::Sled(mode) => {
                let options = SledOptions {
                    cache_bytes: 16 << 20,
                    segment_bytes: self.segment_bytes,
                };
                Ok(Box::new(SledEngine::danger_open(dir, &options, mode)?))
            }
            #[cfg(feature = "fjall")]
            Target::Fjall => {
                let options = FjallOptions {
                    cache_bytes: 16 << 20,
                    memtable_bytes: self.segment_bytes as u64,
                };
                Ok(Box::new(FjallEngine::open(dir, &options)?))
            }
        }
    }

    /// Batch `number`, from 1.
    pub(crate) fn batch(&self, number: u64) -> Batch {
        let mut random = Random(self.seed ^ number.wrapping_mul(0xD134_2543_DE82_EF95));
        let mut batch = Batch::new().put(Space::HEADS, COUNTER, number.to_be_bytes());
        let limit = self.segment_bytes / 16;
        if random.chance(4) {
            let first = random.below(self.keys);
            let keys = (first..self.keys).take(BATCH_OPERATIONS_MAX - 1);
            return keys.fold(batch, |batch, key| batch.delete(Space::PAGES, key.to_be_bytes()));
        }
        for _ in 0..=random.below(12) {
            let key = random.below(self.keys).to_be_bytes();
            let length = match random.below(20) {
                0..=1 => {
                    batch = batch.delete(Space::PAGES, key);
                    continue;
                }
                2..=6 => random.below(200),
                7..=12 => 2_000 + random.below(12_000),
                13..=18 => 65_536 + 64,
                _ => random.below(limit as u64),
            } as usize;
            let length = length.min(limit);
            if batch.size() + length <= limit {
                batch = batch.put(Space::PAGES, key, random.bytes(length));
            }
        }
        batch
    }

    /// Opens the engine below `root` and writes until the schedule ends, continuing behind what is there.
    pub(crate) fn run(&self, root: &Path, engine: &dyn Engine) {
        let mut journal = OpenOptions::new()
            .append(true)
            .create(true)
            .open(root.join(JOURNAL))
            .unwrap();
        let mut number = counter(engine).unwrap();
        note(&mut journal, 'S', number);
        for stretch in 0..=self.stretches {
            number = self.short_acknowledgements(engine, &mut journal, number, stretch);
            if stretch < self.stretches {
                number = self.long_stretch(engine, &mut journal, number);
            }
        }
    }

    fn short_acknowledgements(&self, engine: &dyn Engine, journal: &mut File, from: u64, seed: u64) -> u64 {
        let mut random = Random(self.seed ^ seed);
        for number in from + 1..=from + 40 {
            let durability = if random.chance(40) {
                Durability::Synced
            } else {
                Durability::Buffered
            };
            note(journal, 'B', number);
            engine.apply(self.batch(number), durability).unwrap();
            if durability == Durability::Synced {
                note(journal, 'S', number);
            }
        }
        from + 40
    }

    fn long_stretch(&self, engine: &dyn Engine, journal: &mut File, from: u64) -> u64 {
        let (mut number, mut written) = (from, 0);
        while written < self.stretch_bytes {
            number += 1;
            let batch = self.batch(number);
            written += batch.size() as u64;
            note(journal, 'B', number);
            engine.apply(batch, Durability::Buffered).unwrap();
        }
        engine.sync().unwrap();
        note(journal, 'S', number);
        number
    }

    /// Opens what a power cut left; it must hold the batches up to one between `acknowledged` and `started`,
    /// and nothing else. Returns that number.
    pub(crate) fn verify(&self, dir: &Path, promised: Promised) -> Result<u64, String> {
        let open = || {
            self.open(dir)
                .map_err(|error| format!("LOST: {promised:?}, but it cannot be opened: {error}"))
        };
        let engine = open()?;
        let number = self.compare(engine.as_ref(), promised)?;
        engine
            .apply(self.batch(number + 1), Durability::Synced)
            .map_err(|error| format!("a batch after recovery: {error}"))?;
        drop(engine);
        let after = Promised {
            acknowledged: number + 1,
            started: number + 1,
        };
        self.compare(open()?.as_ref(), after)
            .map_err(|error| format!("after recovery, a batch and a close: {error}"))?;
        Ok(number)
    }

    fn compare(&self, engine: &dyn Engine, promised: Promised) -> Result<u64, String> {
        let number = counter(engine).map_err(|error| format!("counter: {error}"))?;
        if number < promised.acknowledged {
            return Err(format!("LOST: {promised:?}, but only {number} batches are there"));
        }
        if number > promised.started {
            return Err(format!("{promised:?}, but {number} batches are there"));
        }
        let expected = self.state(number);
        let options = ScanOptions {
            order: Order::Ascending,
            limit: usize::MAX,
            max_bytes: usize::MAX,
            keys_only: false,
        };
        let page = engine
            .scan(Space::PAGES, &KeyRange::all(), options)
            .map_err(|error| format!("scan: {error}"))?;
        let found: BTreeMap<_, _> = page.entries.into_iter().collect();
        if found == expected {
            return Ok(number);
        }
        let differs = |key: &&Vec<u8>| found.get(*key) != expected.get(*key);
        let wrong = expected.keys().chain(found.keys()).filter(differs).count();
        Err(format!(
            "TORN: {wrong} records differ from the state after batch {number}, {promised:?}"
        ))
    }

    fn state(&self, number: u64) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut state = BTreeMap::new();
        for number in 1..=number {
            for mutation in self.batch(number).mutations {
                match mutation {
                    Mutation::Put {
                        space: Space::PAGES,
                        key,
                        value,
                    } => drop(state.insert(key, value)),
                    Mutation::Delete { key, .. } => drop(state.remove(&key)),
                    Mutation::Put { .. } => {}
                }
            }
        }
        state
    }
}

fn counter(engine: &dyn Engine) -> Result<u64, EngineError> {
    let value = engine.get(Space::HEADS, COUNTER)?;
    Ok(value.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap())))
}

fn note(journal: &mut File, what: char, number: u64) {
    journal
        .write_all(format!("{what} {number}\n").as_bytes())
        .unwrap();
}

/// What the journal says at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Promised {
    pub(crate) acknowledged: u64,
    pub(crate) started: u64,
}

impl Promised {
    pub(crate) fn read(self, journal: &[u8]) -> Self {
        let mut promised = self;
        for line in std::str::from_utf8(journal).unwrap().lines() {
            let (what, number) = line.split_once(' ').unwrap();
            let number = number.parse().unwrap();
            if what == "S" {
                promised.acknowledged = number;
            }
            promised.started = promised.started.max(number);
        }
        promised
    }
}
