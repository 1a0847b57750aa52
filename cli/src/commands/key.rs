//! `keyvault key ...`: keys, versions, attributes, rotation.

use serde_json::Value;
use strongroom::Timestamp;
use strongroom::keyvault::{
    KeyName, KeyOperation, KeyOperations, KeyReference, KeyRotationPolicy, KeySize, KeyType, KeyUpdate,
    NewKeyOptions, RotationPolicy, VaultError, VaultName,
};

use super::shape::time;
use super::vault::name as vault_name;
use super::{key_crypto, key_files, vault_shape as shape};
use crate::args::key::{
    CreateKey, KeyCommand, KeyId, KeyVersionId, NewKey, Protection, RotationPolicyCommand, SetAttributes,
    UpdateRotationPolicy,
};
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command.
pub(super) fn run(session: &Session, command: &KeyCommand) -> Result<Value, Failure> {
    match command {
        KeyCommand::Create(args) => create(session, args),
        KeyCommand::SetAttributes(args) => set_attributes(session, args),
        KeyCommand::Import(args) => key_files::import(session, args),
        KeyCommand::Backup(args) => key_files::backup(session, args),
        KeyCommand::Restore(args) => key_files::restore(session, args),
        KeyCommand::Download(args) => key_files::download(session, args),
        KeyCommand::Encrypt(args) => key_crypto::encrypt(session, args),
        KeyCommand::Decrypt(args) => key_crypto::decrypt(session, args),
        KeyCommand::Sign(args) => key_crypto::sign(session, args),
        KeyCommand::Verify(args) => key_crypto::verify(session, args),
        KeyCommand::RotationPolicy(RotationPolicyCommand::Show(id)) => show_policy(session, id),
        KeyCommand::RotationPolicy(RotationPolicyCommand::Update(args)) => update_policy(session, args),
        KeyCommand::List(args) => {
            let (vaults, token) = session.vaults_as_owner()?;
            let keys = vaults.list_keys(&token, &vault_name(&args.vault_name)?)?;
            Ok(keys.iter().map(shape::item).collect())
        }
        KeyCommand::ListDeleted(args) => {
            let (vaults, token) = session.vaults_as_owner()?;
            let keys = vaults.list_deleted_keys(&token, &vault_name(&args.vault_name)?)?;
            Ok(keys.iter().map(shape::deleted_item).collect())
        }
        KeyCommand::Show(args) => show(session, args),
        KeyCommand::ListVersions(id)
        | KeyCommand::ShowDeleted(id)
        | KeyCommand::Delete(id)
        | KeyCommand::Recover(id)
        | KeyCommand::Purge(id)
        | KeyCommand::Rotate(id) => whole_key(session, command, id),
    }
}

/// The vault and name of a key, given apart or as an identifier.
pub(super) fn key_of(id: &KeyId) -> Result<(VaultName, KeyName), Failure> {
    if let Some(kid) = &id.id {
        let reference: KeyReference = kid.parse()?;
        return Ok((reference.vault.name().clone(), reference.name));
    }
    let vault = vault_name(id.vault_name.as_deref().unwrap_or_default())?;
    let name = id.name.as_deref().unwrap_or_default().parse::<KeyName>()?;
    Ok((vault, name))
}

/// The reference to a key or one of its versions, given apart or as an identifier.
pub(super) fn reference(args: &KeyVersionId) -> Result<KeyReference, Failure> {
    if let Some(kid) = &args.key.id {
        return Ok(kid.parse()?);
    }
    let (vault, name) = key_of(&args.key)?;
    let version = args.version.as_deref().filter(|version| !version.is_empty());
    Ok(KeyReference {
        vault: vault.uri(),
        name,
        version: version.map(str::parse).transpose()?,
    })
}

/// Settings of a new version, as far as creation and import share them.
pub(super) fn options(new: &NewKey) -> Result<NewKeyOptions, Failure> {
    let kty = match new.protection {
        Some(Protection::Hsm) => KeyType::RsaHsm,
        Some(Protection::Software) | None => KeyType::Rsa,
    };
    Ok(NewKeyOptions {
        kty,
        operations: operations(&new.ops)?.unwrap_or_default(),
        enabled: !new.disabled.unwrap_or(false),
        not_before: new.not_before.map(Timestamp::whole_seconds),
        expires: new.expires.map(Timestamp::whole_seconds),
        tags: new.tags.iter().cloned().collect(),
        ..NewKeyOptions::default()
    })
}

