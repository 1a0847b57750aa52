//! One moment of a store: all its trees pinned at once, and the side files that go with their envelopes.
//!
//! Nothing is locked meanwhile but commits, and these only for as long as it takes to pin. What changed
//! between looking at which trees there are and pinning them, or took a one-time key away before it was read,
//! has the whole begin again: no part of one moment is ever put together with a part of another.

use strongroom_engine::Timestamp;
use strongroom_engine::keys::ScopeId;
use strongroom_engine::tree::Pin;

use super::SealedFile;
use crate::account::{open_tree, records};
use crate::encryption::scope::ScopeRecord;
use crate::encryption::{EnvelopeTree, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::store::StoreShared;

/// How often a store may change under the hands of whoever looks at it.
const ATTEMPTS: usize = 100;

/// What is copied.
pub(super) struct Moment {
    pub(super) taken: Timestamp,
    pub(super) accounts: u64,
    pub(super) pins: Vec<Pin>,
    pub(super) side_files: Vec<SealedFile>,
}

/// Pins the store as it is now.
pub(super) fn pin(store: &StoreShared) -> Result<Moment> {
    let mut failed = None;
    for _ in 0..ATTEMPTS {
        match attempt(store) {
            Ok(Some(moment)) => return Ok(moment),
            Ok(None) => {}
            // What is being destroyed, or was, looks damaged or is not found.
            Err(error) if [ErrorKind::Corrupt, ErrorKind::NotFound].contains(&error.kind()) => {
                failed = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(failed.unwrap_or_else(restless))
}

/// `None` if the store changed meanwhile.
fn attempt(store: &StoreShared) -> Result<Option<Moment>> {
    let before = store.tree.commit_number();
    let (mut trees, mut envelopes, mut accounts) = (vec![store.tree.clone()], Vec::new(), 0);
    for record in records(&store.tree)? {
        accounts += 1;
        trees.push(open_tree(store, record.id)?);
        let mut holders = vec![(record.id, record.envelope_tree)];
        let scopes = ScopeRecord::all(&store.tree, record.id)?.into_iter();
        holders.extend(scopes.map(|(_, scope)| (scope.id, scope.envelope_tree)));
        for (holder, tree) in holders {
            let envelope = EnvelopeTree::open(store, tree, holder)?;
            envelopes.push((holder, trees.len()));
            trees.push(envelope.tree().clone());
        }
    }
    let taken = store.clock.now();
    let pins = store.trees.pin(&trees)?;
    // The list of trees is that of the moment if nothing of it was committed since it was read.
    if store.tree.commit_number() != before {
        return Ok(None);
    }
    let side_files = side_files(store, &envelopes, &pins)?;
    Ok(side_files.map(|side_files| Moment {
        taken,
        accounts,
        pins,
        side_files,
    }))
}

/// The side files of the pinned envelopes; `None` if one was destroyed since.
fn side_files(
    store: &StoreShared,
    envelopes: &[(ScopeId, usize)],
    pins: &[Pin],
) -> Result<Option<Vec<SealedFile>>> {
    let mut files = Vec::new();
    for (holder, index) in envelopes {
        let Some(pin) = pins.get(*index) else { continue };
        let envelope = EnvelopeTree::read_pinned(pin.snapshot(), *holder)?;
        let found = store.side_files.sealed_for(store, (*holder, &envelope));
        match (found, &envelope.source) {
            (Ok(Some(file)), _) => files.push(file),
            (Ok(None), Source::Platform { .. }) => return Ok(None),
            (Err(error), Source::Platform { .. }) => return Err(error),
            // The tree's envelope is enough: its copy only guards it.
            (_, Source::Customer(_)) => {}
        }
    }
    Ok(Some(files))
}

fn restless() -> Error {
    Error::new(
        ErrorKind::Store,
        "ServerBusy",
        503,
        "accounts come and go faster than they can be looked at",
    )
    .hint("try again")
}
