//! One function a command: options in, library call, JSON out.

mod tools;

use crate::args::{Cli, Command};
use crate::output::Printer;
use crate::output::error::{Exit, Failure};

/// Runs a parsed command line and prints its result.
pub(crate) fn run(cli: Cli) -> Result<Exit, Failure> {
    let printer = Printer::new(&cli.global)?;
    let _ = &printer;
    match cli.command {
        Command::Completions(args) => tools::completions(&args).map(|()| Exit::Done),
        Command::Man(args) => tools::man(&args).map(|()| Exit::Done),
        _ => Err(Failure::new(Exit::Failed, "NotBound", "no library yet")),
    }
}
