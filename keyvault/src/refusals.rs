//! Repeated refusals: counted in memory, so that a refused client can fill neither the log nor the disk.
//!
//! The first refusal of an epoch, caller, operation and reason is written at once; its repeats become one
//! line with their number when the epoch is over, when the log is read, or at close. A crash loses at most
//! these numbers.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::audit::{AuditOperation, AuditRecord, AuditResult};
use crate::epoch::Epoch;
use crate::ids::{ObjectId, VaultName};

#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<Kind, Repeats>>);

#[derive(PartialEq, Eq, Hash)]
struct Kind {
    vault: VaultName,
    caller: Option<ObjectId>,
    operation: AuditOperation,
    code: String,
    epoch: Epoch,
}

struct Repeats {
    last: AuditRecord,
    count: u64,
}

impl Refusals {
    /// Counts `record`; false when it is the first of its kind and must be written.
    pub(crate) fn is_repeat(&self, epoch: Epoch, vault: &VaultName, record: &AuditRecord) -> bool {
        let AuditResult::Failed { code, .. } = &record.result else {
            return false;
        };
        let kind = Kind {
            vault: vault.clone(),
            caller: record.object_id,
            operation: record.operation,
            code: code.clone(),
            epoch,
        };
        let mut kinds = self.0.lock();
        match kinds.get_mut(&kind) {
            Some(repeats) => {
                repeats.count = repeats.count.saturating_add(1);
                repeats.last = record.clone();
                true
            }
            None => {
                kinds.insert(
                    kind,
                    Repeats {
                        last: record.clone(),
                        count: 0,
                    },
                );
                false
            }
        }
    }

    /// Lines to write: the repeats of epochs that are over, or of all. Counting starts anew.
    pub(crate) fn take(&self, now: Epoch, all: bool) -> Vec<(VaultName, AuditRecord)> {
        let mut lines = Vec::new();
        self.0.lock().retain(|kind, repeats| {
            let over = kind.epoch != now;
            if (over || all) && repeats.count > 0 {
                let mut record = repeats.last.clone();
                record.repeats = repeats.count;
                lines.push((kind.vault.clone(), record));
                repeats.count = 0;
            }
            !over
        });
        lines
    }
}
