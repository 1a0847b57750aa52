//! What a run found: a table for the terminal, JSON to keep, markdown for docs/BENCHMARKS.md.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use strongroom_bench_store::Result;

use crate::args::{Args, Scale};
use crate::rounds::{Series, Spread};

/// One run: the machine, the versions, and every row.
#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: BTreeMap<String, String>,
    pub(crate) rounds: usize,
    /// True for a run of tiny sizes, whose figures mean nothing.
    pub(crate) smoke: bool,
    pub(crate) rows: Vec<Measured>,
}

/// One workload: every figure of every contestant, and what follows from them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) id: String,
    pub(crate) workload: String,
    pub(crate) unit: String,
    pub(crate) series: Vec<Series>,
    pub(crate) ratios: Vec<Ratio>,
}

/// One contestant divided by another, round by round.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ratio {
    pub(crate) name: String,
    pub(crate) spread: Spread,
    pub(crate) goal: Option<Goal>,
}

/// Where a ratio must lie.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Goal {
    fn met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMost(most) => format!("≤ {most}"),
        }
    }
}

impl Measured {
    /// The first contestant against each other one; `goals` by name of the other.
    pub(crate) fn new(
        id: &str,
        workload: &str,
        unit: &str,
        series: Vec<Series>,
        goals: &[(&str, Goal)],
    ) -> Self {
        let ratios = series.split_first().map_or(Vec::new(), |(ours, others)| {
            let ratio = |other: &Series| Ratio {
                name: format!("{} / {}", ours.name, other.name),
                spread: ours.ratio(other),
                goal: goals
                    .iter()
                    .find(|(name, _)| *name == other.name)
                    .map(|(_, goal)| *goal),
            };
            others.iter().map(ratio).collect()
        });
        Self {
            id: id.to_owned(),
            workload: workload.to_owned(),
            unit: unit.to_owned(),
            series,
            ratios,
        }
    }
}

impl Report {
    /// A report without rows yet.
    pub(crate) fn new(machine: BTreeMap<String, String>, args: &Args) -> Self {
        Self {
            machine,
            rounds: args.rounds,
            smoke: args.scale == Scale::Smoke,
            rows: Vec::new(),
        }
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(fs::write(path, json).map_err(|error| format!("{}: {error}", path.display()))?)
    }
}

/// For the terminal: one line per contestant, then one per ratio.
pub(crate) fn print_table(report: &Report) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for row in &report.rows {
        writeln!(out, "\n{}  {}", row.id, row.workload)?;
        for series in &row.series {
            writeln!(
                out,
                "    {:<34} {} {}",
                series.name,
                figures(&series.spread()),
                row.unit
            )?;
        }
        for ratio in &row.ratios {
            writeln!(
                out,
                "    {:<34} {}  {}",
                ratio.name,
                figures(&ratio.spread),
                verdict(report, ratio)
            )?;
        }
    }
    writeln!(
        out,
        "\n{} rounds; median (min .. max){}",
        report.rounds,
        smoke_note(report)
    )?;
    Ok(())
}

/// For docs/BENCHMARKS.md: the machine, then one table row per ratio and per contestant.
pub(crate) fn print_markdown(report: &Report) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "| Machine | |\n|---|---|")?;
    for (name, fact) in &report.machine {
        writeln!(out, "| {name} | {fact} |")?;
    }
    writeln!(out, "| rounds | {}{} |", report.rounds, smoke_note(report))?;
    writeln!(
        out,
        "\n| Row | Workload | Ratio | Median | Min .. max | Goal | |\n|---|---|---|---|---|---|---|"
    )?;
    for row in &report.rows {
        for ratio in &row.ratios {
            let (id, workload, spread) = (&row.id, &row.workload, &ratio.spread);
            let (median, min, max) = (short(spread.median), short(spread.min), short(spread.max));
            let goal = ratio.goal.map_or(String::new(), Goal::text);
            let met = ratio
                .goal
                .map_or("", |goal| if goal.met(spread.median) { "met" } else { "missed" });
            writeln!(
                out,
                "| {id} | {workload} | {} | {median} | {min} .. {max} | {goal} | {met} |",
                ratio.name
            )?;
        }
    }
    writeln!(
        out,
        "\n| Row | Workload | Contestant | Median | Min .. max | Unit |\n|---|---|---|---|---|---|"
    )?;
    for row in &report.rows {
        for series in &row.series {
            let (id, workload, unit, spread) = (&row.id, &row.workload, &row.unit, series.spread());
            let (median, min, max) = (short(spread.median), short(spread.min), short(spread.max));
            writeln!(
                out,
                "| {id} | {workload} | {} | {median} | {min} .. {max} | {unit} |",
                series.name
            )?;
        }
    }
    Ok(())
}

fn smoke_note(report: &Report) -> &'static str {
    if report.smoke {
        " (smoke run: the figures mean nothing)"
    } else {
        ""
    }
}

fn figures(spread: &Spread) -> String {
    format!(
        "{:>9} ({} .. {})",
        short(spread.median),
        short(spread.min),
        short(spread.max)
    )
}

/// Met or missed; nothing in a smoke run, whose figures mean nothing.
fn verdict(report: &Report, ratio: &Ratio) -> String {
    if report.smoke {
        return String::new();
    }
    let said = |goal: Goal| {
        if goal.met(ratio.spread.median) {
            "met"
        } else {
            "MISSED"
        }
    };
    ratio.goal.map_or(String::new(), |goal| {
        format!("goal {}: {}", goal.text(), said(goal))
    })
}

/// Three significant figures or all digits before the point, whichever is more.
fn short(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        size if size >= 0.01 => format!("{figure:.2}"),
        _ => format!("{figure:.4}"),
    }
}
