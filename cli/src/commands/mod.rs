//! One function a command: options in, library call, JSON out.

mod account;
mod account_shape;
mod acl;
mod analytics;
mod anchor;
mod backup;
mod blob;
mod blob_append;
mod blob_batch;
mod blob_copy;
mod blob_list;
mod blob_page;
mod blob_read;
mod blob_rewrite;
mod blob_state;
mod conditions;
mod container;
mod cors;
mod encryption_scope;
mod key;
mod key_crypto;
mod key_files;
mod lease;
mod maintain;
mod paging;
mod recovery_key;
mod scrub;
mod service;
mod service_shape;
mod shape;
mod stats;
mod tag;
mod tools;
mod upload;
mod vault;
mod vault_shape;
mod views;

use serde_json::{Value, json};

use crate::args::global::OutputFormat;
use crate::args::tools::{InitArgs, TourArgs};
use crate::args::{Cli, Command, StorageCommand};
use crate::output::Printer;
use crate::output::error::{Exit, Failure};
use crate::session::Session;
use crate::tour;

/// What a command has to print, and whether it failed all the same.
struct Outcome {
    value: Value,
    failure: Option<Failure>,
}

impl From<Value> for Outcome {
    fn from(value: Value) -> Self {
        Self { value, failure: None }
    }
}

/// Runs a parsed command line and prints its result.
pub(crate) fn run(cli: &Cli) -> Result<Exit, Failure> {
    let printer = Printer::new(&cli.global)?;
    let session = Session::new(&cli.global)?;
    let outcome: Outcome = match &cli.command {
        Command::Anchor(command) => anchor::run(&session, command)?.into(),
        Command::Backup(args) => backup::backup(&session, args)?.into(),
        Command::Completions(args) => return tools::completions(args).map(|()| Exit::Done),
        Command::Init(args) => init(&session, args)?.into(),
        Command::Keyvault(command) => vault::run(&session, command)?.into(),
        Command::Maintain => maintain::run(&session)?,
        Command::Man(args) => return tools::man(args).map(|()| Exit::Done),
        Command::Restore(args) => backup::restore(&session, args)?.into(),
        Command::Scrub(args) => scrub::run(&session, args)?,
        Command::Stats => stats::run(&session)?.into(),
        Command::Storage(StorageCommand::Account(command)) => account::run(&session, command)?.into(),
        Command::Storage(StorageCommand::Blob(command)) => blob::run(&session, command)?.into(),
        Command::Storage(StorageCommand::Container(command)) => container::run(&session, command)?.into(),
        Command::Storage(StorageCommand::Cors(command)) => cors::run(&session, command)?.into(),
        Command::Storage(StorageCommand::Logging(command)) => analytics::logging(&session, command)?.into(),
        Command::Storage(StorageCommand::Metrics(command)) => analytics::metrics(&session, command)?.into(),
        Command::Tour(args) => take_tour(&session, args, cli.global.output)?,
    };
    printer.print(outcome.value, views::of(&cli.command))?;
    outcome.failure.map_or(Ok(Exit::Done), Err)
}

fn init(session: &Session, args: &InitArgs) -> Result<Value, Failure> {
    let made = session.init(args.engine.into())?;
    let places = session.places();
    Ok(json!({
        "data": places.data.display().to_string(),
        "hostKey": places.host.path().display().to_string(),
        "storeCreated": made.store,
        "vaultKey": places.vault.path().display().to_string(),
        "vaults": places.vaults.display().to_string(),
        "vaultsCreated": made.vaults,
    }))
}

/// Without `--output` a tour is told as a story; with it, the result is printed like any other.
fn take_tour(session: &Session, args: &TourArgs, output: Option<OutputFormat>) -> Result<Outcome, Failure> {
    let report = tour::run(session, args, output.is_none())?;
    let failure = (!report.is_good()).then(|| {
        let message = format!("{} of {} files were verified", report.verified, report.files);
        Failure::new(Exit::Failed, "TourFailed", message)
            .hint("Run `strongroom scrub`, and report what it prints.")
    });
    let value = if output.is_none() {
        Value::Null
    } else {
        json!(report)
    };
    Ok(Outcome { value, failure })
}
