//! Content that several states of blobs share, and giving it up.

use strongroom_engine::tree::Txn;

use super::record::BlobContent;
use crate::commit::Failure;
use crate::error::{Error, ErrorKind};

impl BlobContent {
    /// Gives up everything the content refers to, because the record that holds it goes away.
    pub(crate) fn release(&self, txn: &mut Txn<'_>) -> Result<(), Failure> {
        match self {
            Self::Own(extents) => {
                for extent in extents {
                    txn.release_body(&extent.body)?;
                }
                Ok(())
            }
            Self::Manifest { .. } | Self::Pages { .. } => Err(unreadable().into()),
        }
    }
}

/// Content of a kind that this release never writes.
pub(crate) fn unreadable() -> Error {
    let message = "the content of a blob is of a kind that this release does not know";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message).hint("use a newer release")
}
