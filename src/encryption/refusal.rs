//! What a vault's answer means for an account: a refusal of its data, a failure, or a rule that settings
//! break.

use strongroom_keyvault::{KeyId, VaultError};

use crate::error::{Error, ErrorKind};

/// Why an account's data cannot be had: the three codes of Azure's table of storage errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Version disabled, key deleted or purged, permission `get` or `unwrapKey` missing.
    KeyNotFound,
    /// The vault is deleted, or there is none of that name.
    VaultNotFound,
    /// The identity is gone, or belongs to another tenant than the vault.
    NoToken,
    /// The encryption scope is disabled. Azure documents the status alone, and the code is this crate's.
    ScopeDisabled,
}

impl Refusal {
    /// The error with status 403, as every caller gets it.
    pub(crate) fn error(self) -> Error {
        let (code, message, hint) = match self {
            Self::KeyNotFound => (
                "KeyVaultEncryptionKeyNotFound",
                "The key vault key is not found to unwrap the encryption key.",
                "enable or recover the key version, and grant the account's identity get, wrapKey and \
                 unwrapKey",
            ),
            Self::VaultNotFound => (
                "KeyVaultVaultNotFound",
                "The key vault vault is not found.",
                "recover the key vault while it is in soft delete, or open the vaults that hold it",
            ),
            Self::NoToken => (
                "KeyVaultAccessTokenCannotBeAcquired",
                "The access token of the key vault cannot be acquired from Microsoft Entra using this \
                 resource's identity.",
                "assign an identity to the account, in the vault's tenant, and grant it get, wrapKey and \
                 unwrapKey",
            ),
            Self::ScopeDisabled => (
                "EncryptionScopeDisabled",
                "The encryption scope of the blob is disabled.",
                "enable the encryption scope",
            ),
        };
        Error::new(ErrorKind::KeyUnavailable, code, 403, message).hint(hint)
    }
}

/// Why an unwrap did not give the root key.
pub(crate) enum Obstacle {
    /// The vault said no: remembered until something changes in it.
    Refused(Refusal),
    /// Nobody knows: the vault could not be asked, or something stored is damaged. Asked again next time.
    Failed(Error),
}

impl From<Refusal> for Obstacle {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Obstacle {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Obstacle> for Error {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Refused(refusal) => refusal.error(),
            Obstacle::Failed(error) => error,
        }
    }
}

/// What the vault's error means for data.
impl From<VaultError> for Obstacle {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::AccessDenied(_)
            | VaultError::KeyDisabled { .. }
            | VaultError::KeyExpired { .. }
            | VaultError::KeyNotFound { .. }
            | VaultError::KeyNotYetValid { .. }
            | VaultError::KeyOperationForbidden { .. }
            | VaultError::KeyDestroyed { .. }
            | VaultError::ObjectIsBeingDeleted { .. }
            | VaultError::ObjectIsDeletedButRecoverable { .. } => Self::Refused(Refusal::KeyNotFound),
            VaultError::VaultNotFound { .. } | VaultError::VaultNameNotValid { .. } => {
                Self::Refused(Refusal::VaultNotFound)
            }
            VaultError::IdentityNotFound { .. } | VaultError::Unauthorized { .. } => {
                Self::Refused(Refusal::NoToken)
            }
            error => Self::Failed(unreachable_vault(error)),
        }
    }
}

/// The vault could not answer: no refusal.
fn unreachable_vault(error: VaultError) -> Error {
    Error::new(
        ErrorKind::Store,
        "ServerBusy",
        503,
        format!("the key vault could not be asked: {error}"),
    )
    .hint("see to the key vault, then try again; nothing was changed")
    .caused_by(error)
}

/// What the vault's error means for somebody who changes the encryption settings.
pub(crate) fn settings_error(error: VaultError, key: &KeyId) -> Error {
    let hint = match &error {
        VaultError::AccessDenied(denied) => format!(
            "the identity {} lacks the key permission {} on vault {}; grant it get, wrapKey and unwrapKey",
            denied.object_id, denied.permission, denied.vault
        ),
        VaultError::KeyExpired { .. } => format!("{key} has expired; use a version that has not"),
        VaultError::KeyNotYetValid { .. } => format!("{key} is not valid yet; use a version that is"),
        VaultError::KeyDisabled { .. } => format!("{key} is disabled; enable it or use another version"),
        VaultError::KeyOperationForbidden { operation } => {
            format!(
                "{key} is not made for {operation}; use a key whose key_ops contain wrapKey and unwrapKey"
            )
        }
        VaultError::Unauthorized { .. } => "the vault does not know the account's identity; \
             account, identity and vault must belong to one tenant"
            .to_owned(),
        VaultError::KeyNotFound { .. } | VaultError::VaultNotFound { .. } => {
            return Error::new(ErrorKind::NotFound, error.code(), 404, error.to_string())
                .hint("check the address of the key; a deleted vault or key can be recovered")
                .caused_by(error);
        }
        VaultError::IdentityNotFound { .. } => return identity_gone().caused_by(error),
        _ => return unreachable_vault(error),
    };
    authentication_failure(hint).caused_by(error)
}

/// `KeyVaultAuthenticationFailure`, with what is wrong.
pub(crate) fn authentication_failure(hint: impl Into<String>) -> Error {
    Error::invalid(
        "KeyVaultAuthenticationFailure",
        "The operation failed because of authentication issue on the keyvault.",
    )
    .hint(hint)
}

/// The account has no identity that could ask the vault.
pub(crate) fn identity_not_set() -> Error {
    Error::invalid(
        "ManagedServiceIdentityNotFound",
        "Managed Service Identity (MSI) is not set for this account.",
    )
    .hint("assign an identity to the account first")
}

/// The account names an identity that the directory does not have.
pub(crate) fn identity_gone() -> Error {
    Error::invalid(
        "ManagedServiceIdentityNotFound",
        "The identity of this account is not in the directory.",
    )
    .hint("remove the identity from the account and assign a new one, then grant it access to the key")
}
