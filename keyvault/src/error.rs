//! Everything the vault refuses, with the protocol's status, code and message.
//!
//! `Display` is the message that goes over the wire. No variant carries a secret, and the ones about a caller
//! name the caller, so that whoever reads the log knows whom to grant what.

use std::error::Error;

use crate::algorithms::UnknownAlgorithm;
use crate::provider::{ProviderError, UnknownKeyType, UnsupportedKeySize};

/// Who asked for what, for a refusal that an administrator can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDenied {
    /// The permission that is missing, as the access policy spells it.
    pub permission: String,
    /// The name of the vault.
    pub vault: String,
    /// The region of the vault.
    pub location: String,
    /// The application id of the caller.
    pub app_id: String,
    /// The object id of the caller.
    pub object_id: String,
    /// The issuer of the caller's token.
    pub issuer: String,
}

/// What a vault answers when it does not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The caller's policies do not contain the permission.
    #[error(
        "The user, group or application 'appid={};oid={};iss={}' does not have keys {} permission on key vault \
         '{};location={}'. Add the permission to the access policy of this caller.",
        .0.app_id, .0.object_id, .0.issuer, .0.permission, .0.vault, .0.location
    )]
    AccessDenied(Box<AccessDenied>),
    /// A parameter of the request is wrong; `what` says which and what would be right.
    #[error("{what}")]
    BadParameter {
        /// What is wrong and what would be right.
        what: String,
    },
    /// Another state of the object forbids the change.
    #[error("{what}")]
    Conflict {
        /// What stands in the way.
        what: String,
    },
    /// The identity is not in the directory, or belongs to another tenant.
    #[error("The identity {object_id} is not in the directory. Assign an identity, then grant it access.")]
    IdentityNotFound {
        /// Its object id.
        object_id: String,
    },
    /// `RSA-HSM` was asked for, and this vault has no security module.
    #[error("RSA-HSM keys need a security module, and this vault has none; use RSA or configure a provider")]
    HsmUnavailable,
    /// The side file of the private part is gone: the version can be read, but not used any more.
    #[error(
        "The private part of key version {version} has been destroyed; restore its side file from a backup."
    )]
    KeyDestroyed {
        /// The version.
        version: String,
    },
    /// The version is disabled.
    #[error("Operation {operation} is not allowed on a disabled key.")]
    KeyDisabled {
        /// The operation, as `key_ops` spells it.
        operation: &'static str,
    },
    /// The version has expired, and the operation is not one that survives expiry.
    #[error("Operation {operation} is not allowed on an expired key.")]
    KeyExpired {
        /// The operation, as `key_ops` spells it.
        operation: &'static str,
    },
    /// Neither the key nor, if one was named, the version exists.
    #[error(
        "A key with (name/id) {name} was not found in this key vault. If you recently deleted this key you may be \
         able to recover it using the correct recovery command."
    )]
    KeyNotFound {
        /// The name, or name and version.
        name: String,
    },
    /// The version is not valid yet, and the operation is not one that may come early.
    #[error("Operation {operation} is not allowed on a key that is not yet valid.")]
    KeyNotYetValid {
        /// The operation, as `key_ops` spells it.
        operation: &'static str,
    },
    /// The operation is missing from the key's `key_ops`.
    #[error("Operation {operation} is not permitted on this key.")]
    KeyOperationForbidden {
        /// The operation, as `key_ops` spells it.
        operation: &'static str,
    },
    /// Only the owner of the installation manages vaults and policies.
    #[error(
        "The caller '{object_id}' may not manage the vault '{vault}'; only the owner of the installation may."
    )]
    NotOwner {
        /// The object id of the caller.
        object_id: String,
        /// The name of the vault.
        vault: String,
    },
    /// The object is in the middle of being deleted or purged.
    #[error("Key {name} is currently being deleted and cannot be re-created; retry later.")]
    ObjectIsBeingDeleted {
        /// The name of the key.
        name: String,
    },
    /// The name belongs to a deleted key that can be recovered or purged.
    #[error(
        "Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, \
         the key can only be recovered or purged."
    )]
    ObjectIsDeletedButRecoverable {
        /// The name of the key.
        name: String,
    },
    /// The key provider refused or failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Purge protection is on, and the retention has not passed.
    #[error(
        "Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service \
         will automatically purge it after the retention period has passed."
    )]
    PurgeProtected,
    /// The vault's own store failed.
    #[error("the vault's store failed: {0}")]
    Storage(#[source] Box<dyn Error + Send + Sync>),
    /// There is no token or it does not authenticate the caller.
    #[error("{message}")]
    Unauthorized {
        /// The protocol's message, without the token.
        message: String,
    },
    /// A vault of this name exists, or existed and is still in soft delete.
    #[error("The vault name '{name}' is already in use.")]
    VaultAlreadyExists {
        /// The name of the vault.
        name: String,
    },
    /// The name breaks the naming rules.
    #[error(
        "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name \
         must begin with a letter, end with a letter or digit, and not contain consecutive hyphens."
    )]
    VaultNameNotValid {
        /// The name as it came in.
        name: String,
    },
    /// There is no such vault.
    #[error("The vault '{name}' was not found.")]
    VaultNotFound {
        /// The name of the vault.
        name: String,
    },
}

