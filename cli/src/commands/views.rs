//! The tables of commands whose results are nested: which values become columns, as in `az`.
//!
//! They apply to `--output table` without a query; everything else shows its top-level values.

use crate::args::account::AccountCommand;
use crate::args::blob::BlobCommand;
use crate::args::container::ContainerCommand;
use crate::args::key::KeyCommand;
use crate::args::keyvault::VaultCommand;
use crate::args::{Command, StorageCommand};
use crate::output::View;

const ACCOUNT: View = &[
    ("Name", "/name"),
    ("Location", "/location"),
    ("ResourceGroup", "/resourceGroup"),
    ("KeySource", "/encryption/keySource"),
    (
        "KeyIdentifier",
        "/encryption/keyVaultProperties/currentVersionedKeyIdentifier",
    ),
    (
        "LastKeyRotation",
        "/encryption/keyVaultProperties/lastKeyRotationTimestamp",
    ),
    ("PrincipalId", "/identity/principalId"),
];

const AUDIT: View = &[
    ("Sequence", "/sequence"),
    ("Time", "/time"),
    ("Operation", "/operationName"),
    ("Result", "/resultType"),
    ("Status", "/properties/httpStatusCode"),
    ("Caller", "/identity/claim/objectidentifier"),
    ("Id", "/properties/id"),
];

const BLOB: View = &[
    ("Name", "/name"),
    ("BlobType", "/properties/blobType"),
    ("BlobTier", "/properties/blobTier"),
    ("Length", "/properties/contentLength"),
    ("ContentType", "/properties/contentSettings/contentType"),
    ("LastModified", "/properties/lastModified"),
    ("Snapshot", "/snapshot"),
];

const CONTAINER: View = &[
    ("Name", "/name"),
    ("LeaseStatus", "/properties/lease/status"),
    ("LastModified", "/properties/lastModified"),
];

const DELETED_KEY: View = &[
    ("Name", "/name"),
    ("RecoveryId", "/recoveryId"),
    ("DeletedDate", "/deletedDate"),
    ("ScheduledPurgeDate", "/scheduledPurgeDate"),
];

const DELETED_VAULT: View = &[
    ("Name", "/name"),
    ("Location", "/properties/location"),
    ("DeletionDate", "/properties/deletionDate"),
    ("ScheduledPurgeDate", "/properties/scheduledPurgeDate"),
];

const KEY: View = &[
    ("Kid", "/key/kid"),
    ("Kty", "/key/kty"),
    ("Enabled", "/attributes/enabled"),
    ("Expires", "/attributes/expires"),
    ("RecoveryLevel", "/attributes/recoveryLevel"),
];

const KEYS: View = &[
    ("Name", "/name"),
    ("Enabled", "/attributes/enabled"),
    ("Created", "/attributes/created"),
    ("Expires", "/attributes/expires"),
    ("Kid", "/kid"),
];

const VAULT: View = &[
    ("Name", "/name"),
    ("Location", "/location"),
    ("ResourceGroup", "/resourceGroup"),
    ("SoftDelete", "/properties/enableSoftDelete"),
    ("PurgeProtection", "/properties/enablePurgeProtection"),
    ("RetentionDays", "/properties/softDeleteRetentionInDays"),
    ("VaultUri", "/properties/vaultUri"),
];

/// The table of a command, if it has one of its own.
pub(super) fn of(command: &Command) -> Option<View> {
    match command {
        Command::Keyvault(command) => vault(command),
        Command::Storage(StorageCommand::Account(
            AccountCommand::BlobServiceProperties(_) | AccountCommand::RecoveryKey(_),
        )) => None,
        Command::Storage(StorageCommand::Account(_)) => Some(ACCOUNT),
        Command::Storage(StorageCommand::Blob(command)) => {
            matches!(**command, BlobCommand::List(_) | BlobCommand::Show(_)).then_some(BLOB)
        }
        Command::Storage(StorageCommand::Container(
            ContainerCommand::List(_) | ContainerCommand::Show(_),
        )) => Some(CONTAINER),
        _ => None,
    }
}

fn vault(command: &VaultCommand) -> Option<View> {
    match command {
        VaultCommand::Audit(args) => (!args.verify).then_some(AUDIT),
        VaultCommand::Backup(_) | VaultCommand::Restore(_) => None,
        VaultCommand::Key(command) => key(command),
        VaultCommand::ListDeleted => Some(DELETED_VAULT),
        _ => Some(VAULT),
    }
}

fn key(command: &KeyCommand) -> Option<View> {
    match command {
        KeyCommand::List(_) | KeyCommand::ListVersions(_) => Some(KEYS),
        KeyCommand::ListDeleted(_) => Some(DELETED_KEY),
        KeyCommand::Create(_)
        | KeyCommand::Import(_)
        | KeyCommand::Recover(_)
        | KeyCommand::Restore(_)
        | KeyCommand::Rotate(_)
        | KeyCommand::SetAttributes(_)
        | KeyCommand::Show(_) => Some(KEY),
        _ => None,
    }
}
