//! The adapter between an account and a vault: settings, envelope, key guard, one-time key.

mod envelope;
mod guard;
mod side_files;

use std::sync::Arc;

use strongroom_engine::codec;
use strongroom_engine::entropy::random;
use strongroom_engine::keys::{RootKey, ScopeId};
use strongroom_engine::tree::Tree;

pub(crate) use envelope::{Envelope, Source};
pub(crate) use guard::{DataKeys, KeyGuard};
pub(crate) use side_files::SideFiles;

use crate::account::AccountRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::rooms;
use crate::store::StoreShared;

/// Gives a new account its first envelope: under a one-time key of the platform.
pub(crate) fn seal_first(store: &StoreShared, tree: &Tree, root: &RootKey) -> Result<()> {
    let envelope = Envelope {
        generation: 1,
        source: platform_source(store, tree.id(), root)?,
    };
    let bytes = codec::encode(&envelope)?;
    tree.transact(move |txn| Ok(txn.put(&[rooms::ENVELOPE], &bytes)?))
}

/// Wraps the root key under a new one-time key, which is durable when this returns.
pub(crate) fn platform_source(store: &StoreShared, account: ScopeId, root: &RootKey) -> Result<Source> {
    let file = random(store.entropy.as_ref())?;
    let one_time = RootKey::generate(store.entropy.as_ref())?;
    let wrapped = envelope::wrap_under(&one_time, account, root, store.entropy.as_ref())?;
    store.side_files.write_one_time(store, account, file, &one_time)?;
    Ok(Source::Platform { file, wrapped })
}

/// The guard of an existing account.
pub(crate) fn open_guard(store: &StoreShared, tree: &Tree, record: &AccountRecord) -> Result<Arc<KeyGuard>> {
    match read_envelope(tree)?.source {
        Source::Platform { file, wrapped } => {
            let one_time = store.side_files.read_one_time(store, record.id, file)?;
            let root = envelope::unwrap_under(&one_time, record.id, &wrapped)
                .filter(|root| root.matches(record.id, &record.root_commitment))
                .ok_or_else(damaged)?;
            Ok(KeyGuard::unlocked(&root, record.id))
        }
    }
}

/// Destroys what is beside the engine of an account that is gone.
pub(crate) fn forget(store: &StoreShared, account: ScopeId) -> Result<()> {
    store.side_files.destroy_all(account)
}

pub(crate) fn read_envelope(tree: &Tree) -> Result<Envelope> {
    let bytes = tree.get(&[rooms::ENVELOPE])?.ok_or_else(damaged)?;
    Ok(codec::decode(&bytes)?)
}

pub(crate) fn damaged() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "InternalError",
        500,
        "the account's envelope does not open to the account's root key",
    )
    .hint("restore a backup; nothing is opened or sealed under another key")
}
