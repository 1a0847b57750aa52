//! `keyvault ...`: vaults, policies, the audit log.

use serde_json::{Value, json};
use strongroom::keyvault::{
    AccessPolicy, KeyPermissions, NewVault, RETENTION_DAYS_MAX, Retention, VaultName, VaultUpdate,
};

use super::backup;
use super::key;
use super::vault_shape as shape;
use crate::args::keyvault::{AuditArgs, CreateVault, DeletePolicy, SetPolicy, UpdateVault, VaultCommand};
use crate::output::error::{Exit, Failure};
use crate::session::Session;

/// Lines of the audit log read at once.
const AUDIT_PAGE: usize = 1000;

/// Runs one command.
pub(super) fn run(session: &Session, command: &VaultCommand) -> Result<Value, Failure> {
    match command {
        VaultCommand::Audit(args) => audit(session, args),
        VaultCommand::Backup(args) => backup::vaults(session, args),
        VaultCommand::Create(args) => create(session, args),
        VaultCommand::Delete(vault) => {
            let (vaults, token) = session.vaults_as_owner()?;
            vaults.delete_vault(&token, &name(&vault.name)?)?;
            Ok(Value::Null)
        }
        VaultCommand::DeletePolicy(args) => delete_policy(session, args),
        VaultCommand::Key(command) => key::run(session, command),
        VaultCommand::List => {
            let vaults = session.vaults()?.list_vaults()?;
            Ok(vaults.iter().map(shape::vault).collect())
        }
        VaultCommand::ListDeleted => {
            let vaults = session.vaults()?.list_deleted_vaults()?;
            Ok(vaults.iter().map(shape::deleted_vault).collect())
        }
        VaultCommand::Purge(vault) => {
            let (vaults, token) = session.vaults_as_owner()?;
            vaults.purge_vault(&token, &name(&vault.name)?)?;
            Ok(Value::Null)
        }
        VaultCommand::Recover(vault) => {
            let (vaults, token) = session.vaults_as_owner()?;
            Ok(shape::vault(&vaults.recover_vault(&token, &name(&vault.name)?)?))
        }
        VaultCommand::Restore(args) => backup::restore_vaults(session, &args.from),
        VaultCommand::SetPolicy(args) => set_policy(session, args),
        VaultCommand::Show(vault) => {
            let (vaults, token) = session.vaults_as_owner()?;
            Ok(shape::vault(&vaults.show_vault(&token, &name(&vault.name)?)?))
        }
        VaultCommand::Update(args) => update(session, args),
    }
}

/// A vault's name, or the vault's refusal of it.
pub(super) fn name(text: &str) -> Result<VaultName, Failure> {
    Ok(text.parse()?)
}

fn create(session: &Session, args: &CreateVault) -> Result<Value, Failure> {
    let resource_group = session.labels().required_group()?;
    let retention = retention(args)?;
    let (vaults, token) = session.vaults_as_owner()?;
    let labels = session.labels();
    let mut new = NewVault::new(name(&args.name)?, session.tenant()?, labels.region()?);
    new.resource_group = resource_group;
    new.subscription = labels.subscription();
    new.retention = retention;
    Ok(shape::vault(&vaults.create_vault(&token, new)?))
}

/// What `az` makes of its three options; the vault checks the number of days.
fn retention(args: &CreateVault) -> Result<Retention, Failure> {
    let days = u8::try_from(args.retention_days.unwrap_or(RETENTION_DAYS_MAX.into())).unwrap_or(u8::MAX);
    match (
        args.enable_soft_delete.unwrap_or(true),
        args.enable_purge_protection.unwrap_or(false),
    ) {
        (true, true) => Ok(Retention::Protected { days }),
        (true, false) => Ok(Retention::Purgeable { days }),
        (false, false) => Ok(Retention::None),
        (false, true) => Err(Failure::usage(
            "MutuallyExclusiveArgumentError",
            "--enable-purge-protection needs --enable-soft-delete",
        )
        .hint("Leave --enable-soft-delete out; it is on unless you switch it off.")),
    }
}

fn update(session: &Session, args: &UpdateVault) -> Result<Value, Failure> {
    let (vaults, token) = session.vaults_as_owner()?;
    let update = VaultUpdate {
        soft_delete: args.enable_soft_delete,
        purge_protection: args.enable_purge_protection,
    };
    Ok(shape::vault(&vaults.update_vault(
        &token,
        &name(&args.name)?,
        update,
    )?))
}

fn set_policy(session: &Session, args: &SetPolicy) -> Result<Value, Failure> {
    let keys = KeyPermissions::parse(&args.key_permissions)?;
    let policy = AccessPolicy {
        object_id: args.object_id.parse()?,
        keys,
    };
    let (vaults, token) = session.vaults_as_owner()?;
    Ok(shape::vault(&vaults.set_policy(
        &token,
        &name(&args.name)?,
        policy,
    )?))
}

fn delete_policy(session: &Session, args: &DeletePolicy) -> Result<Value, Failure> {
    let (vaults, token) = session.vaults_as_owner()?;
    let object_id = args.object_id.parse()?;
    Ok(shape::vault(&vaults.delete_policy(
        &token,
        &name(&args.name)?,
        object_id,
    )?))
}

fn audit(session: &Session, args: &AuditArgs) -> Result<Value, Failure> {
    let vault = name(&args.name)?;
    let (vaults, token) = session.vaults_as_owner()?;
    if args.verify {
        let verdict = vaults.verify_audit(&token, &vault)?;
        return match verdict.broken {
            None => Ok(json!({"intact": true, "records": verdict.intact})),
            Some(line) => {
                let message = format!("the audit log of vault {vault} is broken at record {line}");
                Err(Failure::new(Exit::Failed, "AuditLogBroken", message)
                    .hint("Compare with a backup of the vaults: somebody changed or removed records."))
            }
        };
    }
    let mut records = Vec::new();
    loop {
        let page = vaults.audit(&token, &vault, records.len() as u64, AUDIT_PAGE)?;
        let last = page.len() < AUDIT_PAGE;
        records.extend(page.iter().map(shape::audit_line));
        if last {
            return Ok(Value::Array(records));
        }
    }
}
