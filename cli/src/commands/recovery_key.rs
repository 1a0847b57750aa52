//! `storage account recovery-key ...`.

use serde_json::{Value, json};
use strongroom::keyvault::{KeyReference, VaultError, import_public_key};
use strongroom::{Account, EncryptionScope, RecoverTo, RecoveryKey, RecoveryPrivateKey};

use super::key_files::{read, read_private};
use super::shape::time;
use crate::args::account::KeySource;
use crate::args::recovery_key::{Holder, RecoveryKeyCommand, SetRecoveryKey, UseRecoveryKey};
use crate::output::error::Failure;
use crate::session::Session;

/// Whose root key.
enum Of {
    Account(Account),
    Scope(EncryptionScope),
}

/// Runs one command.
pub(super) fn run(session: &Session, command: &RecoveryKeyCommand) -> Result<Value, Failure> {
    match command {
        RecoveryKeyCommand::Remove(holder) => {
            match of(session, holder)? {
                Of::Account(account) => account.remove_recovery_key()?,
                Of::Scope(scope) => scope.remove_recovery_key()?,
            }
            Ok(Value::Null)
        }
        RecoveryKeyCommand::Set(args) => set(session, args),
        RecoveryKeyCommand::Show(holder) => {
            let key = match of(session, holder)? {
                Of::Account(account) => account.recovery_key()?,
                Of::Scope(scope) => scope.recovery_key()?,
            };
            Ok(key.as_ref().map_or(Value::Null, shape))
        }
        RecoveryKeyCommand::Use(args) => take_back(session, args),
    }
}

fn set(session: &Session, args: &SetRecoveryKey) -> Result<Value, Failure> {
    let public = import_public_key(&read(&args.public_key_file)?).map_err(VaultError::from)?;
    let key = match of(session, &args.holder)? {
        Of::Account(account) => account.set_recovery_key(&public)?,
        Of::Scope(scope) => scope.set_recovery_key(&public)?,
    };
    Ok(shape(&key))
}

fn take_back(session: &Session, args: &UseRecoveryKey) -> Result<Value, Failure> {
    let to = match (args.encryption_key_source, &args.key_uri) {
        (KeySource::Storage, None) => RecoverTo::Platform,
        (KeySource::Keyvault, Some(uri)) => RecoverTo::Customer(uri.parse::<KeyReference>()?.into()),
        _ => {
            return Err(Failure::usage(
                "RequiredArgumentMissingError",
                "--encryption-key-source Microsoft.Keyvault and --key-uri need each other",
            )
            .hint("The address is what `strongroom keyvault key show --query key.kid` prints."));
        }
    };
    let bytes = read_private(&args.private_key_file)?;
    let private = RecoveryPrivateKey::parse(bytes.as_slice()).map_err(VaultError::from)?;
    let key = match of(session, &args.holder)? {
        Of::Account(account) => account.recover(&private, &to)?.recovery_key,
        Of::Scope(scope) => scope.recover(&private, &to)?.recovery_key,
    };
    Ok(key.as_ref().map_or(Value::Null, shape))
}

fn of(session: &Session, holder: &Holder) -> Result<Of, Failure> {
    let account = session.account(&holder.name)?;
    Ok(match &holder.encryption_scope {
        None => Of::Account(account),
        Some(scope) => Of::Scope(account.encryption_scope(&scope.parse()?)?),
    })
}

/// A recovery key as it is shown everywhere.
pub(super) fn shape(key: &RecoveryKey) -> Value {
    json!({
        "fingerprint": key.fingerprint,
        "keySize": key.bits,
        "lastUsed": key.last_used.map(time),
        "set": time(key.set),
    })
}
