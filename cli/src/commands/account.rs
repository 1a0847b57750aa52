//! `storage account ...`.

use serde_json::Value;
use strongroom::{AccountName, KeyType, NewAccount};

use super::account_shape as shape;
use crate::args::account::{AccountCommand, CreateAccount, KeyScope};
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command.
pub(super) fn run(session: &Session, command: &AccountCommand) -> Result<Value, Failure> {
    match command {
        AccountCommand::Create(args) => create(session, args),
        AccountCommand::Delete(account) => {
            let name: AccountName = account.name.parse()?;
            session.store()?.delete_account(&name)?;
            Ok(Value::Null)
        }
        AccountCommand::List => Ok(session.store()?.accounts()?.iter().map(shape::account).collect()),
        AccountCommand::Show(account) => Ok(shape::account(&session.account(&account.name)?.properties()?)),
        _ => Err(Failure::usage("NotBound", "not yet")),
    }
}

fn create(session: &Session, args: &CreateAccount) -> Result<Value, Failure> {
    let labels = session.labels();
    let resource_group = labels.required_group()?;
    let tenant = labels
        .tenant()?
        .unwrap_or(strongroom::keyvault::TenantId([1; 16]));
    let mut new = NewAccount::new(args.name.parse()?, tenant, labels.region()?);
    new.resource_group = resource_group;
    new.subscription = labels.subscription();
    new.queue = key_type(args.encryption_key_type_for_queue);
    new.table = key_type(args.encryption_key_type_for_table);
    let account = session.store()?.create_account(&new)?;
    Ok(shape::account(&account.properties()?))
}

fn key_type(scope: Option<KeyScope>) -> KeyType {
    match scope {
        Some(KeyScope::Account) => KeyType::Account,
        Some(KeyScope::Service) | None => KeyType::Service,
    }
}
