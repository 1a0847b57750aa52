//! `storage account ...`.

use serde_json::Value;
use strongroom::{Account, AccountName, CustomerKey, KeyType, NewAccount};

use super::{account_shape as shape, encryption_scope, recovery_key, service};
use crate::args::account::{
    AccountCommand, AccountId, CreateAccount, IdentityType, KeyScope, KeySource, UpdateAccount,
};
use crate::output::error::{Exit, Failure};
use crate::session::Session;

/// Runs one command.
pub(super) fn run(session: &Session, command: &AccountCommand) -> Result<Value, Failure> {
    match command {
        AccountCommand::BlobServiceProperties(command) => service::of_account(session, command),
        AccountCommand::Create(args) => create(session, args),
        AccountCommand::Delete(account) => {
            let name: AccountName = account.name.parse()?;
            session.store()?.delete_account(&name)?;
            Ok(Value::Null)
        }
        AccountCommand::EncryptionScope(command) => encryption_scope::run(session, command),
        AccountCommand::List => {
            let store = session.store()?;
            store
                .accounts()?
                .iter()
                .map(|properties| shown(&store.account(&properties.name)?))
                .collect()
        }
        AccountCommand::Move(id) => move_to_tenant(session, id),
        AccountCommand::RecoveryKey(command) => recovery_key::run(session, command),
        AccountCommand::Show(id) => shown(&session.account(&id.name)?),
        AccountCommand::Update(args) => update(session, args),
    }
}

fn create(session: &Session, args: &CreateAccount) -> Result<Value, Failure> {
    let labels = session.labels();
    let resource_group = labels.required_group()?;
    if args
        .encryption_key_source
        .as_deref()
        .is_some_and(|source| !source.eq_ignore_ascii_case("Microsoft.Storage"))
    {
        return Err(refused("customer-managed keys can be enabled only on an account that exists")
            .hint("Create the account, then use `strongroom storage account update --encryption-key-source ...`."));
    }
    let mut new = NewAccount::new(args.name.parse()?, session.tenant()?, labels.region()?);
    new.resource_group = resource_group;
    new.subscription = labels.subscription();
    new.queue = key_type(args.encryption_key_type_for_queue);
    new.table = key_type(args.encryption_key_type_for_table);
    new.require_infrastructure_encryption = args.require_infrastructure_encryption.unwrap_or(false);
    let account = session.store()?.create_account(&new)?;
    if args.assign_identity {
        account.assign_identity()?;
    }
    shown(&account)
}

fn update(session: &Session, args: &UpdateAccount) -> Result<Value, Failure> {
    if args.encryption_key_type_for_queue.is_some() || args.encryption_key_type_for_table.is_some() {
        return Err(
            refused("the key type of queues and tables is chosen when the account is created")
                .hint("Create another account with the key types you want."),
        );
    }
    let customer_key = customer_key(args)?;
    let identity = args
        .identity_type
        .or(args.assign_identity.then_some(IdentityType::SystemAssigned));
    if identity.is_none() && args.encryption_key_source.is_none() {
        return Err(
            Failure::usage("RequiredArgumentMissingError", "there is nothing to update")
                .hint("Give --assign-identity, --identity-type or --encryption-key-source."),
        );
    }
    let account = session.account(&args.name)?;
    match identity {
        Some(IdentityType::SystemAssigned) => drop(account.assign_identity()?),
        Some(IdentityType::None) => account.remove_identity()?,
        None => {}
    }
    match (args.encryption_key_source, customer_key) {
        (Some(KeySource::Storage), _) => drop(account.use_platform_key()?),
        (_, Some(key)) => drop(account.use_customer_key(&key)?),
        _ => {}
    }
    shown(&account)
}

/// The key that the options name; they come together or not at all.
fn customer_key(args: &UpdateAccount) -> Result<Option<CustomerKey>, Failure> {
    let (vault, name) = (
        args.encryption_key_vault.as_deref(),
        args.encryption_key_name.as_deref(),
    );
    let version = args.encryption_key_version.as_deref();
    match (args.encryption_key_source, vault, name) {
        (Some(KeySource::Keyvault), Some(vault), Some(name)) => {
            let mut key = CustomerKey::new(vault.parse()?, name.parse()?);
            key.version = version.filter(|version| !version.is_empty()).map(str::parse).transpose()?;
            Ok(Some(key))
        }
        (Some(KeySource::Keyvault), _, _) => Err(Failure::usage(
            "RequiredArgumentMissingError",
            "--encryption-key-source Microsoft.Keyvault needs --encryption-key-vault and --encryption-key-name",
        )
        .hint("The vault is what `strongroom keyvault show --query properties.vaultUri` prints.")),
        (_, None, None) if version.is_none() => Ok(None),
        _ => Err(Failure::usage(
            "RequiredArgumentMissingError",
            "--encryption-key-vault, --encryption-key-name and --encryption-key-version need --encryption-key-source \
             Microsoft.Keyvault",
        )
        .hint("Add --encryption-key-source Microsoft.Keyvault.")),
    }
}

fn move_to_tenant(session: &Session, id: &AccountId) -> Result<Value, Failure> {
    let tenant = session.labels().required_tenant()?;
    let account = session.account(&id.name)?;
    account.move_to_tenant(tenant)?;
    shown(&account)
}

fn shown(account: &Account) -> Result<Value, Failure> {
    Ok(shape::account(&account.properties()?, &account.encryption()?))
}

fn refused(message: &str) -> Failure {
    Failure::new(Exit::Failed, "InvalidValuesForRequestParameters", message)
}

fn key_type(scope: Option<KeyScope>) -> KeyType {
    match scope {
        Some(KeyScope::Account) => KeyType::Account,
        Some(KeyScope::Service) | None => KeyType::Service,
    }
}
