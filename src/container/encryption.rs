//! What a container says of the encryption of its blobs: a default encryption scope, and whether a blob may
//! be under anything else. Both are chosen when the container is created, and final.

use serde::{Deserialize, Serialize};

use crate::blob::EncryptionDetails;
use crate::encryption::EncryptionChoice;
use crate::encryption::scope::EncryptionScopeName;
use crate::error::{Error, ErrorKind, Result};

/// What blobs of a container are under. The default is the account's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerEncryption {
    /// What blobs are under that choose nothing; the account's key if there is none.
    pub default_scope: Option<EncryptionScopeName>,
    /// True if no blob may choose anything else.
    pub deny_override: bool,
}

impl ContainerEncryption {
    /// Fails if there is nothing that may not be overridden.
    pub(super) fn check(&self) -> Result<()> {
        if self.deny_override && self.default_scope.is_none() {
            let message = "there is no default encryption scope whose override could be denied";
            let error = Error::new(ErrorKind::Invalid, "InvalidHeaderValue", 400, message);
            return Err(error.hint("name a default encryption scope as well"));
        }
        Ok(())
    }

    /// What a new blob is under.
    pub(crate) fn details(&self, choice: &EncryptionChoice) -> Result<EncryptionDetails> {
        let scope = match choice {
            EncryptionChoice::Default => self.default_scope.as_ref(),
            EncryptionChoice::Scope(name) => Some(name),
            EncryptionChoice::CustomerKey(_) => None,
        };
        let details = EncryptionDetails {
            scope: scope.map(|name| name.as_str().to_owned()),
            customer_key_sha256: choice.customer_key_sha256(),
        };
        self.permit(&details)?;
        Ok(details)
    }

    /// Fails unless a blob may be under this.
    pub(crate) fn permit(&self, details: &EncryptionDetails) -> Result<()> {
        let default = self.default_scope.as_ref().map(EncryptionScopeName::as_str);
        if !self.deny_override || details.scope.as_deref() == default {
            return Ok(());
        }
        let message = "The request is forbidden by the container encryption policy.";
        let code = "RequestForbiddenByContainerEncryptionPolicy";
        let error = Error::new(ErrorKind::Forbidden, code, 403, message);
        Err(error.hint("leave the encryption scope out: the container has one for all of its blobs"))
    }
}
