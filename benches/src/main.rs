//! Strongroom beside its limits and its peers, in interleaved rounds.
//!
//! Every figure is a ratio inside one run on one machine. The rows are those of docs/BENCHMARKS.md.
//!
//! ```sh
//! cargo run --release -- --rows B1,B3 --json last-run.json
//! cargo run --release -- --plots docs/benchmarks last-run.json
//! cargo run --release -- --markdown last-run.json
//! ```

mod args;
mod machine;
mod peers;
mod report;
mod rounds;
mod rows;
mod worker;

use std::process::ExitCode;

use strongroom_bench_store::Result;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [worker::TASK, task @ ..] = &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return worker::print(&strongroom_bench_store::task(task)?);
    }
    let args = args::Args::parse(words.into_iter())?;
    if let Some((dir, path)) = &args.plots {
        return report::draw(&report::Report::read(path)?, dir);
    }
    if let Some(path) = &args.markdown {
        return report::print_markdown(&report::Report::read(path)?, &args.plots_dir);
    }
    let mut report = report::Report::new(machine::describe(&args.dir), &args);
    for row in rows::selected(&args) {
        eprintln!("{} ...", row.id);
        report
            .rows
            .extend((row.run)(&args).map_err(|error| format!("{}: {error}", row.id))?);
    }
    report::print_table(&report)?;
    args.json.as_ref().map_or(Ok(()), |path| report.write(path))
}
