//! The other end of a worker process: see `strongroom-bench-worker`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use strongroom_bench_store::{Load, Result};

/// A running worker. Ends when it is dropped: its input does.
pub(crate) struct Worker {
    process: Child,
    rounds: Option<ChildStdin>,
    figures: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts the program at `path` on a directory inside `dir`.
    pub(crate) fn start(path: &Path, dir: &Path, load: Load) -> Result<Self> {
        let mut process = Command::new(path)
            .arg(dir)
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
