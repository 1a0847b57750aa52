//! The rules for customer-managed keys: all decisions, no I/O.

use strongroom_engine::Timestamp;
use strongroom_keyvault::{KeyBundle, KeyOperation, KeySize, VaultProperties};

use super::refusal::authentication_failure;
use crate::account::AccountRecord;
use crate::error::{Error, ErrorKind, Result};

/// Which key sizes an account accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySizes {
    /// 2048 bits only, as Azure Storage had it in March 2020.
    #[default]
    Rsa2048,
    /// 2048, 3072 and 4096 bits, as it has it now.
    Rsa2048To4096,
}

/// The vault: same tenant, same region, soft delete and purge protection. The subscription does not matter.
pub(super) fn check_vault(account: &AccountRecord, vault: &VaultProperties) -> Result<()> {
    if vault.tenant != account.tenant {
        return Err(authentication_failure(format!(
            "the vault {} is in tenant {}, the account in tenant {}; they must be in the same",
            vault.name, vault.tenant, account.tenant
        )));
    }
    if vault.region != account.region {
        return Err(Error::invalid(
            "InvalidValuesForRequestParameters",
            format!(
                "the key vault {} is in {}, the account in {}; they must be in the same region",
                vault.name, vault.region, account.region
            ),
        )
        .hint("use a vault in the account's region"));
    }
    let missing = match (vault.soft_delete, vault.purge_protection) {
        (true, true) => return Ok(()),
        (true, false) => "purge protection",
        (false, true) => "soft delete",
        (false, false) => "soft delete and purge protection",
    };
    Err(
        Error::invalid("KeyVaultPolicyError", "Keyvault policy recoverable is not set").hint(format!(
            "turn on {missing} for the vault {}: a key that protects data must not be lost by one command",
            vault.name
        )),
    )
}

/// The key: RSA of an accepted size, usable for wrapping now.
pub(super) fn check_key(key: &KeyBundle, sizes: KeySizes, now: Timestamp) -> Result<()> {
    let bits = key.public.size().bits();
    let (accepted, which) = match sizes {
        KeySizes::Rsa2048 => (key.public.size() == KeySize::Rsa2048, "RSA keys of 2048 bits"),
        KeySizes::Rsa2048To4096 => (true, "RSA keys of 2048, 3072 or 4096 bits"),
    };
    if !accepted {
        return Err(Error::invalid(
            "InvalidValuesForRequestParameters",
            format!("{} has {bits} bits; an account accepts {which}", key.id),
        )
        .hint("use another key"));
    }
    let id = &key.id;
    if !key.attributes.enabled {
        return Err(authentication_failure(format!(
            "{id} is disabled; enable it or use another version"
        )));
    }
    if key
        .attributes
        .not_before
        .is_some_and(|not_before| now < not_before)
    {
        return Err(authentication_failure(format!(
            "{id} is not valid yet; use a version that is"
        )));
    }
    if key.attributes.expires.is_some_and(|expires| now >= expires) {
        return Err(authentication_failure(format!(
            "{id} has expired; use a version that has not"
        )));
    }
    for operation in [KeyOperation::WrapKey, KeyOperation::UnwrapKey] {
        if !key.operations.contains(operation) {
            return Err(authentication_failure(format!(
                "{id} is not made for {}; use a key whose key_ops contain wrapKey and unwrapKey",
                operation.as_str()
            )));
        }
    }
    Ok(())
}

/// The queue and table key types are final.
pub(crate) fn key_types_are_final() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "InvalidValuesForRequestParameters",
        400,
        "The encryption key type of queues and tables is chosen when the account is created and cannot \
         be changed.",
    )
    .hint("create another account with the key types wanted")
}
