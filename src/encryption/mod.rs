//! The adapter between an account and a vault: settings, envelope, key guard, one-time key.
//!
//! `settings` is what callers say and see, `rules` decides, `change` carries out, `envelope_tree` keeps the
//! envelope, `custody` gets at the root key as it is committed, `guard` lends the keys derived from it to
//! operations, `scope` is a second kind of holder beside the account, `blob_keys` finds what seals one blob,
//! `provided` is the key that a caller brings instead for content, `recovery_key` a second way to a root key
//! that is kept offline, `recovery` finishes what a crash cut short.

mod blob_keys;
mod change;
mod check;
mod custody;
mod envelope;
mod envelope_tree;
mod guard;
mod provided;
mod recovery;
mod recovery_key;
mod refusal;
mod rules;
pub(crate) mod scope;
mod settings;
mod side_files;
#[cfg(test)]
mod tests;

use strongroom_engine::entropy::random;
use strongroom_engine::keys::{RootKey, ScopeId};

pub(crate) use blob_keys::BlobKeys;
pub(crate) use change::Checked;
pub(crate) use check::check as check_custody;
pub(crate) use custody::{Custody, Holder, KeyServices};
pub use envelope::KeyIdentity;
#[cfg(feature = "testing")]
pub(crate) use envelope::{CustomerWrap, NewWrap, Tracking};
pub(crate) use envelope::{Envelope, Source};
pub(crate) use envelope_tree::EnvelopeTree;
pub(crate) use guard::{Closed, DataKeys, KeyGuard, open as open_guard};
pub use provided::{CustomerProvidedKey, EncryptionChoice};
pub(crate) use recovery::recover;
pub(crate) use recovery_key::delete_recovery_key;
pub use recovery_key::{RecoverTo, RecoveryKey, RecoveryPrivateKey};
pub use rules::KeySizes;
pub(crate) use rules::key_types_are_final;
pub use scope::{
    EncryptionScope, EncryptionScopeName, EncryptionScopeProperties, EncryptionScopeState, NewEncryptionScope,
};
pub use settings::{CustomerKey, EncryptionStatus, KeySource, KeyVaultProperties, KeyVersionCheck};
pub(crate) use side_files::{FileSystem, RealFiles, SideFiles};

use crate::error::{Error, ErrorKind, Result};
use crate::store::StoreShared;

/// Gives a new holder of a root key its envelope tree, with a first envelope under a one-time key of the
/// platform.
pub(crate) fn seal_first(
    store: &StoreShared,
    (tree, holder): (ScopeId, ScopeId),
    root: &RootKey,
) -> Result<EnvelopeTree> {
    let envelope = Envelope {
        generation: 1,
        source: platform_source(store, holder, root)?,
    };
    EnvelopeTree::create(store, tree, holder, &envelope)
}

/// Wraps the root key under a new one-time key, which is durable when this returns.
fn platform_source(store: &StoreShared, holder: ScopeId, root: &RootKey) -> Result<Source> {
    let file = random(store.entropy.as_ref())?;
    let one_time = RootKey::generate(store.entropy.as_ref())?;
    let wrapped = envelope::wrap_under(&one_time, holder, root, store.entropy.as_ref())?;
    store.side_files.write_one_time(store, holder, file, &one_time)?;
    Ok(Source::Platform { file, wrapped })
}

/// Destroys what is beside the engine of an account or scope that is gone.
pub(crate) fn forget(store: &StoreShared, holder: ScopeId) -> Result<()> {
    store.side_files.destroy_all(holder)
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
