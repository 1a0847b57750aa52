//! The `strongroom` command line: arguments in, one library call, text, JSON and progress out.
//!
//! It holds no logic of its own and speaks the grammar of `az`.

mod args;
mod commands;
mod files;
mod output;
mod progress;
mod session;
mod tour;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tracing_subscriber::EnvFilter;

use args::{Cli, GlobalArgs};
use output::error::{Exit, Failure};

fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
        .unwrap_or_else(|failure| report(&failure))
        .into()
}

fn run(arguments: &[OsString]) -> Result<Exit, Failure> {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // `--help` and `--version` arrive as errors that belong on standard output.
        Err(asked) if !asked.use_stderr() => {
            return output::written(asked.print()).map(|()| Exit::Done);
        }
        Err(wrong) => return Err(Failure::from_clap(&wrong, &command_words(arguments))),
    };
    start_log(&cli.global);
    commands::run(&cli)
}

/// The words of the command that were understood, such as `strongroom keyvault key create`.
fn command_words(arguments: &[OsString]) -> String {
    let mut command = &Cli::command();
    let mut words = vec![command.get_name().to_owned()];
    for argument in arguments.iter().skip(1).filter_map(|argument| argument.to_str()) {
        if let Some(inner) = command.find_subcommand(argument) {
            words.push(argument.to_owned());
            command = inner;
        }
    }
    words.join(" ")
}

fn report(failure: &Failure) -> Exit {
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().write_all(failure.lines().as_bytes());
    failure.exit()
}

fn start_log(global: &GlobalArgs) {
    if global.verbose {
        let filter =
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("strongroom=debug,info"));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .init();
    }
}
