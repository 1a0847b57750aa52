//! `backup` and `restore`: the store of one moment into a directory, and a store out of it again.

use serde_json::{Map, Value, json};
use strongroom::{BackupOptions, BackupReport, RestoreOptions};

use super::shape::time;
use crate::args::backup::{BackupArgs, RestoreArgs};
use crate::output::error::Failure;
use crate::session::Session;

/// Runs `backup`.
pub(super) fn backup(session: &Session, args: &BackupArgs) -> Result<Value, Failure> {
    let store = session.store()?;
    let bar = session.progress().bytes("backup", 0);
    let made = store.backup(&args.to, &BackupOptions::default(), |so_far| {
        bar.set_length(so_far.bytes);
        bar.set_position(so_far.bytes);
    })?;
    bar.finish_and_clear();
    Ok(shown(&made, "backup", &args.to.display().to_string()))
}

/// Runs `restore`.
pub(super) fn restore(session: &Session, args: &RestoreArgs) -> Result<Value, Failure> {
    let bar = session.progress().bytes("restore", 0);
    let mut options = RestoreOptions::default();
    options.engine = args.engine.map(Into::into);
    options.placement = args.placement.map(Into::into);
    let restored = session.restore(&args.from, &options, |so_far| {
        // Every byte is read twice: to be checked, then to be restored.
        bar.set_length(2 * so_far.bytes);
        bar.set_position(so_far.checked + so_far.restored);
    })?;
    bar.finish_and_clear();
    let data = session.places().data.display().to_string();
    Ok(shown(&restored, "data", &data))
}

fn shown(report: &BackupReport, place: &str, directory: &str) -> Value {
    let mut shown = Map::new();
    shown.insert("accounts".into(), json!(report.accounts));
    shown.insert("bytes".into(), json!(report.bytes));
    shown.insert("chunks".into(), json!(report.chunks));
    shown.insert("files".into(), json!(report.files));
    shown.insert("records".into(), json!(report.records));
    shown.insert("taken".into(), json!(time(report.taken)));
    shown.insert(place.into(), json!(directory));
    Value::Object(shown)
}
