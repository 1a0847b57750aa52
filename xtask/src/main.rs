//! `cargo xtask`: the long jobs of this repository.
#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

mod error;
mod programme;
mod record;
mod reliability;
mod report;
mod tally;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Long jobs of this repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Runs the reliability programme and counts what it tried.
    Reliability(ReliabilityArguments),
}

/// What of the programme is run, and what is done with the counts.
#[derive(clap::Args)]
struct ReliabilityArguments {
    /// Hours instead of minutes: the numbers of docs/RELIABILITY.md.
    #[arg(long)]
    full: bool,
    /// Only these rows, as R1,R4.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Carries on where a run of the same commit and size stopped.
    #[arg(long)]
    resume: bool,
    /// Prints the programme and ends.
    #[arg(long)]
    list: bool,
    /// Writes the table of the last run into docs/RELIABILITY.md, and its record beside it.
    #[arg(long)]
    publish: bool,
}

fn main() -> ExitCode {
    let Job::Reliability(arguments) = Arguments::parse().job;
    match reliability::run(&root(), &arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("cargo xtask: {error}");
            ExitCode::from(2)
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}
