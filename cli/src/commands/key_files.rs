//! Keys that come from files and go to files: import, backup, restore, download.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use serde_json::Value;
use strongroom::engine::SecretBuffer;
use strongroom::keyvault::{self, KeyBackup, KeyName, VaultError};

use super::key::{key_of, options, reference};
use super::vault::name as vault_name;
use super::vault_shape as shape;
use crate::args::key::{DownloadKey, ImportKey, KeyToFile, PublicEncoding, RestoreKey};
use crate::files::secret;
use crate::files::sink::{Existing, write_whole};
use crate::output::error::Failure;
use crate::session::Session;

/// Longest file read whole, in bytes: no key, backup or policy comes near it.
const BYTES_MAX: u64 = 16 << 20;
/// Longest file with a private key, in bytes: none that is imported comes near it.
const PRIVATE_KEY_BYTES_MAX: usize = 64 << 10;

/// Imports a private key.
pub(super) fn import(session: &Session, args: &ImportKey) -> Result<Value, Failure> {
    let path = args.pem_file.as_path();
    let file = File::open(path).and_then(|file| secret::read(file, PRIVATE_KEY_BYTES_MAX));
    let bytes = file.map_err(|error| Failure::file(path, &error))?;
    let bytes = bytes.ok_or_else(|| too_large(path))?;
    let key = keyvault::import_key(bytes.as_slice()).map_err(VaultError::from)?;
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
        return Err(too_large(path));
    }
    Ok(bytes)
}

/// Reads a private key of the user: refused if others can read the file, wiped when it is dropped.
pub(super) fn read_private(path: &Path) -> Result<SecretBuffer, Failure> {
    secret::read_private(path, PRIVATE_KEY_BYTES_MAX)?.ok_or_else(|| too_large(path))
}

fn too_large(path: &Path) -> Failure {
    let message = format!(
        "{} is too large to be a key, a backup or a policy",
        path.display()
    );
    Failure::usage("InvalidArgumentValueError", message).hint("Check the path.")
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_whole(path, Existing::Refuse, |file| {
        file.write_all(bytes).map_err(|error| Failure::file(path, &error))
    })
}
