//! Checking what opens an account: its envelope and the side files beside the engine, read again from disk.
//!
//! Needs no vault: a customer's wrap is opened by the vault alone, and is compared with its copy.

use super::custody::Custody;
use super::envelope::{Source, unwrap_under};
use crate::error::{Error, ErrorKind, Result};

/// Reads the envelope and the side file that goes with it.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) when one of them is missing, damaged or does not open to the root key.
pub(crate) fn check(custody: &Custody) -> Result<()> {
    // No change of custody may come between the record and its file.
    let _control = custody.control.lock();
    let envelope = custody.envelope_tree.read()?;
    let files = &custody.store.side_files;
    match &envelope.source {
        Source::Platform { file, wrapped } => {
            let one_time = files.read_one_time(&custody.store, custody.id(), *file)?;
            let root = unwrap_under(&one_time, custody.id(), wrapped);
            match root.filter(|root| custody.is_root(root)) {
                Some(_) => Ok(()),
                None => Err(super::damaged()),
            }
        }
        // The copy serves changes that a crash interrupts; a change that failed has removed it.
        Source::Customer(_) => match files.proven_copy(&custody.store, custody.id())? {
            Some(copy) if copy.padded()? != envelope.padded()? && copy.generation >= envelope.generation => {
                Err(another_copy())
            }
            _ => Ok(()),
        },
    }
}

fn another_copy() -> Error {
    let message = "the copy of the account's envelope differs from it";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
        .hint("use a new version of the customer's key: that writes envelope and copy again")
}
