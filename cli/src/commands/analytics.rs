//! `storage logging ...` and `storage metrics ...`.

use serde_json::{Value, json};
use strongroom::{Account, BlobServiceProperties, Logging, Metrics, RetentionDays};

use super::service_shape::service;
use crate::args::analytics::{AnalyticsOf, LoggingCommand, MetricsCommand, UpdateLogging, UpdateMetrics};
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command of `storage logging`.
pub(super) fn logging(session: &Session, command: &LoggingCommand) -> Result<Value, Failure> {
    let properties = match command {
        LoggingCommand::Show(of) => account(session, of)?.blob_service_properties()?,
        LoggingCommand::Off(of) => {
            let account = account(session, of)?;
            account.change_blob_service_properties(|settings| settings.logging = Logging::default())?
        }
        LoggingCommand::Update(args) => update_logging(session, args)?,
    };
    Ok(part(&properties, &["analyticsLogging"]))
}

/// Runs one command of `storage metrics`.
pub(super) fn metrics(session: &Session, command: &MetricsCommand) -> Result<Value, Failure> {
    let properties = match command {
        MetricsCommand::Show(of) => account(session, of)?.blob_service_properties()?,
        MetricsCommand::Update(args) => update_metrics(session, args)?,
    };
    Ok(part(&properties, &["hourMetrics", "minuteMetrics"]))
}

fn update_logging(session: &Session, args: &UpdateLogging) -> Result<BlobServiceProperties, Failure> {
    if let Some(unknown) = args.log.chars().find(|letter| !"rwd".contains(*letter)) {
        let message = format!("--log: {unknown:?} is none of r, w and d");
        return Err(Failure::usage("InvalidArgumentValueError", message)
            .hint("Give (r)ead, (w)rite and (d)elete in one word, as in rw."));
    }
    let logging = Logging {
        delete: args.log.contains('d'),
        read: args.log.contains('r'),
        write: args.log.contains('w'),
        retention: retention(args.retention)?,
    };
    let account = account(session, &args.of)?;
    Ok(account.change_blob_service_properties(move |settings| settings.logging = logging)?)
}

fn update_metrics(session: &Session, args: &UpdateMetrics) -> Result<BlobServiceProperties, Failure> {
    if args.hour.is_none() && args.minute.is_none() {
        return Err(
            Failure::usage("RequiredArgumentMissingError", "there is nothing to update")
                .hint("Give --hour or --minute."),
        );
    }
    let enables = args.hour == Some(true) || args.minute == Some(true);
    if enables && args.api.is_none() {
        return Err(Failure::usage(
            "RequiredArgumentMissingError",
            "metrics that are switched on need --api",
        )
        .hint("Add --api true for figures of each operation, else --api false."));
    }
    let (retention, api) = (retention(args.retention)?, args.api.unwrap_or(false));
    let set = move |metrics: &mut Metrics, wanted: Option<bool>| {
        if let Some(enabled) = wanted {
            *metrics = Metrics {
                enabled,
                include_apis: enabled && api,
                retention,
            };
        }
    };
    let (hour, minute) = (args.hour, args.minute);
    let account = account(session, &args.of)?;
    Ok(account.change_blob_service_properties(move |settings| {
        set(&mut settings.hour_metrics, hour);
        set(&mut settings.minute_metrics, minute);
    })?)
}

fn retention(days: u16) -> Result<Option<RetentionDays>, Failure> {
    match days {
        0 => Ok(None),
        days => Ok(Some(RetentionDays::new(days)?)),
    }
}

fn account(session: &Session, of: &AnalyticsOf) -> Result<Account, Failure> {
    match of.services.as_deref() {
        None | Some("b") => session.account(&of.account.account),
        Some(other) => {
            let message = format!("--services: there is no service {other:?} here");
            Err(Failure::usage("InvalidArgumentValueError", message).hint("Give b, or leave --services out."))
        }
    }
}

/// As `az` shows it: by service.
fn part(properties: &BlobServiceProperties, names: &[&str]) -> Value {
    let all = service(properties);
    let shown = match names {
        [name] => all.get(*name).cloned().unwrap_or_default(),
        names => names
            .iter()
            .map(|name| {
                let short = name.trim_end_matches("Metrics");
                (short.to_owned(), all.get(*name).cloned().unwrap_or_default())
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
    };
    json!({"blob": shown})
}
