//! `storage account encryption-scope ...`.

use serde_json::{Value, json};
use strongroom::keyvault::KeyReference;
use strongroom::{
    Account, CustomerKey, EncryptionScope, EncryptionScopeProperties, EncryptionScopeState, KeySource,
    KeyVaultProperties, NewEncryptionScope,
};

use super::shape::time;
use crate::args::account::KeySource as Source;
use crate::args::encryption_scope::{
    CreateScope, EncryptionScopeCommand, ScopeId, ScopeKey, ScopeState, UpdateScope,
};
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command.
pub(super) fn run(session: &Session, command: &EncryptionScopeCommand) -> Result<Value, Failure> {
    match command {
        EncryptionScopeCommand::Create(args) => create(session, args),
        EncryptionScopeCommand::List(account) => {
            let account = session.account(&account.account)?;
            let scopes = account.encryption_scopes()?;
            scopes.iter().map(|scope| shown(&account, scope)).collect()
        }
        EncryptionScopeCommand::Show(id) => {
            let (account, scope) = find(session, id)?;
            shown(&account, &scope.properties()?)
        }
        EncryptionScopeCommand::Update(args) => update(session, args),
    }
}

fn create(session: &Session, args: &CreateScope) -> Result<Value, Failure> {
    let account = session.account(&args.id.account.account)?;
    let new = NewEncryptionScope {
        key: customer_key(&args.key)?,
        require_infrastructure_encryption: args.require_infrastructure_encryption.unwrap_or(false),
    };
    let scope = account.create_encryption_scope(&args.id.name.parse()?, &new)?;
    shown(&account, &scope.properties()?)
}

fn update(session: &Session, args: &UpdateScope) -> Result<Value, Failure> {
    let key = customer_key(&args.key)?;
    if args.key.key_source.is_none() && args.state.is_none() {
        return Err(
            Failure::usage("RequiredArgumentMissingError", "there is nothing to update")
                .hint("Give --key-source or --state."),
        );
    }
    let (account, scope) = find(session, &args.id)?;
    match (args.key.key_source, key) {
        (_, Some(key)) => drop(scope.use_customer_key(&key)?),
        (Some(Source::Storage), None) => drop(scope.use_platform_key()?),
        _ => {}
    }
    match args.state {
        Some(ScopeState::Enabled) => drop(scope.set_state(EncryptionScopeState::Enabled)?),
        Some(ScopeState::Disabled) => drop(scope.set_state(EncryptionScopeState::Disabled)?),
        None => {}
    }
    shown(&account, &scope.properties()?)
}

fn find(session: &Session, id: &ScopeId) -> Result<(Account, EncryptionScope), Failure> {
    let account = session.account(&id.account.account)?;
    let scope = account.encryption_scope(&id.name.parse()?)?;
    Ok((account, scope))
}

/// The customer's key that the options name, if they do.
fn customer_key(args: &ScopeKey) -> Result<Option<CustomerKey>, Failure> {
    match (args.key_source, &args.key_uri) {
        (Some(Source::Keyvault), Some(uri)) => {
            let key: KeyReference = uri.parse()?;
            Ok(Some(key.into()))
        }
        (None | Some(Source::Storage), None) => Ok(None),
        _ => Err(Failure::usage(
            "RequiredArgumentMissingError",
            "--key-source Microsoft.KeyVault and --key-uri need each other",
        )
        .hint("The address is what `strongroom keyvault key show --query key.kid` prints.")),
    }
}

fn shown(account: &Account, scope: &EncryptionScopeProperties) -> Result<Value, Failure> {
    let owner = account.properties()?;
    let name = scope.name.as_str();
    Ok(json!({
        "creationTime": time(scope.created),
        "id": format!("{}/encryptionScopes/{name}", super::account_shape::id(&owner)),
        "keyVaultProperties": scope.key_vault.as_ref().map(key_vault),
        "lastModifiedTime": time(scope.last_modified),
        "name": name,
        "recoveryKey": scope.recovery_key.as_ref().map(super::recovery_key::shape),
        "requireInfrastructureEncryption": scope.require_infrastructure_encryption,
        "resourceGroup": owner.resource_group,
        "source": match scope.key_source {
            KeySource::Platform => "Microsoft.Storage",
            KeySource::KeyVault => "Microsoft.KeyVault",
        },
        "state": scope.state.as_str(),
        "type": "Microsoft.Storage/storageAccounts/encryptionScopes",
    }))
}

fn key_vault(key: &KeyVaultProperties) -> Value {
    let current = &key.current_versioned_key_identifier;
    let uri = match key.key_version {
        Some(_) => current.to_string(),
        None => current.base().to_string(),
    };
    json!({
        "currentVersionedKeyIdentifier": current.to_string(),
        "keyUri": uri,
        "lastKeyRotationTimestamp": time(key.last_key_rotation),
    })
}
