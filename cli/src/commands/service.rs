//! `storage blob service-properties` and `storage account blob-service-properties`.

use serde_json::Value;
use strongroom::{Account, BlobServiceProperties, RetentionDays, StaticWebsite};

use super::service_shape as shape;
use crate::args::service::{
    AccountServiceCommand, DeletePolicyCommand, ServiceCommand, UpdateAccountService, UpdateService,
};
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command of `storage blob service-properties`.
pub(super) fn run(session: &Session, command: &ServiceCommand) -> Result<Value, Failure> {
    match command {
        ServiceCommand::Show(id) => {
            let account = session.account(&id.account)?;
            Ok(shape::service(&account.blob_service_properties()?))
        }
        ServiceCommand::Update(args) => update(session, args),
        ServiceCommand::DeletePolicy(command) => delete_policy(session, command),
    }
}

/// Runs one command of `storage account blob-service-properties`.
pub(super) fn of_account(session: &Session, command: &AccountServiceCommand) -> Result<Value, Failure> {
    match command {
        AccountServiceCommand::Show(id) => {
            let account = session.account(&id.account_name)?;
            let properties = account.blob_service_properties()?;
            Ok(shape::of_account(&account.properties()?, &properties))
        }
        AccountServiceCommand::Update(args) => update_of_account(session, args),
    }
}

fn update(session: &Session, args: &UpdateService) -> Result<Value, Failure> {
    let kept = Retention {
        enable: ("--delete-retention", args.delete_retention),
        days: ("--delete-retention-period", args.delete_retention_period),
    }
    .parse()?;
    let website = Website {
        enabled: args.static_website,
        index: args.index_document.clone(),
        default_index: args.default_index_path.clone(),
        not_found: args.not_found_document.clone(),
    };
    let account = session.account(&args.account.account)?;
    let properties = account.change_blob_service_properties(move |settings| {
        kept.apply(&mut settings.delete_retention);
        website.apply(&mut settings.static_website);
    })?;
    Ok(shape::service(&properties))
}

fn delete_policy(session: &Session, command: &DeletePolicyCommand) -> Result<Value, Failure> {
    let properties = match command {
        DeletePolicyCommand::Show(id) => session.account(&id.account)?.blob_service_properties()?,
        DeletePolicyCommand::Update {
            account,
            enable,
            days_retained,
        } => {
            let kept = Retention {
                enable: ("--enable", *enable),
                days: ("--days-retained", *days_retained),
            }
            .parse()?;
            change(&session.account(&account.account)?, kept)?
        }
    };
    Ok(shape::retention(properties.delete_retention))
}

fn change(account: &Account, kept: Change) -> Result<BlobServiceProperties, Failure> {
    Ok(account.change_blob_service_properties(move |settings| {
        kept.apply(&mut settings.delete_retention);
    })?)
}

fn update_of_account(session: &Session, args: &UpdateAccountService) -> Result<Value, Failure> {
    let blobs = Retention {
        enable: ("--enable-delete-retention", args.enable_delete_retention),
        days: ("--delete-retention-days", args.delete_retention_days),
    }
    .parse()?;
    let containers = Retention {
        enable: (
            "--enable-container-delete-retention",
            args.enable_container_delete_retention,
        ),
        days: (
            "--container-delete-retention-days",
            args.container_delete_retention_days,
        ),
    }
    .parse()?;
    let (versioning, permanent) = (args.enable_versioning, args.allow_permanent_delete);
    let version = args.default_service_version.clone();
    let account = session.account(&args.account.account_name)?;
    let properties = account.change_blob_service_properties(move |settings| {
        blobs.apply(&mut settings.delete_retention);
        containers.apply(&mut settings.container_delete_retention);
        settings.versioning = versioning.unwrap_or(settings.versioning);
        settings.allow_permanent_delete = permanent.unwrap_or(settings.allow_permanent_delete);
        if version.is_some() {
            settings.default_service_version.clone_from(&version);
        }
    })?;
    Ok(shape::of_account(&account.properties()?, &properties))
}

/// What becomes of the website.
struct Website {
    enabled: Option<bool>,
    index: Option<String>,
    default_index: Option<String>,
    not_found: Option<String>,
}

impl Website {
    /// One kind of index takes the place of the other.
    fn apply(&self, site: &mut StaticWebsite) {
        site.enabled = self.enabled.unwrap_or(site.enabled);
        if self.index.is_some() || self.default_index.is_some() {
            site.index_document.clone_from(&self.index);
            site.default_index_document_path.clone_from(&self.default_index);
        }
        if self.not_found.is_some() {
            site.error_document_404_path.clone_from(&self.not_found);
        }
    }
}

/// The two options of a retention, by their names.
struct Retention {
    enable: (&'static str, Option<bool>),
    days: (&'static str, Option<u16>),
}

/// What becomes of a retention.
#[derive(Clone, Copy)]
enum Change {
    /// It stays.
    Keep,
    /// It is this.
    Set(Option<RetentionDays>),
}

impl Retention {
    /// As in `az`: days go with switching on, and switching on with days.
    fn parse(self) -> Result<Change, Failure> {
        let ((enable, enabled), (days, number)) = (self.enable, self.days);
        match (enabled, number) {
            (None, None) => Ok(Change::Keep),
            (Some(false), None) => Ok(Change::Set(None)),
            (Some(true), Some(number)) => Ok(Change::Set(Some(RetentionDays::new(number)?))),
            (Some(true), None) => {
                let message = format!("{enable} true needs {days}");
                Err(Failure::usage("RequiredArgumentMissingError", message).hint(format!("Add {days} 7.")))
            }
            (Some(false) | None, Some(_)) => {
                let message = format!("{days} needs {enable} true");
                let hint = format!("Add {enable} true, or leave {days} out.");
                Err(Failure::usage("RequiredArgumentMissingError", message).hint(hint))
            }
        }
    }
}

impl Change {
    fn apply(self, setting: &mut Option<RetentionDays>) {
        if let Self::Set(new) = self {
            *setting = new;
        }
    }
}
