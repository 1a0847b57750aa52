//! One function a command: options in, library call, JSON out.

mod account;
mod account_shape;
mod blob;
mod blob_batch;
mod container;
mod key;
mod key_crypto;
mod key_files;
mod paging;
mod shape;
mod tools;
mod vault;
mod vault_shape;

use serde_json::Value;

use crate::args::{Cli, Command, StorageCommand};
use crate::output::Printer;
use crate::output::error::{Exit, Failure};
use crate::session::Session;

/// Runs a parsed command line and prints its result.
pub(crate) fn run(cli: Cli) -> Result<Exit, Failure> {
    let printer = Printer::new(&cli.global)?;
    let session = Session::new(&cli.global)?;
    let value: Value = match &cli.command {
        Command::Completions(args) => return tools::completions(args).map(|()| Exit::Done),
        Command::Man(args) => return tools::man(args).map(|()| Exit::Done),
        Command::Init => {
            session.init()?;
            Value::Null
        }
        Command::Keyvault(command) => vault::run(&session, command)?,
        Command::Storage(StorageCommand::Account(command)) => account::run(&session, command)?,
        Command::Storage(StorageCommand::Container(command)) => container::run(&session, command)?,
        Command::Storage(StorageCommand::Blob(command)) => blob::run(&session, command)?,
        _ => return Err(Failure::new(Exit::Failed, "NotBound", "no library yet")),
    };
    printer.print(value).map(|()| Exit::Done)
}
