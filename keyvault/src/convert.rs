//! Errors of the engine become errors of the vault.

use strongroom_engine::codec::CodecError;
use strongroom_engine::entropy::EntropyError;
use strongroom_engine::seal::SealError;
use strongroom_engine::tree::TreeError;

use crate::error::VaultError;

macro_rules! storage {
    ($($error:ident,)*) => {
        $(impl From<$error> for VaultError {
            fn from(error: $error) -> Self {
                Self::storage(error)
            }
        })*
    };
}

storage! { CodecError, EntropyError, SealError, TreeError, }
