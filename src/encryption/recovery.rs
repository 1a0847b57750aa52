//! What opening a store finishes: changes of custody that a crash cut short.
//!
//! After a crash an account has its old envelope or its new one, and can open either:
//! * a copy that is newer than the tree's envelope was proven before the crash: it is committed now;
//! * with a customer's envelope in force every one-time key is destroyed, before anything is served;
//! * with a platform envelope in force its one-time key stays, and others and copies go.

use std::collections::HashMap;

use super::envelope::{Envelope, Source};
use super::envelope_tree::EnvelopeTree;
use crate::account::AccountRecord;
use crate::error::{ErrorKind, Result};
use crate::store::StoreShared;

/// Settles every account that has side files, and destroys the files of accounts that are gone.
pub(crate) fn recover(store: &StoreShared, records: &[AccountRecord]) -> Result<()> {
    let records: HashMap<_, _> = records.iter().map(|record| (record.id, record)).collect();
    for account in store.side_files.accounts()? {
        match records.get(&account) {
            Some(record) => settle(store, record)?,
            None => store.side_files.destroy_all(account)?,
        }
    }
    Ok(())
}

fn settle(store: &StoreShared, record: &AccountRecord) -> Result<()> {
    let files = &store.side_files;
    files.destroy_unproven(record.id)?;
    let tree = EnvelopeTree::open(store, record.envelope_tree, record.id)?;
    let committed = tree.read()?;
    let copy = readable_copy(store, record)?;
    let newer = copy.filter(|copy| copy.generation > committed.generation);
    let in_force = match newer {
        Some(copy) => {
            tracing::info!(
                account = record.name,
                "finishing an interrupted change of the encryption key"
            );
            tree.catch_up(&copy)?;
            copy
        }
        None => committed,
    };
    match in_force.source {
        Source::Customer(_) => files.destroy_one_time_but(record.id, None),
        Source::Platform { file, .. } => {
            files.destroy_copies(record.id)?;
            files.destroy_one_time_but(record.id, Some(file))
        }
    }
}

/// The proven copy, if it is whole. One that a crash left overwritten but not unlinked had served its
/// purpose: copies are destroyed only while the tree's own envelope is in force.
fn readable_copy(store: &StoreShared, record: &AccountRecord) -> Result<Option<Envelope>> {
    match store.side_files.proven_copy(store, record.id) {
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            tracing::warn!(account = record.name, %error, "a damaged copy of the envelope is left aside");
            Ok(None)
        }
        result => result,
    }
}
