//! The other end of worker processes: `strongroom-bench-worker`, and this program as its own worker.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use strongroom_bench_store::{Figure, Load, Result};

/// A running worker. Ends when it is dropped: its input does.
pub(crate) struct Worker {
    process: Child,
    rounds: Option<ChildStdin>,
    figures: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts the program at `path` on a directory inside `dir`, with large bodies where `place` says.
    pub(crate) fn start(path: &Path, dir: &Path, (place, load): (&str, Load)) -> Result<Self> {
        let mut process = Command::new(path)
            .arg(dir)
            .arg(place)
            .arg(load.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let rounds = process.stdin.take();
        let figures = BufReader::new(process.stdout.take().ok_or("the worker has no output")?);
        Ok(Self {
            process,
            rounds,
            figures,
        })
    }

    /// Has it do one round, and returns its figure.
    pub(crate) fn round(&mut self, round: usize) -> Result<f64> {
        let rounds = self.rounds.as_mut().ok_or("the worker has no input")?;
        writeln!(rounds, "{round}")?;
        rounds.flush()?;
        let mut figure = String::new();
        self.figures.read_line(&mut figure)?;
        Ok(figure.trim().parse().map_err(|_| "the worker gave no figure")?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.rounds.take());
        let _ = self.process.wait();
    }
}

/// What a task found, by name.
pub(crate) struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    /// The values of a figure.
    pub(crate) fn of(&self, name: &str) -> Result<Vec<f64>> {
        let values = self.0.get(name).cloned();
        values.ok_or_else(|| format!("the worker gave no figure {name}").into())
    }
}

/// Has another process of this program do a task, alone: see `strongroom_bench_store::task`.
pub(crate) fn task(words: &[&str]) -> Result<Figures> {
    let done = Command::new(std::env::current_exe()?)
        .arg(TASK)
        .args(words)
        .stderr(Stdio::inherit())
        .output()?;
    if !done.status.success() {
        return Err(format!("the task {} failed", words.join(" ")).into());
    }
    let text = String::from_utf8(done.stdout)?;
    let mut figures = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let name = words.next().ok_or("the worker gave an empty line")?;
        let values: std::result::Result<_, _> = words.map(str::parse).collect();
        figures.insert(name.to_owned(), values?);
    }
    Ok(Figures(figures))
}

/// The other side of [`task`]: one line per figure.
pub(crate) fn print(figures: &[Figure]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for figure in figures {
        let values: Vec<_> = figure.values.iter().map(f64::to_string).collect();
        writeln!(out, "{} {}", figure.name, values.join(" "))?;
    }
    Ok(())
}

/// The first word of this program's arguments when it is a worker.
pub(crate) const TASK: &str = "task";
