//! The envelope: an account's root key, wrapped, and what is needed to unwrap it.
//!
//! One record of the account's tree. The root key it opens to must match the commitment that the account record has
//! carried since creation: wrapping needs no secret, so an envelope proves nothing by itself.

use serde::{Deserialize, Serialize};
use strongroom_engine::Entropy;
use strongroom_engine::codec::Record;
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::seal::SealKind;

use crate::error::{Error, Result};

/// How the root key of an account is wrapped now.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Envelope {
    /// Grows with every change; decides between a record and its copy after a crash.
    pub(crate) generation: u64,
    pub(crate) source: Source,
}

/// Under whose key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Source {
    /// The platform's: a one-time key in a side file.
    Platform {
        /// Names the side file.
        file: [u8; 16],
        /// The root key sealed under the one-time key.
        wrapped: Vec<u8>,
    },
}

impl Record for Envelope {
    const NAME: &'static str = "envelope";
    const VERSION: u8 = 1;
}

const ROOT_ITEM: &[u8] = b"account-root";

/// Seals an account's root key under another key.
pub(crate) fn wrap_under(
    key: &RootKey,
    account: ScopeId,
    root: &RootKey,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>> {
    key.purpose(Purpose::Wrap, account)
        .seal(
            SealKind::WrappedKey,
            ROOT_ITEM,
            root.expose_for_wrapping(),
            entropy,
        )
        .map_err(|error| Error::unavailable("the root key could not be wrapped", error))
}

/// Opens what [`wrap_under`] sealed; `None` if it does not open.
pub(crate) fn unwrap_under(key: &RootKey, account: ScopeId, wrapped: &[u8]) -> Option<RootKey> {
    key.purpose(Purpose::Wrap, account)
        .open(SealKind::WrappedKey, ROOT_ITEM, wrapped)
        .ok()
        .and_then(RootKey::from_bytes)
}
