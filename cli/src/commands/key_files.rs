//! Keys that come from files and go to files: import, backup, restore, download.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use serde_json::Value;
use strongroom::keyvault::{self, KeyBackup, KeyName, VaultError};

use super::key::{key_of, options, reference};
use super::vault::name as vault_name;
use super::vault_shape as shape;
use crate::args::key::{DownloadKey, ImportKey, KeyToFile, PublicEncoding, RestoreKey};
use crate::files::sink::{Existing, write_whole};
use crate::output::error::Failure;
use crate::session::Session;

/// Longest file read whole, in bytes: no key, backup or policy comes near it.
const BYTES_MAX: u64 = 16 << 20;

/// Imports a private key.
pub(super) fn import(session: &Session, args: &ImportKey) -> Result<Value, Failure> {
    let key = keyvault::import_key(&read(&args.pem_file)?).map_err(VaultError::from)?;
    let (vault, name) = (
        vault_name(&args.new.vault_name)?,
        args.new.name.parse::<KeyName>()?,
    );
    let options = options(&args.new)?;
    let (vaults, token) = session.vaults_as_owner()?;
    Ok(shape::bundle(&vaults.import_key(
        &token,
        (&vault, &name),
        key,
        options,
    )?))
}

/// Writes a backup of all versions of a key.
pub(super) fn backup(session: &Session, args: &KeyToFile) -> Result<Value, Failure> {
    let (vault, name) = key_of(&args.key)?;
    let (vaults, token) = session.vaults_as_owner()?;
    let backup = vaults.backup_key(&token, &vault, &name)?;
    write(&args.file, backup.as_bytes()).map(|()| Value::Null)
}

/// Restores a key from its backup.
pub(super) fn restore(session: &Session, args: &RestoreKey) -> Result<Value, Failure> {
    let backup = read(&args.file)?;
    let vault = vault_name(&args.vault.vault_name)?;
    let (vaults, token) = session.vaults_as_owner()?;
    Ok(shape::bundle(&vaults.restore_key(
        &token,
        &vault,
        &KeyBackup::from_bytes(backup),
    )?))
}

/// Writes the public part of a key.
pub(super) fn download(session: &Session, args: &DownloadKey) -> Result<Value, Failure> {
    let key = reference(&args.key)?;
    let (vaults, token) = session.vaults_as_owner()?;
    let public = vaults
        .get_key(&token, key.vault.name(), &key.name, key.version)?
        .public;
    let bytes = match args.encoding {
        PublicEncoding::Der => public.to_spki_der().map_err(VaultError::from)?,
        PublicEncoding::Pem => public.to_spki_pem().map_err(VaultError::from)?.into_bytes(),
    };
    write(&args.file, &bytes).map(|()| Value::Null)
}

/// Reads a small file of the user.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::file(path, &error))?;
    if bytes.len() as u64 > BYTES_MAX {
        let message = format!(
            "{} is too large to be a key, a backup or a policy",
            path.display()
        );
        return Err(Failure::usage("InvalidArgumentValueError", message).hint("Check the path."));
    }
    Ok(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_whole(path, Existing::Refuse, |file| {
        file.write_all(bytes).map_err(|error| Failure::file(path, &error))
    })
}
