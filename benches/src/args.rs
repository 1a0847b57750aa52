//! The command line: which rows, how large, and where.

use std::path::{Path, PathBuf};

use strongroom_bench_store::Result;

/// What to measure. Sizes follow from `scale`.
pub(crate) struct Args {
    /// Ids of the rows to run; empty means all of them.
    pub(crate) rows: Vec<String>,
    /// Measured rounds per row, after one that is thrown away.
    pub(crate) rounds: usize,
    /// How much work a round does.
    pub(crate) scale: Scale,
    /// Where the stores lie while they are measured: the disk that is measured.
    pub(crate) dir: PathBuf,
    /// The worker built without encryption, for row B6.
    pub(crate) null_worker: Option<PathBuf>,
    /// Write the result there.
    pub(crate) json: Option<PathBuf>,
    /// Measure nothing: print the result of this file as a markdown table.
    pub(crate) markdown: Option<PathBuf>,
    /// Measure nothing: draw into this directory the result of this file.
    pub(crate) plots: Option<(PathBuf, PathBuf)>,
    /// Where markdown looks for what was drawn.
    pub(crate) plots_dir: PathBuf,
}

/// How much work a round does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Tiny: shows that everything runs, measures nothing.
    Smoke,
    /// The sizes of docs/BENCHMARKS.md.
    Full,
    /// The same, and the sizes that take long: 10 GiB stored or streamed, a million blobs.
    Large,
}

const USAGE: &str = "usage: strongroom-bench [--rows B1,B2] [--rounds N] [--smoke | --large] [--dir DIR]
                        [--null-worker FILE] [--json FILE]
       strongroom-bench --markdown FILE
       strongroom-bench --plots DIR FILE";

impl Args {
    /// Reads the words after the program's name.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut args = Self {
            rows: Vec::new(),
            rounds: 5,
            scale: Scale::Full,
            dir: std::env::temp_dir(),
            null_worker: None,
            json: None,
            markdown: None,
            plots: None,
            plots_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks"),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--rows" => args.rows = value()?.split(',').map(str::to_uppercase).collect(),
                "--rounds" => args.rounds = value()?.parse()?,
                "--smoke" => (args.scale, args.rounds) = (Scale::Smoke, 1),
                "--large" => args.scale = Scale::Large,
                "--dir" => args.dir = value()?.into(),
                "--null-worker" => args.null_worker = Some(value()?.into()),
                "--json" => args.json = Some(value()?.into()),
                "--markdown" => args.markdown = Some(value()?.into()),
                "--plots" => args.plots = Some((value()?.into(), value()?.into())),
                _ => return Err(format!("unknown option {word}\n{USAGE}").into()),
            }
        }
        Ok(args)
    }

    /// `full`, or `smoke` in a smoke run.
    pub(crate) fn size<T>(&self, full: T, smoke: T) -> T {
        if self.scale == Scale::Smoke { smoke } else { full }
    }
}
