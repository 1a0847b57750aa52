//! `backup` and `restore`, of the store and of the vaults: one moment into a directory, and out of it again.

use std::path::Path;

use indicatif::ProgressBar;
use serde_json::{Map, Value, json};
use strongroom::{BackupOptions, BackupReport, RestoreOptions, RestoreProgress};

use super::shape::time;
use crate::args::backup::{BackupArgs, RestoreArgs};
use crate::output::error::Failure;
use crate::session::Session;

/// Runs `backup`.
pub(super) fn backup(session: &Session, args: &BackupArgs) -> Result<Value, Failure> {
    let bar = session.progress().bytes("backup", 0);
    let made = session
        .store()?
        .backup(&args.to, &BackupOptions::default(), |so_far| {
            written(&bar, so_far);
        })?;
    bar.finish_and_clear();
    Ok(shown(&made, "accountCount", ("backup", &args.to)))
}

/// Runs `keyvault backup`.
pub(super) fn vaults(session: &Session, args: &BackupArgs) -> Result<Value, Failure> {
    let bar = session.progress().bytes("backup", 0);
    let made = session.backup_vaults(&args.to, |so_far| {
        written(&bar, so_far);
    })?;
    bar.finish_and_clear();
    Ok(shown(&made, "vaultCount", ("backup", &args.to)))
}

/// Runs `restore`.
pub(super) fn restore(session: &Session, args: &RestoreArgs) -> Result<Value, Failure> {
    let bar = session.progress().bytes("restore", 0);
    let mut options = RestoreOptions::default();
    options.engine = args.engine.map(Into::into);
    options.placement = args.placement.map(Into::into);
    let restored = session.restore(&args.from, &options, |so_far| {
        read(&bar, so_far);
    })?;
    bar.finish_and_clear();
    Ok(shown(&restored, "accountCount", ("data", &session.places().data)))
}

/// Runs `keyvault restore`.
pub(super) fn restore_vaults(session: &Session, from: &Path) -> Result<Value, Failure> {
    let bar = session.progress().bytes("restore", 0);
    let restored = session.restore_vaults(from, |so_far| {
        read(&bar, so_far);
    })?;
    bar.finish_and_clear();
    Ok(shown(
        &restored,
        "vaultCount",
        ("vaults", &session.places().vaults),
    ))
}

fn written(bar: &ProgressBar, so_far: &BackupReport) {
    bar.set_length(so_far.bytes);
    bar.set_position(so_far.bytes);
}

/// Every byte is read twice: to be checked, then to be restored.
fn read(bar: &ProgressBar, so_far: RestoreProgress) {
    bar.set_length(2 * so_far.bytes);
    bar.set_position(so_far.checked + so_far.restored);
}

fn shown(report: &BackupReport, things: &str, (place, directory): (&str, &Path)) -> Value {
    let mut shown = Map::new();
    shown.insert("bytes".into(), json!(report.bytes));
    shown.insert("chunks".into(), json!(report.chunks));
    shown.insert("files".into(), json!(report.files));
    shown.insert("records".into(), json!(report.records));
    shown.insert("taken".into(), json!(time(report.taken)));
    shown.insert(things.into(), json!(report.accounts));
    shown.insert(place.into(), json!(directory.display().to_string()));
    Value::Object(shown)
}