fn create(session: &Session, args: &CreateKey) -> Result<Value, Failure> {
    let mut options = options(&args.new)?;
    if let Some(kty) = &args.kty {
        options.kty = kty.parse::<KeyType>().map_err(VaultError::from)?;
    }
    if let Some(bits) = args.size {
        options.size = KeySize::try_from(bits).map_err(VaultError::from)?;
    }
    let (vault, name) = (
        vault_name(&args.new.vault_name)?,
        args.new.name.parse::<KeyName>()?,
    );
    let (vaults, token) = session.vaults_as_owner()?;
    Ok(shape::bundle(&vaults.create_key(&token, &vault, &name, options)?))
}

fn show(session: &Session, args: &KeyVersionId) -> Result<Value, Failure> {
    let key = reference(args)?;
    let (vaults, token) = session.vaults_as_owner()?;
    Ok(shape::bundle(&vaults.get_key(
        &token,
        key.vault.name(),
        &key.name,
        key.version,
    )?))
}

/// The commands that take a key and nothing else.
fn whole_key(session: &Session, command: &KeyCommand, id: &KeyId) -> Result<Value, Failure> {
    let (vault, name) = key_of(id)?;
    let (vaults, token) = session.vaults_as_owner()?;
    match command {
        KeyCommand::Delete(_) => Ok(shape::deleted_key(&vaults.delete_key(&token, &vault, &name)?)),
        KeyCommand::ListVersions(_) => Ok(vaults
            .list_versions(&token, &vault, &name)?
            .iter()
            .map(shape::item)
            .collect()),
        KeyCommand::Recover(_) => Ok(shape::bundle(&vaults.recover_key(&token, &vault, &name)?)),
        KeyCommand::Rotate(_) => Ok(shape::bundle(&vaults.rotate_key(&token, &vault, &name)?)),
        KeyCommand::ShowDeleted(_) => Ok(shape::deleted_key(
            &vaults.get_deleted_key(&token, &vault, &name)?,
        )),
        _ => Ok(vaults.purge_key(&token, &vault, &name).map(|()| Value::Null)?),
    }
}

fn set_attributes(session: &Session, args: &SetAttributes) -> Result<Value, Failure> {
    let key = reference(&args.key)?;
    let update = KeyUpdate {
        enabled: args.enabled,
        not_before: args.not_before.map(|time| Some(time.whole_seconds())),
        expires: args.expires.map(|time| Some(time.whole_seconds())),
        operations: operations(&args.ops)?,
        tags: (!args.tags.is_empty()).then(|| args.tags.iter().cloned().collect()),
    };
    if update == KeyUpdate::default() {
        return Err(
            Failure::usage("RequiredArgumentMissingError", "there is nothing to set")
                .hint("Give --enabled, --expires, --not-before, --ops or --tags."),
        );
    }
    let (vaults, token) = session.vaults_as_owner()?;
    let changed = vaults.update_key(&token, key.vault.name(), (&key.name, key.version), update)?;
    Ok(shape::bundle(&changed))
}

fn show_policy(session: &Session, id: &KeyId) -> Result<Value, Failure> {
    let (vault, name) = key_of(id)?;
    let (vaults, token) = session.vaults_as_owner()?;
    Ok(policy_json(&vaults.rotation_policy(&token, &vault, &name)?))
}

fn update_policy(session: &Session, args: &UpdateRotationPolicy) -> Result<Value, Failure> {
    let (vault, name) = key_of(&args.key)?;
    let json = match args.value.trim_start().starts_with('{') {
        true => args.value.clone().into_bytes(),
        false => key_files::read(args.value.as_ref())?,
    };
    let policy = RotationPolicy::from_json(&json).map_err(VaultError::from)?;
    let (vaults, token) = session.vaults_as_owner()?;
    Ok(policy_json(&vaults.set_rotation_policy(
        &token,
        (&vault, &name),
        &policy,
    )?))
}

/// The policy as `az` prints it, with the times of its setting.
fn policy_json(policy: &KeyRotationPolicy) -> Value {
    let mut json = policy.policy.to_json();
    if let Some(Value::Object(attributes)) = json.get_mut("attributes") {
        attributes.insert("created".to_owned(), policy.created.map(time).into());
        attributes.insert("updated".to_owned(), policy.updated.map(time).into());
    }
    json
}

fn operations(names: &[String]) -> Result<Option<KeyOperations>, Failure> {
    let operations: KeyOperations = names
        .iter()
        .map(|name| name.parse::<KeyOperation>())
        .collect::<Result<_, _>>()?;
    Ok((!names.is_empty()).then_some(operations))
}
