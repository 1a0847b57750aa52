//! Every error has the code and status that the protocol gives it.

use super::*;
use crate::algorithms::{EncryptionAlgorithm, SignatureAlgorithm};
use crate::provider::{KeySize, KeyType};

fn check(error: impl Into<VaultError>, status: u16, code: &str, inner: Option<&str>, message: &str) {
    let error = error.into();
    assert_eq!(
        (error.status(), error.code(), error.inner_code()),
        (status, code, inner),
        "{error}"
    );
    assert!(error.to_string().starts_with(message), "{error}");
}

#[test]
fn refusals_of_the_key_plane_are_the_protocols() {
    let operation = "unwrapKey";
    let name = || "k".to_owned();
    let denied = AccessDenied {
        permission: operation.to_owned(),
        vault: "v".to_owned(),
        location: "westus".to_owned(),
        app_id: "a".to_owned(),
        object_id: "o".to_owned(),
        issuer: "i".to_owned(),
    };
    let message = "The user, group or application 'appid=a;oid=o;iss=i' does not have keys unwrapKey permission \
                   on key vault 'v;location=westus'";
    let forbidden = |error, inner, message| check(error, 403, "Forbidden", inner, message);
    forbidden(
        VaultError::AccessDenied(Box::new(denied)),
        Some("AccessDenied"),
        message,
    );
    let message = "Operation unwrapKey is not allowed on a disabled key.";
    forbidden(
        VaultError::KeyDisabled { operation },
        Some("KeyDisabled"),
        message,
    );
    let message = "Operation unwrapKey is not permitted on this key.";
    forbidden(
        VaultError::KeyOperationForbidden { operation },
        Some("KeyOperationForbidden"),
        message,
    );
    forbidden(
        VaultError::KeyNotYetValid { operation },
        Some("KeyNotYetValid"),
        "Operation unwrapKey",
    );
    forbidden(
        VaultError::KeyExpired { operation },
        Some("KeyExpired"),
        "Operation unwrapKey",
    );
    forbidden(
        VaultError::PurgeProtected,
        None,
        "Operation \"purge\" is not allowed because purge protection",
    );
    let message = "A key with (name/id) k was not found in this key vault. If you recently deleted this key";
    check(
        VaultError::KeyNotFound { name: name() },
        404,
        "KeyNotFound",
        None,
        message,
    );
    let deleted = VaultError::ObjectIsDeletedButRecoverable { name: name() };
    check(
        deleted,
        409,
        "Conflict",
        Some("ObjectIsDeletedButRecoverable"),
        "Key k is currently in a deleted",
    );
    let deleting = VaultError::ObjectIsBeingDeleted { name: name() };
    check(
        deleting,
        409,
        "Conflict",
        Some("ObjectIsBeingDeleted"),
        "Key k is currently being deleted",
    );
}

#[test]
fn refused_parameters_and_failures_keep_their_words() {
    let bad = |error: VaultError, message| check(error, 400, "BadParameter", None, message);
    bad(
        "RSA-OAEP-512".parse::<EncryptionAlgorithm>().unwrap_err().into(),
        "algorithm \"RSA-OAEP-512\" is",
    );
    bad(
        "rs256".parse::<SignatureAlgorithm>().unwrap_err().into(),
        "algorithm \"rs256\" is",
    );
    bad(
        "EC".parse::<KeyType>().unwrap_err().into(),
        "key type \"EC\" is not supported",
    );
    bad(
        KeySize::try_from(1024).unwrap_err().into(),
        "RSA keys of 1024 bits are not supported",
    );
    bad(
        ProviderError::DecryptFailed.into(),
        "the ciphertext cannot be decrypted",
    );
    check(
        VaultError::HsmUnavailable,
        400,
        "SkuNotSupported",
        None,
        "RSA-HSM keys need a security module",
    );
    check(
        VaultError::storage("disk full"),
        500,
        "InternalServerError",
        None,
        "the vault's store failed: disk",
    );
    let failed = ProviderError::Failed { what: "sign" };
    check(
        failed,
        500,
        "InternalServerError",
        None,
        "the key provider failed to sign",
    );
    for algorithm in EncryptionAlgorithm::ALL {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
    for algorithm in SignatureAlgorithm::ALL {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
}

#[test]
fn the_vault_plane_has_codes_of_its_own() {
    let name = || "v".to_owned();
    check(
        VaultError::VaultNotFound { name: name() },
        404,
        "ResourceNotFound",
        None,
        "The vault 'v'",
    );
    check(
        VaultError::VaultAlreadyExists { name: name() },
        409,
        "VaultAlreadyExists",
        None,
        "The vault name 'v'",
    );
    check(
        VaultError::VaultNameNotValid { name: name() },
        400,
        "VaultNameNotValid",
        None,
        "The vault name 'v'",
    );
    check(VaultError::Conflict { what: name() }, 409, "Conflict", None, "v");
}
