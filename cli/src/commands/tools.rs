//! `completions` and `man`: made from the grammar itself.

use std::{fs, io};

use clap::CommandFactory;

use crate::args::Cli;
use crate::args::tools::{CompletionsArgs, ManArgs};
use crate::output::error::Failure;
use crate::output::write_out;

/// Prints the completion script of a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "strongroom", &mut script);
    write_out(&String::from_utf8_lossy(&script))
}

/// Writes one manual page a command: `strongroom.1`, `strongroom-keyvault-create.1`, ...
pub(super) fn man(args: &ManArgs) -> Result<(), Failure> {
    fs::create_dir_all(&args.dir).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::no_directory(&args.dir),
        _ => Failure::file(&args.dir, &error),
    })?;
    clap_mangen::generate_to(Cli::command(), &args.dir).map_err(|error| Failure::file(&args.dir, &error))
}
