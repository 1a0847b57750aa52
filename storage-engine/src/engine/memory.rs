//! The memory engine: a map under a lock, for tests and for stores that need not survive.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use parking_lot::RwLock;

use super::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, Mutation, Order,
    Precondition, ScanOptions, ScanPage, Space,
};

type Records = BTreeMap<(Space, Vec<u8>), Vec<u8>>;

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    records: RwLock<Records>,
    closed: AtomicBool,
}

impl MemoryEngine {
    /// An empty engine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn check_open(&self) -> Result<(), EngineError> {
        if self.closed.load(SeqCst) {
            Err(EngineError::Closed)
        } else {
            Ok(())
        }
    }
}

impl Engine for MemoryEngine {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.check_open()?;
        Ok(self.records.read().get(&(space, key.to_vec())).cloned())
    }

    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.check_open()?;
        if range.is_empty() {
            return Ok(ScanPage::default());
        }
        let records = self.records.read();
        let end = match &range.end {
            Some(end) => Bound::Excluded((space, end.clone())),
            None => Bound::Excluded((Space(space.0.saturating_add(1)), Vec::new())),
        };
        let found = records.range((Bound::Included((space, range.start.clone())), end));
        Ok(match options.order {
            Order::Ascending => page(found, options),
            Order::Descending => page(found.rev(), options),
        })
    }

    fn apply(&self, batch: Batch, _: Durability) -> Result<(), EngineError> {
        self.check_open()?;
        batch.check_limits()?;
        let mut records = self.records.write();
        if !batch
            .preconditions
            .iter()
            .all(|precondition| holds(&records, precondition))
        {
            return Err(EngineError::PreconditionFailed);
        }
        for mutation in batch.mutations {
            match mutation {
                Mutation::Delete { space, key } => records.remove(&(space, key)),
                Mutation::Put { space, key, value } => records.insert((space, key), value),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.check_open()
    }

    fn checkpoint(&self) -> Result<(), EngineError> {
        self.check_open()
    }

    fn stats(&self) -> Result<EngineStats, EngineError> {
        self.check_open()?;
        Ok(EngineStats::default())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ordered_batches: true,
            persistent: false,
        }
    }

    fn close(&self) -> Result<(), EngineError> {
        self.closed.store(true, SeqCst);
        Ok(())
    }
}

fn holds(records: &Records, precondition: &Precondition) -> bool {
    let value = |space: &Space, key: &Vec<u8>| records.get(&(*space, key.clone()));
    match precondition {
        Precondition::Absent { space, key } => value(space, key).is_none(),
        Precondition::Present { space, key } => value(space, key).is_some(),
        Precondition::ValueEquals {
            space,
            key,
            value: wanted,
        } => value(space, key) == Some(wanted),
    }
}

fn page<'a>(
    found: impl Iterator<Item = (&'a (Space, Vec<u8>), &'a Vec<u8>)>,
    options: ScanOptions,
) -> ScanPage {
    let mut page = ScanPage::default();
    let mut bytes = 0;
    for ((_, key), value) in found {
        if page.entries.len() >= options.limit.max(1)
            || (bytes >= options.max_bytes && !page.entries.is_empty())
        {
            page.resume_after = page.entries.last().map(|(key, _)| key.clone());
            break;
        }
        bytes += value.len();
        let value = if options.keys_only {
            Vec::new()
        } else {
            value.clone()
        };
        page.entries.push((key.clone(), value));
    }
    page
}