impl VaultError {
    /// A refused parameter.
    pub fn bad_parameter(what: impl Into<String>) -> Self {
        Self::BadParameter { what: what.into() }
    }

    /// A failure of the vault's store.
    pub fn storage(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Storage(source.into())
    }

    /// `error.code` of the protocol.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccessDenied(_)
            | Self::KeyDisabled { .. }
            | Self::KeyExpired { .. }
            | Self::KeyNotYetValid { .. }
            | Self::KeyOperationForbidden { .. }
            | Self::PurgeProtected => "Forbidden",
            Self::BadParameter { .. } => "BadParameter",
            Self::Conflict { .. }
            | Self::ObjectIsBeingDeleted { .. }
            | Self::ObjectIsDeletedButRecoverable { .. } => "Conflict",
            Self::HsmUnavailable => "SkuNotSupported",
            Self::IdentityNotFound { .. } => "ManagedServiceIdentityNotFound",
            Self::NotOwner { .. } => "AccessDenied",
            Self::KeyNotFound { .. } => "KeyNotFound",
            Self::KeyDestroyed { .. } | Self::Provider(ProviderError::Failed { .. }) | Self::Storage(_) => {
                "InternalServerError"
            }
            Self::Provider(_) => "BadParameter",
            Self::Unauthorized { .. } => "Unauthorized",
            Self::VaultAlreadyExists { .. } => "VaultAlreadyExists",
            Self::VaultNameNotValid { .. } => "VaultNameNotValid",
            Self::VaultNotFound { .. } => "ResourceNotFound",
        }
    }

    /// `error.innererror.code` of the protocol, where it has one.
    #[must_use]
    pub fn inner_code(&self) -> Option<&'static str> {
        match self {
            Self::AccessDenied(_) => Some("AccessDenied"),
            Self::KeyDisabled { .. } => Some("KeyDisabled"),
            Self::KeyExpired { .. } => Some("KeyExpired"),
            Self::KeyNotYetValid { .. } => Some("KeyNotYetValid"),
            Self::KeyOperationForbidden { .. } => Some("KeyOperationForbidden"),
            Self::ObjectIsBeingDeleted { .. } => Some("ObjectIsBeingDeleted"),
            Self::ObjectIsDeletedButRecoverable { .. } => Some("ObjectIsDeletedButRecoverable"),
            _ => None,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.code() {
            "Unauthorized" => 401,
            "Forbidden" | "AccessDenied" => 403,
            "KeyNotFound" | "ResourceNotFound" => 404,
            "Conflict" | "VaultAlreadyExists" => 409,
            "InternalServerError" => 500,
            _ => 400,
        }
    }
}

impl From<UnknownAlgorithm> for VaultError {
    fn from(error: UnknownAlgorithm) -> Self {
        Self::bad_parameter(error.to_string())
    }
}

impl From<UnknownKeyType> for VaultError {
    fn from(error: UnknownKeyType) -> Self {
        Self::bad_parameter(error.to_string())
    }
}

impl From<UnsupportedKeySize> for VaultError {
    fn from(error: UnsupportedKeySize) -> Self {
        Self::bad_parameter(error.to_string())
    }
}

#[cfg(test)]
mod tests;
