//! Records in fjall's keyspace: the number of the space in front of the key, the value as it is.

use std::collections::BTreeMap;

use fjall::{Keyspace, OwnedWriteBatch, Readable, Snapshot};

use super::super::{EngineError, KeyRange, Mutation, Order, Precondition, ScanOptions, ScanPage, Space};

/// The value of a key.
pub(super) fn get(
    (snapshot, records): (&Snapshot, &Keyspace),
    space: Space,
    key: &[u8],
) -> Result<Option<Vec<u8>>, EngineError> {
    let value = snapshot.get(records, name(space, key)).map_err(fjall_error)?;
    Ok(value.map(|value| value.to_vec()))
}

/// One page of a range.
pub(super) fn scan(
    (snapshot, records): (&Snapshot, &Keyspace),
    space: Space,
    range: &KeyRange,
    options: ScanOptions,
) -> Result<ScanPage, EngineError> {
    if range.is_empty() {
        return Ok(ScanPage::default());
    }
    let end = match &range.end {
        Some(end) => name(space, end),
        None => name(Space(space.0.saturating_add(1)), &[]),
    };
    let mut found = snapshot.range(records, name(space, &range.start)..end);
    let mut page = ScanPage::default();
    let mut bytes = 0;
    while let Some(record) = match options.order {
        Order::Ascending => found.next(),
        Order::Descending => found.next_back(),
    } {
        let full = page.entries.len() >= options.limit.max(1) || bytes >= options.max_bytes;
        if full && !page.entries.is_empty() {
            page.resume_after = page.entries.last().map(|(key, _)| key.clone());
            break;
        }
        let (name, value) = record.into_inner().map_err(fjall_error)?;
        let key = name.strip_prefix(&[space.0]).ok_or_else(foreign_name)?;
        bytes += value.len();
        let value = if options.keys_only {
            Vec::new()
        } else {
            value.to_vec()
        };
        page.entries.push((key.to_vec(), value));
    }
    Ok(page)
}

/// True when `precondition` holds in `view`.
pub(super) fn holds(view: (&Snapshot, &Keyspace), precondition: &Precondition) -> Result<bool, EngineError> {
    let found = |space: &Space, key: &[u8]| get(view, *space, key);
    Ok(match precondition {
        Precondition::Absent { space, key } => found(space, key)?.is_none(),
        Precondition::Present { space, key } => found(space, key)?.is_some(),
        Precondition::ValueEquals { space, key, value } => found(space, key)?.as_ref() == Some(value),
    })
}

/// Fills a batch of fjall's. Where one key is changed twice only the last change goes in: within a batch
/// fjall does not tell the order of changes.
pub(super) fn fill(batch: &mut OwnedWriteBatch, records: &Keyspace, mutations: &[Mutation]) {
    let mut last = BTreeMap::new();
    for mutation in mutations {
        let (space, key, value) = match mutation {
            Mutation::Delete { space, key } => (*space, key, None),
            Mutation::Put { space, key, value } => (*space, key, Some(value)),
        };
        last.insert(name(space, key), value);
    }
    for (name, value) in last {
        match value {
            Some(value) => batch.insert(records, name, value.as_slice()),
            None => batch.remove(records, name),
        }
    }
}

fn name(space: Space, key: &[u8]) -> Vec<u8> {
    [&[space.0], key].concat()
}

fn foreign_name() -> EngineError {
    EngineError::corrupt("a record name that this engine does not write")
}

/// What a fjall error means to a caller of the engine.
pub(super) fn fjall_error(error: fjall::Error) -> EngineError {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => {
            EngineError::io("using the fjall files", None, source)
        }
        fjall::Error::Poisoned => EngineError::Poisoned,
        other => EngineError::corrupt(other.to_string()),
    }
}
