//! What opening a store finishes: changes of custody that a crash cut short.
//!
//! After a crash an account or an encryption scope has its old envelope or its new one, and can open either:
//! * a copy that is newer than the tree's envelope was proven before the crash: it is committed now;
//! * with a customer's envelope in force every one-time key is destroyed, before anything is served;
//! * with a platform envelope in force its one-time key stays, and others and copies go.

use std::collections::HashMap;

use strongroom_engine::keys::ScopeId;

use super::envelope::{Envelope, Source};
use super::envelope_tree::EnvelopeTree;
use crate::error::{ErrorKind, Result};
use crate::store::StoreShared;

/// Settles every account and scope that has side files, and destroys the files of those that are gone.
/// `holders` are the root keys there are, with their envelope trees.
pub(crate) fn recover(store: &StoreShared, holders: &HashMap<ScopeId, ScopeId>) -> Result<()> {
    for holder in store.side_files.holders()? {
        match holders.get(&holder) {
            Some(tree) => settle(store, holder, *tree)?,
            None => store.side_files.destroy_all(holder)?,
        }
    }
    Ok(())
}

fn settle(store: &StoreShared, holder: ScopeId, tree: ScopeId) -> Result<()> {
    let files = &store.side_files;
    files.destroy_unproven(holder)?;
    let tree = EnvelopeTree::open(store, tree, holder)?;
    let committed = tree.read()?;
    let copy = readable_copy(store, holder)?;
    let newer = copy.filter(|copy| copy.generation > committed.generation);
    let in_force = match newer {
        Some(copy) => {
            tracing::info!(
                holder = hex::encode(holder.0),
                "finishing an interrupted change of the encryption key"
            );
            tree.catch_up(&copy)?;
            copy
        }
        None => committed,
    };
    match in_force.source {
        Source::Customer(_) => files.destroy_one_time_but(holder, None),
        Source::Platform { file, .. } => {
            files.destroy_copies(holder)?;
            files.destroy_one_time_but(holder, Some(file))
        }
    }
}

/// The proven copy, if it is whole. One that a crash left overwritten but not unlinked had served its
/// purpose: copies are destroyed only while the tree's own envelope is in force.
fn readable_copy(store: &StoreShared, holder: ScopeId) -> Result<Option<Envelope>> {
    match store.side_files.proven_copy(store, holder) {
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            tracing::warn!(holder = hex::encode(holder.0), %error, "a damaged copy of the envelope is left aside");
            Ok(None)
        }
        result => result,
    }
}
