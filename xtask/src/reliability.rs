//! Runs the programme, unit by unit, and keeps what each counted.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use crate::ReliabilityArguments;
use crate::error::{Error, Result, at};
use crate::programme::{PROGRAMME, Unit, units};
use crate::record::{Done, Record};
use crate::report;
use crate::tally::Tally;

/// Carries out what was asked for; false if a unit failed.
pub(crate) fn run(root: &Path, arguments: &ReliabilityArguments) -> Result<bool> {
    if let Some(unknown) = arguments.only.iter().find(|row| !known(row)) {
        return Err(Error::Row(unknown.clone()));
    }
    let wanted = |row: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == row);
    let units = units(wanted, arguments.full);
    if arguments.list {
        report::list(&units);
        return Ok(true);
    }
    let folder = root.join("target/reliability");
    let path = folder.join(if arguments.full { "full.json" } else { "quick.json" });
    if arguments.publish {
        let record = Record::read(&path)?.ok_or(Error::NothingToPublish)?;
        report::publish(root, &record)?;
        return Ok(record.passed());
    }
    let mut record = begin(root, arguments, &path)?;
    work(root, &folder, (&units, &path), &mut record)?;
    println!("{}", report::table(&record));
    Ok(record.passed())
}

fn known(row: &str) -> bool {
    PROGRAMME.iter().any(|known| known.name == row)
}

/// A new record, or that of the run which is carried on.
fn begin(root: &Path, arguments: &ReliabilityArguments, path: &Path) -> Result<Record> {
    let commit = commit(root)?;
    let before = if arguments.resume {
        Record::read(path)?
    } else {
        None
    };
    match before {
        Some(record) if record.commit == commit => Ok(record),
        _ => Ok(Record {
            commit,
            full: arguments.full,
            begun: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            machine: machine(),
            ..Record::default()
        }),
    }
}

fn work(root: &Path, folder: &Path, (units, path): (&[Unit], &Path), record: &mut Record) -> Result<()> {
    let bar = ProgressBar::new(units.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos:>3} of {len:<3} {elapsed_precise}  {msg}")
    {
        bar.set_style(style);
    }
    for unit in units {
        let name = unit.name();
        bar.set_message(name.clone());
        if record.done.get(&name).is_none_or(|done| !done.passed) {
            let done = carry_out(root, folder, unit)?;
            bar.suspend(|| report::line(&name, &done));
            record.done.insert(name, done);
            record.write(path)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Runs the tests of a unit. They must pass, and count something: a filter that finds no test shows nothing.
fn carry_out(root: &Path, folder: &Path, unit: &Unit) -> Result<Done> {
    let log = folder
        .join("logs")
        .join(format!("{}.log", unit.name().replace(' ', "-")));
    let (begun, mut command) = (Instant::now(), Command::new(cargo()));
    command
        .current_dir(root)
        .args(["test", "--locked", "--all-features", "-p", unit.step.package])
        .args(["--test", unit.step.test, "--", "--nocapture", unit.step.filter])
        .envs(unit.environment())
        .stdin(Stdio::null());
    let (passed, tallies) = logged(command, &log)?;
    Ok(Done {
        row: unit.row.name.to_owned(),
        passed: passed && !tallies.is_empty() && tallies.iter().all(|tally| tally.failed == 0),
        seconds: begun.elapsed().as_secs(),
        tallies,
    })
}

/// Runs a program with its output in a file; what it counted.
fn logged(mut command: Command, log: &Path) -> Result<(bool, Vec<Tally>)> {
    if let Some(parent) = log.parent() {
        fs::create_dir_all(parent).map_err(at(parent))?;
    }
    let file = File::create(log).map_err(at(log))?;
    let both = file.try_clone().map_err(at(log))?;
    let status = command.stdout(file).stderr(both).status();
    let status = status.map_err(|source| Error::Program {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    let lines = BufReader::new(File::open(log).map_err(at(log))?).lines();
    let lines = lines.collect::<std::io::Result<Vec<_>>>().map_err(at(log))?;
    let tallies = lines.iter().filter_map(|line| Tally::read(line)).collect();
    Ok((status.success(), tallies))
}

fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

fn commit(root: &Path) -> Result<String> {
    let mut git = Command::new("git");
    git.current_dir(root)
        .args(["describe", "--always", "--dirty", "--abbrev=12"]);
    let output = git.output().map_err(|source| Error::Program {
        program: "git".to_owned(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Processors and system, for those who compare times.
fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let name = std::env::consts::OS;
    format!("{processors} processors, {name} {}", system.trim())
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::process::Command;

    use super::logged;

    #[test]
    fn a_program_is_judged_by_its_status_and_what_it_counted() {
        let directory = tempfile::tempdir().unwrap();
        let cases = [
            ("echo 'tally: R1 | sled | kills 3 | failed 0'", (true, 1)),
            (
                "echo '.tally: R1 | sled | kills 3 | failed 0' >&2; exit 1",
                (false, 1),
            ),
            ("echo nothing", (true, 0)),
        ];
        for (script, wanted) in cases {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let (passed, tallies) = logged(command, &directory.path().join("logs/one.log")).unwrap();
            assert_eq!((passed, tallies.len()), wanted, "{script}");
        }
        let missing = Command::new("no-such-program-here");
        assert!(logged(missing, &directory.path().join("log")).is_err());
    }
}
