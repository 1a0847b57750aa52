//! Our store in a process of its own: a round's number comes in on a line, its figure goes out on one.
//!
//! Row B6 compares two builds of the same library, with and without encryption. Each is such a process, and
//! the harness asks them in turns. Arguments: a directory, where bodies lie, and a workload as text.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use strongroom_bench_store::{Keys, Layout, Load, Ours, Result};

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let [dir, place, load] = args else {
        return Err("usage: strongroom-bench-worker DIR engine|files|fjall WORKLOAD".into());
    };
    let (load, dir) = (load.parse::<Load>()?, tempfile::tempdir_in(Path::new(dir))?);
    let store = Ours::create(dir.path(), "worker", (Keys::Platform, place.parse::<Layout>()?))?;
    load.prepare(&store)?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", load.round(&store, line?.trim().parse()?)?)?;
        out.flush()?;
    }
    Ok(())
}
