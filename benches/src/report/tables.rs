//! A report as tables: for the terminal, and in markdown for docs/BENCHMARKS.md.

use std::io::Write as _;
use std::path::Path;

use strongroom_bench_store::Result;

use super::{Goal, Report, plots};
use crate::rounds::Spread;

/// For the terminal: one line per contestant, then one per ratio.
pub(crate) fn print_table(report: &Report) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for row in &report.rows {
        writeln!(out, "\n{}  {}", row.id, row.title())?;
        for series in &row.series {
            let spread = series.spread();
            writeln!(
                out,
                "    {:<34} {} {}  {}",
                series.label(),
                figures(&spread),
                row.unit,
                verdict(report, &spread, (series.goal, None))
            )?;
        }
        for ratio in &row.ratios {
            writeln!(
                out,
                "    {:<34} {}  {}",
                ratio.name,
                figures(&ratio.spread),
                verdict(report, &ratio.spread, (ratio.goal, ratio.target))
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

/// For docs/BENCHMARKS.md: the machine, the plots that are in `plots`, then one table row per ratio and per
/// contestant.
pub(crate) fn print_markdown(report: &Report, plots: &Path) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "| Machine | |\n|---|---|")?;
    for (name, fact) in &report.machine {
        writeln!(out, "| {name} | {fact} |")?;
    }
    writeln!(out, "| rounds | {}{} |\n", report.rounds, smoke_note(report))?;
    for id in report.ids() {
        let file = plots::file_name(id);
        if plots.join(&file).exists() {
            writeln!(out, "![{id}: ratios, goals and growth](benchmarks/{file})")?;
        }
    }
    writeln!(
        out,
        "\n| Row | Workload | Ratio | Median | Min .. max | Goal | |\n|---|---|---|---|---|---|---|"
    )?;
    for row in &report.rows {
        for ratio in &row.ratios {
            let wanted = wanted(&ratio.spread, (ratio.goal, ratio.target));
            let (name, spread) = (&ratio.name, columns(&ratio.spread));
            writeln!(
                out,
                "| {} | {} | {name} | {spread} | {wanted} |",
                row.id,
                row.title()
            )?;
        }
    }
    writeln!(
        out,
        "\n| Row | Workload | Contestant | Median | Min .. max | Unit | Goal | |\n|---|---|---|---|---|---|---|---|"
    )?;
    for row in &report.rows {
        for series in &row.series {
            let (id, workload, unit, spread) = (&row.id, row.title(), &row.unit, series.spread());
            let (label, wanted) = (series.label(), wanted(&spread, (series.goal, None)));
            let spread = columns(&spread);
            writeln!(
                out,
                "| {id} | {workload} | {label} | {spread} | {unit} | {wanted} |"
            )?;
        }
    }
    Ok(())
}

/// Median, and least to greatest, as two columns.
fn columns(spread: &Spread) -> String {
    let (median, min, max) = (short(spread.median), short(spread.min), short(spread.max));
    format!("{median} | {min} .. {max}")
}

/// Goal and verdict, as two columns.
fn wanted(spread: &Spread, (goal, target): (Option<Goal>, Option<Goal>)) -> String {
    let Some(goal) = goal else {
        return " | ".to_owned();
    };
    let met = if goal.met(spread.median) { "met" } else { "missed" };
    match target {
        None => format!("{} | {met}", goal.text()),
        Some(target) => {
            let reached = if target.met(spread.median) {
                "reached"
            } else {
                "not yet"
            };
            format!("{}, target {} | {met}, {reached}", goal.text(), target.text())
        }
    }
}

/// Met or missed; nothing in a smoke run, whose figures mean nothing.
fn verdict(report: &Report, spread: &Spread, (goal, target): (Option<Goal>, Option<Goal>)) -> String {
    let Some(goal) = goal.filter(|_| !report.smoke) else {
        return String::new();
    };
    let met = if goal.met(spread.median) { "met" } else { "MISSED" };
    let beyond = target.map_or(String::new(), |target| {
        let reached = if target.met(spread.median) {
            "reached"
        } else {
            "not yet"
        };
        format!("; target {}: {reached}", target.text())
    });
    format!("goal {}: {met}{beyond}", goal.text())
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

/// Three significant figures or all digits before the point, whichever is more.
pub(super) fn short(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        size if size >= 0.01 => format!("{figure:.2}"),
        _ => format!("{figure:.4}"),
    }
}
